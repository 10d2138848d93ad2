"""Pack what crosses between a compiled program and Python into few arrays: each costs time, whatever its size.

Axes: O numbers of an observation, G of a goal, M metrics; `...` is nothing for one world, and (B,) for B worlds.
"""

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from envs.types import EnvState, Observation

Tree = TypeVar("Tree")  # a pytree of arrays

# One flat array for each number type, by the type's name. The bits of 32-bit integers follow the float32 numbers.
Packed = dict[str, Array]


class Packing(Generic[Tree]):
    """Turns pytrees of one structure into few flat arrays, and back."""

    def __init__(self, like: Tree) -> None:
        """Remember the structure, shapes and types of `like`."""
        self._leaves, self._structure = jax.tree.flatten(like)
        self._order = sorted(range(len(self._leaves)), key=lambda i: _is_integer(self._leaves[i].dtype))
        self._num_floats: dict[str, int] = {}
        for leaf in self._leaves:
            if jnp.issubdtype(leaf.dtype, jnp.floating):
                self._num_floats[leaf.dtype.name] = self._num_floats.get(leaf.dtype.name, 0) + leaf.size

    def pack(self, tree: Tree) -> Packed:
        """Return the numbers of a tree, which has the structure, shapes and types of `like`, as flat arrays."""
        leaves = jax.tree.leaves(tree)
        parts: dict[str, list[Array]] = {}
        for i in self._order:
            leaf = jnp.asarray(leaves[i])  # other libraries' first states hold Python's numbers
            if _is_integer(leaf.dtype):
                leaf = jax.lax.bitcast_convert_type(leaf, jnp.float32)
            parts.setdefault(leaf.dtype.name, []).append(leaf.reshape(-1))
        return {name: jnp.concatenate(arrays) for name, arrays in parts.items()}

    def unpack(self, packed: Packed) -> Tree:
        """Return the tree that `pack` turned into these arrays."""
        starts = dict.fromkeys(packed, 0)
        leaves: list[Array | None] = [None] * len(self._leaves)
        for i in self._order:
            like = self._leaves[i]
            name = "float32" if _is_integer(like.dtype) else like.dtype.name
            start = starts[name]
            starts[name] = start + like.size
            leaf = packed[name][start : start + like.size].reshape(like.shape)
            leaves[i] = jax.lax.bitcast_convert_type(leaf, like.dtype) if _is_integer(like.dtype) else leaf
        return self._structure.unflatten(leaves)

    def floats(self, packed: Packed) -> dict[str, np.ndarray]:
        """Return the floating-point numbers of a packed tree as flat NumPy arrays.

        There is one array for each number type, by the type's name, with the numbers in the order of the tree's leaves.
        On a CPU they are not copied.
        """
        return {name: np.asarray(packed[name])[:size] for name, size in self._num_floats.items()}


def _is_integer(dtype: np.dtype) -> bool:
    return dtype == jnp.int32 or dtype == jnp.uint32


def seen(state: EnvState | Observation) -> Array:
    """Return what an agent observes, shape (..., O + G): the observation, then the goal."""
    return jnp.concatenate([state.obs, state.goal], axis=-1)


def told(
    reward: Array, terminated: Array, truncated: Array, metrics: Mapping[str, Array], names: Sequence[str]
) -> Array:
    """Return a step's reward, terminated, truncated and metrics as one array (..., 3 + M).

    The metrics are in the order of `names`. The array is filled by choosing each number by its index instead of by
    concatenation, because XLA compiles the choice to a single kernel, for which it wakes no other thread.
    """
    scalars = [reward, terminated, truncated, *(metrics[name] for name in names)]
    index = jnp.arange(len(scalars))
    numbers = jnp.zeros((*reward.shape, len(scalars)), reward.dtype)
    for i, scalar in enumerate(scalars):
        numbers = jnp.where(index == i, scalar[..., None].astype(reward.dtype), numbers)
    return numbers
