"""Worlds shared among devices, such that any number of devices computes the same numbers.

Each device holds a share of the worlds and runs the same program in `jax.shard_map`. All reductions over the worlds of
all devices are done here, and nowhere else.
"""

from dataclasses import dataclass
from typing import TypeVar

import jax
from jax import Array

AXIS = "devices"

Tree = TypeVar("Tree")


@dataclass(frozen=True)
class Shards:
    """The number of devices that share the worlds. With one device, every method returns its argument unchanged."""

    num: int = 1

    def rows(self, x: Array) -> Array:
        """Return this device's rows (R, ...) of an array (num * R, ...) that every device has, for `num` devices."""
        if self.num == 1:
            return x
        return jax.lax.dynamic_slice_in_dim(x, jax.lax.axis_index(AXIS) * (len(x) // self.num), len(x) // self.num)

    def key(self, key: Array) -> Array:
        """Return a random key that differs from that of every other device."""
        return key if self.num == 1 else jax.random.fold_in(key, jax.lax.axis_index(AXIS))

    def mean(self, x: Tree) -> Tree:
        """Return the mean over devices of each number in the arrays of `x`, a pytree; every device gets it."""
        return x if self.num == 1 else jax.lax.pmean(x, AXIS)

    def sum(self, x: Tree) -> Tree:
        """Return the sum over devices of each number in the arrays of `x`, a pytree; every device gets it."""
        return x if self.num == 1 else jax.lax.psum(x, AXIS)

    def max(self, x: Tree) -> Tree:
        """Return the maximum over devices of each number in the arrays of `x`, a pytree; every device gets it."""
        return x if self.num == 1 else jax.lax.pmax(x, AXIS)


ALONE = Shards()
