"""DeepMind Control's soft check of bounds: 1 inside the bounds, falling off outside."""

import math
from typing import Literal

import jax.numpy as jnp
from jax import Array


def tolerance(
    x: Array,
    low: float,
    high: float,
    margin: float,
    shape: Literal["gaussian", "linear", "quadratic"] = "gaussian",
    value_at_margin: float = 0.1,
) -> Array:
    """Return 1 where `low` <= x <= `high`, else a number between 0 and 1 that falls with the distance from the bounds.

    Args:
      x: numbers of any shape, in the unit of the bounds.
      low: lower bound.
      high: upper bound.
      margin: distance from the bounds, above 0, at which the value is `value_at_margin`.
      shape: how the value falls; `linear` and `quadratic` reach 0, `gaussian` does not and so needs
        `value_at_margin` above 0.
      value_at_margin: in [0, 1).
    Source: dm_control `utils/rewards.py`.
    """
    distance = jnp.maximum(jnp.maximum(low - x, x - high), 0) / margin
    if shape == "gaussian":
        return jnp.exp(math.log(value_at_margin) * jnp.square(distance))
    lost = {
        "linear": (1 - value_at_margin) * distance,
        "quadratic": (1 - value_at_margin) * jnp.square(distance),
    }[shape]
    return jnp.maximum(1 - lost, 0)
