"""What crosses between a compiled program and Python: few arrays, because each costs time, whatever its size."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

Packed = dict[str, Array]  # one flat array of each number type, by its name


class Packing:
    """Turns pytrees of one structure into flat arrays, one of each number type, and back."""

    def __init__(self, like: Any) -> None:
        """Remember the structure, shapes and types of `like`."""
        self._leaves, self._structure = jax.tree.flatten(like)

    def pack(self, tree: Any) -> Packed:
        """The tree's numbers."""
        parts: dict[str, list[Array]] = {}
        for leaf in map(jnp.asarray, jax.tree.leaves(tree)):  # other libraries' first states hold Python's numbers
            parts.setdefault(leaf.dtype.name, []).append(leaf.reshape(-1))
        return {name: jnp.concatenate(arrays) for name, arrays in parts.items()}

    def unpack(self, packed: Packed) -> Any:
        """The tree of these numbers."""
        starts = dict.fromkeys(packed, 0)
        leaves = []
        for leaf in self._leaves:
            name, start = leaf.dtype.name, starts[leaf.dtype.name]
            starts[name] = start + leaf.size
            leaves.append(packed[name][start : start + leaf.size].reshape(leaf.shape))
        return self._structure.unflatten(leaves)


def seen(state: Any) -> Array:
    """What an agent observes (..., O + G): the observation, and the goal behind it."""
    return jnp.concatenate([state.obs, state.goal], axis=-1)


def told(
    reward: Array, terminated: Array, truncated: Array, metrics: Mapping[str, Array], names: Sequence[str]
) -> Array:
    """What a step returns besides (..., 3 + M): reward, terminated, truncated, and the metrics in the order of `names`.

    Chosen by index, not concatenated, because of that XLA makes one kernel, which no other thread is woken for.
    """
    scalars = [reward, terminated, truncated, *(metrics[name] for name in names)]
    index = jnp.arange(len(scalars))
    numbers = jnp.zeros((*reward.shape, len(scalars)), reward.dtype)
    for i, scalar in enumerate(scalars):
        numbers = jnp.where(index == i, scalar[..., None].astype(reward.dtype), numbers)
    return numbers
