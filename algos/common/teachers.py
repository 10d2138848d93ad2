"""Policies whose distributions of actions another policy imitates while it acts in its own worlds.

Source: Ross et al. 2011 (DAgger); Schmitt et al. 2018, "Kickstarting deep reinforcement learning".
"""

import jax
import jax.numpy as jnp
from flax import struct

from algos.common.types import Policy, Taught
from envs.types import Observation


@struct.dataclass
class Teachers:
    """Teachers without memory, whose `act` returns the `loc` and `scale` of its distribution, as PPO's policy does.

    Each world's goal says whose distribution counts there. A teacher takes every goal, or those in which one number,
    usually a one-hot of a skill, is above a half. Where several take a goal, the last of them counts.
    """

    policies: tuple[Policy, ...]
    obs_sizes: tuple[int, ...] = struct.field(pytree_node=False)  # how many of the first observations each sees
    reads_goal: tuple[bool, ...] = struct.field(pytree_node=False)  # whether each sees the goal, or none
    columns: tuple[int | None, ...] = struct.field(pytree_node=False)  # place of its number; None for every goal

    def teach(self, observation: Observation) -> Taught:
        """Return the distributions from which the teachers would draw actions in B worlds."""
        taught = self._taught(0, observation)
        for i in range(1, len(self.policies)):
            its = self._taught(i, observation)
            chosen = its.is_taught[:, None]
            taught = Taught(
                loc=jnp.where(chosen, its.loc, taught.loc),
                scale=jnp.where(chosen, its.scale, taught.scale),
                is_taught=taught.is_taught | its.is_taught,
            )
        return taught

    def _taught(self, i: int, observation: Observation) -> Taught:
        """Return the distributions of one teacher, and which goals are its own."""
        policy, column = self.policies[i], self.columns[i]
        goal = observation.goal if self.reads_goal[i] else observation.goal[..., :0]
        carry = policy.init_carry(len(observation.obs))
        seen = observation.replace(obs=observation.obs[..., : self.obs_sizes[i]], goal=goal)
        info = policy.act(carry, seen, jax.random.key(0))[2]
        is_its = jnp.ones(len(observation.obs), bool) if column is None else observation.goal[:, column] > 0.5
        return Taught(info["loc"], info["scale"], is_its)
