"""Generalised advantage estimation. Axes: T time, B worlds."""

import jax
import jax.numpy as jnp
from jax import Array


def generalized_advantage(
    reward_TB: Array,
    value_TB: Array,
    next_value_TB: Array,
    terminated_TB: Array,
    truncated_TB: Array,
    *,
    discount: Array | float,
    gae_lambda: Array | float,
) -> Array:
    """Return advantages. The sum stops at an episode's end; the next value counts as 0 only after termination.

    Args:
      reward_TB: reward per control step, shape (T, B).
      value_TB: value of the observation acted on, shape (T, B), on the scale of the return.
      next_value_TB: value of the observation that followed, before any reset, shape (T, B).
      terminated_TB: bool, shape (T, B).
      truncated_TB: bool, shape (T, B).
      discount: weight of the next step's value, in [0, 1].
      gae_lambda: weight of longer returns, in [0, 1].

    Returns:
      advantage_TB: shape (T, B), on the scale of the return.
    Source: Schulman et al. 2016, eq. 16; Pardo et al. 2018 for truncation.
    """
    error_TB = reward_TB + discount * jnp.where(terminated_TB, 0, next_value_TB) - value_TB
    decay_TB = jnp.where(terminated_TB | truncated_TB, 0, discount * gae_lambda)

    def backward(advantage_B: Array, step: tuple[Array, Array]) -> tuple[Array, Array]:
        error_B, decay_B = step
        advantage_B = error_B + decay_B * advantage_B
        return advantage_B, advantage_B

    return jax.lax.scan(backward, jnp.zeros_like(error_TB[0]), (error_TB, decay_TB), reverse=True)[1]
