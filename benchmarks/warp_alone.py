"""Times mujoco_warp without JAX: a control step of all worlds is one CUDA graph, as in mujoco_warp's own benchmark."""

# pyright: reportIndexIssue=false, reportAssignmentType=false, reportGeneralTypeIssues=false
# Warp compiles the kernels below; their types do not mean what they mean in Python.

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import warp as wp
from mujoco.mjx.third_party import mujoco_warp

from envs.physics import PhysicsSpec


class WarpSubject:
    """Physics without JAX, to be timed: runs the kernels that MJX-Warp calls, on the same model.

    Worlds whose humanoid falls restart by a kernel of this module.
    """

    name = "physics alone"

    def __init__(
        self,
        spec: PhysicsSpec,
        height_limits: tuple[float, float],
        worlds: Mapping[str, Any],
        fresh: Mapping[str, Any],
        ctrl_TBA: np.ndarray,
    ) -> None:
        """Put the worlds on the device, and record the CUDA graph if there is a GPU.

        Args:
          spec: model, substeps and buffer sizes.
          height_limits: lowest and highest height of the root in m; outside them a world restarts.
          worlds: `qpos` (B, nq) and `qvel` (B, nv) to start with.
          fresh: `qpos` and `qvel` of the states in which fallen worlds restart.
          ctrl_TBA: controls, one row for each control step of a call; shape (T, B, A).
        """
        num_worlds = ctrl_TBA.shape[1]
        self.num_steps = len(ctrl_TBA) * num_worlds
        self._num_calls, self._spec, self._limits = len(ctrl_TBA), spec, height_limits
        self._device = wp.get_preferred_device()
        with wp.ScopedDevice(self._device):
            self._model = mujoco_warp.put_model(spec.model)
            self._model.opt.warn_overflow = 0
            naconmax = spec.contacts_per_world * num_worlds
            self._data = mujoco_warp.make_data(
                spec.model, nworld=num_worlds, naconmax=naconmax, njmax=spec.constraints_per_world
            )
            self._ctrl = wp.array(ctrl_TBA, dtype=float)
            self._fresh = {name: wp.array(np.asarray(fresh[name]), dtype=float) for name in ("qpos", "qvel")}
            self._time = wp.zeros(1, dtype=int)
            for name in ("qpos", "qvel"):
                wp.copy(getattr(self._data, name), wp.array(np.asarray(worlds[name]), dtype=float))
            self._launch = self._step
            if self._device.is_cuda:
                self._step()  # loads the kernels
                with wp.ScopedCapture() as capture:
                    self._step()
                graph: Any = capture.graph
                self._launch = lambda: wp.capture_launch(graph)

    def run(self, num_calls: int) -> float:
        """Step the worlds `num_calls` times through all controls; return the seconds that it took."""
        with wp.ScopedDevice(self._device):
            wp.synchronize()
            started = time.perf_counter()
            for _ in range(num_calls * self._num_calls):
                self._launch()
            wp.synchronize()
            return time.perf_counter() - started

    @property
    def qpos(self) -> np.ndarray:
        """The worlds' positions (B, nq)."""
        return self._data.qpos.numpy()

    def _step(self) -> None:
        data, fresh = self._data, self._fresh
        wp.launch(take_controls, dim=data.ctrl.shape, inputs=[self._time, self._ctrl, data.ctrl])
        wp.launch(count, dim=1, inputs=[self._time])
        for _ in range(self._spec.num_substeps):
            mujoco_warp.step(self._model, data)
        now = [data.qpos, data.qvel, data.qacc_warmstart]
        inputs = [*self._limits, fresh["qpos"], fresh["qvel"], *now]
        wp.launch(restart_fallen, dim=data.nworld, inputs=inputs)


@wp.kernel
def take_controls(time: wp.array[int], ctrl_TBA: wp.array3d[float], ctrl: wp.array2d[float]):  # noqa: ANN201
    """Copy all worlds' controls at the current time from `ctrl_TBA` (T, B, A) to `ctrl` (B, A), a thread for each."""
    world, actuator = wp.tid()
    ctrl[world, actuator] = ctrl_TBA[time[0] % ctrl_TBA.shape[0], world, actuator]


@wp.kernel
def count(time: wp.array[int]):  # noqa: ANN201
    """Add 1 to `time`, the index of the control step whose controls `take_controls` copies next."""
    time[0] = time[0] + 1


@wp.kernel
def restart_fallen(  # noqa: ANN201
    low: float,
    high: float,
    fresh_qpos: wp.array2d[float],
    fresh_qvel: wp.array2d[float],
    qpos: wp.array2d[float],
    qvel: wp.array2d[float],
    qacc_warmstart: wp.array2d[float],
):
    """Restart, from its fresh state, each world whose root is not between the height limits `low` and `high` (m)."""
    world = wp.tid()
    height = qpos[world, 2]
    if height >= low and height <= high:
        return
    for i in range(qpos.shape[1]):
        qpos[world, i] = fresh_qpos[world, i]
    for i in range(qvel.shape[1]):
        qvel[world, i] = fresh_qvel[world, i]
        qacc_warmstart[world, i] = 0.0
