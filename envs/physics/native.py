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

from envs.physics.base import PhysicsSpec, PhysicsState

INTEGRATION = mujoco.mjtState.mjSTATE_INTEGRATION

HostResult = tuple[np.ndarray, dict[str, np.ndarray]]


class NativePhysics:
    """`mujoco.batch` behind `jax.pure_callback`; `vmap` over worlds and seeds becomes one batched call."""

    has_host_callback = True

    def __init__(self, spec: PhysicsSpec) -> None:
        """Prepare offsets into the state vector; batches are made on first use, one per size."""
        self.spec = spec
        self._model = copy.copy(spec.model)
        # MuJoCo would put a world that became NaN back to its first state, and nobody would notice.
        self._model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_AUTORESET
        self._batches: dict[int, Batch] = {}
        self._lock = threading.Lock()
        data = mujoco.MjData(spec.model)
        self._initial = np.empty(mujoco.mj_stateSize(spec.model, INTEGRATION.value))
        mujoco.mj_getState(spec.model, data, self._initial, INTEGRATION.value)
        self._field_shapes = {name: np.shape(getattr(data, name)) for name in spec.fields}

    def reset(self, qpos: Array, qvel: Array) -> PhysicsState:
        """See `Physics.reset`."""
        state = jnp.asarray(self._initial, jnp.result_type(float))
        state = state.at[self._slice("QPOS")].set(qpos).at[self._slice("QVEL")].set(qvel)
        return self._call(self._host_forward, state)

    def step(self, state: PhysicsState, ctrl: Array) -> PhysicsState:
        """See `Physics.step`."""
        return self._call(self._host_step, state.internal.at[self._slice("CTRL")].set(ctrl))

    def where(self, condition: Array, chosen: PhysicsState, other: PhysicsState) -> PhysicsState:
        """See `Physics.where`."""
        return jax.tree.map(lambda a, b: jnp.where(condition, a, b), chosen, other)

    def _call(self, host_function: Callable, state: Array) -> PhysicsState:
        shapes = (
            jax.ShapeDtypeStruct(state.shape, state.dtype),
            {name: jax.ShapeDtypeStruct(shape, state.dtype) for name, shape in self._field_shapes.items()},
        )
        state, fields = jax.pure_callback(host_function, shapes, state, vmap_method="broadcast_all")
        return PhysicsState(state, {**fields, "qpos": state[self._slice("QPOS")], "qvel": state[self._slice("QVEL")]})

    def _host_forward(self, state: np.ndarray) -> HostResult:
        return self._run(state, lambda batch: batch.forward())

    def _host_step(self, state: np.ndarray) -> HostResult:
        stage = mujoco.mjtStage.mjSTAGE_VEL if self.spec.timing == "current" else mujoco.mjtStage.mjSTAGE_NONE
        return self._run(state, lambda batch: batch.step(nstep=self.spec.num_substeps, stage=stage.value))

    def _run(self, state: np.ndarray, advance: Callable[[Batch], None]) -> HostResult:
        """Write every world's whole state, advance, and copy out; a world MuJoCo refuses becomes NaN."""
        state = np.asarray(state)
        worlds = state.shape[:-1]
        with self._lock:
            batch = self._batch(int(np.prod(worlds)))
            batch.state[...] = state.reshape(batch.state.shape)
            try:
                advance(batch)
            except SimulationError as error:
                batch.state[error.ids] = np.nan
            fields = {
                name: batch.bind(name).astype(state.dtype).reshape(worlds + shape)
                for name, shape in self._field_shapes.items()
            }
            return batch.state.astype(state.dtype).reshape(state.shape), fields

    def _batch(self, num_worlds: int) -> Batch:
        if num_worlds not in self._batches:
            batch = Batch(self._model, nsim=num_worlds, nthread=0)
            for name in self.spec.fields:
                batch.bind(name)
            self._batches[num_worlds] = batch
        return self._batches[num_worlds]

    def _slice(self, component: str) -> slice:
        """Where a component lies in the integration state: components follow each other in bit order."""
        bit = getattr(mujoco.mjtState, f"mjSTATE_{component}").value
        start = mujoco.mj_stateSize(self.spec.model, INTEGRATION.value & (bit - 1))
        return slice(start, start + mujoco.mj_stateSize(self.spec.model, bit))
