"""A sweep's plan and its status, as tables."""

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from flexrl.tables import print_table
from launch.states import Progress
from launch.sweep_file import Sweep
from launch.trial_folder import folder_of
from launch.trials import Trial

MAX_ROWS = 200  # of a table, unless all are asked for


def print_plan(path: Path, sweep: Sweep, trials: list[Trial], everything: bool) -> None:
    """The trials, what differs between them, and how much there is to do."""
    axes = axis_names(trials)
    states = {trial.key: folder_of(trial).progress().state for trial in trials}
    rows = [[trial.number, trial.key, *_values(trial, axes), states[trial.key]] for trial in trials]
    _print_rows(["trial", "key", *axes, "state"], rows, everything)
    steps = [trial.config.num_iterations * trial.config.steps_per_iteration for trial in trials]
    left = [n for n, trial in zip(steps, trials, strict=True) if states[trial.key] != "done"]
    one = sweep.resources
    gpus = f"{one.gpu.count} {one.gpu.kind or 'GPU'}, " if one.gpu.count else ""
    print(
        f"{path}: {len(trials):,} trials, {sum(steps):,} control steps; {len(trials) - len(left):,} trials done, "
        f"{len(left):,} trials and {sum(left):,} control steps left"
    )
    print(
        f"each: profile {one.profile}, {gpus}{one.cpu} CPU, {one.memory}"
        f"{', spot' if one.spot else ''}; {sweep.parallelism} at a time; {sweep.retries} retries; "
        f"{_limit(sweep.time_limit_minutes)}"
    )


def print_manifests(sweep: Sweep, trials: list[Trial]) -> None:
    """The Kubernetes objects, as `kubectl apply -f -` reads them; of trials that are not done."""
    import yaml

    from launch.manifests import manifests

    left = [trial for trial in trials if folder_of(trial).progress().state != "done"]
    yaml.safe_dump_all(manifests(sweep, left), sys.stdout, sort_keys=False, width=1 << 20)


def print_status(sweep: Sweep, trials: list[Trial], submitter: int | None, everything: bool) -> Counter[str]:
    """How far each trial is; how many are in each state."""
    axes = axis_names(trials)
    now = [(trial, folder_of(trial).progress()) for trial in trials]
    rows = [[trial.number, trial.key, *_values(trial, axes), *_progress(trial, progress)] for trial, progress in now]
    columns = ["trial", "key", *axes, "state", "attempts", "step", "return", "why"]
    _print_rows(columns, rows, everything)
    counts = Counter(progress.state for _, progress in now)
    told = ", ".join(f"{count:,} {state}" for state, count in sorted(counts.items()))
    print(f"{sweep.name}: {told}; " + (f"process {submitter} submits" if submitter else "nobody submits"))
    return counts


def axis_names(trials: list[Trial]) -> list[str]:
    """Fields that differ between trials."""
    first = trials[0].values
    return [name for name in first if any(trial.values[name] != first[name] for trial in trials)]


def _values(trial: Trial, axes: list[str]) -> list[Any]:
    values = (trial.values[name] for name in axes)
    return [f"{value:g}" if isinstance(value, float) else str(value) for value in values]


def _progress(trial: Trial, progress: Progress) -> list[Any]:
    steps, mean_return = folder_of(trial).steps_and_return()
    return [progress.state, progress.attempts, steps, mean_return, progress.reason]


def _print_rows(columns: Iterable[str], rows: list[list[Any]], everything: bool) -> None:
    shown = rows if everything else rows[:MAX_ROWS]
    print_table(columns, shown)
    if len(shown) < len(rows):
        print(f"and {len(rows) - len(shown):,} more; --all shows them")


def _limit(minutes: float | None) -> str:
    return "no time limit" if minutes is None else f"{minutes:g} minutes at most"
