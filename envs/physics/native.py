"""Native MuJoCo on CPU threads, called from inside jitted programs.

The whole integration state flows in and out of every call, so a step is a pure function: nothing is left
over in the shared `Batch` between calls. Inside the callback only NumPy runs.
"""

import copy
import threading
from collections.abc import Callable

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from jax import Array
from mujoco.batch import Batch, SimulationError

from envs.physics.base import POST_CONSTRAINT_FIELDS, PhysicsSpec, PhysicsState

INTEGRATION = mujoco.mjtState.mjSTATE_INTEGRATION

HostResult = tuple[np.ndarray, dict[str, np.ndarray]]


class NativePhysics:
    """`mujoco.batch` behind `jax.pure_callback`; `vmap` over worlds and seeds becomes one batched call."""

    has_host_callback = True

    def __init__(self, spec: PhysicsSpec, variants: list[mujoco.MjModel]) -> None:
        """Prepare offsets into the state vector; batches are made on first use, one per size.

        Args:
          spec: the model and how a task reads it.
          variants: the models that worlds run on.
        """
        self.spec = spec
        self.num_variants = len(variants)
        self._models = [copy.copy(variant) for variant in variants]
        for model in self._models:
            # MuJoCo would put a world that became NaN back to its first state, and nobody would notice.
            model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_AUTORESET
        self._batches: dict[int, Batch] = {}
        self._lock = threading.Lock()
        self._data = mujoco.MjData(spec.model)
        self._initial = np.empty(mujoco.mj_stateSize(spec.model, INTEGRATION.value))
        mujoco.mj_getState(spec.model, self._data, self._initial, INTEGRATION.value)
        self._field_shapes = {name: np.shape(getattr(self._data, name)) for name in spec.fields}

    def reset(self, qpos: Array, qvel: Array, variant: Array | int = 0) -> PhysicsState:
        """See `Physics.reset`."""
        state = jnp.asarray(self._initial, jnp.result_type(float))
        state = state.at[self._slice("QPOS")].set(qpos).at[self._slice("QVEL")].set(qvel)
        return self._call(self._host_forward, state, jnp.asarray(variant, jnp.int32))

    def step(self, state: PhysicsState, ctrl: Array) -> PhysicsState:
        """See `Physics.step`."""
        return self._call(self._host_step, state.internal.at[self._slice("CTRL")].set(ctrl), state.variant)

    def with_velocity(self, state: PhysicsState, qvel: Array) -> PhysicsState:
        """See `Physics.with_velocity`."""
        internal = state.internal.at[self._slice("QVEL")].set(qvel)
        return state.replace(internal=internal, fields=state.fields | {"qvel": qvel})

    def where(self, condition: Array, chosen: PhysicsState, other: PhysicsState) -> PhysicsState:
        """See `Physics.where`."""
        return jax.tree.map(lambda a, b: jnp.where(condition, a, b), chosen, other)

    def _call(self, host_function: Callable, state: Array, variant: Array) -> PhysicsState:
        shapes = (
            jax.ShapeDtypeStruct(state.shape, state.dtype),
            {name: jax.ShapeDtypeStruct(shape, state.dtype) for name, shape in self._field_shapes.items()},
        )
        state, fields = jax.pure_callback(host_function, shapes, state, variant, vmap_method="broadcast_all")
        fields |= {"qpos": state[self._slice("QPOS")], "qvel": state[self._slice("QVEL")]}
        return PhysicsState(state, fields, variant)

    def _host_forward(self, state: np.ndarray, variant: np.ndarray) -> HostResult:
        state, fields = self._run(state, variant, lambda batch: batch.forward())
        return state, fields | {name: np.zeros_like(fields[name]) for name in fields if name in POST_CONSTRAINT_FIELDS}

    def _host_step(self, state: np.ndarray, variant: np.ndarray) -> HostResult:
        stage = mujoco.mjtStage.mjSTAGE_VEL if self.spec.timing == "current" else mujoco.mjtStage.mjSTAGE_NONE
        return self._run(state, variant, lambda batch: batch.step(nstep=self.spec.num_substeps, stage=stage.value))

    def _run(self, state: np.ndarray, variant: np.ndarray, advance: Callable[[Batch], None]) -> HostResult:
        """Write every world's whole state, advance, and copy out; a world MuJoCo refuses becomes NaN."""
        state = np.asarray(state)
        worlds = state.shape[:-1]
        with self._lock:
            batch = self._batch(int(np.prod(worlds)))
            models = [self._models[i] for i in np.ravel(variant)]
            if self.num_variants > 1:
                batch.set_models(models)
            batch.state[...] = state.reshape(batch.state.shape)
            try:
                advance(batch)
            except SimulationError as error:
                batch.state[error.ids] = np.nan
            fields = self._post_constraint_fields(batch, models) if self.spec.needs_post_constraint else {}
            fields |= {name: batch.bind(name) for name in self._field_shapes if name not in fields}
            fields = {name: x.astype(state.dtype).reshape(worlds + x.shape[1:]) for name, x in fields.items()}
            return batch.state.astype(state.dtype).reshape(state.shape), fields

    def _post_constraint_fields(self, batch: Batch, models: list[mujoco.MjModel]) -> dict[str, np.ndarray]:
        names = [name for name in self._field_shapes if name in POST_CONSTRAINT_FIELDS]
        fields = {name: np.empty((batch.nsim, *self._field_shapes[name])) for name in names}
        for i, model in enumerate(models):
            batch.get_data(i, self._data)
            mujoco.mj_rnePostConstraint(model, self._data)
            for name in names:
                fields[name][i] = getattr(self._data, name)
        return fields

    def _batch(self, num_worlds: int) -> Batch:
        if num_worlds not in self._batches:
            # Only a persistent batch keeps what mj_rnePostConstraint reads.
            batch = Batch(self._models[0], num_worlds, nthread=0, persistent=self.spec.needs_post_constraint)
            for name in self.spec.fields:
                if name not in POST_CONSTRAINT_FIELDS:
                    batch.bind(name)
            self._batches[num_worlds] = batch
        return self._batches[num_worlds]

    def _slice(self, component: str) -> slice:
        """Where a component lies in the integration state: components follow each other in bit order."""
        bit = getattr(mujoco.mjtState, f"mjSTATE_{component}").value
        start = mujoco.mj_stateSize(self.spec.model, INTEGRATION.value & (bit - 1))
        return slice(start, start + mujoco.mj_stateSize(self.spec.model, bit))
