"""A sweep's plan and its status, as tables."""

import itertools
import math
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from flexrl.decoding import dump_yaml
from flexrl.tables import print_table
from launch.halving import next_rung
from launch.states import Progress
from launch.sweep_file import Halving, Sweep
from launch.trial_folder import folder_of, progress_of_all
from launch.trials import Trial

Figures = Callable[[Trial], tuple[int, float | None, str]]  # control steps, return and a note on a trial

MAX_ROWS = 200  # of a table, unless all are asked for


def print_plan(options: Namespace, sweep: Sweep, trials: list[Trial]) -> None:
    """The trials, what differs between them, how much there is to do, and what that takes and costs."""
    from launch import cost

    axes = axis_names(trials)
    progress = progress_of_all(options.workspace / sweep.name, trials)
    hours = cost.hours_left(sweep, progress, trials, options.hours)
    costs = cost.told(sweep, hours, cost.load_prices(options.prices))
    rows = ([trial.number, trial.key, *_values(trial, axes), progress[trial.key].state] for trial in trials)
    _print_rows(["trial", "key", *axes, "state"], rows, len(trials), options.all)
    left = [trial.num_steps for trial in trials if progress[trial.key].state != "done"]
    one = sweep.resources
    gpus = f"{one.hosts} hosts of " if one.hosts > 1 else ""
    gpus += f"{one.gpu.count} {one.gpu.kind or 'GPU'}, " if one.gpu.count else ""
    print(
        f"{options.sweep}: {len(trials):,} trials, {sum(trial.num_steps for trial in trials):,} control steps; "
        f"{len(trials) - len(left):,} trials done, {len(left):,} trials and {sum(left):,} control steps left"
    )
    print(
        f"each: profile {one.profile}, {gpus}{one.cpu} CPU, {one.memory}"
        f"{', spot' if one.spot else ''}; {sweep.parallelism} at a time; {sweep.retries} retries; "
        f"{_limit(sweep.time_limit_minutes)}"
    )
    if sweep.halving:
        print(f"halving: {_halved(sweep.halving, len(trials))}; steps and hours are those without it")
    print(costs)


def print_manifests(sweep: Sweep, trials: list[Trial], pack: int) -> None:
    """The Kubernetes objects, as `kubectl apply -f -` reads them; of trials that are not done."""
    from launch.manifests import manifests

    left = [trial for trial in trials if folder_of(trial).progress().state != "done"]
    sys.stdout.write(dump_yaml(*manifests(sweep, left, pack=pack)))


def print_status(
    sweep: Sweep, trials: list[Trial], progresses: list[Progress], figures: Figures, who: str, everything: bool
) -> Counter[str]:
    """How far each trial is; how many are in each state.

    Args:
      sweep: whose trials they are.
      trials: all of them.
      progresses: of each.
      figures: steps and return of one; asked for what is shown alone.
      who: runs them.
      everything: rows of all trials, however many.
    """
    axes = axis_names(trials)
    now = list(zip(trials, progresses, strict=True))
    rows = (_status_row(trial, progress, axes, figures) for trial, progress in now)
    columns = ["trial", "key", *axes, "state", "attempts", "step", "return", "why"]
    _print_rows(columns, rows, len(trials), everything)
    counts = Counter(progress.state for progress in progresses)
    rung, left = next_rung(sweep.halving, progresses)
    going = f"; {len(left):,} go to {f'evaluation {rung}' if rung else 'their end'}" if sweep.halving else ""
    print(f"{sweep.name}: {told(counts)}{going}; {who}")
    return counts


def _status_row(trial: Trial, progress: Progress, axes: list[str], figures: Figures) -> list[Any]:
    steps, mean_return, note = figures(trial)
    why = "; ".join(filter(None, (progress.reason, note)))
    return [trial.number, trial.key, *_values(trial, axes), progress.state, progress.attempts, steps, mean_return, why]


def told(counts: Counter[str]) -> str:
    """How many trials are in each state."""
    return ", ".join(f"{count:,} {state}" for state, count in sorted(counts.items()))


def axis_names(trials: list[Trial]) -> list[str]:
    """Fields that differ between trials."""
    first = trials[0].values
    return [name for name in first if any(trial.values[name] != first[name] for trial in trials)]


def _values(trial: Trial, axes: list[str]) -> list[Any]:
    values = (trial.values[name] for name in axes)
    return [f"{value:g}" if isinstance(value, float) else str(value) for value in values]


def _print_rows(columns: Iterable[str], rows: Iterable[list[Any]], number: int, everything: bool) -> None:
    shown = number if everything else min(number, MAX_ROWS)
    print_table(columns, itertools.islice(rows, shown))
    if shown < number:
        print(f"and {number - shown:,} more; --all shows them")


def _halved(halving: Halving, number: int) -> str:
    parts = []
    for rung in halving.rungs:
        number = math.ceil(number / halving.factor)
        parts.append(f"after evaluation {rung} the best {number:,} go on")
    return ", ".join(parts)


def _limit(minutes: float | None) -> str:
    return "no time limit" if minutes is None else f"{minutes:g} minutes at most"
