"""The policy that PPO and behavior cloning train."""

import jax.numpy as jnp
from flax import struct
from jax import Array

from algos.common.distributions import ClippedNormal, TanhNormal
from algos.common.networks import Memory, Network
from algos.common.normalization import RunningStatistics
from algos.common.symmetry import Symmetry
from algos.common.types import Params
from envs.types import Observation
from envs.worlds.shards import ALONE, Shards

Distribution = TanhNormal | ClippedNormal


@struct.dataclass
class Critic:
    """A recurrent value network and its parameters, whose memory is updated while the policy acts.

    `privileged` is the mean and variance of the privileged observations, if the value network sees them.
    """

    network: Network = struct.field(pytree_node=False)
    params: Params
    privileged: RunningStatistics | None


@struct.dataclass
class PPOPolicy:
    """A policy network with its parameters, which acts in B worlds.

    It samples actions from the distribution that the network returns, or takes its mode if `deterministic`.
    """

    network: Network = struct.field(pytree_node=False)
    distribution: type[Distribution] = struct.field(pytree_node=False)
    deterministic: bool = struct.field(pytree_node=False)
    params: Params
    normalizer: RunningStatistics
    critic: Critic | None = None
    shards: Shards = struct.field(pytree_node=False, default=ALONE)
    asked: Array | None = None  # (W,) constant input in front of the goal, such as a return to ask for

    def init_carry(self, num_envs: int) -> dict[str, Memory]:
        """Return the empty recurrent memory of each network for `num_envs` worlds, by its name.

        The names are `policy` and, if a recurrent value network runs along, `value`. The memory of a network without
        a recurrent cell is ().
        """
        networks = {"policy": self.network} | ({"value": self.critic.network} if self.critic else {})
        return {name: network.init_memory(num_envs) for name, network in networks.items()}

    def act(
        self, carry: dict[str, Memory], observation: Observation, key: Array
    ) -> tuple[dict[str, Memory], Array, dict[str, Array]]:
        """Return the new memory, the actions (B, A) in [-1, 1], and a dictionary for the learner.

        The dictionary has `raw_action`, which is the action before tanh or clipping, and the `loc` and `scale` of the
        distribution that it was drawn from.
        """
        goal = observation.goal
        if self.asked is not None:
            asked = jnp.broadcast_to(self.asked, (*observation.reward.shape, *self.asked.shape))
            goal = jnp.concatenate([asked, goal], axis=-1)
        inputs = network_inputs(self.normalizer, observation.obs, goal, self.network.symmetry)
        memory, output = self.network.step(self.params, carry["policy"], inputs, observation.is_first)
        carry = carry | {"policy": memory}
        if self.critic is not None:
            if self.critic.privileged is not None:
                inputs = privileged_inputs(self.normalizer, observation, self.critic.privileged)
            carry["value"], _ = self.critic.network.step(
                self.critic.params, carry["value"], inputs, observation.is_first
            )
        distribution = self.distribution.from_network(output)
        raw_action = distribution.mode() if self.deterministic else distribution.sample(key, self.shards)
        info = {"raw_action": raw_action, "loc": distribution.loc, "scale": distribution.scale}
        return carry, distribution.squash(raw_action), info


def network_inputs(normalizer: RunningStatistics, obs: Array, goal: Array, symmetry: Symmetry | None = None) -> Array:
    """Return the inputs of a network: the normalised observation `obs` (..., O), then the goal (..., G) as it is.

    The shape is (..., O + G). With a symmetry it is (..., 2, O + G): these inputs, then their mirror image.
    """
    inputs = jnp.concatenate([normalizer.normalize(obs), goal], axis=-1)
    if symmetry is None:
        return inputs
    image = network_inputs(normalizer, symmetry.mirror.obs(obs), symmetry.mirror.goal(goal))
    return jnp.stack([inputs, image], axis=-2)


def privileged_inputs(normalizer: RunningStatistics, observation: Observation, privileged: RunningStatistics) -> Array:
    """Return the inputs of a value network that sees privileged observations, joined to vectors (..., O + P + G).

    They are the normalised observation of O numbers, the normalised privileged one of P, and the goal of G as it is.
    """
    assert observation.privileged is not None
    parts = [normalizer.normalize(observation.obs), privileged.normalize(observation.privileged), observation.goal]
    return jnp.concatenate(parts, axis=-1)
