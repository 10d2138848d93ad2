"""Schedules by which hyper-parameters change over a run."""

from jax import Array


def scheduled(name: str, hyper: dict[str, Array]) -> Array:
    """Interpolate linearly from `hyper[name]` to `hyper["final_" + name]`, as `progress` goes from 0 to 1."""
    start = hyper[name]
    return start + hyper["progress"] * (hyper[f"final_{name}"] - start)
