"""Normal distributions over actions: squashed into [-1, 1] by tanh, or clipped to it."""

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from envs.worlds.shards import ALONE, Shards

SCALE_BOUNDS = (1e-3, 10.0)


@struct.dataclass
class Normal:
    """Independent over A actions, before they are brought into [-1, 1]."""

    loc: Array  # (..., A)
    scale: Array  # (..., A)

    def sample(self, key: Array, shards: Shards = ALONE) -> Array:
        """A value, (..., A), not yet brought into [-1, 1]; the same for a row wherever the row is held."""
        rows, *rest = self.loc.shape
        return self.loc + self.scale * shards.rows(jax.random.normal(key, (rows * shards.num, *rest)))

    def mode(self) -> Array:
        """The value of the deterministic action."""
        return self.loc

    def kl(self, other: "Normal") -> Array:
        """KL divergence from this to `other`, shape (...,); what happens to a sample afterwards leaves it unchanged."""
        ratio = jnp.square(self.scale / other.scale)
        distance = jnp.square((self.loc - other.loc) / other.scale)
        return 0.5 * (ratio + distance - 1 - jnp.log(ratio)).sum(axis=-1)

    def noise(self, raw: Array) -> Array:
        """The standard normal numbers (..., A) that a sample was made of."""
        return (raw - self.loc) / self.scale

    def log_density(self, raw: Array) -> Array:
        """Log-density of a value before it is brought into [-1, 1], shape (...,).

        What brings it there is the same for every distribution: between two of them, the difference of these is that of
        `log_prob`.
        """
        each = -0.5 * jnp.square(self.noise(raw)) - jnp.log(self.scale) - 0.5 * jnp.log(2 * jnp.pi)
        return each.sum(axis=-1)

    def _entropy(self) -> Array:
        return jnp.log(self.scale) + 0.5 * jnp.log(2 * jnp.pi * jnp.e)


@struct.dataclass
class TanhNormal(Normal):
    """Squashed by tanh; its scale depends on the observation. Log-probabilities are of the value before tanh: exact."""

    @classmethod
    def from_network(cls, output: Array) -> "TanhNormal":
        """From a network's output of shape (..., 2 A): location, then softplus of scale."""
        loc, raw_scale = jnp.split(output, 2, axis=-1)
        low, high = SCALE_BOUNDS
        return cls(loc, jnp.minimum(jax.nn.softplus(raw_scale) + low, high))

    @staticmethod
    def squash(raw: Array) -> Array:
        """The action for a value before tanh."""
        return jnp.tanh(raw)

    def log_prob(self, raw: Array) -> Array:
        """Log-density of the squashed action, shape (...,), given its value before tanh."""
        return self.log_density(raw) - _log_tanh_slope(raw).sum(axis=-1)

    def entropy(self, noise: Array) -> Array:
        """Entropy of the squashed action, shape (...,); standard normal noise (..., A) estimates the term of tanh."""
        return (self._entropy() + _log_tanh_slope(self.loc + self.scale * noise)).sum(axis=-1)


@struct.dataclass
class ClippedNormal(Normal):
    """Clipped to [-1, 1] by the environment's side: to learning it is the plain normal distribution."""

    @classmethod
    def from_network(cls, output: Array) -> "ClippedNormal":
        """From a network's output of shape (..., 2 A): location, then logarithm of scale."""
        loc, log_scale = jnp.split(output, 2, axis=-1)
        return cls(loc, jnp.clip(jnp.exp(log_scale), *SCALE_BOUNDS))

    @staticmethod
    def squash(raw: Array) -> Array:
        """The action for a value that may lie outside."""
        return jnp.clip(raw, -1, 1)

    def log_prob(self, raw: Array) -> Array:
        """Log-density of the value before clipping, shape (...,)."""
        return self.log_density(raw)

    def entropy(self, noise: Array) -> Array:
        """Entropy before clipping, shape (...,); exact without noise."""
        return self._entropy().sum(axis=-1)


def _log_tanh_slope(raw: Array) -> Array:
    """log(1 - tanh(raw)^2), without cancellation."""
    return 2 * (jnp.log(2.0) - raw - jax.nn.softplus(-2 * raw))
