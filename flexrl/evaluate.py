"""Evaluate a run's policy: `python -m flexrl.evaluate RUN`."""

import json
import sys
from dataclasses import dataclass
from typing import Literal

from flexrl.common.errors import exit_codes
from flexrl.common.warp_buffers import WarpBuffers


@dataclass(frozen=True)
class EvaluateArguments:
    """Evaluate a run's policy.

    Attributes:
      step: checkpoint to use: `best`, `latest` or an iteration.
      episodes: number of episodes, each in a world of its own.
      seed: random seed of the episodes; they are never those by which the run chose its best step.
      physics: physics engine; `auto` chooses by device, whatever the run was trained on.
      reference_scores: returns that count as 0 and as 100 in `normalized_score`, such as those of uniform actions and
        of the best policy.
      task: fields of the run's task to change, as `initial_state=random`; the policy is then evaluated on that task.
      warp: sizes of MJX-Warp's buffers, to replace the run's own if they are too small.
      json: print one JSON object instead of lines.
      workspace: folder that holds the runs.
    """

    step: str = "best"
    episodes: int = 64
    seed: int = 0
    physics: Literal["auto", "native", "mjx-jax", "mjx-warp"] = "auto"
    reference_scores: tuple[float, float] | None = None
    task: tuple[str, ...] = ()
    warp: WarpBuffers = WarpBuffers()
    json: bool = False
    workspace: str = "workspace"

    def __post_init__(self) -> None:
        """Raise ValueError if a value is out of range."""
        if self.episodes < 1:
            raise ValueError(f"episodes: {self.episodes} must be at least 1")
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed: {self.seed} must be between 0 and 2**32 - 1")
        if self.reference_scores and not self.reference_scores[0] < self.reference_scores[1]:
            raise ValueError(f"reference_scores: {self.reference_scores} must be two numbers, the lower one first")


def main(arguments: list[str]) -> None:
    """Run `flexrl.evaluate` with a command line: run episodes with a trained policy, and print their statistics."""
    with exit_codes():
        from flexrl.common.jax_setup import prepare_jax

        prepare_jax()
        from flexrl.common.flags import parse_tool

        run, options = parse_tool(EvaluateArguments, arguments, "flexrl.evaluate")
        evaluate(run, options)


def evaluate(run: str, options: EvaluateArguments) -> None:
    """Run episodes with the deterministic policy of a run, and print statistics such as the mean return.

    Args:
      run: folder of a run or of an exported policy, or a run's name.
      options: the checkpoint, the number of episodes and what else the command line sets.

    Raises:
      ConfigError: if there is no such run or checkpoint, `--task` names a field that the run's task does not have, or
        MJX-Warp left contacts out because its buffer was full.
      CheckpointError: if the checkpoint is damaged.
    """
    from flexrl.common.tables import say
    from flexrl.config.task_fields import require_kept, task_fields, with_fields
    from flexrl.engine.evaluator import Evaluator, final_key, normalized_score
    from flexrl.policies.playback import load_playback

    fields = task_fields(options.task)
    playback = load_playback(
        run,
        options.workspace,
        options.step,
        options.physics,
        options.episodes,
        warp=options.warp,
        task=lambda task: with_fields(task, fields),
    )
    require_kept(playback.config.env, playback.config.task, fields)
    say(f"evaluating iteration {playback.step} of {playback.folder} in {options.episodes} episodes")
    evaluation = Evaluator(playback.env, options.episodes)(playback.policy, final_key(options.seed))
    report = {"run": str(playback.folder), "step": playback.step, "physics": playback.config.physics, **evaluation}
    report |= {f"task.{name}": value for name, value in fields.items()}
    if options.reference_scores:
        report["normalized_score"] = normalized_score(report["return_mean"], options.reference_scores)
    if options.json:
        print(json.dumps(report))
        return
    for name, value in report.items():
        print(f"{name:24}{value:,.2f}" if isinstance(value, float) else f"{name:24}{value}")


if __name__ == "__main__":
    main(sys.argv[1:])
