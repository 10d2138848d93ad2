"""Behavior cloning: learn to predict the actions in a dataset. Axes: U updates of an iteration, B samples of each."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jax import Array

from algos.bc.config import BCConfig
from algos.common.adamw import adamw_step, make_adam, over_updates
from algos.common.dataset import Minibatches
from algos.common.distributions import TanhNormal
from algos.common.networks import MLP, ControlNetwork, Network
from algos.common.normalization import RunningStatistics
from algos.common.schedules import scheduled
from algos.common.symmetry import policy_symmetry
from algos.common.types import Params
from algos.ppo.policy import PPOPolicy, network_inputs
from envs.errors import ConfigError
from envs.types import EnvSpec
from envs.worlds.shards import ALONE, Shards


@struct.dataclass
class BCTrainState:
    """What behavior cloning carries from one iteration to the next: parameters, optimizer state, statistics, counters.

    It also has the return that the policy is to ask for, if it is conditioned on one. Fields are named as in PPO's
    train state, so that a run of one algorithm can start from a run of the other.
    """

    params: dict[str, Params]  # "policy"
    optimizer: optax.OptState
    normalizer: RunningStatistics  # of the data's observations, set in the first iteration; or of a parent run's
    skipped_in_a_row: Array  # () int32: non-finite updates since the last finite one
    target_return: Array | None = None  # () return to ask for: as configured, or from the data


class BC:
    """Behavior cloning: trains a policy network to predict the actions of a dataset by their mean squared error.

    It is made for an environment with given sizes of observations, goals and actions. It holds no parameters: `init`
    makes them, and `update` takes them and returns them changed.
    """

    def __init__(self, config: BCConfig, spec: EnvSpec, shards: Shards = ALONE) -> None:
        """Define the network and its optimizer. The devices of `shards` share each minibatch.

        Raises:
          ConfigError: if batch_size is not a multiple of the number of devices, or if the config asks for symmetry and
            the environment has none.
        """
        if config.batch_size % shards.num:
            raise ConfigError(f"batch_size: {config.batch_size} is not a multiple of num_devices {shards.num}")
        self.config = config
        self.spec = spec
        self.shards = shards
        symmetry = policy_symmetry(spec, self._asks_for_return) if config.symmetric else None
        self.network = Network(self._build, symmetry)
        self.optimizer = make_adam(config.max_grad_norm)

    def _build(self, rngs: Any) -> ControlNetwork:
        config, spec = self.config, self.spec
        goal_size = spec.goal_size + self._asks_for_return
        return ControlNetwork(
            MLP,
            spec.obs_size + goal_size,
            config.policy_layers,
            2 * spec.action_size,
            goal_size=goal_size,
            goal_layers=config.goal_layers,
            cell=None,
            cell_size=0,
            rngs=rngs,
            activation=config.activation,
            out_scale=0.01,
            dtype=config.dtype,
        )

    def init(self, key: Array) -> BCTrainState:
        """Return a train state with new parameters."""
        params = {"policy": self.network.init(key)}
        normalizer = RunningStatistics.init(self.spec.obs_size, is_unused=not self.config.normalize_observations)
        target = jnp.array(self.config.target_return or 0.0, jnp.result_type(float)) if self._asks_for_return else None
        return BCTrainState(params, self.optimizer.init(params), normalizer, jnp.zeros((), jnp.int32), target)

    def init_hyper(self) -> dict[str, Array]:
        """Return the traced hyper-parameters, which may change without recompiling, at their configured values."""
        return {name: jnp.array(getattr(self.config, name), jnp.result_type(float)) for name in self.config.traced}

    def policy(self, train: BCTrainState, *, deterministic: bool = False) -> PPOPolicy:
        """Return the policy of a train state, which samples actions or, if `deterministic`, takes the mode.

        The scale of its action distribution is not trained.
        """
        params, target = train.params["policy"], train.target_return
        asked = None if target is None else target[None] / self.spec.episode_length
        return PPOPolicy(
            self.network, TanhNormal, deterministic, params, train.normalizer, shards=self.shards, asked=asked
        )

    @property
    def _asks_for_return(self) -> bool:
        return self.config.condition == "return"

    def summary(self) -> str:
        """Describe the network's layers and size on one line."""
        params = jax.eval_shape(self.init, jax.random.key(0)).params
        size = sum(math.prod(x.shape) for x in jax.tree.leaves(params))
        goal = f"goal {'x'.join(map(str, self.config.goal_layers))} + " if self.config.goal_layers else ""
        return f"policy {goal}{'x'.join(map(str, self.config.policy_layers))} ({size:,} parameters)"

    def update(
        self, train: BCTrainState, batch: Minibatches, hyper: dict[str, Array], key: Array
    ) -> tuple[BCTrainState, dict[str, Array]]:
        """Do one gradient step for each of the U minibatches in `batch`.

        Return the new train state and scalar metrics by name.
        """
        decays = self.config.final_learning_rate is not None
        learning_rate = scheduled("learning_rate", hyper) if decays else hyper["learning_rate"]
        if self.config.normalize_observations:
            train = train.replace(normalizer=train.normalizer.or_if_empty(batch.statistics))
        if self._asks_for_return and self.config.target_return is None:
            train = train.replace(target_return=batch.target_return)
        inputs_UB = network_inputs(train.normalizer, batch.obs, batch.goal, self.network.symmetry)

        def step(train: BCTrainState, minibatch: tuple[Array, Array]) -> tuple[BCTrainState, dict[str, Array]]:
            return adamw_step(
                self.optimizer,
                train,
                lambda params: self._loss(params, *minibatch),
                learning_rate=learning_rate,
                weight_decay=hyper["weight_decay"],
                shards=self.shards,
            )

        train, steps = jax.lax.scan(step, train, (inputs_UB, batch.action))
        return train, over_updates(steps, train.skipped_in_a_row) | {"update/learning_rate": learning_rate}

    def _loss(self, params: dict[str, Params], inputs: Array, action: Array) -> Array:
        """Return the mean squared error of the deterministic action against the data's action (B, A)."""
        is_first = jnp.zeros(action.shape[:-1], bool)  # ignored, because the network has no memory
        output = self.network.step(params["policy"], (), inputs, is_first)[1]
        return jnp.square(jnp.tanh(TanhNormal.from_network(output).loc) - action).mean()
