"""MJX: physics within the compiled JAX program, by JAX itself or by Warp's kernels."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from jax import Array
from mujoco import mjx
from mujoco.mjx.warp.types import GraphMode

from envs.physics.base import POST_CONSTRAINT_FIELDS, PhysicsSpec, PhysicsState
from envs.physics.integration import COMPONENTS, IntegrationPhysics
from envs.physics.options import PhysicsOptions
from envs.physics.precision import exact_products
from envs.physics.randomization import varied_fields

# Those of Warp's overflow bits that mean that contacts or constraints were left out. Others concern iteration limits.
BUFFER_OVERFLOWS = 1 | 2 | 4 | 8 | 16 | 32


class MjxPhysics(IntegrationPhysics):
    """`mujoco.mjx` with `impl` `jax` (any accelerator, gradients) or `warp` (NVIDIA GPUs).

    A world carries only its integration state. The rest of MJX's `Data`, which is 40 times as large, is made from
    constants within each step, so that it need not be merged, saved or batched.
    """

    has_host_callback = False

    def __init__(self, spec: PhysicsSpec, variants: list[mujoco.MjModel], impl: str, options: PhysicsOptions) -> None:
        """Put the model on the device.

        Args:
          spec: the model and how a task reads it.
          variants: the model variants, one of which each world runs on.
          impl: `jax` or `warp`.
          options: number of worlds and Warp's buffers that the run chose.
        """
        super().__init__(spec, variants)
        self._impl = impl
        if impl == "warp":
            on_gpu = jax.default_backend() != "cpu"  # only a GPU replays graphs
            mode: Any = getattr(GraphMode, options.warp.graph_mode.upper()) if on_gpu else None
            self._model = mjx.put_model(spec.model, impl=impl, graph_mode=mode).tree_replace(
                {  # printing an overflow from a kernel stalls the device
                    "opt._impl.warn_overflow": 0,
                    "opt._impl.run_rne_postconstraint": spec.needs_post_constraint,
                }
            )
        else:
            self._model = mjx.put_model(spec.model, impl=impl)
        contacts = options.warp.contacts_per_world or spec.contacts_per_world
        constraints = options.warp.constraints_per_world or spec.constraints_per_world
        blank = mjx.make_data(spec.model, impl=impl, naconmax=contacts * options.max_worlds, njmax=constraints)
        self._blank = jax.tree.map(_constant, blank)
        # Only the model's own fields: it also exposes fields of its implementation, such as Warp's `dof_length`, which
        # `replace` does not accept.
        model: Any = self._model
        own = {field.name for field in dataclasses.fields(model)}
        self._varied = {name: jnp.asarray(x) for name, x in varied_fields(spec.model, variants).items() if name in own}

    def reset(self, qpos: Array, qvel: Array, variant: Array | int = 0) -> PhysicsState:
        """Return a world at time 0 with positions (nq,) and velocities (nv,), on a model variant (randomized copy)."""
        with exact_products():
            return self._first(qpos, qvel, jnp.asarray(variant, jnp.int32))

    def step(self, state: PhysicsState, ctrl: Array) -> PhysicsState:
        """Return a world after one control step with constant controls (nu,), in actuator units."""
        with exact_products():
            return self._next(state, ctrl)

    def _first(self, qpos: Array, qvel: Array, variant: Array) -> PhysicsState:
        data = mjx.forward(self._variant(variant), self._data(self.first(qpos, qvel)))
        unset = set(self.spec.fields) & set(POST_CONSTRAINT_FIELDS)
        zero = {f"_impl.{name}": jnp.zeros_like(getattr(data._impl, name)) for name in unset}
        return self._state(data.tree_replace(zero) if zero else data, variant)

    def _next(self, state: PhysicsState, ctrl: Array) -> PhysicsState:
        model = self._variant(state.variant)
        data = self._data(self.replaced(state.internal, ctrl=ctrl))

        def substep(data: mjx.Data, _: None) -> tuple[mjx.Data, None]:
            after = mjx.step(model, data)  # with 64-bit floats, it widens some integers of tendons
            return jax.tree.map(lambda new, old: new.astype(old.dtype), after, data), None

        data = jax.lax.scan(substep, data, None, length=self.spec.num_substeps)[0]
        if self.spec.timing == "current":
            data = mjx.forward(model, data)
        if self.spec.needs_post_constraint and self._impl == "jax":
            data = mjx.rne_postconstraint(model, data)
        return self._state(data, state.variant)

    def _variant(self, index: Array) -> Any:
        return self._model.replace(**{name: x[index] for name, x in self._varied.items()})

    def _data(self, internal: Array) -> mjx.Data:
        blank = jax.tree.map(lambda make: make(), self._blank)
        return blank.replace(**self.unpacked(internal, {name: getattr(blank, name) for name in COMPONENTS}))

    def _state(self, data: mjx.Data, variant: Array) -> PhysicsState:
        fields = {name: getattr(data, name) for name in ("qpos", "qvel", *self.spec.fields)}
        overflow = data._impl.overflow if self._impl == "warp" else jnp.zeros((), int)
        return PhysicsState(self.packed(data), fields, variant, (overflow & BUFFER_OVERFLOWS) != 0)


def _constant(x: Array) -> Any:
    """Return a function without arguments that makes the array `x` inside a compiled program.

    If all numbers of the array are the same, the program broadcasts this number instead of storing the whole array.
    """
    value = np.asarray(x)
    if value.size and (value == value.flat[0]).all():
        return lambda: jnp.full(value.shape, value.flat[0], value.dtype)
    return lambda: jnp.asarray(value)
