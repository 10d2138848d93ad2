"""The Decision Transformer: predict the data's actions, given the return that was still to come.

Axes: U updates of an iteration, B windows of each, K control steps of a window.
"""

import math

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jax import Array

from algos.common.adamw import adamw_step, make_adam, over_updates
from algos.common.distributions import TanhNormal
from algos.common.normalization import RunningStatistics
from algos.common.schedules import scheduled
from algos.common.types import Params
from algos.dt.config import DTConfig
from algos.dt.policy import DTPolicy
from algos.dt.transformer import TransformerNetwork
from algos.dt.windows import WindowBatch, Windows
from envs.errors import ConfigError
from envs.types import EnvSpec
from envs.worlds.shards import ALONE, Shards

LARGEST_ACTION = 1 - 1e-4  # to which the data's actions are clipped: under tanh, an action of 1 has no likelihood


@struct.dataclass
class DTTrainState:
    """What the Decision Transformer's learning carries from one iteration to the next.

    These are the parameters and their running mean, the optimizer's state, the mean and variance of observations, the
    return that the policy is to ask for, and how many updates in a row were skipped.
    """

    params: dict[str, Params]  # "policy"
    average: Params | None  # running mean of the policy's parameters; None if the latest ones act
    optimizer: optax.OptState
    normalizer: RunningStatistics  # of the data's observations, set in the first iteration; or of a parent run's
    target_return: Array  # () return to ask for: as configured, or from the data since the first iteration
    skipped_in_a_row: Array  # () int32: non-finite updates since the last finite one


class DT:
    """The Decision Transformer: trains a transformer to predict a dataset's actions from the steps before them.

    It is made for an environment with given sizes of observations, goals and actions. It holds no parameters: `init`
    makes them, and `update` takes them and returns them changed.

    Source: Chen et al. 2021, and the code of its Gym experiments.
    """

    def __init__(self, config: DTConfig, spec: EnvSpec, shards: Shards = ALONE) -> None:
        """Define the network and its optimizer. The devices of `shards` share each minibatch.

        Raises:
          ConfigError: if batch_size is not a multiple of the number of devices.
        """
        if config.batch_size % shards.num:
            raise ConfigError(f"batch_size: {config.batch_size} is not a multiple of num_devices {shards.num}")
        self.config = config
        self.spec = spec
        self.shards = shards
        self.network = TransformerNetwork(config, spec)
        self.optimizer = make_adam(config.max_grad_norm)

    def init(self, key: Array) -> DTTrainState:
        """Return a train state with new parameters."""
        params = {"policy": self.network.init(key)}
        average = None if self.config.average_decay is None else params["policy"]
        normalizer = RunningStatistics.init(self.spec.obs_size, is_unused=not self.config.normalize_observations)
        target_return = jnp.array(self.config.target_return or 0.0, jnp.result_type(float))
        no_updates, optimizer = jnp.zeros((), jnp.int32), self.optimizer.init(params)
        return DTTrainState(params, average, optimizer, normalizer, target_return, no_updates)

    def init_hyper(self) -> dict[str, Array]:
        """Return the traced hyper-parameters, which may change without recompiling, at their configured values."""
        return {name: jnp.array(getattr(self.config, name), jnp.result_type(float)) for name in self.config.traced}

    def policy(self, train: DTTrainState, *, deterministic: bool = False) -> DTPolicy:
        """Return the policy of a train state. It samples actions if `config.stochastic` and not `deterministic`."""
        params = train.params["policy"]
        if train.average is not None:
            has_begun = optax.tree.get(train.optimizer, "count") > 0
            params = jax.tree.map(lambda mean, last: jnp.where(has_begun, mean, last), train.average, params)
        return DTPolicy(self.network, deterministic, params, train.normalizer, train.target_return, self.shards)

    def summary(self) -> str:
        """Describe the network's layers and size on one line."""
        config = self.config
        params = jax.eval_shape(self.init, jax.random.key(0)).params
        size = sum(math.prod(x.shape) for x in jax.tree.leaves(params))
        return (
            f"policy of {config.num_layers} blocks, {config.num_heads} heads, {config.embed_size} wide, over "
            f"{config.context_length} steps ({size:,} parameters)"
        )

    def update(
        self, train: DTTrainState, batch: WindowBatch, hyper: dict[str, Array], key: Array
    ) -> tuple[DTTrainState, dict[str, Array]]:
        """Do one gradient step for each of the U minibatches in `batch`.

        Return the new train state and scalar metrics by name.
        """
        if self.config.normalize_observations:
            train = train.replace(normalizer=train.normalizer.or_if_empty(batch.statistics))
        if self.config.target_return is None:
            train = train.replace(target_return=batch.target_return)
        if "final_learning_rate" in hyper:
            hyper = hyper | {"learning_rate": scheduled("learning_rate", hyper)}
        windows = batch.windows.replace(obs=train.normalizer.normalize(batch.windows.obs))

        def step(train: DTTrainState, update: tuple[Windows, Array]) -> tuple[DTTrainState, dict[str, Array]]:
            num_done = optax.tree.get(train.optimizer, "count")
            learning_rate = hyper["learning_rate"] * jnp.minimum((num_done + 1) / hyper["warmup_updates"], 1)
            train, metrics = adamw_step(
                self.optimizer,
                train,
                lambda params: self._loss(params, *update, hyper),
                learning_rate=learning_rate,
                weight_decay=hyper["weight_decay"],
                shards=self.shards,
            )
            if train.average is not None:
                share = jnp.maximum(1 - hyper["average_decay"], 1 / (num_done + 1))
                train = train.replace(average=optax.incremental_update(train.params["policy"], train.average, share))
            return train, metrics | {"update/learning_rate": learning_rate}

        keys = jax.random.split(self.shards.key(key), self.config.num_updates)
        train, steps = jax.lax.scan(step, train, (windows, keys))
        return train, over_updates(steps, train.skipped_in_a_row)

    def _loss(self, params: dict[str, Params], windows: Windows, key: Array, hyper: dict[str, Array]) -> Array:
        """Return this device's part of the loss: the mean over devices is the loss per control step, without padding.

        The loss of a step is the mean squared error of the action. With `stochastic` it is instead the negative
        log-likelihood of the data's action, less a bonus for entropy.
        """
        key_dropout, key_entropy = jax.random.split(key)
        output = self.network(params["policy"], windows, key_dropout)
        num_steps = self.shards.mean(windows.valid.sum().astype(output.dtype))
        if self.config.stochastic:
            distribution = TanhNormal.from_network(output)
            raw_action = jnp.arctanh(jnp.clip(windows.action, -LARGEST_ACTION, LARGEST_ACTION))
            entropy = distribution.entropy(jax.random.normal(key_entropy, raw_action.shape))
            weight = hyper["entropy_weight"]
            if "target_entropy" in hyper:
                mean_entropy = self.shards.mean(jnp.where(windows.valid, entropy, 0).sum()) / num_steps
                weight *= mean_entropy < hyper["target_entropy"]
            error = -distribution.log_prob(raw_action) - weight * entropy
        else:
            error = jnp.square(jnp.tanh(output) - windows.action).mean(axis=-1)
        return jnp.where(windows.valid, error, 0).sum() / num_steps
