"""A replay buffer of all worlds' newest steps, from which compiled programs draw windows of whole episodes.

Axes: C newest control steps of each of B worlds, which the buffer keeps, and K control steps of a window.
"""

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from algos.dt.windows import Windows
from envs.types import EnvSpec


@struct.dataclass
class Steps:
    """Control steps of B worlds; each row holds one step of every world.

    A step is an observation, goal, action and reward, whether it ended the episode, and its number in the episode.
    """

    obs: Array  # (..., B, O) that the policy acted on
    goal: Array  # (..., B, G), G may be zero
    action: Array  # (..., B, A) in [-1, 1]
    reward: Array  # (..., B)
    terminated: Array  # (..., B) bool
    truncated: Array  # (..., B) bool, never together with terminated
    time: Array  # (..., B) int32: control steps since the episode began


@struct.dataclass
class Replay:
    """A ring buffer of the C newest control steps of B worlds, and the number of rows that were ever added.

    A row holds one control step of every world. When the buffer is full, a new row replaces the oldest one.
    """

    steps: Steps  # (C, B, ...)
    num_rows: Array  # () int32, number of rows added since the beginning

    @classmethod
    def init(cls, spec: EnvSpec, num_rows: int, num_envs: int) -> "Replay":
        """Return an empty replay with room for `num_rows` control steps of each of `num_envs` worlds."""
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
        """Return the replay after adding T more control steps (T, B, ...) of its B worlds.

        When the replay is full, they replace the oldest ones. T is at most C, the number of steps per world that fit.
        """
        num_new = len(steps.reward)
        place = (self.num_rows + jnp.arange(num_new)) % self._num_kept
        kept = jax.tree.map(lambda ring, rows: ring.at[place].set(rows), self.steps, steps)
        return Replay(kept, self.num_rows + num_new)

    def relabelled(self) -> "Relabelled":
        """Return each step's return-to-go, and whether the step's whole episode is in the replay.

        The arrays have the shape (C, B) for C steps of each of B worlds, the oldest step first.
        """
        place = self.place(jnp.arange(self._num_kept))
        reward, time = self.steps.reward[place], self.steps.time[place]
        ends = (self.steps.terminated | self.steps.truncated)[place]
        return_to_go, has_ended = returns_to_go(reward, ends)
        num_empty = self._num_kept - jnp.minimum(self.num_rows, self._num_kept)
        begins = jnp.arange(self._num_kept)[:, None] - time  # row of the first step of its episode
        return Relabelled(return_to_go, has_ended & (begins >= num_empty), ends, time)

    def place(self, row: Array) -> Array:
        """Turn rows (...), counted from the oldest one, into their indices in the arrays of the ring buffer.

        A row holds one control step of every world.
        """
        return (self.num_rows + row) % self._num_kept

    def windows(self, relabelled: "Relabelled", place: Array, context_length: int) -> Windows:
        """Return some of the replay's windows, which are up to K consecutive control steps of an episode: (..., K).

        Args:
          relabelled: result of the method `relabelled`.
          place: numbers (...) of the windows to return. All windows are numbered from 0 in the order of the steps that
            they end with: the oldest step of the first world, that of the second world, and so on, then the next step
            of the first world. `Relabelled.num_windows` tells how many windows end with each step.
          context_length: K.
        """
        over = context_length - 1
        num = relabelled.num_windows(context_length).reshape(-1)
        num_until = jnp.cumsum(num)
        step = jnp.searchsorted(num_until, place, side="right")
        cut = place - (num_until - num)[step]  # number of steps by which a window at an episode's end is shorter
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
    """What is known in hindsight about C control steps of each of B worlds in a replay buffer, the oldest step first.

    Arrays (C, B) tell each step's return-to-go, whether its whole episode is in the buffer, whether it is the
    episode's last step, and its number in the episode.
    """

    return_to_go: Array  # rewards from this step to its episode's end, or to the newest row
    is_whole: Array  # bool: the episode has ended, and its first step is still in the replay
    ends: Array  # bool: this is an episode's last step
    time: Array  # int32: control steps since the episode began

    def num_windows(self, context_length: int) -> Array:
        """Return how many windows of K = `context_length` consecutive steps end with each step, int32 (C, B).

        There are C steps of each of B worlds. A window may reach over the beginning or the end of its episode. So each
        step is in K windows, and an episode of T steps has T + K - 1 of them. A window that reaches over the end is
        shortened and ends with the last step. Episodes that are not wholly in the replay have no windows.
        """
        return jnp.where(self.is_whole, 1 + (context_length - 1) * self.ends, 0)

    @property
    def best_return(self) -> Array:
        """The best return () of the whole episodes; minus infinity if there are none."""
        return jnp.where(self.is_whole & (self.time == 0), self.return_to_go, -jnp.inf).max()


def returns_to_go(reward_TB: Array, ends_TB: Array) -> tuple[Array, Array]:
    """Return each step's return-to-go, its own reward included, and whether its episode's end is among the steps.

    Args:
      reward_TB: shape (T, B).
      ends_TB: shape (T, B) bool, true at the last step of each episode.
    """

    def joined(later: tuple[Array, Array], earlier: tuple[Array, Array]) -> tuple[Array, Array]:
        """Combine what is known about two adjacent stretches of time, for an associative scan.

        Of each stretch, and of both together in the result, it is known how much reward there is up to the first end of
        an episode (or in all, if none ends), and whether an episode ends.
        """
        return earlier[0] + jnp.where(earlier[1], 0, later[0]), earlier[1] | later[1]

    return jax.lax.associative_scan(joined, (reward_TB, ends_TB), reverse=True)
