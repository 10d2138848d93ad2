"""REINFORCE as an algorithm of a package of its own: a policy gradient without a value network.

It shows all that an algorithm needs: a config, a train state, a learner with five methods, and an entry that says where
its batches come from. Everything else - worlds, evaluation, checkpoints, seeds, sweeps - is flex-rl's.
Axes: T control steps of an iteration, B worlds.

Source: Williams 1992; rewards to go are discounted and compared with the batch's mean at the same age of the rollout.
"""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jax import Array

from algos.common.config import AlgorithmConfig
from algos.common.distributions import TanhNormal
from algos.common.networks import MLP, ControlNetwork, Network, Params
from algos.common.normalization import RunningStatistics
from algos.common.requirements import require
from algos.common.rollout import RolloutSource
from algos.common.types import Rollout
from algos.ppo.policy import PPOPolicy, network_inputs
from algos.registry import AlgorithmEntry
from envs.types import EnvSpec
from envs.worlds.shards import Shards


@dataclass(frozen=True)
class ReinforceConfig(AlgorithmConfig):
    """Hyper-parameters of REINFORCE.

    Attributes:
      unroll_length: control steps per world and iteration.
      learning_rate: of Adam.
      discount: weight of the next step's reward.
      policy_layers: hidden units of the policy network.
    """

    unroll_length: int = 64
    learning_rate: float = 3e-3
    discount: float = 0.95
    policy_layers: tuple[int, ...] = (64, 64)

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        require(self.unroll_length >= 1, "unroll_length", self.unroll_length, "at least 1")
        require(self.learning_rate > 0, "learning_rate", self.learning_rate, "above 0")
        require(0 <= self.discount < 1, "discount", self.discount, "at least 0 and below 1")

    @property
    def traced(self) -> list[str]:
        """Fields that may change without compiling the program anew, such as between the members of a group."""
        return ["learning_rate", "discount"]

    def steps_per_iteration(self, num_envs: int) -> int:
        """Control steps of all worlds together."""
        return num_envs * self.unroll_length


@struct.dataclass
class ReinforceState:
    """What learning carries from one iteration to the next."""

    params: dict[str, Params]  # "policy", named as PPO's: a run of either may begin from the other
    optimizer: optax.OptState
    normalizer: RunningStatistics


class Reinforce:
    """REINFORCE for one environment's sizes."""

    def __init__(self, config: ReinforceConfig, spec: EnvSpec, shards: Shards) -> None:
        """Define the network."""
        self.config, self.spec, self.shards = config, spec, shards
        self.network = Network(self._build, None)
        self.optimizer = optax.scale_by_adam()

    def _build(self, rngs: Any) -> ControlNetwork:
        sizes = (self.spec.obs_size + self.spec.goal_size, self.config.policy_layers, 2 * self.spec.action_size)
        front = {"goal_size": self.spec.goal_size, "goal_layers": (), "cell": None, "cell_size": 0}
        return ControlNetwork(MLP, *sizes, rngs=rngs, activation="tanh", out_scale=0.01, dtype="float32", **front)

    def init(self, key: Array) -> ReinforceState:
        """Return a new network."""
        params = {"policy": self.network.init(key)}
        return ReinforceState(params, self.optimizer.init(params), RunningStatistics.init(self.spec.obs_size))

    def init_hyper(self) -> dict[str, Array]:
        """Return the traced hyper-parameters at their configured values."""
        return {name: jnp.array(getattr(self.config, name), jnp.result_type(float)) for name in self.config.traced}

    def policy(self, train: ReinforceState, *, deterministic: bool = False) -> PPOPolicy:
        """Return the policy that a train state holds."""
        return PPOPolicy(
            self.network, TanhNormal, deterministic, train.params["policy"], train.normalizer, shards=self.shards
        )

    def summary(self) -> str:
        """Size of the network, on one line."""
        return f"policy {'x'.join(map(str, self.config.policy_layers))}"

    def update(
        self, train: ReinforceState, batch: Rollout, hyper: dict[str, Array], key: Array
    ) -> tuple[ReinforceState, dict[str, Array]]:
        """One gradient step on T * B samples."""
        returns_TB = returns_to_go(batch.reward, batch.terminated | batch.truncated, hyper["discount"])
        better_TB = returns_TB - self.shards.mean(returns_TB.mean(axis=1))[:, None]
        advantage_TB = better_TB / (jnp.sqrt(self.shards.mean(jnp.square(better_TB).mean())) + 1e-8)
        inputs_TB = network_inputs(train.normalizer, batch.observation.obs, batch.observation.goal)

        def loss(params: dict[str, Params]) -> Array:
            output = self.network.step(params["policy"], (), inputs_TB, batch.observation.is_first)[1]
            log_prob_TB = TanhNormal.from_network(output).log_prob(batch.info["raw_action"])
            return -(log_prob_TB * advantage_TB).mean()

        value, grads = self.shards.mean(jax.value_and_grad(loss)(train.params))
        direction, optimizer = self.optimizer.update(grads, train.optimizer)
        params = jax.tree.map(lambda p, d: p - hyper["learning_rate"] * d, train.params, direction)
        normalizer = train.normalizer.update(batch.observation.obs, self.shards)
        return ReinforceState(params, optimizer, normalizer), {
            "policy/loss": value,
            "update/grad_norm": optax.tree.norm(grads),
            "update/skipped": jnp.zeros((), jnp.int32),
            "update/skipped_in_a_row": jnp.zeros((), jnp.int32),
        }


def returns_to_go(reward_TB: Array, ended_TB: Array, discount: Array) -> Array:
    """Discounted rewards from each step to the end of its episode or of the rollout, shape (T, B)."""

    def step(later_B: Array, row: tuple[Array, Array]) -> tuple[Array, Array]:
        reward_B, ended_B = row
        return (return_B := reward_B + discount * jnp.where(ended_B, 0, later_B)), return_B

    return jax.lax.scan(step, jnp.zeros_like(reward_TB[0]), (reward_TB, ended_TB), reverse=True)[1]


ENTRY = AlgorithmEntry(ReinforceConfig, Reinforce, lambda config, worlds: RolloutSource(worlds, config.unroll_length))
