"""MuJoCo's integration state: one vector that determines how a world goes on, with one layout for all backends.

So a world that one backend has stepped can be continued by another.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from jax import Array

from envs.physics.base import PhysicsSpec, PhysicsState

INTEGRATION = mujoco.mjtState.mjSTATE_INTEGRATION

# In the order in which `mj_getState` writes them, by their names in MjData.
COMPONENTS = {
    "time": mujoco.mjtState.mjSTATE_TIME,
    "qpos": mujoco.mjtState.mjSTATE_QPOS,
    "qvel": mujoco.mjtState.mjSTATE_QVEL,
    "act": mujoco.mjtState.mjSTATE_ACT,
    "history": mujoco.mjtState.mjSTATE_HISTORY,
    "qacc_warmstart": mujoco.mjtState.mjSTATE_WARMSTART,
    "ctrl": mujoco.mjtState.mjSTATE_CTRL,
    "qfrc_applied": mujoco.mjtState.mjSTATE_QFRC_APPLIED,
    "xfrc_applied": mujoco.mjtState.mjSTATE_XFRC_APPLIED,
    "eq_active": mujoco.mjtState.mjSTATE_EQ_ACTIVE,
    "mocap_pos": mujoco.mjtState.mjSTATE_MOCAP_POS,
    "mocap_quat": mujoco.mjtState.mjSTATE_MOCAP_QUAT,
    "userdata": mujoco.mjtState.mjSTATE_USERDATA,
    "plugin_state": mujoco.mjtState.mjSTATE_PLUGIN,
}


class IntegrationPhysics:
    """Base class of backends whose `PhysicsState.internal` is the integration state (S,) of a world."""

    def __init__(self, spec: PhysicsSpec, variants: list[mujoco.MjModel]) -> None:
        """Compute where each component, such as `qpos`, lies in the state vector.

        Args:
          spec: the model and how a task reads it.
          variants: the model variants, one of which each world runs on.
        """
        self.spec = spec
        self.num_variants = len(variants)
        self.initial = np.empty(mujoco.mj_stateSize(spec.model, INTEGRATION.value))
        mujoco.mj_getState(spec.model, mujoco.MjData(spec.model), self.initial, INTEGRATION.value)
        self._slices: dict[str, slice] = {}
        start = 0
        for name, bit in COMPONENTS.items():
            size = mujoco.mj_stateSize(spec.model, bit.value)
            self._slices[name] = slice(start, start + size)
            start += size

    def with_velocity(self, state: PhysicsState, qvel: Array) -> PhysicsState:
        """Return the state with other generalised velocities (nv,). Derived fields change with the next step only."""
        return state.replace(internal=self.replaced(state.internal, qvel=qvel), fields=state.fields | {"qvel": qvel})

    def with_force(self, state: PhysicsState, force: Array) -> PhysicsState:
        """Return the state with other applied generalised forces (nv,), which act in all later steps."""
        return state.replace(internal=self.replaced(state.internal, qfrc_applied=force))

    def where(self, condition: Array, chosen: PhysicsState, other: PhysicsState) -> PhysicsState:
        """Return the state `chosen` where the condition () holds, else `other`."""
        return jax.tree.map(lambda a, b: jnp.where(condition, a, b), chosen, other)

    def first(self, qpos: Array, qvel: Array) -> Array:
        """Return the integration state (S,) at time 0 with positions (nq,) and velocities (nv,)."""
        return self.replaced(jnp.asarray(self.initial, jnp.result_type(float)), qpos=qpos, qvel=qvel)

    def replaced(self, internal: Array, **components: Array) -> Array:
        """Return an integration state (S,) in which the components named by keywords, such as `qvel`, are replaced."""
        for name, value in components.items():
            internal = internal.at[self._slices[name]].set(value)
        return internal

    def component(self, internal: Array, name: str) -> Array:
        """Return one component of an integration state (S,), as a flat array, by its name in `COMPONENTS`."""
        return internal[self._slices[name]]

    def packed(self, data: Any) -> Array:
        """Return the integration state (S,) of MuJoCo's `MjData`, or of an object with the same fields (MJX's data)."""
        number = jnp.result_type(float)
        return jnp.concatenate([jnp.ravel(getattr(data, name)).astype(number) for name in COMPONENTS])

    def unpacked(self, internal: Array, like: Mapping[str, Array | jax.ShapeDtypeStruct]) -> dict[str, Array]:
        """Return components of an integration state (S,): those named in `like`, in their shapes and types there."""
        return {
            name: self.component(internal, name).reshape(shape.shape).astype(shape.dtype)
            for name, shape in like.items()
        }
