"""Worlds spread over devices, so that any number of devices computes the same numbers.

Each device holds a share of the worlds and runs the same program in `jax.shard_map`; what is of all worlds together is
reduced over them here, and nowhere else.
"""

from dataclasses import dataclass
from typing import TypeVar

import jax
from jax import Array

AXIS = "devices"

Tree = TypeVar("Tree")


@dataclass(frozen=True)
class Shards:
    """How many devices share the worlds; with one, all of this does nothing."""

    num: int = 1

    def rows(self, x: Array) -> Array:
        """The share of this device of rows (num * R, ...), shape (R, ...)."""
        if self.num == 1:
            return x
        return jax.lax.dynamic_slice_in_dim(x, jax.lax.axis_index(AXIS) * (len(x) // self.num), len(x) // self.num)

    def key(self, key: Array) -> Array:
        """A key of this device's own."""
        return key if self.num == 1 else jax.random.fold_in(key, jax.lax.axis_index(AXIS))

    def mean(self, x: Tree) -> Tree:
        """The mean over devices, on each."""
        return x if self.num == 1 else jax.lax.pmean(x, AXIS)

    def sum(self, x: Tree) -> Tree:
        """The sum over devices, on each."""
        return x if self.num == 1 else jax.lax.psum(x, AXIS)

    def max(self, x: Tree) -> Tree:
        """The largest over devices, on each."""
        return x if self.num == 1 else jax.lax.pmax(x, AXIS)


ALONE = Shards()
