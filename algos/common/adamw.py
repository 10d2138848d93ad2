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
    """Return an optimizer that clips gradients to a global norm (None for no limit) and scales them as Adam does.

    It leaves out the learning rate and the weight decay, which `adamw_step` applies.
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
      The train state after the step, and metrics: `policy/loss`, `update/grad_norm` and `update/skipped`.
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
    """Return an iteration's metrics: the mean of each metric over its gradient steps, and how many steps were skipped.

    Args:
      steps: metrics of `adamw_step` by name, with one value for each gradient step, (U,).
      skipped_in_a_row: () number of skipped steps since the last step that was not skipped.
    """
    means = {name: x.mean() for name, x in steps.items()}
    return means | {"update/skipped": steps["update/skipped"].sum(), "update/skipped_in_a_row": skipped_in_a_row}
