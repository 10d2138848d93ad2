"""Compares the best return of a search by Optuna's TPE with that of random settings, on probes with a known optimum.

    python -m benchmarks.search

A probe is a formula in place of a training: the return is 100 at the best choice of settings (point), and less at
others. Apart from the trainings, real sweeps are run: they read a sweep file, write trials' folders with results, and
propose points in rounds.
"""

import math
import os
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from benchmarks.report import header, save
from flexrl.common.decoding import dump_yaml
from flexrl.common.errors import EXIT_DIVERGED, exit_codes
from flexrl.common.files import write_json
from flexrl.common.tables import print_table
from flexrl.common.types import JsonObject
from launch.attempt.trial_folder import folder_of
from launch.plan.axes import Point
from launch.plan.states import Progress
from launch.plan.trials import Trial, load_planner
from launch.search.growing import GrowingTrials

RATE, ENTROPY, DISCOUNT, EPOCHS = (
    f"algorithm.{name}" for name in ("learning_rate", "entropy_weight", "discount", "num_epochs")
)
FIELDS: JsonObject = {
    RATE: {"log_uniform": [1e-5, 1e-1]},
    ENTROPY: {"log_uniform": [1e-5, 1e-1]},
    DISCOUNT: {"uniform": [0.9, 0.999]},
    EPOCHS: {"choice": [1, 2, 4, 8]},
}

GROUP = 5  # seeds whose median is compared


@dataclass(frozen=True)
class SearchConfig:
    """What to compare.

    Attributes:
      trials: points (choices of settings) that each search tries.
      parallel: how many points are proposed at once; each of these numbers is measured.
      num_seeds: seeds of the proposals and of the random points, counted from 0; a multiple of five.
      out: JSON file for the results; by default named after the machine, in benchmarks/results.
    """

    trials: int = 30
    parallel: tuple[int, ...] = (1, 5)
    num_seeds: int = 50
    out: Path | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if a number is outside its range."""
        if self.trials < 1 or self.num_seeds < GROUP or self.num_seeds % GROUP:
            raise ValueError(f"num_seeds: {self.num_seeds} must be a multiple of {GROUP}, with trials of at least 1")


def bowl(point: Point) -> float:
    """Return a made-up return for a choice of settings (point): 100 at the best one, and less away from it.

    The return falls with the weighted sum of the squared distances of four settings from their best values. Learning
    rate, entropy weight and number of epochs count on a logarithmic scale, the discount on a linear one.
    """
    rate, entropy = (math.log10(point[name]) for name in (RATE, ENTROPY))
    return (
        100.0
        - 20.0 * (rate + 3.2) ** 2
        - 10.0 * (entropy + 2.5) ** 2
        - 5e3 * (point[DISCOUNT] - 0.98) ** 2
        - 5.0 * (math.log2(point[EPOCHS]) - 2.0) ** 2
    )


def valley(point: Point) -> float | None:
    """Return a made-up return for a choice of settings (point); None where a training is to diverge.

    The return is highest, 100, along a valley in which a higher learning rate needs fewer epochs. A training diverges
    where both are high together, close beside the valley.
    """
    work = math.log10(point[RATE]) + 0.3 * math.log2(point[EPOCHS])
    if work > -2.0:
        return None
    entropy, discount = math.log10(point[ENTROPY]), point[DISCOUNT]
    return 100.0 - 60.0 * abs(work + 2.5) - 10.0 * abs(entropy + 2.5) - 500.0 * abs(discount - 0.98)


PROBES: dict[str, Callable[[Point], float | None]] = {"bowl": bowl, "valley": valley}


def main(config: SearchConfig) -> None:
    """Search the best settings of each probe by TPE and at random, with all seeds; print and write the best returns.

    A probe is a formula in place of a training.
    """
    report = header(config)
    rows: list[list[Any]] = []
    for probe, formula in PROBES.items():
        random: list[float] = []  # the best of random points, by seed
        for parallel in (None, *config.parallel):
            bests = [best_so_far(formula, config.trials, parallel, seed) for seed in range(config.num_seeds)]
            ends = [best[-1] for best in bests]
            random = random or ends
            better = [ours > theirs for ours, theirs in zip(groups(ends), groups(random), strict=True)]
            found = {
                "probe": probe,
                "points": f"TPE, rounds of {parallel}" if parallel else "random",
                "median best of seeds 0 to 4": groups(ends)[0],
                "of all seeds": statistics.median(ends),
                "worst seed": min(ends),
                "better than random in": f"{sum(better)} of {len(better)} groups of five" if parallel else None,
            }
            rows.append([f"{value:.1f}" if isinstance(value, float) else value for value in found.values()])
            report["results"].append({**found, "best_by_seed_and_trial": bests})
    report["load_average_after"] = os.getloadavg()
    print_table(list(report["results"][0])[:-1], rows)
    print(f"written: {save(report, 'search', config.out)}")


def groups(values: Sequence[float]) -> list[float]:
    """Return the median of each group of five (`GROUP`) successive values."""
    return [statistics.median(values[start : start + GROUP]) for start in range(0, len(values), GROUP)]


def best_so_far(
    formula: Callable[[Point], float | None], trials: int, parallel: int | None, seed: int
) -> Sequence[float]:
    """Run a sweep whose trainings are replaced by a formula; return for each trial the best return up to it.

    That is -inf as long as all trials have diverged. The sweep has a temporary folder of its own.

    Args:
      formula: gives the return of a trial for its choice of settings; None if the trial diverges.
      trials: number of trials.
      parallel: number of trials that Optuna's TPE proposes at once; None to draw all at random.
      seed: seed of the proposals or of the random draws.
    """
    drawn: JsonObject = {"fields": FIELDS, "seed": seed}
    axes = {"random": drawn, "search": {"sampler": "tpe", "trials": trials, "parallel": parallel}}
    if parallel is None:
        axes = {"random": {"num": trials, **drawn}}
    with tempfile.TemporaryDirectory() as name:
        file = Path(name, "sweep.yaml")
        file.write_text(dump_yaml({"name": "probe", "base": {"env": "humanoid-walk"}, **axes}))
        growing = GrowingTrials(load_planner(file, Path(name)))
        values: list[float] = []
        while len(values) < len(growing.trials):
            values += [_run(trial, formula(trial.values)) for trial in growing.trials[len(values) :]]
            growing.grow()
    assert len(values) == trials
    return [max(values[:number]) for number in range(1, trials + 1)]


def _run(trial: Trial, value: float | None) -> float:
    """Write into a trial's folder what a training with this return would leave there, and return the value.

    None stands for a training that diverged; then -inf is returned.
    """
    folder = folder_of(trial)
    folder.prepare(trial)
    if value is None:
        folder.write(Progress("failed", attempts=1, failures=1, exit_code=EXIT_DIVERGED, reason="diverged"))
        return -math.inf
    write_json(trial.folder / "result.json", {"config_hash": trial.config_hash, "return_mean": value})
    return value


if __name__ == "__main__":
    with exit_codes():
        main(tyro.cli(SearchConfig, description=__doc__))
