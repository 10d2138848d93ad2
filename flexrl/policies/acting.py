"""A trained policy that acts on NumPy arrays, one observation at a time or in batches. It needs no environment."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import ArrayLike, NDArray

from algos.common.types import Policy
from envs.registry import env_type
from envs.tasks.humanoid_skills.goals import nominal_goal
from envs.types import EnvSpec, Observation
from flexrl.common.errors import ConfigError
from flexrl.config.run_config import RunConfig
from flexrl.policies.playback import Playback

if TYPE_CHECKING:
    import gymnasium

Goal = ArrayLike | str | Sequence[str]
Memory = Any  # a pytree of arrays (B, ...), as of `Policy.init_carry`


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What the policy sees in B worlds: observations (B, O) and goals (B, G), as NumPy arrays.

    It also says whether the caller gave a batch of observations, rather than one for a single world.
    """

    obs: NDArray[np.float32]  # (B, O)
    goal: NDArray[np.float32]  # (B, G)
    is_batch: bool


class LoadedPolicy:
    """A policy of a run or of an exported folder: `action = policy(observation, goal="walk-forward")`.

    Observations have the shape (O,) or, for B worlds, (B, O). They may have the goal appended, (O + G,), as those of
    `flexrl.make`; or be a dictionary of `observation` and `desired_goal`. Actions are in [-1, 1].

    Attributes:
      folder: folder of the run or of the exported policy.
      config: config of the run.
      step: iteration of the checkpoint.
      spec: sizes O (`obs_size`), G (`goal_size`) and A (`action_size`), and s of a control step (`control_period`).
    """

    def __init__(self, playback: Playback, seed: int = 0) -> None:
        """Take the policy of `playback`, with an empty memory. `seed` is the random seed of sampled actions."""
        self.folder: Path = playback.folder
        self.config: RunConfig = playback.config
        self.step: int = playback.step
        self.spec: EnvSpec = playback.env.spec
        self._policy = playback.policy
        self._seeds = np.random.default_rng(seed)
        self._memory: Memory = None
        self._act = jax.jit(_act)

    def __repr__(self) -> str:
        """Return the policy's folder, iteration and sizes."""
        sizes = f"{self.spec.obs_size} + {self.spec.goal_size} inputs, {self.spec.action_size} actions"
        return f"LoadedPolicy({str(self.folder)!r}, iteration {self.step}, {self.config.env}: {sizes})"

    @property
    def skills(self) -> tuple[str, ...]:
        """Names of the skills that the policy was taught; empty unless the task is `humanoid-skills`."""
        return tuple(dict.fromkeys(self.config.task.skills)) if self.config.env == "humanoid-skills" else ()

    def goal(self, name: str) -> NDArray[np.float32]:
        """Return the goal (G,) of a skill: its nominal forward and left m/s and turn rad/s, then the skill one-hot.

        Raises:
          ConfigError: if the policy was not taught such a skill.
        """
        if name not in self.skills:
            known = f"known: {', '.join(self.skills)}" if self.skills else "give an array"
            raise ConfigError(f"goal: {name!r} is not among the skills of {self.folder}; {known}")
        return nominal_goal(name)

    def make_env(self, **options: Any) -> "gymnasium.Env":
        """Make the environment that the policy was trained in, with Gymnasium's interface, as `flexrl.make` does.

        Its task is configured as in the evaluations of the training, so that it observes what the policy reads.

        Args:
          options: `render_mode="rgb_array"`, and fields of the task's config to change.

        Raises:
          ConfigError: naming the option that cannot be used.
        """
        from envs.bridges.making import make_gymnasium  # imported late: it imports Gymnasium

        task = env_type(self.config.env).evaluated(self.config.task)
        return make_gymnasium(self.config.env, dataclasses.asdict(task) | options)

    def reset(self) -> None:
        """Forget everything, as at the start of an episode. Policies without memory have nothing to forget."""
        self._memory = None

    def __call__(
        self,
        observation: ArrayLike | Mapping[str, ArrayLike],
        goal: Goal | None = None,
        *,
        reward: ArrayLike = 0.0,
        episode_start: ArrayLike = False,
    ) -> NDArray[np.float32]:
        """Return the deterministic action, shape (A,) or (B, A), and keep the memory for the next call.

        Args:
          observation: (O,) or (B, O), perhaps with the goal appended; or a dictionary that has
            this as `observation`, and may have the goal as `desired_goal`.
          goal: names of skills, or arrays (G,) or (B, G); one goal for all worlds, or one for each. None if the
            observation contains the goal.
          reward: reward of the step that led here, () or (B,); only Decision Transformers read it.
          episode_start: whether an episode begins here, () or (B,); clears the memory. The first call needs none.

        Raises:
          ConfigError: naming the argument, its shape and the shape that it must have.
        """
        action, self._memory = self.predict(observation, self._memory, episode_start, goal=goal, reward=reward)
        return action

    def predict(
        self,
        observation: ArrayLike | Mapping[str, ArrayLike],
        state: Memory = None,
        episode_start: ArrayLike = False,
        deterministic: bool = True,
        *,
        goal: Goal | None = None,
        reward: ArrayLike = 0.0,
    ) -> tuple[NDArray[np.float32], Memory]:
        """Return the action and the next memory, which the caller keeps, as `predict` of Stable-Baselines3 does.

        Args:
          observation: (O,) or (B, O), perhaps with the goal appended; or a dictionary that has
            this as `observation`, and may have the goal as `desired_goal`.
          state: the memory that the call before returned; None at the start.
          episode_start: whether an episode begins here, () or (B,); clears the memory.
          deterministic: return the mode of the action's distribution rather than a sample.
          goal: names of skills, or arrays (G,) or (B, G); None if the observation contains the goal.
          reward: reward of the step that led here, () or (B,); only Decision Transformers read it.

        Raises:
          ConfigError: naming the argument, its shape and the shape that it must have.
        """
        inputs = self._inputs(observation, goal)
        num = len(inputs.obs)
        reward_B = _row("reward", reward, num, np.float32)
        is_first_B = _row("episode_start", episode_start, num, np.bool_)
        if state is None:
            state, is_first_B = self._policy.init_carry(num), np.ones(num, np.bool_)
        elif (found := _batch(state)) not in (None, num):
            raise ConfigError(f"observation: is for {num} worlds, and the memory for {found}; call reset() first")
        policy: Any = self._policy
        seed = np.uint32(0)
        if not deterministic:
            policy = dataclasses.replace(policy, deterministic=False)
            seed = self._seeds.integers(2**32, dtype=np.uint32)
        state, action = self._act(policy, state, inputs.obs, inputs.goal, reward_B, is_first_B, seed)
        action = np.asarray(action)
        return (action if inputs.is_batch else action[0]), state

    def _inputs(self, observation: ArrayLike | Mapping[str, ArrayLike], goal: Goal | None) -> Inputs:
        """Check a caller's observation and goal, and return them as arrays for B worlds.

        The goal may be given apart, or within the observation: appended to it, or as `desired_goal` of a dictionary.

        Raises:
          ConfigError: naming the argument, its shape and the shape that it must have.
        """
        obs_size, goal_size = self.spec.obs_size, self.spec.goal_size
        if isinstance(observation, Mapping):
            if "observation" not in observation:
                raise ConfigError(f"observation: has the keys {', '.join(observation)}, and must have 'observation'")
            goal = observation.get("desired_goal") if goal is None else goal
            observation = observation["observation"]
        obs = np.asarray(observation, np.float32)
        is_batch = obs.ndim == 2
        if obs.ndim not in (1, 2) or obs.shape[-1] not in (obs_size, obs_size + goal_size):
            both = f", or ({obs_size + goal_size},) with the goal behind it" if goal_size else ""
            raise ConfigError(f"observation: has shape {obs.shape} and must have ({obs_size},){both}; or (B, ...)")
        obs = np.atleast_2d(obs)
        obs, behind = obs[:, :obs_size], obs[:, obs_size:]
        if not np.isfinite(obs).all():
            raise ConfigError("observation: has entries that are not finite; reset the environment")
        if goal is not None:
            behind = self._goals(goal, len(obs))
        elif behind.shape[1] != goal_size:
            known = f"one of {', '.join(self.skills)}, or " if self.skills else ""
            raise ConfigError(f"goal: is missing; give {known}an array ({goal_size},)")
        return Inputs(obs, behind, is_batch)

    def _goals(self, goal: Goal, num: int) -> NDArray[np.float32]:
        """Return the goals (num, G) of `num` worlds, given one goal for all worlds or one for each.

        A goal is the name of a skill, or an array of G numbers.

        Raises:
          ConfigError: naming the shape that the goal must have.
        """
        if isinstance(goal, str):
            goal = self.goal(goal)
        elif isinstance(goal, Sequence) and all(isinstance(each, str) for each in goal) and len(goal):
            goal = np.stack([self.goal(str(each)) for each in goal])
        rows, size = np.asarray(goal, np.float32), self.spec.goal_size
        if rows.shape not in ((size,), (1, size), (num, size)):
            raise ConfigError(f"goal: has shape {rows.shape} and must have ({size},) or ({num}, {size})")
        return np.broadcast_to(rows, (num, size))


def _act(
    policy: Policy, memory: Memory, obs: Array, goal: Array, reward: Array, is_first: Array, seed: Array
) -> tuple[Memory, Array]:
    """Let the policy act for one control step in B worlds. Return its new memory, and the actions (B, A).

    `is_first` (B,) marks worlds in which an episode begins. `seed` is the random seed of sampled actions.
    """
    memory, action, _ = policy.act(memory, Observation(obs, goal, reward, is_first), jax.random.key(seed))
    return memory, action.astype(jnp.float32)


def _row(name: str, value: ArrayLike, num: int, kind: type) -> np.ndarray:
    """Return an argument as an array (num,), which has a value for each of `num` worlds.

    Args:
      name: the argument's name, for the error.
      value: one value for all worlds, or one for each.
      num: number of worlds.
      kind: type of the values.

    Raises:
      ConfigError: if there is another number of values.
    """
    row = np.asarray(value, kind)
    if row.shape not in ((), (1,), (num,)):
        raise ConfigError(f"{name}: has shape {row.shape} and must be one value, or one for each of {num} worlds")
    return np.broadcast_to(row, (num,))


def _batch(memory: Memory) -> int | None:
    """Return the number of worlds that a memory belongs to; None if the memory is empty."""
    leaves = jax.tree.leaves(memory)
    return leaves[0].shape[0] if leaves else None
