"""Measure how well a policy does each skill of `humanoid-skills`: `python -m flexrl.skills RUN`."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from flexrl.common.errors import ConfigError, exit_codes
from flexrl.common.types import JsonObject
from flexrl.common.warp_buffers import WarpBuffers


@dataclass(frozen=True)
class SkillsArguments:
    """Measure how well a policy does each skill of humanoid-skills.

    Attributes:
      step: checkpoint to use: `best`, `latest` or an iteration.
      episodes: number of episodes for each skill, and for each of the two fall rates (while skills change, without and
        with pushes).
      transition_episodes: number of episodes for each ordered pair of skills; 0 leaves the transitions out.
      seed: random seed of the episodes.
      warp: sizes of MJX-Warp's buffers, to replace the run's own if they are too small.
      out: JSON file to write. Without it the numbers of a run go to skills.json in its folder, where flexrl.html_report
        reads them; those of an exported policy are only printed.
      workspace: folder that holds the runs.
    """

    step: str = "best"
    episodes: int = 256
    transition_episodes: int = 16
    seed: int = 0
    warp: WarpBuffers = WarpBuffers()
    out: Path | None = None
    workspace: str = "workspace"

    def __post_init__(self) -> None:
        """Raise ValueError if a value is out of range."""
        if self.episodes < 1:
            raise ValueError(f"episodes: {self.episodes} must be at least 1")
        if self.transition_episodes < 0:
            raise ValueError(f"transition_episodes: {self.transition_episodes} must be at least 0")
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed: {self.seed} must be between 0 and 2**32 - 1")


def main(arguments: list[str]) -> None:
    """Run `flexrl.skills` with a command line: measure how well a run's policy does each skill, and print the numbers.

    Also write them to the file that `--out` names. Without `--out` they go to `skills.json` in the run's folder; those
    of an exported policy are then only printed.
    """
    with exit_codes():
        from flexrl.common.jax_setup import prepare_jax

        prepare_jax()
        from flexrl.common.flags import parse_tool

        run, options = parse_tool(SkillsArguments, arguments, "flexrl.skills")
        skills(run, options)


def skills(run: str, options: SkillsArguments) -> None:
    """Measure how well the policy of a run does each skill of `humanoid-skills`, and print the numbers as a table.

    Write them as JSON to `options.out`; if that is None, to `skills.json` in the run's folder, and for an exported
    policy nowhere.

    Args:
      run: folder of a run or of an exported policy, or a run's name.
      options: the checkpoint, the numbers of episodes and what else the command line sets.

    Raises:
      ConfigError: if there is no such run or step, it was trained on another task, or the file cannot be written.
      CheckpointError: if the checkpoint is damaged.
    """
    from envs.places import require_file
    from flexrl.common.files import write_json
    from flexrl.common.tables import say
    from flexrl.policies.playback import load_playback
    from flexrl.policies.skill_evaluation import examine
    from flexrl.storage.policy_file import is_exported

    playback = load_playback(
        run, options.workspace, options.step, num_episodes=options.episodes, warp=options.warp, is_randomized=False
    )
    if playback.config.env != "humanoid-skills":
        raise ConfigError(f"run: {run} was trained on {playback.config.env}; skills are those of humanoid-skills")
    out = options.out or (None if is_exported(playback.folder) else playback.folder / "skills.json")
    if out is not None:
        require_file(out)
    say(f"measuring the skills of iteration {playback.step} of {playback.folder} in {options.episodes} episodes each")
    report = examine(playback, options.episodes, options.transition_episodes, options.seed)
    if out is not None:
        write_json(out, report)
    print_report(report)
    kept = f"wrote {out}" if out else "nothing was written to an exported policy's folder; --out FILE keeps the numbers"
    print(kept)


def print_report(report: JsonObject) -> None:
    """Print what `flexrl.skills` measured: success, errors and falls of each skill, as a table.

    Below it, print the falls while skills change and, if changes from skill to skill were measured, the worst one.
    """
    from rich.console import Console
    from rich.table import Table

    console = Console(width=110, highlight=False)
    rows = Table("skill", "success", "at least", "velocity error m/s", "turn error rad/s", "flight s", "falls")
    for name, row in report["skills"].items():
        numbers = ("success", "success_lower_bound", "velocity_error", "turn_error", "air_seconds", "falls")
        rows.add_row(name, *(f"{row[number]:.2f}" for number in numbers))
    console.print(rows)
    for name in ("switching", "switching_with_pushes"):
        console.print(f"{name}: {json.dumps({k: round(v, 3) for k, v in report[name].items()})}")
    if "transitions" in report:
        worst = min((x, a, b) for a, others in report["transitions"].items() for b, x in others.items())
        console.print(f"worst transition: {worst[0]:.2f}, from {worst[1]} to {worst[2]}")


if __name__ == "__main__":
    main(sys.argv[1:])
