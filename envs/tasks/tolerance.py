"""DeepMind Control's soft "is this number high enough?": 1 inside bounds, falling to a chosen value outside."""

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
    """1 where `low` <= x <= `high`, else between 0 and 1.

    Args:
      x: numbers of any shape, in the unit of the bounds.
      low: bound below.
      high: bound above.
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
