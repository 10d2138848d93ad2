"""Native MuJoCo on CPU threads, called from inside compiled programs.

Every call takes and returns whole integration states and keeps nothing between calls, so that a step is a pure
function. Inside the callback only NumPy runs.
"""

import copy
import threading
from collections.abc import Collection
from typing import Any, Literal

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from jax import Array
from jax.experimental.buffer_callback import buffer_callback

from envs.physics.base import POST_CONSTRAINT_FIELDS, PhysicsSpec, PhysicsState
from envs.physics.host import BatchRunner, DataRunner, OneRunner
from envs.physics.integration import IntegrationPhysics

Advance = Literal["forward", "step"]


class NativePhysics(IntegrationPhysics):
    """Native MuJoCo: steps worlds on CPU threads, in a callback from the compiled JAX program.

    The worlds of all `vmap` axes, such as worlds and seeds, are stepped in a single call.
    """

    has_host_callback = True

    def __init__(self, spec: PhysicsSpec, variants: list[mujoco.MjModel]) -> None:
        """Make the runner that steps the worlds.

        Args:
          spec: the model and how a task reads it.
          variants: the model variants, one of which each world runs on.
        """
        super().__init__(spec, variants)
        models = [copy.copy(variant) for variant in variants]
        for model in models:
            # Otherwise MuJoCo silently resets a world that became NaN to its first state.
            model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_AUTORESET
        self._runner = (DataRunner if spec.needs_post_constraint else BatchRunner)(spec, models)
        self._one_runner = OneRunner(spec, models) if spec.timing == "lagged" else None
        self._lock = threading.Lock()
        data = mujoco.MjData(spec.model)
        self._field_shapes = {name: np.shape(getattr(data, name)) for name in spec.fields}

    def reset(self, qpos: Array, qvel: Array, variant: Array | int = 0) -> PhysicsState:
        """Return a world at time 0 with positions (nq,) and velocities (nv,), on a model variant (randomized copy)."""
        variant = jnp.asarray(variant, jnp.int32)
        return self._call("forward", self.first(qpos, qvel), variant, POST_CONSTRAINT_FIELDS)

    def step(self, state: PhysicsState, ctrl: Array) -> PhysicsState:
        """Return a world after one control step with constant controls (nu,), in actuator units."""
        return self._call("step", self.replaced(state.internal, ctrl=ctrl), state.variant)

    def _call(self, advance: Advance, state: Array, variant: Array, unset: Collection[str] = ()) -> PhysicsState:
        shapes = (
            jax.ShapeDtypeStruct(state.shape, state.dtype),
            {name: jax.ShapeDtypeStruct(shape, state.dtype) for name, shape in self._field_shapes.items()},
        )

        def host_function(context: Any, out: Any, state: Any, variant: Any) -> None:
            with self._lock:
                self._advance(advance, out, np.asarray(state), np.asarray(variant), unset)

        # It works on XLA's own buffers, which saves a copy: it costs a third of `pure_callback`.
        state, fields = buffer_callback(host_function, shapes, vmap_method="broadcast_all")(state, variant)
        fields |= {name: self.component(state, name) for name in ("qpos", "qvel")}
        return PhysicsState(state, fields, variant, jnp.zeros((), bool))

    def _advance(
        self, advance: Advance, out: Any, state: np.ndarray, variant: np.ndarray, unset: Collection[str]
    ) -> None:
        """Advance all worlds in one call, whatever axes they are batched over, and write the results into `out`.

        Args:
          advance: `step`, or `forward` to compute the fields without a step.
          out: buffers of the states (..., S) and, by their names, of the fields.
          state: integration states (..., S).
          variant: numbers (...) of the worlds' model variants.
          unset: names of fields to set to 0.
        """
        is_alone = variant.size == 1 and self._one_runner is not None
        runner = self._one_runner if is_alone else self._runner
        after, fields = getattr(runner, advance)(state.reshape(-1, state.shape[-1]), variant.reshape(-1))
        out_state, out_fields = out
        np.asarray(out_state).reshape(after.shape)[...] = after
        for name, buffer in out_fields.items():
            array = np.asarray(buffer)
            if name in unset:
                array[...] = 0
            else:
                array[...] = fields[name] if is_alone else fields[name].reshape(array.shape)
