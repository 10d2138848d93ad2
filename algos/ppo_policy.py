"""How a policy trained by PPO acts."""

import jax.numpy as jnp
from flax import struct
from jax import Array

from algos.distributions import ClippedNormal, TanhNormal
from algos.networks import Memory, Network, Params, Symmetry
from algos.normalization import RunningStatistics
from envs.shards import ALONE, Shards
from envs.types import Observation

Distribution = TanhNormal | ClippedNormal


@struct.dataclass
class Critic:
    """A value network with memory, which sampling carries on beside the policy's."""

    network: Network = struct.field(pytree_node=False)
    params: Params
    privileged: RunningStatistics | None


@struct.dataclass
class PPOPolicy:
    """Acts by the policy network."""

    network: Network = struct.field(pytree_node=False)
    distribution: type[Distribution] = struct.field(pytree_node=False)
    deterministic: bool = struct.field(pytree_node=False)
    params: Params
    normalizer: RunningStatistics
    critic: Critic | None = None
    shards: Shards = struct.field(pytree_node=False, default=ALONE)
    asked: Array | None = None  # (W,) what is asked for all the time, in front of the goal

    def init_carry(self, num_envs: int) -> dict[str, Memory]:
        """Memory of nothing, by network."""
        networks = {"policy": self.network} | ({"value": self.critic.network} if self.critic else {})
        return {name: network.init_memory(num_envs) for name, network in networks.items()}

    def act(
        self, carry: dict[str, Memory], observation: Observation, key: Array
    ) -> tuple[dict[str, Memory], Array, dict[str, Array]]:
        """Actions, and the distribution and the value before squashing that they came from."""
        if self.asked is not None:
            asked = jnp.broadcast_to(self.asked, (*observation.reward.shape, *self.asked.shape))
            observation = observation.replace(goal=jnp.concatenate([asked, observation.goal], axis=-1))
        inputs = network_inputs(self.normalizer, observation, symmetry=self.network.symmetry)
        memory, output = self.network.step(self.params, carry["policy"], inputs, observation.is_first)
        carry = carry | {"policy": memory}
        if self.critic is not None:
            symmetry = self.critic.network.symmetry
            inputs = network_inputs(self.normalizer, observation, self.critic.privileged, symmetry)
            carry["value"], _ = self.critic.network.step(
                self.critic.params, carry["value"], inputs, observation.is_first
            )
        distribution = self.distribution.from_network(output)
        raw_action = distribution.mode() if self.deterministic else distribution.sample(key, self.shards)
        info = {"raw_action": raw_action, "loc": distribution.loc, "scale": distribution.scale}
        return carry, distribution.squash(raw_action), info


def network_inputs(
    normalizer: RunningStatistics,
    observation: Observation,
    privileged: RunningStatistics | None = None,
    symmetry: Symmetry | None = None,
) -> Array:
    """Normalised observation, what is privileged if its statistics are given, and goal: (..., O [+ P] + G).

    With a symmetry (..., 2, O + G): the same of the mirror image, too.
    """
    if symmetry is not None:
        mirror = symmetry.mirror
        reflected = observation.replace(obs=mirror.obs(observation.obs), goal=mirror.goal(observation.goal))
        return jnp.stack([network_inputs(normalizer, seen) for seen in (observation, reflected)], axis=-2)
    parts = [normalizer.normalize(observation.obs)]
    if privileged is not None:
        assert observation.privileged is not None
        parts.append(privileged.normalize(observation.privileged))
    return jnp.concatenate([*parts, observation.goal], axis=-1)
