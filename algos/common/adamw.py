"""Gradient steps by AdamW, for train states with the fields `params`, `optimizer` and `skipped_in_a_row`."""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import optax
from jax import Array

from algos.common.types import Params
from envs.worlds.shards import Shards

Train = TypeVar("Train")


def make_adam(max_grad_norm: float | None) -> optax.GradientTransformation:
    """Return an optimizer that scales gradients down to a global norm (None for no limit), then as Adam does.

    `adamw_step` applies the learning rate and the weight decay.
    """
    clip = optax.identity() if max_grad_norm is None else optax.clip_by_global_norm(max_grad_norm)
    return optax.chain(clip, optax.scale_by_adam())


def adamw_step(
    optimizer: optax.GradientTransformation,
    train: Train,
    loss: Callable[[Params], Array],
    *,
    learning_rate: Array,
    weight_decay: Array,
    shards: Shards,
) -> tuple[Train, dict[str, Array]]:
    """Do one gradient step. If a gradient is not finite, skip the step and count it in `skipped_in_a_row`.

    Args:
      optimizer: from `make_adam`.
      train: train state before the step.
      loss: function of the parameters; its mean over devices is minimised.
      learning_rate: ().
      weight_decay: (), multiplied by the learning rate.
      shards: devices, each of which has a share of the minibatch.

    Returns:
      The train state after the step, and scalar metrics.
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
    """Return an iteration's metrics from those of its updates, (U,) each: means, and the number of skipped updates."""
    means = {name: x.mean() for name, x in steps.items()}
    return means | {"update/skipped": steps["update/skipped"].sum(), "update/skipped_in_a_row": skipped_in_a_row}
