"""Disturbances of a world while it runs: pushes, noisy observations, delayed actions."""

import copy
from collections.abc import Mapping
from typing import Any, Self

import jax
import jax.numpy as jnp
import mujoco
from jax import Array

from envs.errors import ConfigError
from envs.physics import Randomization
from envs.types import EnvSpec, EnvState


class RandomizedEnv:
    """An environment that disturbs its worlds. Observations, goals and rewards keep their meaning.

    Its own state is in `info["randomization"]`: a random key, the control steps until the next push, and the actions
    that are delayed.
    """

    def __init__(self, env: Any, randomization: Randomization) -> None:
        """Wrap an environment on MuJoCo physics.

        Args:
          env: a `MujocoTask`; for pushes, its first joint must be free.
          randomization: the disturbances.

        Raises:
          ConfigError: if pushes are asked for, and the first joint is not free.
        """
        self.env = env
        self._randomization = randomization
        root_is_free = env.model.njnt > 0 and env.model.jnt_type[0] == mujoco.mjtJoint.mjJNT_FREE
        if randomization.push_interval is not None and not root_is_free:
            raise ConfigError(
                f"push_interval: {randomization.push_interval}: this task's root is no free body and cannot be pushed; "
                "use null"
            )

    @property
    def spec(self) -> EnvSpec:
        """Sizes, durations and symmetry of the environment.

        If observations are noisy, privileged observations, which only critics see, also have them without noise.
        """
        spec = self.env.spec
        return spec.replace(privileged_size=spec.privileged_size + spec.obs_size) if self._is_noisy else spec

    @property
    def model(self) -> mujoco.MjModel:
        """The simulated MuJoCo model, for drawing."""
        return self.env.model

    @property
    def has_host_callback(self) -> bool:
        """Whether stepping calls Python from within the compiled program; see `Env.has_host_callback`."""
        return self.env.has_host_callback

    def reweighted(self, weights: Mapping[str, Array]) -> Self:
        """Return a copy of the environment with other reward weights: `weights` has values by their names."""
        changed = copy.copy(self)
        changed.env = self.env.reweighted(weights)
        return changed

    def reset(self, key: Array) -> EnvState:
        """Return a random first state, with noise on its observation."""
        key_env, key_own, key_push = jax.random.split(key, 3)
        state = self.env.reset(key_env)
        own = {
            "key": jax.random.key_data(key_own),  # as plain numbers, which can be merged like the rest of a state
            "steps_to_push": self._draw_interval(key_push),
            "late_actions": jnp.zeros((self._randomization.action_delay, self.spec.action_size)),
        }
        return self._with_noise(state.replace(info=state.info | {"randomization": own}))

    def step(self, state: EnvState, action: Array) -> EnvState:
        """Advance the world by one control step, with a delayed action, a push if one is due, and noise."""
        own = state.info["randomization"]
        key, key_push, key_interval = jax.random.split(jax.random.wrap_key_data(own["key"]), 3)
        actions = jnp.concatenate([own["late_actions"], action[None]])
        is_pushed = own["steps_to_push"] <= 0
        if self._randomization.push_interval is not None:
            state = self._pushed(state, is_pushed, key_push)
        next_push = jnp.where(is_pushed, self._draw_interval(key_interval), own["steps_to_push"] - 1)
        state = self.env.step(state, actions[0])
        own = {"key": jax.random.key_data(key), "steps_to_push": next_push, "late_actions": actions[1:]}
        return self._with_noise(state.replace(info=state.info | {"randomization": own}))

    def where(self, condition: Array, chosen: EnvState, other: EnvState) -> EnvState:
        """Return the state `chosen` where the condition () holds, else `other`."""
        return self.env.where(condition, chosen, other)

    @property
    def _is_noisy(self) -> bool:
        return self._randomization.observation_noise > 0

    def _draw_interval(self, key: Array) -> Array:
        low, high = self._randomization.push_interval or (0.0, 0.0)
        seconds = jax.random.uniform(key, minval=low, maxval=high)
        return jnp.round(seconds / self.spec.control_period).astype(jnp.int32)

    def _pushed(self, state: EnvState, is_pushed: Array, key: Array) -> EnvState:
        key_angle, key_size = jax.random.split(key)
        angle = jax.random.uniform(key_angle, maxval=2 * jnp.pi)
        low, high = self._randomization.push_velocity
        size = jax.random.uniform(key_size, minval=low, maxval=high) * is_pushed
        qvel = state.physics["qvel"].at[:2].add(size * jnp.stack([jnp.cos(angle), jnp.sin(angle)]))
        return state.replace(physics=self.env.physics.with_velocity(state.physics, qvel))

    def _with_noise(self, state: EnvState) -> EnvState:
        if not self._is_noisy:
            return state
        key = jax.random.fold_in(jax.random.wrap_key_data(state.info["randomization"]["key"]), 1)
        noise = self._randomization.observation_noise * jax.random.normal(key, state.obs.shape)
        hidden = [x for x in (state.privileged, state.obs) if x is not None]
        return state.replace(obs=state.obs + noise, privileged=jnp.concatenate(hidden))
