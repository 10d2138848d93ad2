"""The two losses of Proximal Policy Optimisation: of the policy, and of the value function."""

import jax.numpy as jnp
from jax import Array


def clipped_policy_loss(log_ratio: Array, advantage: Array, clip_ratio: Array | float) -> Array:
    """Return the clipped surrogate loss, which is minimised.

    Args:
      log_ratio: log-probability under the present policy minus that under the policy that sampled, shape (N,).
      advantage: shape (N,).
      clip_ratio: how far a probability ratio may move from 1 before it is clipped.
    Source: Schulman et al. 2017, eq. 7.
    """
    ratio = jnp.exp(log_ratio)
    clipped = jnp.clip(ratio, 1 - clip_ratio, 1 + clip_ratio)
    return -jnp.minimum(ratio * advantage, clipped * advantage).mean()


def squared_value_loss(value: Array, old_value: Array, target: Array, clip: float | None) -> Array:
    """Return half the mean squared error of values.

    With `clip`, a sample's error is the larger one of the value's own and of the value clipped around its old value.

    Args:
      value: shape (N,).
      old_value: value at sampling time, shape (N,).
      target: shape (N,).
      clip: how far a value may move from its old value before it is clipped; None for no limit.
    Source: Schulman et al. 2017, as OpenAI's baselines implement it.
    """
    error = jnp.square(value - target)
    if clip is not None:
        moved = old_value + jnp.clip(value - old_value, -clip, clip)
        error = jnp.maximum(error, jnp.square(moved - target))
    return 0.5 * error.mean()
