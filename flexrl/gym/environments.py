"""Our environments as Gymnasium's: `gymnasium.make("flexrl/HumanoidSkills-v0")`, and a vector of worlds at our speed.

`import flexrl.gym` names them to Gymnasium. Observations are ours, with the goal behind them; actions are in [-1, 1].
"""

import functools
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from jax import Array

from envs.drawing import Camera
from envs.physics import PhysicsOptions
from envs.registry import env_type, make_env
from envs.types import Env, EnvState, Observation
from envs.vector import VecEnv, VecState

IMAGE_SIZE = (480, 480)  # pixels

_State = tuple[VecState, EnvState, Array, Array]  # worlds, a first state for each, whether it is used (B,), key


class GymnasiumEnv(gymnasium.Env):
    """One world of an environment of ours."""

    metadata = {"render_modes": ["rgb_array"]}

    def __init__(self, name: str, render_mode: str | None = None, physics: str = "native", **config: Any) -> None:
        """Build the environment.

        Args:
          name: as in `envs.registry`.
          render_mode: `rgb_array` or None.
          physics: backend.
          config: fields of the task's config.
        """
        self.env = _build(name, physics, 1, config)
        self.observation_space, self.action_space = _spaces(self.env)
        self.metadata = self.metadata | {"render_fps": round(1 / self.env.spec.control_period)}
        self.render_mode = render_mode
        self._reset, self._step = jax.jit(self.env.reset), jax.jit(self.env.step)
        self._state: EnvState | None = None
        self._clock = 0  # control steps of the running episode
        self._camera: Camera | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        """See `gymnasium.Env.reset`."""
        super().reset(seed=seed)
        key = jax.random.key(int(self.np_random.integers(2**32)))
        self._state, self._clock = self._reset(key), 0
        return _observation(self._state), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """See `gymnasium.Env.step`; `info` holds the task's metrics."""
        assert self._state is not None, "reset comes before step"
        state = self._state = self._step(self._state, jnp.asarray(action))
        self._clock += 1
        reward, terminated, truncated, metrics = jax.device_get(
            (state.reward, state.terminated, state.truncated, state.metrics)
        )
        info = {key: float(value) for key, value in metrics.items()}
        is_late = self._clock >= self.env.spec.episode_length
        return _observation(state), float(reward), bool(terminated), bool(truncated | is_late) & (not terminated), info

    def render(self) -> np.ndarray | None:
        """The present pose, as an image."""
        if self.render_mode is None or self._state is None:
            return None
        if self._camera is None:
            self._camera = Camera(self.env.model, *IMAGE_SIZE)
        return self._camera.image(np.asarray(self._state.physics["qpos"]))

    def close(self) -> None:
        """Release the renderer."""
        if self._camera is not None:
            self._camera.close()


class GymnasiumVectorEnv(gymnasium.vector.VectorEnv):
    """Many worlds of an environment of ours, stepped as one.

    A world whose episode ended restarts within the same step; `info["final_obs"]` keeps what it saw at the end.
    """

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.SAME_STEP}

    def __init__(self, name: str, num_envs: int = 1, physics: str = "native", **config: Any) -> None:
        """Build the worlds; arguments as in `GymnasiumEnv`."""
        config.pop("render_mode", None)
        self.num_envs = num_envs
        self.env = _build(name, physics, num_envs, config)
        self.single_observation_space, self.single_action_space = _spaces(self.env)
        batched = functools.partial(gymnasium.vector.utils.batch_space, n=num_envs)
        self.observation_space, self.action_space = map(
            batched, (self.single_observation_space, self.single_action_space)
        )
        self._worlds = VecEnv(self.env, num_envs)
        self._metric_names = list(jax.eval_shape(self.env.reset, jax.random.key(0)).metrics)
        self._start = jax.jit(self._start_worlds)
        self._advance = jax.jit(self._advance_worlds)
        self._state: _State | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        """See `gymnasium.vector.VectorEnv.reset`."""
        super().reset(seed=seed)
        state = self._state = self._start(jax.random.key(int(self.np_random.integers(2**32))))
        return _observation(state[0].env), {}

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """See `gymnasium.vector.VectorEnv.step`; `info` holds the task's metrics."""
        assert self._state is not None, "reset comes before step"
        self._state, rows, flags = self._advance(self._state, jnp.asarray(actions))
        size = self.env.spec.obs_size + self.env.spec.goal_size
        observation, last, reward, metrics = np.split(np.array(rows), [size, 2 * size, 2 * size + 1], axis=1)
        terminated, truncated = np.array(flags)
        info: dict[str, Any] = dict(zip(self._metric_names, metrics.T, strict=True))
        done = terminated | truncated
        if done.any():
            final = np.empty(self.num_envs, dtype=object)
            for world in np.flatnonzero(done):
                final[world] = last[world]
            info |= {"final_obs": final, "_final_obs": done}
        return observation, reward[:, 0], terminated, truncated, info

    def _start_worlds(self, key: Array) -> _State:
        key, key_worlds, key_fresh = jax.random.split(key, 3)
        worlds = self._worlds.start(self._worlds.fresh(key_worlds))
        return worlds, self._worlds.fresh(key_fresh), jnp.zeros(self.num_envs, bool), key

    def _advance_worlds(self, state: _State, actions: Array) -> tuple[_State, Array, Array]:
        """A step; first states are drawn anew when a world ends whose own is used.

        Two arrays come back, because handing over many small ones would cost as much as the physics: (B, ...) what is
        seen next, what was seen last, reward and metrics; and (2, B) terminated and truncated.
        """
        worlds, fresh, is_used, key = state
        worlds, transition = self._worlds.advance(worlds, actions)
        done = transition.terminated | transition.truncated
        key, key_fresh = jax.random.split(key)
        fresh, is_used = jax.lax.cond(
            (done & is_used).any(),
            lambda: (self._worlds.fresh(key_fresh), jnp.zeros_like(is_used)),
            lambda: (fresh, is_used),
        )
        worlds = self._worlds.restart(worlds, done, fresh)
        seen = [x for observation in (worlds.observation, transition.next_observation) for x in _parts(observation)]
        numbers = [transition.reward, *(transition.metrics[name] for name in self._metric_names)]
        rows = jnp.concatenate([*seen, jnp.stack(numbers, axis=1)], axis=1)
        return (worlds, fresh, is_used | done, key), rows, jnp.stack([transition.terminated, transition.truncated])


def _parts(observation: Observation) -> tuple[Array, Array]:
    return observation.obs, observation.goal


def _build(name: str, physics: str, max_worlds: int, config: dict[str, Any]) -> Env:
    return make_env(name, env_type(name).Config(**config), PhysicsOptions(physics, max_worlds))


def _spaces(env: Env) -> tuple[spaces.Box, spaces.Box]:
    """Of observations and of actions, of one world."""
    size = env.spec.obs_size + env.spec.goal_size
    observation = spaces.Box(-np.inf, np.inf, (size,), np.float32)
    return observation, spaces.Box(-1.0, 1.0, (env.spec.action_size,), np.float32)


def _observation(seen: Any) -> np.ndarray:
    """Observation and goal in one array (..., O + G)."""
    obs, goal = jax.device_get((seen.obs, seen.goal))
    return np.concatenate([obs, goal], axis=-1, dtype=np.float32)
