"""How a policy trained by PPO acts."""

import jax.numpy as jnp
from flax import struct
from jax import Array

from algos.common.distributions import ClippedNormal, TanhNormal
from algos.common.networks import Memory, Network, Params
from algos.common.normalization import RunningStatistics
from algos.common.symmetry import Symmetry
from envs.types import Observation
from envs.worlds.shards import ALONE, Shards

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
    """Normalised observation and goal: (..., O + G); with a symmetry (..., 2, O + G), of the mirror image too."""
    inputs = jnp.concatenate([normalizer.normalize(obs), goal], axis=-1)
    if symmetry is None:
        return inputs
    image = network_inputs(normalizer, symmetry.mirror.obs(obs), symmetry.mirror.goal(goal))
    return jnp.stack([inputs, image], axis=-2)


def privileged_inputs(normalizer: RunningStatistics, observation: Observation, privileged: RunningStatistics) -> Array:
    """Normalised observation, what is privileged by its statistics, and goal: (..., O + P + G)."""
    assert observation.privileged is not None
    parts = [normalizer.normalize(observation.obs), privileged.normalize(observation.privileged), observation.goal]
    return jnp.concatenate(parts, axis=-1)
