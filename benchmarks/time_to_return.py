"""Measures the seconds until `flexrl.train` reaches a return, for several seeds in one program.

    python -m benchmarks.time_to_return [--envs humanoid-walk dmc-humanoid-walk] [--num-seeds 5] [--minutes 5]

A return is reached at the first deterministic evaluation whose mean return is at least as high. Total seconds count
from the start of the process, with empty caches of compiled programs and kernels; `after compilation` counts from the
start of the first iteration. Both include evaluations.

The first of several evaluations to reach a return may have been lucky. So when the time is over, the policy that
reached it is evaluated once more, in fresh episodes, and both returns are reported.
"""

import math
import os
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
import yaml
from rich.console import Console

from benchmarks.curves import Point, points, thin
from benchmarks.fresh import FreshEpisodes, in_fresh_episodes
from benchmarks.peers.process import PeerError
from benchmarks.report import header, save
from benchmarks.watch import Row, Watched, watch
from flexrl.common.errors import exit_codes
from flexrl.common.jax_setup import prepare_jax

TARGETS = {  # returns to reach
    "humanoid-walk": (2000, 4000, 6000),
    "dmc-humanoid-walk": (500, 800, 900),
    "dmc-humanoid-stand": (500, 800, 900),
    "dmc-humanoid-run": (100, 200, 300),
}


@dataclass(frozen=True)
class TimeToReturnConfig:
    """What to train.

    Attributes:
      envs: environments to train in, one after the other.
      num_seeds: seeds in one program.
      seed: first seed.
      minutes: training time of each environment.
      config: YAML file of `flexrl.train` with settings other than the defaults.
      out: JSON file for the results; by default named after the machine, in benchmarks/results.
    """

    envs: tuple[str, ...] = tuple(TARGETS)
    num_seeds: int = 5
    seed: int = 0
    minutes: float = 5.0
    config: Path | None = None
    out: Path | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if an environment has no target, or minutes or seeds are not positive."""
        if unknown := [env for env in self.envs if env not in TARGETS]:
            raise ValueError(f"--envs: {', '.join(unknown)} have no returns to reach; known: {', '.join(TARGETS)}")
        if not (self.minutes > 0 and math.isfinite(self.minutes)):
            raise ValueError(f"--minutes: {self.minutes} must be above 0")
        if self.num_seeds < 1:
            raise ValueError(f"--num-seeds: {self.num_seeds} must be at least 1")


def main(config: TimeToReturnConfig) -> None:
    """Train in each environment; after each, print and write when the seeds reached the target returns."""
    console = Console(highlight=False)
    report = header(config)
    report["settings"]["config"] = config.config and config.config.name  # without the path on this machine
    for env in config.envs:
        with tempfile.TemporaryDirectory() as folder:
            members = members_of(config, Path(folder) / "run")
            watched, settings = train(config, env, members)
            found: dict[str, Any] = {"env": env, "settings": settings}
            found |= reached(watched, TARGETS[env], 60 * config.minutes)
            report["results"].append(found)
            report["load_average_after"] = os.getloadavg()
            path = save(report, "time-to-return", config.out)  # saved now, in case the fresh episodes are interrupted
            crossed = crossings(watched.rows[len(members) :], TARGETS[env])
            found["seeds_returns"] = confirmed(crossed, members, settings["physics"])
            path = save(report, "time-to-return", config.out)
        console.print(f"{env}: first iteration after {found['start_up_seconds']:.0f} s")
        for target, when in found["median_seconds"].items():
            console.print(f"  return {target}: {said(when['total'])}, after compilation {said(when['training'])}")
            for each in filter(None, found["seeds_returns"][target]):
                console.print(f"    seed {each['seed']}: {each['crossed_with']:,.0f} there, {in_fresh_episodes(each)}")
    console.print(f"written: {path}", markup=False, soft_wrap=True)


def members_of(config: TimeToReturnConfig, run: Path) -> dict[int, Path]:
    """Return the folder of each seed's run, by seed. `run` is the folder of the run that trains all seeds together."""
    seeds = range(config.seed, config.seed + config.num_seeds)
    return {seed: run if config.num_seeds == 1 else run / f"seed-{seed}" for seed in seeds}


def train(config: TimeToReturnConfig, env: str, members: Mapping[int, Path]) -> tuple[Watched, dict[str, Any]]:
    """Train all seeds in one environment for the configured time. Each evaluated policy is kept as a checkpoint.

    Args:
      config: number of seeds, time and settings.
      env: name of the environment.
      members: folder of each seed's run, by seed.

    Returns:
      The rows that were written, first of each seed's metrics.jsonl, then of each seed's evaluations.jsonl; and the
      settings of the training.
    """
    run = members[config.seed] if config.num_seeds == 1 else members[config.seed].parent
    command = [sys.executable, "-m", "flexrl.train", "--env", env, "--no-video", "--seed", str(config.seed)]
    command += ["--num-seeds", str(config.num_seeds), "--workspace", str(run.parent), "--name", run.name]
    command += ["--config", str(config.config)] if config.config else []
    command += ["--keep-checkpoints", str(10**6), "--checkpoint-interval", str(10**9)]
    files = [member / name for name in ("metrics.jsonl", "evaluations.jsonl") for member in members.values()]
    watched = watch(f"flex-rl on {env}", command, files, 60 * config.minutes, run.parent)
    settings = yaml.safe_load((run / "config.yaml").read_text())
    return watched, {name: value for name, value in settings.items() if name not in ("name", "workspace")}


def crossings(evaluations: Sequence[Sequence[Row]], targets: Sequence[float]) -> dict[str, list[dict[str, Any] | None]]:
    """Find for each target the first evaluation of each seed whose mean return is at least the target.

    Args:
      evaluations: for each seed its rows of evaluations.jsonl, in order.
      targets: returns to reach.

    Returns:
      By target, as text such as "2000": for each seed the row of that evaluation, or None if the target was not
      reached.
    """

    def first(rows: Sequence[Row], target: float) -> dict[str, Any] | None:
        return next((row for _, row in rows if row["evaluation/return_mean"] >= target), None)

    return {str(target): [first(rows, target) for rows in evaluations] for target in targets}


def confirmed(
    crossed: Mapping[str, Sequence[dict[str, Any] | None]], members: Mapping[int, Path], physics: str
) -> dict[str, list[dict[str, Any] | None]]:
    """Evaluate each policy that reached a target return once more, in fresh episodes.

    Args:
      crossed: by target, for each seed the row of the evaluation that reached it, or None.
      members: run folder of each seed.
      physics: physics backend.

    Returns:
      By target, for each seed None if it did not reach the target. Otherwise `seed`; `crossed_with`, the return that
      reached it; and `step`, `return_mean`, `return_interval` and `num_episodes` of the new evaluation.
    """
    judge = FreshEpisodes(next(iter(members.values())), physics)

    def confirm(seed: int, row: dict[str, Any] | None) -> dict[str, Any] | None:
        if row is None:
            return None
        fresh = judge(members[seed], str(row["step"]), seed)
        return {"seed": seed, "crossed_with": row["evaluation/return_mean"], **fresh}

    return {target: [confirm(*each) for each in zip(members, rows, strict=True)] for target, rows in crossed.items()}


def reached(watched: Watched, targets: Sequence[float], seconds: float) -> dict[str, Any]:
    """Return when each seed reached each target, and the median over seeds.

    A seed that never reached a target counts as slowest; the median is None if it falls on such a seed.

    Args:
      watched: rows of the seeds' metrics.jsonl, then of their evaluations.jsonl.
      targets: returns to reach.
      seconds: s that the curves in the result span.

    Returns:
      `seeds_seconds`, for each target a list of seconds, one of each seed; `median_seconds`, for each target the median
      in `total` and in `training`, from the start of the first iteration; `start_up_seconds`, until the first row was
      written; the evaluations of each seed as `curves`; `seconds`, `finished` and `control_steps_per_seed`.
    """
    num_seeds = len(watched.rows) // 2
    metrics, evaluations = watched.rows[:num_seeds], watched.rows[num_seeds:]
    when, first = metrics[0][0]
    began = when - first["timing"]["seconds"]
    curves = [points(rows, "evaluation/return_mean") for rows in evaluations]
    of_seeds = {target: [first_above(curve, target) for curve in curves] for target in targets}
    medians = {target: statistics.median_high(times) for target, times in of_seeds.items()}
    return {
        "seconds": round(watched.seconds, 1),
        "finished": watched.finished,
        "control_steps_per_seed": metrics[0][-1][1]["control_steps"],
        "start_up_seconds": when,
        "seeds_seconds": {str(target): [finite(time) for time in times] for target, times in of_seeds.items()},
        "median_seconds": {
            str(target): {"total": finite(time), "training": finite(time - began)} for target, time in medians.items()
        },
        "curves": [thin(curve, seconds) for curve in curves],
    }


def first_above(curve: Sequence[Point], target: float) -> float:
    """Return the seconds at which a curve of returns first is at least the target; infinity if it never is."""
    return next((seconds for seconds, _, value in curve if value >= target), math.inf)


def finite(seconds: float) -> float | None:
    """Return the seconds rounded, or None for infinity, which JSON does not have."""
    return round(seconds, 1) if math.isfinite(seconds) else None


def said(seconds: float | None) -> str:
    """Return seconds as text such as `93 s`, or `not reached` for None."""
    return "not reached" if seconds is None else f"{seconds:.0f} s"


if __name__ == "__main__":
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # a GPU is shared with the training
    prepare_jax()
    try:
        with exit_codes():
            main(tyro.cli(TimeToReturnConfig, description=__doc__))
    except PeerError as error:
        raise SystemExit(str(error)) from None
