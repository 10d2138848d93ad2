"""Policies whose actions another policy imitates while it acts in its own worlds.

Source: Ross et al. 2011 (DAgger); Schmitt et al. 2018, "Kickstarting deep reinforcement learning".
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from algos.common.types import Policy, Taught
from envs.types import Observation


@struct.dataclass
class Teachers:
    """Teachers without memory. Each world's goal says whose action counts there.

    A teacher takes every goal, or those in which one number, usually a one-hot of a skill, is above a half. Where
    several take a goal, the last of them counts.
    """

    policies: tuple[Policy, ...]
    reads_goal: tuple[bool, ...] = struct.field(pytree_node=False)  # whether each sees the goal, or none
    columns: tuple[int | None, ...] = struct.field(pytree_node=False)  # place of its number; None for every goal

    def teach(self, observation: Observation) -> Taught:
        """Return what the teachers would do in B worlds."""
        taught = jnp.zeros(len(observation.obs), bool)
        action: Array | None = None
        for i, column in enumerate(self.columns):
            is_its = jnp.ones_like(taught) if column is None else observation.goal[:, column] > 0.5
            its = self._action(i, observation)
            action = its if action is None else jnp.where(is_its[:, None], its, action)
            taught |= is_its
        assert action is not None
        return Taught(action, taught)

    def _action(self, i: int, observation: Observation) -> Array:
        policy: Any = self.policies[i]
        goal = observation.goal if self.reads_goal[i] else observation.goal[..., :0]
        carry = policy.init_carry(len(observation.obs))
        return policy.act(carry, observation.replace(goal=goal), jax.random.key(0))[1]
