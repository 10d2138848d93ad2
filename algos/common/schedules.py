"""Schedules by which hyper-parameters change over a run."""

import jax.numpy as jnp
from jax import Array

FADED_AT = 0.6  # progress of a run at which what fades is gone, so that the rest of it is learnt without


def scheduled(name: str, hyper: dict[str, Array]) -> Array:
    """Return the present value of a hyper-parameter that changes linearly over the run.

    It goes from `hyper[name]` to `hyper["final_" + name]` while `hyper["progress"]`, the share of the run that is done,
    goes from 0 to 1.
    """
    start = hyper[name]
    return start + hyper["progress"] * (hyper[f"final_{name}"] - start)


def faded(start: Array, progress: Array) -> Array:
    """Return `start` lowered linearly while `progress`, the share of the run that is done, grows.

    The result is `start` at progress 0, and 0 from progress 0.6 (`FADED_AT`) on.
    """
    return start * jnp.maximum(1 - progress / FADED_AT, 0)
