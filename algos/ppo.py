"""Proximal Policy Optimisation.

Source: Schulman et al. 2017; advantages once per iteration, truncated episodes bootstrap from the observation
that ended them. Axes: T time, B worlds, N = T * B samples.
"""

import functools
from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jax import Array

from algos.distributions import ClippedNormal, TanhNormal
from algos.gae import generalized_advantage
from algos.networks import ACTIVATIONS, MLP, ConstantScaleMLP, Network, Params
from algos.normalization import RunningStatistics
from algos.types import Rollout
from envs.types import EnvSpec, Observation

KL_BAND = (0.5, 2.0)  # the learning rate stays while KL is within these multiples of its target
LEARNING_RATE_FACTOR = 1.5
LEARNING_RATE_BOUNDS = (1e-5, 1e-3)

POLICIES = {"tanh_normal": (TanhNormal, MLP), "clipped_normal": (ClippedNormal, ConstantScaleMLP)}
Distribution = TanhNormal | ClippedNormal


@dataclass(frozen=True)
class PPOConfig:
    """Hyper-parameters of PPO.

    Attributes:
      unroll_length: control steps per world and iteration.
      num_epochs: passes over an iteration's data.
      num_minibatches: gradient steps per pass; divides num_envs * unroll_length.
      learning_rate: of Adam; where it starts, when final_learning_rate or target_kl is set.
      final_learning_rate: where a linear decay over the whole run ends; null for no decay.
      target_kl: KL divergence per update that the learning rate adapts to; null for no adaptation.
      discount: weight of the next step's value.
      gae_lambda: weight of longer returns in the advantage.
      clip_ratio: how far the probability ratio may move from 1 and still be rewarded.
      entropy_weight: bonus per nat of policy entropy.
      value_weight: weight of the value's squared error.
      reward_scale: factor on rewards before learning; leaves reported returns alone.
      max_grad_norm: gradients are scaled down to this global norm; null for no limit.
      normalize_observations: by running mean and standard deviation.
      action_distribution: `tanh_normal` squashes actions, with a scale for each observation; `clipped_normal` clips
        them, with one scale for all.
      policy_layers: hidden units of the policy network.
      value_layers: hidden units of the value network.
      activation: between layers.
    """

    unroll_length: int = 32
    num_epochs: int = 4
    num_minibatches: int = 8
    learning_rate: float = 3e-4
    final_learning_rate: float | None = None
    target_kl: float | None = None
    discount: float = 0.99
    gae_lambda: float = 0.95
    clip_ratio: float = 0.2
    entropy_weight: float = 1e-3
    value_weight: float = 0.5
    reward_scale: float = 0.1
    max_grad_norm: float | None = 1.0
    normalize_observations: bool = True
    action_distribution: Literal["tanh_normal", "clipped_normal"] = "tanh_normal"
    policy_layers: tuple[int, ...] = (64, 64, 64)
    value_layers: tuple[int, ...] = (128, 128, 128)
    activation: Literal["elu", "relu", "swish", "tanh"] = "swish"

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        for name in ("unroll_length", "num_epochs", "num_minibatches"):
            _require(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        for name in ("learning_rate", "clip_ratio", "reward_scale"):
            _require(getattr(self, name) > 0, name, getattr(self, name), "above 0")
        for name in ("final_learning_rate", "target_kl", "max_grad_norm"):
            value = getattr(self, name)
            _require(value is None or value > 0, name, value, "above 0, or null for none")
        for name in ("discount", "gae_lambda"):
            _require(0 <= getattr(self, name) <= 1, name, getattr(self, name), "between 0 and 1")
        for name in ("entropy_weight", "value_weight"):
            _require(getattr(self, name) >= 0, name, getattr(self, name), "at least 0")
        for name in ("policy_layers", "value_layers"):
            layers = getattr(self, name)
            _require(len(layers) > 0 and min(layers) > 0, name, layers, "one or more positive sizes")
        decays = self.final_learning_rate is not None
        one_schedule = not (decays and self.target_kl is not None)
        _require(one_schedule, "final_learning_rate", self.final_learning_rate, "null when target_kl adapts the rate")
        low, high = LEARNING_RATE_BOUNDS
        within = self.target_kl is None or low <= self.learning_rate <= high
        _require(within, "learning_rate", self.learning_rate, f"between {low} and {high} when target_kl adapts it")
        known = self.action_distribution in POLICIES
        _require(known, "action_distribution", self.action_distribution, f"one of {', '.join(POLICIES)}")
        _require(self.activation in ACTIVATIONS, "activation", self.activation, f"one of {', '.join(ACTIVATIONS)}")


def _require(holds: bool, name: str, value: Any, limit: str) -> None:
    if not holds:
        raise ValueError(f"{name}: {value} must be {limit}")


@struct.dataclass
class PPOTrainState:
    """Everything that learning carries from one iteration to the next."""

    params: dict[str, Params]  # "policy", "value"
    optimizer: optax.OptState
    normalizer: RunningStatistics
    learning_rate: Array  # ()
    skipped_in_a_row: Array  # () int32: non-finite updates since the last finite one


@struct.dataclass
class PPOPolicy:
    """Acts by the policy network; has no memory."""

    network: Network = struct.field(pytree_node=False)
    distribution: type[Distribution] = struct.field(pytree_node=False)
    deterministic: bool = struct.field(pytree_node=False)
    params: Params
    normalizer: RunningStatistics

    def init_carry(self, num_envs: int) -> tuple[()]:
        """Nothing to remember."""
        return ()

    def act(self, carry: tuple[()], observation: Observation, key: Array) -> tuple[tuple[()], Array, dict[str, Array]]:
        """Actions, and the distribution and the value before squashing that they came from."""
        inputs = network_inputs(self.normalizer, observation)
        distribution = self.distribution.from_network(self.network.apply(self.params, inputs))
        raw_action = distribution.mode() if self.deterministic else distribution.sample(key)
        info = {"raw_action": raw_action, "loc": distribution.loc, "scale": distribution.scale}
        return carry, distribution.squash(raw_action), info


def network_inputs(normalizer: RunningStatistics, observation: Observation) -> Array:
    """Normalised observation and goal, (..., O + G)."""
    return jnp.concatenate([normalizer.normalize(observation.obs), observation.goal], axis=-1)


@struct.dataclass
class Samples:
    """N samples, or a minibatch of them, as the loss reads them."""

    inputs: Array  # (N, O + G)
    raw_action: Array  # (N, A) before squashing
    old: Distribution  # (N, A) that the action was drawn from
    old_log_prob: Array  # (N,)
    advantage: Array  # (N,)
    value_target: Array  # (N,)


class PPO:
    """PPO for one environment's sizes."""

    def __init__(self, config: PPOConfig, spec: EnvSpec) -> None:
        """Define the networks."""
        self.config = config
        self.spec = spec
        in_size = spec.obs_size + spec.goal_size
        self.distribution, policy_module = POLICIES[config.action_distribution]
        policy_layers = (in_size, config.policy_layers, 2 * spec.action_size)
        value_layers = (in_size, config.value_layers, 1)
        activation = config.activation
        self.policy_network = Network(
            lambda rngs: policy_module(*policy_layers, activation=activation, out_scale=0.01, rngs=rngs)
        )
        self.value_network = Network(lambda rngs: MLP(*value_layers, activation=activation, out_scale=1.0, rngs=rngs))
        clip = optax.identity() if config.max_grad_norm is None else optax.clip_by_global_norm(config.max_grad_norm)
        self.optimizer = optax.chain(clip, optax.scale_by_adam(eps=1e-5))

    def init(self, key: Array) -> PPOTrainState:
        """Fresh networks."""
        key_policy, key_value = jax.random.split(key)
        params = {"policy": self.policy_network.init(key_policy), "value": self.value_network.init(key_value)}
        return PPOTrainState(
            params,
            self.optimizer.init(params),
            RunningStatistics.init(self.spec.obs_size),
            jnp.array(self.config.learning_rate, jnp.result_type(float)),
            jnp.zeros((), jnp.int32),
        )

    def init_hyper(self) -> dict[str, Array]:
        """The numbers that may change without recompiling."""
        names = ("discount", "gae_lambda", "clip_ratio", "entropy_weight", "value_weight", "reward_scale")
        return {name: jnp.array(getattr(self.config, name), jnp.result_type(float)) for name in names}

    def policy(self, train: PPOTrainState, *, deterministic: bool = False) -> PPOPolicy:
        """The policy that a train state holds."""
        return PPOPolicy(
            self.policy_network, self.distribution, deterministic, train.params["policy"], train.normalizer
        )

    def update(
        self, train: PPOTrainState, batch: Rollout, hyper: dict[str, Array], key: Array
    ) -> tuple[PPOTrainState, dict[str, Array]]:
        """One iteration: advantages, epochs of minibatches, and the observations' statistics for the next."""
        train = train.replace(learning_rate=self._scheduled_learning_rate(train.learning_rate, hyper))
        samples, metrics = self._samples(train, batch, hyper)
        minibatch = functools.partial(self._minibatch, samples=samples, hyper=hyper)
        train, steps = jax.lax.scan(minibatch, train, self._minibatch_indices(samples.advantage.size, key))
        metrics |= {name: x.mean() for name, x in steps.items()}
        metrics["update/skipped"] = steps["update/skipped"].sum()
        metrics["update/skipped_in_a_row"] = train.skipped_in_a_row
        metrics["update/learning_rate"] = train.learning_rate
        if self.config.normalize_observations:
            seen = train.normalizer.update(batch.observation.obs)
            finite = jnp.isfinite(seen.mean).all() & jnp.isfinite(seen.sum_squares).all()
            normalizer = jax.tree.map(lambda new, old: jnp.where(finite, new, old), seen, train.normalizer)
            train = train.replace(normalizer=normalizer)
        return train, metrics

    def _samples(
        self, train: PPOTrainState, batch: Rollout, hyper: dict[str, Array]
    ) -> tuple[Samples, dict[str, Array]]:
        """Advantages and value targets by the networks as they were when the data was sampled."""
        inputs_TB = network_inputs(train.normalizer, batch.observation)
        next_inputs_TB = network_inputs(train.normalizer, batch.next_observation)
        value_TB = self._value(train.params, inputs_TB)
        advantage_TB = generalized_advantage(
            batch.reward * hyper["reward_scale"],
            value_TB,
            self._value(train.params, next_inputs_TB),
            batch.terminated,
            batch.truncated,
            discount=hyper["discount"],
            gae_lambda=hyper["gae_lambda"],
        )
        target_TB = advantage_TB + value_TB
        old = self.distribution(batch.info["loc"], batch.info["scale"])
        raw_action = batch.info["raw_action"]
        samples = Samples(inputs_TB, raw_action, old, old.log_prob(raw_action), advantage_TB, target_TB)
        metrics = {
            "value/mean": value_TB.mean(),
            "value/explained_variance": 1 - jnp.var(target_TB - value_TB) / jnp.maximum(jnp.var(target_TB), 1e-8),
        }
        return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), samples), metrics

    def _minibatch_indices(self, num_samples: int, key: Array) -> tuple[Array, Array]:
        """Shuffled sample indices and one key per gradient step, leading axis epochs times minibatches."""
        key_order, key_loss = jax.random.split(key)
        keys = jax.random.split(key_order, self.config.num_epochs)
        order = jax.vmap(lambda key: jax.random.permutation(key, num_samples))(keys)
        num_steps = self.config.num_epochs * self.config.num_minibatches
        return order.reshape(num_steps, -1), jax.random.split(key_loss, num_steps)

    def _minibatch(
        self, train: PPOTrainState, step: tuple[Array, Array], *, samples: Samples, hyper: dict[str, Array]
    ) -> tuple[PPOTrainState, dict[str, Array]]:
        """One gradient step, left out if any of its numbers is not finite."""
        indices, key = step
        minibatch = jax.tree.map(lambda x: x[indices], samples)
        grads, metrics = jax.grad(self._loss, has_aux=True)(train.params, minibatch, hyper, key)
        direction, optimizer = self.optimizer.update(grads, train.optimizer)
        params = jax.tree.map(lambda p, d: p - train.learning_rate * d, train.params, direction)
        learning_rate = self._adapted_learning_rate(train.learning_rate, metrics["policy/kl"])
        updated = train.replace(params=params, optimizer=optimizer, learning_rate=learning_rate)

        grad_norm = optax.tree.norm(grads)
        finite = jnp.isfinite(grad_norm)
        kept = jax.tree.map(lambda new, old: jnp.where(finite, new, old), updated, train)
        kept = kept.replace(skipped_in_a_row=jnp.where(finite, 0, train.skipped_in_a_row + 1))
        return kept, metrics | {"update/grad_norm": grad_norm, "update/skipped": ~finite}

    def _loss(
        self, params: dict[str, Params], samples: Samples, hyper: dict[str, Array], key: Array
    ) -> tuple[Array, dict[str, Array]]:
        distribution = self.distribution.from_network(self.policy_network.apply(params["policy"], samples.inputs))
        log_ratio = distribution.log_prob(samples.raw_action) - samples.old_log_prob
        advantage = (samples.advantage - samples.advantage.mean()) / (samples.advantage.std() + 1e-8)
        policy_loss = clipped_policy_loss(log_ratio, advantage, hyper["clip_ratio"])
        value_loss = 0.5 * jnp.square(self._value(params, samples.inputs) - samples.value_target).mean()
        entropy = distribution.entropy(key).mean()
        loss = policy_loss + hyper["value_weight"] * value_loss - hyper["entropy_weight"] * entropy
        return loss, {
            "policy/loss": policy_loss,
            "policy/kl": samples.old.kl(distribution).mean(),
            "policy/clip_fraction": (jnp.abs(jnp.expm1(log_ratio)) > hyper["clip_ratio"]).mean(),
            "policy/entropy": entropy,
            "policy/scale": distribution.scale.mean(),
            "value/loss": value_loss,
        }

    def _value(self, params: dict[str, Params], inputs: Array) -> Array:
        return self.value_network.apply(params["value"], inputs)[..., 0]

    def _scheduled_learning_rate(self, learning_rate: Array, hyper: dict[str, Array]) -> Array:
        if self.config.final_learning_rate is None:
            return learning_rate
        start, end = self.config.learning_rate, self.config.final_learning_rate
        return start + hyper["progress"] * (end - start)

    def _adapted_learning_rate(self, learning_rate: Array, kl: Array) -> Array:
        if self.config.target_kl is None:
            return learning_rate
        low, high = (multiple * self.config.target_kl for multiple in KL_BAND)
        factor = jnp.where(kl > high, 1 / LEARNING_RATE_FACTOR, jnp.where(kl < low, LEARNING_RATE_FACTOR, 1.0))
        return jnp.clip(learning_rate * factor, *LEARNING_RATE_BOUNDS)


def clipped_policy_loss(log_ratio: Array, advantage: Array, clip_ratio: Array | float) -> Array:
    """The clipped surrogate, to be minimised.

    Args:
      log_ratio: log-probability now less then, shape (N,).
      advantage: shape (N,).
      clip_ratio: beyond 1 plus or minus this, a ratio earns nothing more.
    Source: Schulman et al. 2017, eq. 7.
    """
    ratio = jnp.exp(log_ratio)
    clipped = jnp.clip(ratio, 1 - clip_ratio, 1 + clip_ratio)
    return -jnp.minimum(ratio * advantage, clipped * advantage).mean()
