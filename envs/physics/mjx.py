"""MJX: physics as part of the JAX program, by JAX itself or by Warp's kernels."""

from typing import Any

import jax
import jax.numpy as jnp
import mujoco
from jax import Array
from mujoco import mjx

from envs.physics.base import POST_CONSTRAINT_FIELDS, PhysicsSpec, PhysicsState
from envs.physics.randomization import varied_fields


class MjxPhysics:
    """`mujoco.mjx` with `impl` `jax` (any accelerator, gradients) or `warp` (NVIDIA GPUs)."""

    has_host_callback = False

    def __init__(self, spec: PhysicsSpec, variants: list[mujoco.MjModel], impl: str, max_worlds: int) -> None:
        """Put the model on the device.

        Args:
          spec: the model and how a task reads it.
          variants: the models that worlds run on.
          impl: `jax` or `warp`.
          max_worlds: the most worlds one program will step.
        """
        self.spec = spec
        self._impl = impl
        self._naconmax = spec.contacts_per_world * max_worlds
        self._model = mjx.put_model(spec.model, impl=impl)
        if impl == "warp":  # printing an overflow from a kernel stalls the device
            self._model = self._model.tree_replace(
                {"opt._impl.warn_overflow": 0, "opt._impl.run_rne_postconstraint": spec.needs_post_constraint}
            )
        self.num_variants = len(variants)
        self._varied = {
            name: jnp.asarray(x) for name, x in varied_fields(variants).items() if hasattr(self._model, name)
        }

    def reset(self, qpos: Array, qvel: Array, variant: Array | int = 0) -> PhysicsState:
        """See `Physics.reset`."""
        data = mjx.make_data(
            self.spec.model, impl=self._impl, naconmax=self._naconmax, njmax=self.spec.constraints_per_world
        )
        variant = jnp.asarray(variant, jnp.int32)
        data = mjx.forward(self._variant(variant), data.replace(qpos=qpos, qvel=qvel))
        unset = set(self.spec.fields) & set(POST_CONSTRAINT_FIELDS)
        zero = {f"_impl.{name}": jnp.zeros_like(getattr(data._impl, name)) for name in unset}
        return self._state(data.tree_replace(zero) if zero else data, variant)

    def step(self, state: PhysicsState, ctrl: Array) -> PhysicsState:
        """See `Physics.step`."""
        model = self._variant(state.variant)
        data = state.internal.replace(ctrl=ctrl)
        data = jax.lax.scan(lambda data, _: (mjx.step(model, data), None), data, None, length=self.spec.num_substeps)[0]
        if self.spec.timing == "current":
            data = mjx.forward(model, data)
        if self.spec.needs_post_constraint and self._impl == "jax":
            data = mjx.rne_postconstraint(model, data)
        return self._state(data, state.variant)

    def with_velocity(self, state: PhysicsState, qvel: Array) -> PhysicsState:
        """See `Physics.with_velocity`."""
        return state.replace(internal=state.internal.replace(qvel=qvel), fields=state.fields | {"qvel": qvel})

    def where(self, condition: Array, chosen: PhysicsState, other: PhysicsState) -> PhysicsState:
        """See `Physics.where`; Warp's buffers without a world axis stay as they are."""
        fields = jax.tree.map(lambda a, b: jnp.where(condition, a, b), chosen.fields, other.fields)
        variant = jnp.where(condition, chosen.variant, other.variant)
        return PhysicsState(other.internal.where(condition, chosen.internal), fields, variant)

    def _variant(self, index: Array) -> Any:
        return self._model.replace(**{name: x[index] for name, x in self._varied.items()})

    def _state(self, data: mjx.Data, variant: Array) -> PhysicsState:
        return PhysicsState(data, {name: getattr(data, name) for name in ("qpos", "qvel", *self.spec.fields)}, variant)
