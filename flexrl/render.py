"""Draw a run's policy: `python -m flexrl.render RUN --out walk.mp4`."""

import copy
import ctypes.util
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flexrl.errors import ConfigError, exit_codes

if TYPE_CHECKING:
    import mujoco
    import numpy as np

FORMATS = (".mp4", ".gif")
GL_LIBRARIES = {"egl": "EGL", "osmesa": "OSMesa"}
INSTALL_GL = "install Debian's libegl1 and libgl1-mesa-dri, or libosmesa6"
MAX_FRAMES_PER_SECOND = 34
FLOOR_SIZE = 60.0  # m from the middle to the edge


@dataclass(frozen=True)
class RenderArguments:
    """What to draw.

    Attributes:
      out: file to write, .mp4 or .gif.
      step: checkpoint: `best`, `latest` or an iteration.
      seconds: of simulated time; less if the episode ends.
      width: pixels.
      height: pixels.
      seed: of the episode.
      workspace: folder that holds the runs.
    """

    out: Path
    step: str = "best"
    seconds: float = 8.0
    width: int = 320
    height: int = 240
    seed: int = 0
    workspace: str = "workspace"

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        if self.out.suffix not in FORMATS:
            raise ValueError(f"out: {str(self.out)!r} must end in {' or '.join(FORMATS)}")
        if not 0 < self.seconds <= 3600:
            raise ValueError(f"seconds: {self.seconds} must be above 0 and at most 3600")
        for field in ("width", "height"):
            if not 16 <= getattr(self, field) <= 4096:
                raise ValueError(f"{field}: {getattr(self, field)} must be between 16 and 4096 pixels")


def main(arguments: list[str]) -> None:
    """Parse and draw."""
    with exit_codes():
        choose_gl()
        from flexrl.arguments import parse_tool
        from flexrl.startup import prepare_jax

        prepare_jax()
        run, options = parse_tool(RenderArguments, arguments, "flexrl.render")
        render(run, options)


def render(run: str, options: RenderArguments) -> None:
    """Roll out one episode and write it as a video.

    Raises:
      ConfigError: if the run is not there, or no image can be drawn on this machine.
      CheckpointError: if the checkpoint cannot be used.
    """
    from flexrl.playback import load_playback, record

    playback = load_playback(run, options.workspace, options.step)
    stride = max(1, round(1 / (MAX_FRAMES_PER_SECOND * playback.env.spec.control_period)))
    num_steps = max(1, round(options.seconds / playback.env.spec.control_period))
    qpos_TQ = record(playback, num_steps, options.seed)[::stride]
    frames = draw(playback.env.model, qpos_TQ, options.width, options.height)
    write_video(options.out, frames, frames_per_second=1 / (stride * playback.env.spec.control_period))
    print(f"{options.out}: {len(frames)} frames, {len(qpos_TQ) * stride * playback.env.spec.control_period:.1f} s")


def draw(model: "mujoco.MjModel", qpos_TQ: "np.ndarray", width: int, height: int) -> "list[np.ndarray]":
    """Images (height, width, 3) of a model in a row of poses, seen from the side, the camera following.

    Raises:
      ConfigError: if no image can be drawn on this machine.
    """
    import mujoco

    model = _lit(model)
    data = mujoco.MjData(model)
    camera = mujoco.MjvCamera()
    camera.type = mujoco.mjtCamera.mjCAMERA_TRACKING
    camera.trackbodyid, camera.distance, camera.azimuth, camera.elevation = 1, 3.2, 110.0, -10.0
    try:
        renderer = mujoco.Renderer(model, height, width)
    except Exception as error:
        raise ConfigError(
            f"no image can be drawn with MUJOCO_GL={os.environ.get('MUJOCO_GL')} ({error}); {INSTALL_GL}"
        ) from None
    renderer.scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = False
    frames = []
    try:
        for qpos in qpos_TQ:
            data.qpos[:] = qpos
            mujoco.mj_kinematics(model, data)
            mujoco.mj_comPos(model, data)
            renderer.update_scene(data, camera)
            frames.append(renderer.render())
    finally:
        renderer.close()
    return frames


def _lit(model: "mujoco.MjModel") -> "mujoco.MjModel":
    """A copy of the model with a light at the camera, and a floor that an episode does not reach the end of."""
    import mujoco

    model = copy.copy(model)
    model.vis.headlight.ambient[:] = 0.35
    model.vis.headlight.diffuse[:] = 0.6
    model.geom_size[model.geom_type == mujoco.mjtGeom.mjGEOM_PLANE, :2] = FLOOR_SIZE
    return model


def write_video(path: Path, frames: "list[np.ndarray]", frames_per_second: float) -> None:
    """Write images (height, width, 3) as .mp4 or .gif."""
    import imageio.v2 as imageio

    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gif":
        imageio.mimsave(path, list(frames), duration=1000 / frames_per_second, loop=0)
    else:
        imageio.mimsave(path, list(frames), fps=frames_per_second, macro_block_size=2)


def choose_gl() -> None:
    """Point MuJoCo, before its import, to a GL library that draws without a display.

    Raises:
      ConfigError: if there is none.
    """
    if "MUJOCO_GL" in os.environ:
        return
    found = find_gl()
    if found is None:
        raise ConfigError(f"no GL library was found to draw with; {INSTALL_GL}")
    os.environ["MUJOCO_GL"] = found


def find_gl() -> str | None:
    """The value of MUJOCO_GL for a library that is installed."""
    return next((name for name, library in GL_LIBRARIES.items() if ctypes.util.find_library(library)), None)


def draw_video(run: Path) -> None:
    """Draw a short video of a finished run in a process of its own, or say in one line why there is none."""
    if "MUJOCO_GL" not in os.environ and find_gl() is None:
        print(f"no video: no GL library was found to draw with; {INSTALL_GL}")
        return
    out = run / "videos" / "final.mp4"
    command = [sys.executable, "-m", "flexrl.render", str(run), "--out", str(out), "--step", "latest", "--seconds", "4"]
    done = subprocess.run(command, capture_output=True, text=True)
    print(done.stdout.strip() if done.returncode == 0 else f"no video: {done.stderr.strip()}")


if __name__ == "__main__":
    main(sys.argv[1:])
