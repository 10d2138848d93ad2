"""A source of training data that steps worlds with the current policy."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from algos.common.teachers import Teachers
from algos.common.types import Policy, Rollout
from envs.worlds.shards import ALONE, Shards
from envs.worlds.vector import Transition, VecEnv, VecState


@struct.dataclass
class RolloutState:
    """The state of the worlds (`worlds`), and the policy's memory of their running episodes (`carry`)."""

    worlds: VecState
    carry: Any


@dataclass(frozen=True)
class RolloutSource:
    """Samples `unroll_length` control steps of B worlds. Each sample continues the episodes of the sample before."""

    vec_env: VecEnv
    unroll_length: int

    def reweighted(self, weights: Mapping[str, Array]) -> Self:
        """Return a copy of the source whose worlds use other reward weights: `weights` has values by their names."""
        return replace(self, vec_env=self.vec_env.reweighted(weights))

    def init(self, policy: Policy, key: Array) -> RolloutState:
        """Return newly reset worlds and empty policy memory."""
        return RolloutState(self.vec_env.init(key), policy.init_carry(self.vec_env.num_envs))

    def sample(
        self, data: Teachers | None, state: RolloutState, policy: Policy, key: Array
    ) -> tuple[RolloutState, Rollout, dict[str, Array]]:
        """Step the worlds `unroll_length` times with the policy. Return the new state, the rollout and metrics.

        The rollout also has the action distributions of the teachers in `data`, if any: policies to imitate. Every
        sample draws one first state for each world; the world restarts from it whenever its episode ends.
        """
        key_fresh, key_steps = jax.random.split(key)
        fresh = self.vec_env.fresh(key_fresh)

        def step(state: RolloutState, key: Array) -> tuple[RolloutState, tuple[Rollout, Transition]]:
            observation = state.worlds.observation
            carry, action, info = policy.act(state.carry, observation, key)
            worlds, transition = self.vec_env.step(state.worlds, action, fresh)
            row = Rollout(
                observation,
                transition.next_observation,
                info,
                transition.reward,
                transition.terminated,
                transition.truncated,
                carry=None,
                taught=None if data is None else data.teach(observation),
            )
            return RolloutState(worlds, carry), (row, transition.replace(next_observation=None))

        first_carry = state.carry
        state, (rollout, transitions) = jax.lax.scan(step, state, jax.random.split(key_steps, self.unroll_length))
        return state, rollout.replace(carry=first_carry), episode_metrics(transitions, self.vec_env.shards)


def episode_metrics(transitions: Transition, shards: Shards = ALONE) -> dict[str, Array]:
    """Return metrics of T steps of B worlds, by name: `episode/...`, `reward/mean` and, from the task, `task/...`.

    They count the worlds of all devices in `shards` together. The mean return and length of episodes that finished in
    these steps are NaN if none did.
    """
    done = transitions.terminated | transitions.truncated
    num_episodes = shards.sum(done.sum())

    def mean_finished(x: Array) -> Array:
        return shards.sum(jnp.where(done, x, 0).sum()) / jnp.where(num_episodes > 0, num_episodes, jnp.nan)

    overflowed = transitions.overflowed
    return {
        "episode/return": mean_finished(transitions.episode_return),
        "episode/length": mean_finished(transitions.episode_length),
        "episode/count": num_episodes,
        "episode/terminated": shards.sum(transitions.terminated.sum()),
        "episode/diverged": shards.sum(transitions.diverged.sum()),
        **({} if overflowed is None else {"episode/overflowed": shards.sum(overflowed.sum())}),
        "reward/mean": shards.mean(transitions.reward.mean()),
        **{f"task/{name}": shards.mean(x.mean()) for name, x in transitions.metrics.items()},
    }
