"""Our environments as Gymnasium's: `gymnasium.make("flexrl/HumanoidSkills-v0")`, and many worlds at our speed.

`import flexrl.gym` names them to Gymnasium. Observations are ours, with the goal behind them or, if asked for, apart;
actions are in [-1, 1]; `info` holds the task's metrics.
"""

import functools
import json
import os
from typing import Any

import gymnasium
import jax
import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from gymnasium.error import ResetNeeded
from gymnasium.utils import EzPickle
from gymnasium.vector import AutoresetMode

from envs.bridges.arguments import as_json, build
from envs.bridges.many_worlds import ManyWorlds
from envs.bridges.one_world import OneWorld
from envs.bridges.packing import Packed
from envs.errors import ConfigError
from envs.types import Env, EnvState
from envs.view.drawing import Camera

IMAGE_SIZE = (480, 480)  # pixels
NO_LIMIT = np.iinfo(np.int32).max  # control steps of an episode that nothing cuts
NEEDS_RESET = "call reset() first"

_process = os.getpid()  # that imported this module, and JAX with it


class GymnasiumEnv(gymnasium.Env, EzPickle):
    """One world of one of our environments, with the interface of `gymnasium.Env`.

    A copy made by pickle is built anew from the same arguments; it does not keep the state of the world.
    """

    metadata = {"render_modes": ["rgb_array"]}

    def __init__(
        self,
        name: str,
        render_mode: str | None = None,
        physics: str = "native",
        goal_apart: bool = False,
        **config: object,
    ) -> None:
        """Build the environment. It has no time limit: `gymnasium.make` adds one.

        Args:
          name: name of the environment, such as `humanoid-walk`, `brax:ant` or `path/to/robot.xml`.
          render_mode: `rgb_array`, or None to draw nothing.
          physics: physics backend: `auto`, `native`, `mjx-jax` or `mjx-warp`.
          goal_apart: if the task has goals, observe a dictionary of `observation` and `desired_goal`, as in datasets;
            otherwise the observation is one vector with the goal at its end.
          config: fields of the task's config; a mapping stands for a dataclass in it, a list for a tuple.

        Raises:
          ConfigError: naming the argument that cannot be used.
        """
        EzPickle.__init__(self, name, render_mode, physics, goal_apart, **config)
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ConfigError(f"render_mode: {render_mode!r} must be 'rgb_array' or None")
        self.render_mode = render_mode
        self._world = _one_world(name, physics, as_json(config), jax.config.values["jax_enable_x64"])
        self.env = self._world.env
        self.observation_space, self.action_space = _spaces(self.env)
        self._goal_apart = goal_apart and self.env.spec.goal_size > 0
        if self._goal_apart:
            self.observation_space = spaces.Dict(
                observation=_unbounded(self.env.spec.obs_size), desired_goal=_unbounded(self.env.spec.goal_size)
            )
        self.metadata = self.metadata | {"render_fps": round(1 / self.env.spec.control_period)}
        self._state: Packed | None = None
        self._camera: Camera | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, object] | None = None) -> tuple[Any, dict]:
        """Start an episode. Arguments and results are those of `gymnasium.Env.reset`."""
        super().reset(seed=seed)
        _refuse_fork()
        state = self._state = self._world.reset(_seed(self.np_random))
        return self._observation(self._world.read(state)[0]), {}

    def step(self, action: np.ndarray) -> tuple[Any, float, bool, bool, dict]:
        """Advance the world by one control step. Arguments and results are those of `gymnasium.Env.step`."""
        if self._state is None:
            raise ResetNeeded(NEEDS_RESET)
        state = self._state = self._world.step(self._state, _checked(action, self.action_space))
        observation, (reward, terminated, truncated, *metrics), is_finite = self._world.read(state)
        if not is_finite:  # as with many worlds, nobody sees what is left of it
            observation[:], reward, terminated, truncated, metrics = 0, 0.0, 1.0, 0.0, [0.0] * len(metrics)
        info = dict(zip(self._world.metric_names, metrics, strict=True))
        ends = bool(terminated), bool(truncated and not terminated)
        return self._observation(observation), reward, *ends, info

    def _observation(self, seen: np.ndarray) -> Any:
        if not self._goal_apart:
            return seen
        observation, goal = np.split(seen, [self.env.spec.obs_size])
        return {"observation": observation, "desired_goal": goal}

    def render(self) -> np.ndarray | None:
        """Return an image (height, width, 3) of the present pose, uint8; None without a render mode."""
        if self.render_mode is None:
            return None
        if self._state is None:
            raise ResetNeeded(NEEDS_RESET)
        if self._camera is None:
            self._camera = Camera(self.env.model, *IMAGE_SIZE)
        return self._camera.image(np.asarray(self._world.pose(self._state)))

    def close(self) -> None:
        """Release the renderer."""
        if self._camera is not None:
            self._camera.close()
            self._camera = None


class GymnasiumVectorEnv(gymnasium.vector.VectorEnv, EzPickle):
    """Many worlds of one of our environments, with the interface of `gymnasium.vector.VectorEnv`.

    A world whose episode ended restarts within the same step. `info` is that of Gymnasium's vectors with
    `AutoresetMode.SAME_STEP`: "final_obs" and "final_info" keep the observation and the metrics at the episode's end.
    """

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.SAME_STEP}

    def __init__(
        self,
        name: str,
        num_envs: int = 1,
        render_mode: str | None = None,
        physics: str = "native",
        max_episode_steps: int | None = None,
        **config: object,
    ) -> None:
        """Build the worlds.

        Args:
          name: name of the environment, such as `humanoid-walk`, `brax:ant` or `path/to/robot.xml`.
          num_envs: number of worlds.
          render_mode: must be None: many worlds draw no images.
          physics: physics backend: `auto`, `native`, `mjx-jax` or `mjx-warp`.
          max_episode_steps: control steps until an episode is cut; -1 for never, None for the environment's own.
          config: fields of the task's config; a mapping stands for a dataclass in it, a list for a tuple.

        Raises:
          ConfigError: naming the argument that cannot be used.
        """
        EzPickle.__init__(self, name, num_envs, render_mode, physics, max_episode_steps, **config)
        if render_mode is not None:
            raise ConfigError(
                f"render_mode: {render_mode!r} is for one world, gymnasium.make; many worlds draw nothing"
            )
        if type(num_envs) is not int or num_envs < 1:
            raise ConfigError(f"num_envs: {num_envs!r} must be an integer of at least 1")
        if max_episode_steps is not None and not _is_limit(max_episode_steps):
            raise ConfigError(
                f"max_episode_steps: {max_episode_steps!r} must be an integer of at least 1, or -1 for none"
            )
        self.num_envs, self.max_episode_steps = num_envs, max_episode_steps
        self._spec: EnvSpec | None = None
        self.env = build(name, physics, num_envs, config)
        self._worlds = ManyWorlds(self.env, num_envs, NO_LIMIT if max_episode_steps == -1 else max_episode_steps)
        self.single_observation_space, self.single_action_space = _spaces(self.env)
        batched = functools.partial(gymnasium.vector.utils.batch_space, n=num_envs)
        self.observation_space = batched(self.single_observation_space)
        self.action_space = batched(self.single_action_space)
        self._state: Packed | None = None

    @property
    def spec(self) -> EnvSpec | None:
        """Gymnasium's record of how the environment was made; None if `gymnasium.make_vec` did not make it."""
        return self._spec

    @spec.setter
    def spec(self, spec: EnvSpec | None) -> None:
        """Keep the record that `gymnasium.make_vec` sets, after writing the time limit of these worlds into it."""
        if spec is not None and self.max_episode_steps is not None:
            spec.max_episode_steps = None if self.max_episode_steps == -1 else self.max_episode_steps
        self._spec = spec

    @property
    def states(self) -> EnvState:
        """The worlds' present states (B, ...)."""
        if self._state is None:
            raise ResetNeeded(NEEDS_RESET)
        return self._worlds.states(self._state)

    def reset(self, *, seed: int | None = None, options: dict[str, object] | None = None) -> tuple[np.ndarray, dict]:
        """Start an episode in every world. Arguments and results are those of `gymnasium.vector.VectorEnv.reset`."""
        super().reset(seed=seed)
        _refuse_fork()
        self._state, observation = self._worlds.reset(jax.random.key(_seed(self.np_random)))
        return np.array(observation, np.float32), {}

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict]:
        """Advance all worlds by one control step, with actions (B, A); results are those of `gymnasium.vector`."""
        if self._state is None:
            raise ResetNeeded(NEEDS_RESET)
        self._state, last, numbers, observation = self._worlds.step(self._state, _checked(actions, self.action_space))
        reward, terminated, truncated, *metrics = np.asarray(numbers).T.astype(np.float64)
        ends = terminated.astype(bool), truncated.astype(bool)
        info = self._info(np.asarray(last), np.array(metrics), ends[0] | ends[1])
        return np.array(observation, np.float32), reward, *ends, info

    def _info(self, last: np.ndarray, metrics: np.ndarray, done: np.ndarray) -> dict[str, Any]:
        """Return Gymnasium's `info` for a step of B worlds.

        Args:
          last: observations (B, N) that the step led to, before any restart; kept as "final_obs" of the worlds that are
            done.
          metrics: metrics (M, B) of the task, in the order of their names. Those of worlds that are done are under
            "final_info", those of the other worlds directly in `info`.
          done: (B,) bool, true where the episode ended.
        """
        info: dict[str, Any] = {}
        if done.any():
            final = np.full(self.num_envs, None, object)
            for i in np.flatnonzero(done):
                final[i] = np.array(last[i], np.float32)
            info |= {"final_obs": final, "_final_obs": done}
            info |= {"final_info": self._masked(metrics, done), "_final_info": done.copy()}
        return info if done.all() else info | self._masked(metrics, ~done)

    def _masked(self, metrics: np.ndarray, mask: np.ndarray) -> dict[str, np.ndarray]:
        """Return each metric (B,) by its name, zero where `mask` (B,) is false, and the mask as `_` + name."""
        names = self._worlds.metric_names
        values = dict(zip(names, np.where(mask, metrics, 0.0), strict=True))
        return values | {f"_{name}": mask.copy() for name in names}


def _is_limit(steps: Any) -> bool:
    return type(steps) is int and (steps == -1 or steps >= 1)


@functools.lru_cache(maxsize=8)
def _one_world(name: str, physics: str, arguments: str, _has_float64: bool) -> OneWorld:
    """Return the compiled functions of one world. They hold no state, so that equal environments share them.

    Args:
      name: name of the environment, such as `humanoid-walk`, `brax:ant` or `path/to/robot.xml`.
      physics: physics backend: `auto`, `native`, `mjx-jax` or `mjx-warp`.
      arguments: fields of the task's config, as JSON text.
      _has_float64: whether JAX computes in 64 bits; it only keeps the programs of both precisions apart.
    """
    _refuse_fork()
    return OneWorld(build(name, physics, 1, json.loads(arguments)))


def _refuse_fork() -> None:
    """Raise RuntimeError if this process was forked from the one that imported JAX.

    A forked process does not have JAX's threads, and would wait for them forever.
    """
    if os.getpid() != _process:
        raise RuntimeError(
            "flexrl: worlds cannot run in a process forked from one that uses JAX; give make_vec "
            "vector_kwargs={'context': 'spawn'}, or no vectorization_mode, so that one process steps all worlds"
        )


def _spaces(env: Env) -> tuple[spaces.Box, spaces.Box]:
    """Return the spaces of observations and of actions of one world."""
    size = env.spec.obs_size + env.spec.goal_size
    return _unbounded(size), spaces.Box(-1.0, 1.0, (env.spec.action_size,), np.float32)


def _unbounded(size: int) -> spaces.Box:
    return spaces.Box(-np.inf, np.inf, (size,), np.float32)


def _checked(action: Any, space: spaces.Space) -> np.ndarray:
    """Return the action as a float32 array; the physics clips values beyond the bounds of the space.

    Raises:
      ValueError: if the action does not have the shape of the space.
    """
    action = np.asarray(action, np.float32)
    if action.shape != space.shape:
        raise ValueError(f"action: has shape {action.shape} and must have {space.shape}")
    return action


def _seed(rng: np.random.Generator) -> np.uint32:
    return np.uint32(rng.integers(2**32))
