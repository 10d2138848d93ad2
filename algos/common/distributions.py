"""Normal distributions over actions, which are brought into [-1, 1] by tanh or by clipping.

A raw value is a sample before tanh or clipping.
"""

import math

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from envs.worlds.shards import ALONE, Shards

SCALE_BOUNDS = (1e-3, 10.0)


@struct.dataclass
class Normal:
    """Independent normal distributions of A numbers, which tanh or clipping turns into an action.

    `loc` are their means and `scale` their standard deviations. A sample before tanh or clipping is called a raw value.
    """

    loc: Array  # (..., A)
    scale: Array  # (..., A)

    def sample(self, key: Array, shards: Shards = ALONE) -> Array:
        """Draw samples (..., A) from the normal distribution, before tanh or clipping.

        The first axis is this device's share of the worlds. All devices draw for all worlds and take their own part, so
        that a world gets the same sample on any number of devices.
        """
        rows, *rest = self.loc.shape
        return self.loc + self.scale * shards.rows(jax.random.normal(key, (rows * shards.num, *rest)))

    def mode(self) -> Array:
        """Return the raw value (..., A) of the deterministic action: the mean of the distribution."""
        return self.loc

    def kl(self, other: "Normal") -> Array:
        """Return the KL divergence KL(self || other), summed over action components, shape (...,).

        It is computed before tanh. The divergence between the distributions after tanh is the same.
        """
        ratio = jnp.square(self.scale / other.scale)
        distance = jnp.square((self.loc - other.loc) / other.scale)
        return 0.5 * (ratio + distance - 1 - jnp.log(ratio)).sum(axis=-1)

    def noise(self, raw: Array) -> Array:
        """Return the standard normal noise (..., A) that a sample `raw` (..., A) was made from: (raw - loc) / scale."""
        return (raw - self.loc) / self.scale

    def log_density(self, raw: Array) -> Array:
        """Return the log-density of a raw value (before tanh or clipping), shape (...,).

        It differs from `log_prob` by a term that depends on the raw value only. So the difference between two
        distributions' log-densities equals the difference between their `log_prob`.
        """
        each = -0.5 * jnp.square(self.noise(raw)) - jnp.log(self.scale) - 0.5 * jnp.log(2 * jnp.pi)
        return each.sum(axis=-1)

    def _entropy(self) -> Array:
        return jnp.log(self.scale) + 0.5 * jnp.log(2 * jnp.pi * jnp.e)


@struct.dataclass
class TanhNormal(Normal):
    """Normal distribution squashed by tanh, with a scale that depends on the observation.

    Methods take values before tanh (raw values) instead of actions, which makes log-probabilities exact.
    """

    @classmethod
    def from_network(cls, output: Array) -> "TanhNormal":
        """Make the distribution from a network's output (..., 2 A): locations, then scales before softplus."""
        loc, raw_scale = jnp.split(output, 2, axis=-1)
        low, high = SCALE_BOUNDS
        return cls(loc, jnp.minimum(jax.nn.softplus(raw_scale) + low, high))

    @staticmethod
    def scale_output(scale: float) -> float:
        """Return the network's output for which the distribution has this scale, above the smallest one, 0.001."""
        return math.log(math.expm1(scale - SCALE_BOUNDS[0]))

    @staticmethod
    def squash(raw: Array) -> Array:
        """Return the action in (-1, 1) for a sample of the normal distribution: its tanh."""
        return jnp.tanh(raw)

    def log_prob(self, raw: Array) -> Array:
        """Return the log-density, shape (...,), of the action tanh(raw), given the value `raw` (..., A) before tanh."""
        return self.log_density(raw) - _log_tanh_slope(raw).sum(axis=-1)

    def entropy(self, noise: Array) -> Array:
        """Return the entropy of the squashed action, shape (...,).

        Its tanh term is estimated from one sample, made of standard normal `noise` (..., A).
        """
        return (self._entropy() + _log_tanh_slope(self.loc + self.scale * noise)).sum(axis=-1)


@struct.dataclass
class ClippedNormal(Normal):
    """Normal distribution whose samples are clipped to [-1, 1] for the environment. Learning ignores the clipping."""

    @classmethod
    def from_network(cls, output: Array) -> "ClippedNormal":
        """Make the distribution from a network's output (..., 2 A): locations, then logarithms of scales."""
        loc, log_scale = jnp.split(output, 2, axis=-1)
        return cls(loc, jnp.clip(jnp.exp(log_scale), *SCALE_BOUNDS))

    @staticmethod
    def scale_output(scale: float) -> float:
        """Return the network's output for which the distribution has this scale."""
        return math.log(scale)

    @staticmethod
    def squash(raw: Array) -> Array:
        """Return the action for a sample of the normal distribution: the sample clipped to [-1, 1]."""
        return jnp.clip(raw, -1, 1)

    def log_prob(self, raw: Array) -> Array:
        """Return the log-density, shape (...,), of a sample `raw` (..., A) before it is clipped."""
        return self.log_density(raw)

    def entropy(self, noise: Array) -> Array:
        """Return the entropy of samples before they are clipped, shape (...,). It is exact; `noise` is not used."""
        return self._entropy().sum(axis=-1)


def _log_tanh_slope(raw: Array) -> Array:
    """Return log(1 - tanh(raw)^2), computed without cancellation."""
    return 2 * (jnp.log(2.0) - raw - jax.nn.softplus(-2 * raw))
