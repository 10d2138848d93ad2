"""Teachers: policies whose action distributions a policy in training imitates in the worlds that it steps itself.

Source: Ross et al. 2011 (DAgger); Schmitt et al. 2018, "Kickstarting deep reinforcement learning".
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from algos.common.types import Taught
from envs.types import Observation


@struct.dataclass
class Teachers:
    """Policies to imitate. The goal of a world decides which of them is imitated there.

    A teacher is responsible for every goal, or for those goals that ask for its skill: such a teacher has a column of
    the goal vector, usually one of the skill's one-hot, and is responsible where the number there is above 0.5. A
    teacher that knows only states like those of its training is responsible in these: a teacher that only walks does
    not know how to stop a run. Where several teachers are responsible, the last of them is imitated. Teachers have no
    memory. As the third result of `act`, they return a dictionary with the `loc` and `scale` of their action
    distribution. Those that know only familiar states have a `normalizer`, the statistics of their observations. A
    state is familiar to them if its observations, in standard deviations from their means in the teacher's own
    training, have a mean square of at most `familiar_below`.
    """

    policies: tuple[Any, ...]  # of type `Policy`
    obs_sizes: tuple[int, ...] = struct.field(pytree_node=False)  # how many of the first observations each sees
    reads_goal: tuple[bool, ...] = struct.field(pytree_node=False)  # whether each sees the goal, or none
    columns: tuple[int | None, ...] = struct.field(pytree_node=False)  # place of its number; None for every goal
    familiar_only: tuple[bool, ...] = struct.field(pytree_node=False)  # whether each teaches familiar states only
    familiar_below: float = struct.field(pytree_node=False)

    def teach(self, observation: Observation) -> Taught:
        """Return the action distributions to imitate in B worlds, and in which worlds there is one.

        Each world's distribution is that of the last teacher who is responsible for the world's goal.
        """
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
        """Return teacher `i`'s action distributions in B worlds, and in which worlds it is responsible."""
        policy, column = self.policies[i], self.columns[i]
        goal = observation.goal if self.reads_goal[i] else observation.goal[..., :0]
        carry = policy.init_carry(len(observation.obs))
        seen = observation.replace(obs=observation.obs[..., : self.obs_sizes[i]], goal=goal)
        info = policy.act(carry, seen, jax.random.key(0))[2]
        is_its = jnp.ones(len(observation.obs), bool) if column is None else observation.goal[:, column] > 0.5
        if self.familiar_only[i]:
            is_its &= jnp.square(policy.normalizer.normalize(seen.obs)).mean(axis=-1) <= self.familiar_below
        return Taught(info["loc"], info["scale"], is_its)
