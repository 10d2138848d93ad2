"""Many worlds stepped together, with time limits, automatic resets, and returns and lengths of episodes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from envs.physics.precision import exact_products
from envs.types import Env, EnvState, Observation
from envs.worlds.shards import ALONE, Shards


@struct.dataclass
class VecState:
    """The state of B worlds, and what their policy observes next.

    It also has each world's clock for the time limit, and the return and length of its running episode.
    """

    env: EnvState
    observation: Observation
    clock: Array  # (B,) int32: control steps that count towards the time limit; the first episodes start above 0
    episode_return: Array  # (B,) sum of rewards of the running episode
    episode_length: Array  # (B,) int32: control steps of the running episode


@struct.dataclass
class Transition:
    """One control step of B worlds, as it was before any automatic reset.

    It has the observation that followed, the reward, whether the episode terminated or was truncated and whether its
    numbers became non-finite, the episode's return and length so far, and the task's metrics.
    """

    next_observation: Observation  # what followed the action, also at an episode's end
    reward: Array  # (B,)
    terminated: Array  # (B,) bool
    truncated: Array  # (B,) bool, never together with terminated
    diverged: Array  # (B,) bool: physics or task became non-finite, which terminates
    episode_return: Array  # (B,) including this step
    episode_length: Array  # (B,) including this step
    metrics: dict[str, Array]  # (B,) each, from the task
    overflowed: Array | None = None  # (B,) bool: full buffers left contacts out; None if unknown


@dataclass(frozen=True)
class VecEnv:
    """B worlds of one environment, or one device's share of them.

    Attributes:
      env: the environment.
      num_envs: B.
      shards: devices that share the worlds.
      shows_privileged: whether observations include the privileged part, for critics; else it is not computed.
      episode_length: control steps until an episode is cut; None for the environment's own.
    """

    env: Env
    num_envs: int
    shards: Shards = ALONE
    shows_privileged: bool = False
    episode_length: int | None = None

    def reweighted(self, weights: Mapping[str, Array]) -> Self:
        """Return a copy of these worlds with other reward weights: `weights` has values by their names.

        If `weights` is empty, return the worlds as they are.
        """
        return replace(self, env=self.env.reweighted(weights)) if weights else self

    def init(self, key: Array) -> VecState:
        """Return newly reset worlds, whose first episodes do not all end together.

        The first time limit of each world is cut short by a random part of an episode.
        """
        key_reset, key_clock = jax.random.split(key)
        state = self.start(self.fresh(key_reset))
        clock = jax.random.randint(key_clock, (self._num_everywhere,), 0, self._limit)
        return state.replace(clock=self.shards.rows(clock))

    def fresh(self, key: Array) -> EnvState:
        """Return random first states for B worlds."""
        keys = self.shards.rows(jax.random.split(key, self._num_everywhere))
        with exact_products():
            return self._shown(jax.vmap(self.env.reset)(keys))

    def step(self, state: VecState, action: Array, fresh: EnvState) -> tuple[VecState, Transition]:
        """Step all worlds, then restart those whose episode ended.

        Args:
          state: the worlds.
          action: shape (B, A), in [-1, 1].
          fresh: one first state for each world, from the method `fresh`.
        """
        going_on, transition = self.advance(state, action)
        return self.restart(going_on, transition.terminated | transition.truncated, fresh), transition

    def advance(self, state: VecState, action: Array) -> tuple[VecState, Transition]:
        """Step all worlds with actions (B, A) in [-1, 1], without restarting those whose episode ends."""
        with exact_products():
            env_state = self._shown(jax.vmap(self.env.step)(state.env, action))
        env_state, diverged = _without_non_finite(env_state)
        terminated = env_state.terminated | diverged
        clock = state.clock + 1
        truncated = ~terminated & (env_state.truncated | (clock >= self._limit))
        transition = Transition(
            next_observation=Observation(
                env_state.obs, env_state.goal, env_state.reward, jnp.zeros_like(terminated), env_state.privileged
            ),
            reward=env_state.reward,
            terminated=terminated,
            truncated=truncated,
            diverged=diverged,
            episode_return=state.episode_return + env_state.reward,
            episode_length=state.episode_length + 1,
            metrics=env_state.metrics,
            overflowed=env_state.physics.overflowed,
        )
        going_on = VecState(
            env_state, transition.next_observation, clock, transition.episode_return, transition.episode_length
        )
        return going_on, transition

    def restart(self, going_on: VecState, done: Array, fresh: EnvState) -> VecState:
        """Restart the worlds whose episode ended. Return all worlds.

        Args:
          going_on: the worlds, from the method `advance`.
          done: (B,) bool, true where the episode ended.
          fresh: one first state for each world, from the method `fresh`.
        """
        restarted = self.start(fresh)
        # The transition has the metrics. Merging and carrying their many small arrays would cost more than making them.
        env_state = going_on.env.replace(metrics=fresh.metrics)
        chosen_env = jax.vmap(self.env.where)(done, fresh, env_state)
        rest = jax.tree.map(
            lambda a, b: jnp.where(done.reshape(done.shape + (1,) * (a.ndim - 1)), a, b),
            restarted.replace(env=None),
            going_on.replace(env=None),
        )
        return rest.replace(env=chosen_env)

    def _shown(self, state: EnvState) -> EnvState:
        return state if self.shows_privileged else state.replace(privileged=None)

    @property
    def _num_everywhere(self) -> int:
        return self.num_envs * self.shards.num

    @property
    def _limit(self) -> int:
        return self.env.spec.episode_length if self.episode_length is None else self.episode_length

    def start(self, fresh: EnvState) -> VecState:
        """Return worlds at the first step of their episodes, from their first states."""
        worlds = fresh.reward.shape
        return VecState(
            env=fresh,
            observation=Observation(fresh.obs, fresh.goal, jnp.zeros(worlds), jnp.ones(worlds, bool), fresh.privileged),
            clock=jnp.zeros(worlds, jnp.int32),
            episode_return=jnp.zeros(worlds),
            episode_length=jnp.zeros(worlds, jnp.int32),
        )


def _without_non_finite(state: EnvState) -> tuple[EnvState, Array]:
    """Set observations, reward and metrics to 0 in worlds with numbers that are not finite.

    Return the state, and which worlds (B,) these are.
    """
    physics = [x for x in jax.tree.leaves(state.physics.fields) if jnp.issubdtype(x.dtype, jnp.floating)]
    # Reward and metrics are summed, since a sum is finite only if all its terms are: one array is checked faster.
    seen = {"obs": state.obs, "goal": state.goal, "privileged": state.privileged}
    read = [*jax.tree.leaves(seen), sum(state.metrics.values(), state.reward), *physics]
    finite = jnp.stack([jnp.isfinite(x).reshape(x.shape[0], -1).all(axis=1) for x in read]).all(axis=0)

    def clean(x: Array) -> Array:
        return jnp.where(finite.reshape(finite.shape + (1,) * (x.ndim - 1)), x, 0)

    return state.replace(**jax.tree.map(clean, seen | {"reward": state.reward, "metrics": state.metrics})), ~finite
