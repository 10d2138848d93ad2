"""Images and videos of a model in a sequence of poses."""

import atexit
import contextlib
import copy
import warnings
import weakref
from pathlib import Path
from typing import Any

import imageio.v2 as imageio
import mujoco
import numpy as np

from envs.view.gl import open_gl

MAX_FRAMES_PER_SECOND = 34
MAX_GEOMS = 10_000  # largest number of geoms in one image
FLOOR_SIZE = 60.0  # m from the middle to the edge


def video_stride(control_period: float) -> int:
    """Return how many control steps of `control_period` s lie between two frames of a video."""
    return max(1, round(1 / (MAX_FRAMES_PER_SECOND * control_period)))


class Camera:
    """A camera that sees a model from the side and follows it."""

    def __init__(self, model: mujoco.MjModel, width: int, height: int) -> None:
        """Open a renderer.

        Raises:
          ConfigError: if no image can be drawn on this machine.
        """
        self._model = _lit(model, width, height)
        self._data = mujoco.MjData(self._model)
        self._view = mujoco.MjvCamera()
        self._view.type = mujoco.mjtCamera.mjCAMERA_TRACKING
        self._view.trackbodyid, self._view.distance, self._view.azimuth, self._view.elevation = 1, 3.2, 110.0, -10.0
        self._size = mujoco.MjrRect(0, 0, width, height)
        self._scene, self._options = mujoco.MjvScene(self._model, MAX_GEOMS), mujoco.MjvOption()
        self._scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = False
        self._gl: Any = open_gl(width, height)
        self._renderer = mujoco.MjrContext(self._model, mujoco.mjtFontScale.mjFONTSCALE_150.value)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._renderer)
        atexit.register(_close, weakref.ref(self))  # after exit GL is gone, and releasing fails

    def image(self, qpos: np.ndarray) -> np.ndarray:
        """Draw the model in a pose (nq,). Return the image (height, width, 3) of bytes."""
        self._data.qpos[:] = qpos
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)
        shown = mujoco.mjtCatBit.mjCAT_ALL.value
        mujoco.mjv_updateScene(self._model, self._data, self._options, None, self._view, shown, self._scene)
        image = np.empty((self._size.height, self._size.width, 3), np.uint8)
        self._gl.make_current()
        mujoco.mjr_render(self._size, self._scene, self._renderer)
        mujoco.mjr_readPixels(image, None, self._size, self._renderer)
        return np.flipud(image).copy()  # GL begins with the lowest row

    def close(self) -> None:
        """Release the renderer. A second call does nothing."""
        if self._gl is not None:
            self._gl.make_current()
            self._renderer.free()
            self._gl.free()
            self._gl = None


def _close(camera: weakref.ref) -> None:
    if (still_open := camera()) is not None:
        still_open.close()


def draw(model: mujoco.MjModel, qpos_TQ: np.ndarray, width: int, height: int) -> list[np.ndarray]:
    """Draw a model in a sequence of T poses (T, nq). Return T images (height, width, 3).

    Raises:
      ConfigError: if no image can be drawn on this machine.
    """
    with contextlib.closing(Camera(model, width, height)) as camera:
        return [camera.image(qpos) for qpos in qpos_TQ]


def _lit(model: mujoco.MjModel, width: int, height: int) -> mujoco.MjModel:
    """Return a copy of the model with a light at the camera, a large floor, and image buffers of the given size."""
    model = copy.copy(model)
    model.vis.global_.offwidth, model.vis.global_.offheight = width, height
    model.vis.headlight.ambient[:] = 0.35
    model.vis.headlight.diffuse[:] = 0.6
    model.geom_size[model.geom_type == mujoco.mjtGeom.mjGEOM_PLANE, :2] = FLOOR_SIZE
    return model


def write_video(path: Path, frames: list[np.ndarray], frames_per_second: float) -> None:
    """Write images (height, width, 3) as .mp4 or .gif."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gif":
        imageio.mimsave(path, list(frames), duration=1000 / frames_per_second, loop=0)
        return
    with warnings.catch_warnings():
        # JAX warns of forks. This one starts the encoder's program at once, so JAX's threads do no harm.
        warnings.filterwarnings("ignore", r"os\.fork\(\) was called", RuntimeWarning)
        imageio.mimsave(path, list(frames), fps=frames_per_second, macro_block_size=2)


def write_image(path: Path, image: np.ndarray) -> None:
    """Write an image (height, width, 3) as .png."""
    path.parent.mkdir(parents=True, exist_ok=True)
    imageio.imwrite(path, image)
