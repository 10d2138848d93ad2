"""MJX: physics as part of the JAX program, by JAX itself or by Warp's kernels."""

import jax
import jax.numpy as jnp
from jax import Array
from mujoco import mjx

from envs.physics.base import PhysicsSpec, PhysicsState


class MjxPhysics:
    """`mujoco.mjx` with `impl` `jax` (any accelerator, gradients) or `warp` (NVIDIA GPUs)."""

    has_host_callback = False

    def __init__(self, spec: PhysicsSpec, impl: str, max_worlds: int) -> None:
        """Put the model on the device.

        Args:
          spec: the model and how a task reads it.
          impl: `jax` or `warp`.
          max_worlds: the most worlds one program will step.
        """
        self.spec = spec
        self._impl = impl
        self._naconmax = spec.contacts_per_world * max_worlds
        self._model = mjx.put_model(spec.model, impl=impl)
        if impl == "warp":  # printing an overflow from a kernel stalls the device
            self._model = self._model.tree_replace({"opt._impl.warn_overflow": 0})

    def reset(self, qpos: Array, qvel: Array) -> PhysicsState:
        """See `Physics.reset`."""
        data = mjx.make_data(
            self.spec.model, impl=self._impl, naconmax=self._naconmax, njmax=self.spec.constraints_per_world
        )
        return self._state(mjx.forward(self._model, data.replace(qpos=qpos, qvel=qvel)))

    def step(self, state: PhysicsState, ctrl: Array) -> PhysicsState:
        """See `Physics.step`."""
        data = state.internal.replace(ctrl=ctrl)
        data = jax.lax.scan(
            lambda data, _: (mjx.step(self._model, data), None), data, None, length=self.spec.num_substeps
        )[0]
        if self.spec.timing == "current":
            data = mjx.forward(self._model, data)
        return self._state(data)

    def where(self, condition: Array, chosen: PhysicsState, other: PhysicsState) -> PhysicsState:
        """See `Physics.where`; Warp's buffers without a world axis stay as they are."""
        fields = jax.tree.map(lambda a, b: jnp.where(condition, a, b), chosen.fields, other.fields)
        return PhysicsState(other.internal.where(condition, chosen.internal), fields)

    def _state(self, data: mjx.Data) -> PhysicsState:
        return PhysicsState(data, {name: getattr(data, name) for name in ("qpos", "qvel", *self.spec.fields)})
