"""Schedules by which hyper-parameters change over a run."""

import jax.numpy as jnp
from jax import Array

FADED_AT = 0.6  # progress of a run at which what fades is gone, so that the rest of it is learnt without


def scheduled(name: str, hyper: dict[str, Array]) -> Array:
    """Interpolate linearly from `hyper[name]` to `hyper["final_" + name]`, as `progress` goes from 0 to 1."""
    start = hyper[name]
    return start + hyper["progress"] * (hyper[f"final_{name}"] - start)


def faded(start: Array, progress: Array) -> Array:
    """Fall linearly from `start` at progress 0 to 0 at FADED_AT, and stay there."""
    return start * jnp.maximum(1 - progress / FADED_AT, 0)
