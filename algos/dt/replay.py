"""The newest steps of all worlds, and stretches of their whole episodes, inside the program.

Axes: C control steps that are kept of B worlds, K control steps of a window.
"""

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from algos.dt.windows import Windows
from envs.types import EnvSpec


@struct.dataclass
class Steps:
    """Control steps of B worlds, one row after the other."""

    obs: Array  # (..., B, O) acted on
    goal: Array  # (..., B, G), G may be zero
    action: Array  # (..., B, A) in [-1, 1]
    reward: Array  # (..., B)
    terminated: Array  # (..., B) bool
    truncated: Array  # (..., B) bool, never together with terminated
    time: Array  # (..., B) int32: control steps since the episode began


@struct.dataclass
class Replay:
    """A ring: the newest row takes the place of the oldest one."""

    steps: Steps  # (C, B, ...)
    num_rows: Array  # () int32, taken in since the beginning

    @classmethod
    def init(cls, spec: EnvSpec, num_rows: int, num_envs: int) -> "Replay":
        """Room for so many rows, all empty."""
        shape, number = (num_rows, num_envs), jnp.result_type(float)
        steps = Steps(
            obs=jnp.zeros((*shape, spec.obs_size), number),
            goal=jnp.zeros((*shape, spec.goal_size), number),
            action=jnp.zeros((*shape, spec.action_size), number),
            reward=jnp.zeros(shape, number),
            terminated=jnp.zeros(shape, bool),
            truncated=jnp.zeros(shape, bool),
            time=jnp.zeros(shape, jnp.int32),
        )
        return cls(steps, jnp.zeros((), jnp.int32))

    def add(self, steps: Steps) -> "Replay":
        """With T more rows (T, B, ...), T at most C."""
        num_new = len(steps.reward)
        place = (self.num_rows + jnp.arange(num_new)) % self._num_kept
        kept = jax.tree.map(lambda ring, rows: ring.at[place].set(rows), self.steps, steps)
        return Replay(kept, self.num_rows + num_new)

    def relabelled(self) -> "Relabelled":
        """What can be said of each row now, from the oldest to the newest."""
        place = self.place(jnp.arange(self._num_kept))
        reward, time = self.steps.reward[place], self.steps.time[place]
        ends = (self.steps.terminated | self.steps.truncated)[place]
        return_to_go, has_ended = returns_to_go(reward, ends)
        num_empty = self._num_kept - jnp.minimum(self.num_rows, self._num_kept)
        begins = jnp.arange(self._num_kept)[:, None] - time  # the row of its episode's first step
        return Relabelled(return_to_go, has_ended & (begins >= num_empty), ends, time)

    def place(self, row: Array) -> Array:
        """Where rows (...), counted from the oldest, lie in the ring."""
        return (self.num_rows + row) % self._num_kept

    def windows(self, relabelled: "Relabelled", place: Array, context_length: int) -> Windows:
        """Windows (..., K) by their places (...), which `Relabelled.num_windows` counts."""
        over = context_length - 1
        num = relabelled.num_windows(context_length).reshape(-1)
        num_until = jnp.cumsum(num)
        step = jnp.searchsorted(num_until, place, side="right")
        cut = place - (num_until - num)[step]  # steps that the window is shorter, at an episode's end
        row, world = jnp.divmod(step, relabelled.time.shape[1])
        time = relabelled.time[row, world][..., None] + jnp.arange(-over, 1)
        rows, world = jnp.maximum(row[..., None] + jnp.arange(-over, 1), 0), world[..., None]
        at = (self.place(rows), world)
        return Windows(
            return_to_go=relabelled.return_to_go[rows, world],
            obs=self.steps.obs[at],
            goal=self.steps.goal[at],
            action=self.steps.action[at],
            time=jnp.maximum(time, 0),
            valid=time >= jnp.maximum(time[..., :1] + cut[..., None], 0),
        )

    @property
    def _num_kept(self) -> int:
        return len(self.steps.reward)


@struct.dataclass
class Relabelled:
    """What each row (C, B) of a ring turned out to be, counted from the oldest one."""

    return_to_go: Array  # rewards from this step to its episode's end, or to the newest row
    is_whole: Array  # bool: the episode has ended, and its first step is still there
    ends: Array  # bool: at an episode's last step
    time: Array  # int32: control steps since the episode began

    def num_windows(self, context_length: int) -> Array:
        """How many windows have this step as their last one, int32; of an episode of T steps there are T + K - 1.

        As in a dataset, they overlap it in every way, so that each of its steps is in K of them: those that would reach
        over its end are shorter instead.
        """
        return jnp.where(self.is_whole, 1 + (context_length - 1) * self.ends, 0)

    @property
    def best_return(self) -> Array:
        """() of whole episodes; minus infinity where there is none."""
        return jnp.where(self.is_whole & (self.time == 0), self.return_to_go, -jnp.inf).max()


def returns_to_go(reward_TB: Array, ends_TB: Array) -> tuple[Array, Array]:
    """The rewards that followed in the same episode, the step's own included, and whether its end was seen.

    Args:
      reward_TB: shape (T, B).
      ends_TB: shape (T, B) bool, true at the last step of each episode.
    """

    def joined(later: tuple[Array, Array], earlier: tuple[Array, Array]) -> tuple[Array, Array]:
        """Two stretches as one: rewards until the first end within, and whether there is one."""
        return earlier[0] + jnp.where(earlier[1], 0, later[0]), earlier[1] | later[1]

    return jax.lax.associative_scan(joined, (reward_TB, ends_TB), reverse=True)
