"""Policies whose actions another policy imitates while it acts in its own worlds.

Source: Ross et al. 2011 (DAgger); Schmitt et al. 2018, "Kickstarting deep reinforcement learning".
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from algos.common.types import Policy
from envs.types import Observation


@struct.dataclass
class Teachers:
    """Teachers without memory. Each world's goal says whose action counts there.

    The first teacher takes every goal that no other one takes. Each other one takes the goals in which its number,
    usually a one-hot of a skill, is above a half.
    """

    policies: tuple[Policy, ...]
    reads_goal: tuple[bool, ...] = struct.field(pytree_node=False)  # whether each sees the goal, or none
    columns: tuple[int, ...] = struct.field(pytree_node=False)  # of a goal, for each teacher but the first

    def act(self, observation: Observation) -> Array:
        """Return the teachers' actions (B, A) in [-1, 1]."""
        action = self._action(0, observation)
        for i, column in enumerate(self.columns, start=1):
            is_its = observation.goal[..., column : column + 1] > 0.5
            action = jnp.where(is_its, self._action(i, observation), action)
        return action

    def _action(self, i: int, observation: Observation) -> Array:
        policy: Any = self.policies[i]
        goal = observation.goal if self.reads_goal[i] else observation.goal[..., :0]
        carry = policy.init_carry(len(observation.obs))
        return policy.act(carry, observation.replace(goal=goal), jax.random.key(0))[1]
