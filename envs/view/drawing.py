"""Images and videos of a model in a sequence of poses."""

import atexit
import contextlib
import warnings
import weakref
from pathlib import Path
from typing import Any

import imageio.v2 as imageio
import mujoco
import numpy as np
from PIL import Image

from envs.view.gl import open_gl
from envs.view.scene import complete, prepared

MAX_FRAMES_PER_SECOND = 34
MAX_GEOMS = 10_000  # largest number of geoms in one image
GIF_COLOURS, PALETTE_FRAMES = 96, 16  # colours of a GIF, and images from which they are chosen


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
        self._model = prepared(model, width, height)
        self._data = mujoco.MjData(self._model)
        self._view = mujoco.MjvCamera()
        self._view.type = mujoco.mjtCamera.mjCAMERA_TRACKING
        self._view.trackbodyid, self._view.distance, self._view.azimuth, self._view.elevation = 1, 2.9, 120.0, -12.0
        self._size = mujoco.MjrRect(0, 0, width, height)
        self._scene, self._options = mujoco.MjvScene(self._model, MAX_GEOMS), mujoco.MjvOption()
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
        complete(self._scene, self._data.xpos[1, :2])
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


def write_video(path: Path, frames: list[np.ndarray], frames_per_second: float) -> None:
    """Write images (height, width, 3) as a video, .mp4 or .gif by the ending of the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gif":
        _write_gif(path, frames, frames_per_second)
        return
    with warnings.catch_warnings():
        # JAX warns of forks. This one starts the encoder's program at once, so JAX's threads do no harm.
        warnings.filterwarnings("ignore", r"os\.fork\(\) was called", RuntimeWarning)
        imageio.mimsave(path, list(frames), fps=frames_per_second, macro_block_size=2)


def _write_gif(path: Path, frames: list[np.ndarray], frames_per_second: float) -> None:
    """Write images with one palette for all, without dithering: flat areas stay flat, and the file small."""
    every = max(1, len(frames) // PALETTE_FRAMES)
    palette = Image.fromarray(np.concatenate(frames[::every])).quantize(GIF_COLOURS, dither=Image.Dither.NONE)
    first, *rest = (Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames)
    first.save(path, save_all=True, append_images=rest, duration=1000 / frames_per_second, loop=0, optimize=False)


def write_image(path: Path, image: np.ndarray) -> None:
    """Write an image (height, width, 3) as .png."""
    path.parent.mkdir(parents=True, exist_ok=True)
    imageio.imwrite(path, image)
