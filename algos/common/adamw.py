"""Steps of AdamW for train states that have `params`, `optimizer` and `skipped_in_a_row`."""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import optax
from jax import Array

from envs.worlds.shards import Shards

Train = TypeVar("Train")


def make_adam(max_grad_norm: float | None) -> optax.GradientTransformation:
    """Adam's directions for gradients that are scaled down to a global norm; None for no limit."""
    clip = optax.identity() if max_grad_norm is None else optax.clip_by_global_norm(max_grad_norm)
    return optax.chain(clip, optax.scale_by_adam())


def adamw_step(
    optimizer: optax.GradientTransformation,
    train: Train,
    loss: Callable[[Any], Array],
    *,
    learning_rate: Array,
    weight_decay: Array,
    shards: Shards,
) -> tuple[Train, dict[str, Array]]:
    """One gradient step, left out if any of its numbers is not finite.

    Args:
      optimizer: from `make_adam`.
      train: state before it.
      loss: of the parameters; its mean over devices is what falls.
      learning_rate: ().
      weight_decay: (), as a multiple of the learning rate.
      shards: devices that each have a share of the minibatch.
    Source: Loshchilov and Hutter 2019, decoupled weight decay.
    """
    state: Any = train
    value, grads = shards.mean(jax.value_and_grad(loss)(state.params))
    direction, moments = optimizer.update(grads, state.optimizer)
    params = jax.tree.map(lambda p, d: p - learning_rate * (d + weight_decay * p), state.params, direction)
    grad_norm = optax.tree.norm(grads)
    finite = jnp.isfinite(grad_norm)
    updated = state.replace(params=params, optimizer=moments)
    kept = jax.tree.map(lambda new, old: jnp.where(finite, new, old), updated, state)
    kept = kept.replace(skipped_in_a_row=jnp.where(finite, 0, state.skipped_in_a_row + 1))
    return kept, {"policy/loss": value, "update/grad_norm": grad_norm, "update/skipped": ~finite}


def over_updates(steps: dict[str, Array], skipped_in_a_row: Array) -> dict[str, Array]:
    """An iteration's metrics from those of its updates (U,): means, and how many were left out."""
    means = {name: x.mean() for name, x in steps.items()}
    return means | {"update/skipped": steps["update/skipped"].sum(), "update/skipped_in_a_row": skipped_in_a_row}
