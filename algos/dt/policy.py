"""The policy of a Decision Transformer. Axes: B worlds, K control steps of context."""

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from algos.common.distributions import TanhNormal
from algos.common.normalization import RunningStatistics
from algos.common.types import Params
from algos.dt.transformer import TransformerNetwork
from algos.dt.windows import Windows
from envs.types import Observation
from envs.worlds.shards import ALONE, Shards


@struct.dataclass
class DTPolicy:
    """The policy of a Decision Transformer: predicts the action from the last K control steps of each world.

    It asks for a return when an episode begins, and at each later step for what is left of it after the rewards so far.
    The network computes all K steps anew at every step. Keys and values kept from earlier steps would give other
    results: they would still depend on steps that are no longer among the last K.
    """

    network: TransformerNetwork = struct.field(pytree_node=False)
    deterministic: bool = struct.field(pytree_node=False)
    params: Params
    normalizer: RunningStatistics
    target_return: Array  # () episode return to ask for
    shards: Shards = struct.field(pytree_node=False, default=ALONE)

    def init_carry(self, num_envs: int) -> Windows:
        """Return the memory of B = `num_envs` worlds before their first step: room for K steps, all marked as empty."""
        spec, number = self.network.spec, jnp.result_type(float)
        shape = (num_envs, self.network.config.context_length)
        return Windows(
            return_to_go=jnp.zeros(shape, number),
            obs=jnp.zeros((*shape, spec.obs_size), number),
            goal=jnp.zeros((*shape, spec.goal_size), number),
            action=jnp.zeros((*shape, spec.action_size), number),
            time=jnp.zeros(shape, jnp.int32),
            valid=jnp.zeros(shape, bool),
        )

    def act(self, carry: Windows, observation: Observation, key: Array) -> tuple[Windows, Array, tuple[Array, Array]]:
        """Return the new memory, the actions (B, A) in [-1, 1], and what is to be stored with the step.

        The memory is the last K control steps of each world, and now ends with this step and its action. To be stored
        are the actions, and the number (B,) of control steps since each world's episode began.
        """
        windows = self._moved_on(carry, observation)
        output = self.network(self.params, windows)[:, -1]
        if self.network.config.stochastic:
            distribution = TanhNormal.from_network(output)
            output = distribution.mode() if self.deterministic else distribution.sample(key, self.shards)
        action = jnp.tanh(output)
        return windows.replace(action=windows.action.at[:, -1].set(action)), action, (action, windows.time[:, -1])

    def _moved_on(self, carry: Windows, observation: Observation) -> Windows:
        """Return the last K steps of each world with the present step appended and the oldest one removed.

        The present step's action is still unknown and set to 0. Where an episode begins, earlier steps are cleared.
        """
        begins = observation.is_first | ~carry.valid[:, -1]
        left = carry.return_to_go[:, -1] - observation.reward
        newest = Windows(
            return_to_go=jnp.where(begins, self.target_return, left),
            obs=self.normalizer.normalize(observation.obs),
            goal=observation.goal,
            action=jnp.zeros_like(carry.action[:, 0]),
            time=jnp.where(begins, 0, carry.time[:, -1] + 1),
            valid=jnp.ones_like(begins),
        )

        def moved(rows: Array, row: Array) -> Array:
            is_new = begins.reshape(begins.shape + (1,) * (rows.ndim - 1))
            return jnp.concatenate([jnp.where(is_new, jnp.zeros_like(rows), rows)[:, 1:], row[:, None]], axis=1)

        return jax.tree.map(moved, carry, newest)
