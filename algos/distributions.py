"""A normal distribution squashed into [-1, 1] by tanh."""

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array


@struct.dataclass
class TanhNormal:
    """Independent over A actions. Log-probabilities are of the value before tanh, which keeps them exact."""

    loc: Array  # (..., A)
    scale: Array  # (..., A)

    @classmethod
    def from_network(cls, output: Array, min_scale: float = 1e-3) -> "TanhNormal":
        """From a network's output of shape (..., 2 A): location, then softplus of scale."""
        loc, raw_scale = jnp.split(output, 2, axis=-1)
        return cls(loc, jax.nn.softplus(raw_scale) + min_scale)

    def sample(self, key: Array) -> Array:
        """A value before tanh, (..., A)."""
        return self.loc + self.scale * jax.random.normal(key, self.loc.shape)

    @staticmethod
    def squash(raw: Array) -> Array:
        """The action for a value before tanh."""
        return jnp.tanh(raw)

    def mode(self) -> Array:
        """The value before tanh of the deterministic action."""
        return self.loc

    def log_prob(self, raw: Array) -> Array:
        """Log-density of the squashed action, shape (...,), given its value before tanh."""
        normal = -0.5 * jnp.square((raw - self.loc) / self.scale) - jnp.log(self.scale) - 0.5 * jnp.log(2 * jnp.pi)
        return (normal - _log_tanh_slope(raw)).sum(axis=-1)

    def entropy(self, key: Array) -> Array:
        """Entropy of the squashed action, shape (...,); the tanh term is estimated from one sample."""
        normal = jnp.log(self.scale) + 0.5 * jnp.log(2 * jnp.pi * jnp.e)
        return (normal + _log_tanh_slope(self.sample(key))).sum(axis=-1)

    def kl(self, other: "TanhNormal") -> Array:
        """KL divergence from this to `other`, shape (...,); tanh leaves it unchanged."""
        ratio = jnp.square(self.scale / other.scale)
        distance = jnp.square((self.loc - other.loc) / other.scale)
        return 0.5 * (ratio + distance - 1 - jnp.log(ratio)).sum(axis=-1)


def _log_tanh_slope(raw: Array) -> Array:
    """log(1 - tanh(raw)^2), without cancellation."""
    return 2 * (jnp.log(2.0) - raw - jax.nn.softplus(-2 * raw))
