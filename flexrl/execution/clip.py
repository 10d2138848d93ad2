"""Draw a clip of a body that follows a plan, with the instruction and the present segment as a subtitle."""

import contextlib
from pathlib import Path

import mujoco
import numpy as np

from envs.view.drawing import Camera, video_stride, write_video
from envs.view.subtitle import with_subtitle
from flexrl.execution.worlds import Outcome
from flexrl.language.plan import Plan, Segment


def draw_clip(
    path: Path,
    model: mujoco.MjModel,
    control_period: float,
    text: str,
    plan: Plan,
    outcome: Outcome,
    size: tuple[int, int],
) -> int:
    """Write the clip of the first world of an outcome as .mp4 or .gif, and return how many images it has.

    Args:
      path: file to write.
      model: the body's model.
      control_period: s between two positions of the outcome.
      text: the instruction.
      plan: the segments that the instruction asks for.
      outcome: positions and present segment after each control step, from `flexrl.execution.worlds.follow`.
      size: width and height, in pixels.

    Raises:
      ConfigError: if no image can be drawn on this machine.
    """
    stride = video_stride(control_period)
    frames: list[np.ndarray] = []
    with contextlib.closing(Camera(model, *size)) as camera:
        for qpos, index in zip(outcome.qpos[::stride], outcome.segment[::stride], strict=True):
            now = in_words(plan.segments[index]) if index < len(plan.segments) else "done"
            frames.append(with_subtitle(camera.image(qpos), [text, f"> {now}"]))
    write_video(path, frames, frames_per_second=1 / (stride * control_period))
    return len(frames)


def in_words(segment: Segment) -> str:
    """Return a segment in a few words, such as "walk-forward slow, 3 metres"."""
    until = f", {segment.until.amount:g} {segment.until.kind}" if segment.until else ""
    return f"{segment.skill}{f' {segment.speed}' if segment.speed else ''}{until}"
