"""Draw a video of a run's policy: `python -m flexrl.render RUN`."""

import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from envs.view.gl import choose_gl
from flexrl.common.errors import ConfigError, exit_codes
from flexrl.common.warp_buffers import WarpBuffers

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Task = TypeVar("Task", bound="DataclassInstance")  # a task's config

FORMATS = (".mp4", ".gif")


@dataclass(frozen=True)
class RenderArguments:
    """Draw a video of a run's policy.

    Attributes:
      out: file to write, .mp4 or .gif; without it RUN.mp4 or RUN-GOAL.mp4, in the current folder.
      step: checkpoint to use: `best`, `latest` or an iteration.
      seconds: length of the video in simulated time; less if the episode ends.
      width: width of the video in pixels.
      height: height of the video in pixels.
      seed: random seed of the episode.
      goal: the one skill to command, if the task is `humanoid-skills`.
      task: fields of the run's task to change, as `forward_velocity=[0.5,0.5]`.
      warp: sizes of MJX-Warp's buffers, to replace the run's own if they are too small.
      workspace: folder that holds the runs.
    """

    out: Path | None = None
    step: str = "best"
    seconds: float = 8.0
    width: int = 480
    height: int = 360
    seed: int = 0
    goal: str | None = None
    task: tuple[str, ...] = ()
    warp: WarpBuffers = WarpBuffers()
    workspace: str = "workspace"

    def __post_init__(self) -> None:
        """Raise ValueError if a value is out of range, or the file is of another format."""
        if self.out is not None and self.out.suffix not in FORMATS:
            raise ValueError(f"out: {str(self.out)!r} must end in {' or '.join(FORMATS)}")
        if not 0 < self.seconds <= 3600:
            raise ValueError(f"seconds: {self.seconds} must be above 0 and at most 3600")
        for field in ("width", "height"):
            if not 16 <= getattr(self, field) <= 4096:
                raise ValueError(f"{field}: {getattr(self, field)} must be between 16 and 4096 pixels")


def main(arguments: list[str]) -> None:
    """Run `flexrl.render` with a command line: draw a video of a run's policy, to the file that `--out` names.

    Without `--out` the file is `RUN.mp4` or `RUN-GOAL.mp4` in the current folder.
    """
    with exit_codes():
        from flexrl.common.flags import parse_tool
        from flexrl.common.jax_setup import prepare_jax

        prepare_jax()
        run, options = parse_tool(RenderArguments, arguments, "flexrl.render")
        render(run, options)


def render(run: str, options: RenderArguments) -> None:
    """Run one episode with the policy of a run, and write it as a video to `options.out` or `default_out(...)`.

    Args:
      run: folder of a run or of an exported policy, or a run's name.
      options: the file, the checkpoint, the length and size of the video, and what to command.

    Raises:
      ConfigError: if there is no such run or field of its task, the file cannot be written, or no image can be drawn on
        this machine.
      CheckpointError: if the checkpoint cannot be used.
    """
    from envs.places import require_file
    from envs.view.drawing import draw, video_stride, write_video
    from envs.view.subtitle import with_subtitle
    from flexrl.common.tables import say
    from flexrl.config.task_fields import require_kept, task_fields, with_fields
    from flexrl.policies.playback import load_playback, record

    fields = task_fields(options.task)
    out = options.out or default_out(run, options.goal)
    require_file(out)
    choose_gl()  # before stepping, to fail at once
    playback = load_playback(
        run,
        options.workspace,
        options.step,
        task=lambda task: asking_for(with_fields(task, fields), options.goal),
        warp=options.warp,
    )
    require_kept(playback.config.env, playback.config.task, fields)
    period = playback.env.spec.control_period
    stride = video_stride(period)
    num_steps = max(1, round(options.seconds / period))
    say(f"playing iteration {playback.step} of {playback.folder} for {options.seconds:g} s")
    qpos_TQ = record(playback, num_steps, options.seed)[::stride]
    say(f"drawing {len(qpos_TQ)} frames")
    frames = draw(playback.env.model, qpos_TQ, options.width, options.height)
    if caption := caption_of(playback.config.env, options.goal):
        frames = [with_subtitle(frame, [caption]) for frame in frames]
    write_video(out, frames, frames_per_second=1 / (stride * period))
    print(f"{out}: {len(frames)} frames, {len(qpos_TQ) * stride * period:.1f} s")


def default_out(run: str, goal: str | None) -> Path:
    """Return the file to which a video goes by default: `RUN.mp4`, or `RUN-GOAL.mp4` if a skill is commanded.

    Args:
      run: name or folder of the run, of which only the last part of the path counts.
      goal: the skill that is commanded; None if the task has no skills or all may be commanded.
    """
    return Path("-".join(filter(None, (Path(run).resolve().name, goal))) + ".mp4")


def caption_of(env: str, goal: str | None) -> str:
    """Return the text to write below each frame of a video.

    It names the skill `goal` and the velocities that are commanded for it, or the environment if `goal` is None.
    """
    if goal is None:
        return env
    from envs.tasks.humanoid_skills.goals import SKILL_NAMES, SKILLS

    skill = SKILLS[SKILL_NAMES.index(goal)]
    amounts = ((skill.forward, "m/s forward"), (skill.left, "m/s to the left"), (skill.turn, "rad/s to the left"))
    return ", ".join([goal, *(f"{amount:g} {unit}" for amount, unit in amounts if amount)])


def asking_for(task: Task, goal: str | None) -> Task:
    """Return the task's config, changed so that episodes command only the skill `goal`.

    Return it unchanged if `goal` is None.

    Raises:
      ConfigError: if the task has no such skill.
    """
    if goal is None:
        return task
    skills = getattr(task, "skills", None)
    if skills is None:
        raise ConfigError(f"goal: {goal!r} is a skill, and this run's task has none; leave --goal out")
    if goal not in skills:
        raise ConfigError(f"goal: {goal!r} is not among the skills of this run: {', '.join(skills)}")
    return dataclasses.replace(task, skills=(goal,), goal_strategy="single")


if __name__ == "__main__":
    main(sys.argv[1:])
