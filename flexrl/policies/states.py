"""Record states of a policy for episodes to begin in: `python -m flexrl.policies.states RUN --out FILE`."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flexrl.common.errors import ConfigError, exit_codes
from flexrl.common.warp_buffers import WarpBuffers


@dataclass(frozen=True)
class StatesArguments:
    """Record states of a policy, for episodes of humanoid-skills to begin in (task.start_states).

    Attributes:
      out: NPZ file to write: qpos, qvel and the action before, each with one row a state.
      step: checkpoint to use: `best`, `latest` or an iteration.
      num_states: number of states to record.
      worlds: number of worlds that the policy acts in.
      seconds: s that it acts in each of them.
      min_height: m, lowest height of the torso in a recorded state.
      task: fields of the run's task to change, as `goal_seconds=[3,3]`.
      seed: random seed of the worlds and of the choice of states.
      physics: physics engine; `auto` chooses by device, whatever the run was trained on.
      warp: sizes of MJX-Warp's buffers, to replace the run's own if they are too small.
      workspace: folder that holds the runs.
    """

    out: Path
    step: str = "best"
    num_states: int = 8192
    worlds: int = 256
    seconds: float = 15.0
    min_height: float = 0.95
    task: tuple[str, ...] = ()
    seed: int = 0
    physics: Literal["auto", "native", "mjx-jax", "mjx-warp"] = "auto"
    warp: WarpBuffers = WarpBuffers()
    workspace: str = "workspace"

    def __post_init__(self) -> None:
        """Raise ValueError if a value is out of range."""
        for name in ("num_states", "worlds"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: {getattr(self, name)} must be at least 1")
        if self.seconds <= 0:
            raise ValueError(f"seconds: {self.seconds} must be above 0")
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed: {self.seed} must be between 0 and 2**32 - 1")


def main(arguments: list[str]) -> None:
    """Run `flexrl.policies.states` with a command line: let a policy act, and write states that it was in to a file."""
    with exit_codes():
        from flexrl.common.jax_setup import prepare_jax

        prepare_jax()
        from flexrl.common.flags import parse_tool

        run, options = parse_tool(StatesArguments, arguments, "flexrl.policies.states")
        states(run, options)


def states(run: str, options: StatesArguments) -> None:
    """Let a policy of `humanoid-skills` act without pushes, and write states that it was in to `options.out`.

    Only states with the torso at `options.min_height` or higher are written, because other policies begin in them on
    their feet.

    Args:
      run: folder of a run or of an exported policy, or a run's name.
      options: how many states, of how many worlds, and what else the command line sets.

    Raises:
      ConfigError: if there is no such run or step, it was trained on another task, the policy was in fewer such
        states than `options.num_states`, or the file cannot be written.
      CheckpointError: if the checkpoint is damaged.
    """
    import io

    import numpy as np

    from envs.places import require_file
    from flexrl.common.files import write_bytes
    from flexrl.common.tables import say
    from flexrl.config.task_fields import require_kept, task_fields, with_fields
    from flexrl.policies.playback import load_playback
    from flexrl.policies.state_recorder import record_states

    fields = task_fields(options.task)
    playback = load_playback(
        run,
        options.workspace,
        options.step,
        options.physics,
        options.worlds,
        task=lambda task: with_fields(task, fields),
        warp=options.warp,
        is_randomized=False,
    )
    require_kept(playback.config.env, playback.config.task, fields)
    if playback.config.env != "humanoid-skills":
        raise ConfigError(f"run: {run} was trained on {playback.config.env}; start states are those of humanoid-skills")
    require_file(options.out)
    say(f"recording {options.num_states:,} states of iteration {playback.step} of {playback.folder}")
    recorded = record_states(
        playback, options.num_states, options.worlds, options.seconds, options.min_height, options.seed
    )
    file = io.BytesIO()
    np.savez_compressed(file, **recorded)  # pyright: ignore[reportArgumentType]
    write_bytes(options.out, file.getvalue())
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main(sys.argv[1:])
