"""Runners that step N worlds on CPU threads.

A runner takes MuJoCo's integration states (N, S), S numbers for each world, and the numbers (N,) of the model variants
that the worlds run on. It returns such states, and fields of `MjData` (N, ...).
The next call may overwrite the arrays that it returned. If MuJoCo refuses to step a world, its state becomes NaN.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import mujoco
import numpy as np
from mujoco.batch import Batch, SimulationError

from envs.physics.base import PhysicsSpec
from envs.physics.integration import INTEGRATION

Worlds = tuple[np.ndarray, dict[str, np.ndarray]]


def num_threads() -> int:
    """Return the number of cores that this process may use, which can be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class OneRunner:
    """Steps a single world with one `MjData`, in the calling thread.

    States have shape (1, S), with S numbers per state. The fields that are read from `MjData`, such as positions and
    contact forces, are returned without a leading axis of worlds.
    """

    def __init__(self, spec: PhysicsSpec, models: list[mujoco.MjModel]) -> None:
        """Allocate the `MjData` in which the world is simulated.

        Args:
          spec: the model and how a task reads it.
          models: the model variants (randomized copies), one of which the world runs on.
        """
        self._spec = spec
        self._models = models
        self._reads_post_constraint = spec.needs_post_constraint
        self._data = mujoco.MjData(models[0])

    def forward(self, state: np.ndarray, variant: np.ndarray) -> Worlds:
        """Return the state (1, S) unchanged, and the `MjData` fields that MuJoCo derives from it without a step."""
        return self._run(state, variant, mujoco.mj_forward)

    def step(self, state: np.ndarray, variant: np.ndarray) -> Worlds:
        """Return the state (1, S) after one control step, and its `MjData` fields."""
        return self._run(state, variant, self._advance)

    def _advance(self, model: mujoco.MjModel, data: mujoco.MjData) -> None:
        mujoco.mj_step(model, data, nstep=self._spec.num_substeps)
        if self._reads_post_constraint:
            mujoco.mj_rnePostConstraint(model, data)

    def _run(
        self, state: np.ndarray, variant: np.ndarray, advance: Callable[[mujoco.MjModel, mujoco.MjData], None]
    ) -> Worlds:
        model, data, state = self._models[variant[0]], self._data, state.astype(np.float64)
        mujoco.mj_setState(model, data, state[0], INTEGRATION.value)
        try:
            advance(model, data)
            mujoco.mj_getState(model, data, state[0], INTEGRATION.value)
        except mujoco.FatalError:
            state[0] = np.nan
        return state, {name: getattr(data, name) for name in self._spec.fields}


class BatchRunner:
    """Steps N worlds at once by `mujoco.batch`, which runs them on CPU threads.

    `mujoco.batch` fixes the number of worlds, so that one of its batches is made for each N when it first occurs.
    """

    def __init__(self, spec: PhysicsSpec, models: list[mujoco.MjModel]) -> None:
        """Keep the models; nothing is allocated yet.

        Args:
          spec: the model and how a task reads it.
          models: the model variants (randomized copies), one of which each world runs on.
        """
        self._spec = spec
        self._models = models
        self._batches: dict[int, Batch] = {}

    def forward(self, state: np.ndarray, variant: np.ndarray) -> Worlds:
        """Return the states (N, S) unchanged, and the `MjData` fields (N, ...) that MuJoCo derives from them."""
        return self._run(state, variant, lambda batch: batch.forward())

    def step(self, state: np.ndarray, variant: np.ndarray) -> Worlds:
        """Return the states (N, S) of the worlds after one control step, and their `MjData` fields (N, ...)."""
        stage = mujoco.mjtStage.mjSTAGE_VEL if self._spec.timing == "current" else mujoco.mjtStage.mjSTAGE_NONE
        substeps = self._spec.num_substeps
        return self._run(state, variant, lambda batch: batch.step(nstep=substeps, stage=stage.value))

    def _run(self, state: np.ndarray, variant: np.ndarray, advance: Callable[[Batch], None]) -> Worlds:
        batch = self._batch(len(state))
        if len(self._models) > 1:
            batch.set_models([self._models[i] for i in variant])
        batch.state[...] = state
        try:
            advance(batch)
        except SimulationError as error:
            batch.state[error.ids] = np.nan
        return batch.state, {name: batch.bind(name) for name in self._spec.fields}

    def _batch(self, num_worlds: int) -> Batch:
        if num_worlds not in self._batches:
            batch = Batch(self._models[0], nsim=num_worlds, nthread=min(num_threads(), num_worlds))
            for name in self._spec.fields:
                batch.bind(name)
            self._batches[num_worlds] = batch
        return self._batches[num_worlds]


class DataRunner:
    """Steps worlds with one `MjData` per thread, and calls `mj_rnePostConstraint`, which `mujoco.batch` cannot do.

    The calling thread steps worlds, too.
    """

    def __init__(self, spec: PhysicsSpec, models: list[mujoco.MjModel]) -> None:
        """Allocate one `MjData` for each core that this process may use, and make as many threads.

        Args:
          spec: the model and how a task reads it.
          models: the model variants (randomized copies), one of which each world runs on.
        """
        self._spec = spec
        self._models = models
        self._datas = [mujoco.MjData(models[0]) for _ in range(num_threads())]
        self._threads = ThreadPoolExecutor(len(self._datas), thread_name_prefix="mujoco")

    def forward(self, state: np.ndarray, variant: np.ndarray) -> Worlds:
        """Return the states (N, S) unchanged, and the `MjData` fields (N, ...) that MuJoCo derives from them."""
        return self._run(state, variant, mujoco.mj_forward)

    def step(self, state: np.ndarray, variant: np.ndarray) -> Worlds:
        """Return the states (N, S) of the worlds after one control step, and their `MjData` fields (N, ...)."""

        def advance(model: mujoco.MjModel, data: mujoco.MjData) -> None:
            mujoco.mj_step(model, data, nstep=self._spec.num_substeps)
            mujoco.mj_rnePostConstraint(model, data)

        return self._run(state, variant, advance)

    def _run(
        self, state: np.ndarray, variant: np.ndarray, advance: Callable[[mujoco.MjModel, mujoco.MjData], None]
    ) -> Worlds:
        state = state.astype(np.float64)
        shapes = {name: np.shape(getattr(self._datas[0], name)) for name in self._spec.fields}
        fields = {name: np.empty((len(state), *shape)) for name, shape in shapes.items()}

        worlds = iter(range(len(state)))  # shared by the threads: each takes the next world, as some take longer

        def run_some(data: mujoco.MjData) -> None:
            copies = [(fields[name], getattr(data, name)) for name in fields]
            for i in worlds:
                model = self._models[variant[i]]
                mujoco.mj_setState(model, data, state[i], INTEGRATION.value)
                try:
                    advance(model, data)
                    mujoco.mj_getState(model, data, state[i], INTEGRATION.value)
                except mujoco.FatalError:
                    state[i] = np.nan
                for out, value in copies:
                    out[i] = value

        first, *others = self._datas[: len(state)]
        running = [self._threads.submit(run_some, data) for data in others]
        run_some(first)
        for run in running:
            run.result()
        return state, fields
