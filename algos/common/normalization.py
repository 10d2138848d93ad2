"""Running mean and variance of observations."""

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from envs.worlds.shards import ALONE, Shards


@struct.dataclass
class RunningStatistics:
    """Mean and summed squared deviation of all vectors (rows) seen so far, such as observations, of O numbers each."""

    count: Array  # () number of rows
    mean: Array  # (O,)
    sum_squares: Array  # (O,) of deviations from the mean
    is_unused: bool = struct.field(pytree_node=False, default=False)  # `normalize` returns rows unchanged

    @classmethod
    def init(cls, size: int, *, is_unused: bool = False) -> "RunningStatistics":
        """Return the statistics before any row of `size` numbers, with which `normalize` only clips.

        With `is_unused`, `normalize` returns rows unchanged, now and later.
        """
        return cls(jnp.zeros(()), jnp.zeros(size), jnp.zeros(size), is_unused)

    def update(self, rows: Array, shards: Shards = ALONE) -> "RunningStatistics":
        """Return the statistics after adding this device's rows (..., O) and the rows of all other devices.

        Source: Chan, Golub and LeVeque 1979, parallel combination of moments.
        """
        rows = rows.reshape(-1, rows.shape[-1])
        num_new = rows.shape[0] * shards.num
        mean_new = shards.mean(rows[0] + (rows - rows[0]).mean(axis=0))  # exact for a constant column
        count = self.count + num_new
        delta = mean_new - self.mean
        mean = self.mean + delta * (num_new / count)
        sum_squares = self.sum_squares + shards.sum(jnp.square(rows - mean_new).sum(axis=0))
        sum_squares = sum_squares + jnp.square(delta) * (self.count * num_new / count)
        return self.replace(count=count, mean=mean, sum_squares=sum_squares)

    def or_if_empty(self, other: "RunningStatistics") -> "RunningStatistics":
        """Return these statistics, or `other` if these have seen no rows."""
        return jax.tree.map(lambda a, b: jnp.where(self.count == 0, a, b), other, self)

    @property
    def std(self) -> Array:
        """Standard deviation (O,); 1 if no rows were seen."""
        variance = self.sum_squares / jnp.maximum(self.count, 1)
        return jnp.where(self.count > 0, jnp.sqrt(variance), 1)

    def normalize(self, rows: Array, clip: float = 10.0) -> Array:
        """Return rows (..., O) in standard deviations from the mean, clipped at `clip`; constant columns become 0."""
        if self.is_unused:
            return rows
        return jnp.clip((rows - self.mean) / jnp.maximum(self.std, 1e-4), -clip, clip)
