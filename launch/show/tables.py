"""Prints a sweep's plan, status and ranking as tables."""

import itertools
import math
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from flexrl.common.tables import print_table
from flexrl.common.types import JsonObject
from launch.attempt.trial_folder import folder_of, progress_of_all
from launch.plan.axes import describe
from launch.plan.halving import rung_of_sweep
from launch.plan.states import Progress
from launch.plan.sweep_file import Halving, Sweep
from launch.plan.trials import Trial

Figures = Callable[[Trial], tuple[int, float | None, str]]  # control steps, return and a note on a trial

MAX_ROWS = 200  # most rows of a table without `--all`
RANKED = 20  # most trials of a ranking without `--all`


def print_plan(options: Namespace, sweep: Sweep, trials: list[Trial]) -> None:
    """Print the trials, what differs between them, the steps that are left, and the time and cost they take."""
    from launch.show import cost

    axes = axis_names(trials)
    progress = progress_of_all(options.workspace / sweep.name, trials)
    here = options.backend == "local"
    hours = cost.hours_left(sweep, progress, trials, options.hours, options.workspace if here else None)
    more = sweep.num_unproposed(len(trials))
    prices = cost.load_prices(options.prices)
    costs = cost.told_here(hours, _parallel(options, sweep)) if here else cost.told(sweep, hours, prices)
    rows = ([trial.number, trial.key, *_values(trial, axes), progress[trial.key].state] for trial in trials)
    _print_rows(["trial", "key", *axes, "state"], rows, len(trials), options.all)
    left = [trial.num_steps for trial in trials if progress[trial.key].state != "done"]
    one = sweep.resources
    gpus = f"{one.hosts} hosts of " if one.hosts > 1 else ""
    gpus += f"{one.gpu.count} {one.gpu.kind or 'GPU'}, " if one.gpu.count else ""
    done = len(trials) - len(left)
    left += [trials[0].num_steps] * more
    print(
        f"{options.sweep}: {len(trials) + more:,} trials, {_all_steps(sweep, trials):,} control steps; "
        f"{done:,} trials done, {len(left):,} trials and {sum(left):,} control steps left"
    )
    print(
        f"each: profile {one.profile}, {gpus}{one.cpu} CPU, {one.memory}"
        f"{', spot' if one.spot else ''}; {sweep.parallelism} at a time; {sweep.retries} retries; "
        f"{_limit(sweep.time_limit_minutes)}"
    )
    if sweep.search:
        print(
            f"search: {sweep.search.sampler} proposes {sweep.search.parallel} points at a time from results so far; "
            f"{_proposed(sweep, trials)}"
        )
    if sweep.halving:
        compared = min(sweep.search.parallel, sweep.search.trials) if sweep.search else len(trials)
        print(f"halving: {_halved(sweep.halving, compared)}; steps and hours are those without it")
    print(costs)


def _parallel(options: Namespace, sweep: Sweep) -> int:
    return getattr(options, "parallel", None) or sweep.parallelism


def print_status(
    sweep: Sweep, trials: list[Trial], progresses: list[Progress], figures: Figures, who: str, everything: bool
) -> Counter[str]:
    """Print the progress of each trial; return how many trials are in each state.

    Args:
      sweep: the sweep.
      trials: all trials of the sweep.
      progresses: progress of each trial.
      figures: returns a trial's control steps, its newest mean return, and a note on what could not be found out;
        called only for trials that the output needs.
      who: which process or Jobs run the trials.
      everything: print a row for every trial, however many there are.
    """
    axes = axis_names(trials)
    now = list(zip(trials, progresses, strict=True))
    known: dict[str, tuple[int, float | None, str]] = {}

    def asked_once(trial: Trial) -> tuple[int, float | None, str]:
        if trial.key not in known:
            known[trial.key] = figures(trial)
        return known[trial.key]

    rows = (_status_row(trial, progress, axes, asked_once) for trial, progress in now)
    columns = ["trial", "key", *axes, "state", "attempts", "step", "return", "why"]
    _print_rows(columns, rows, len(trials), everything)
    counts = Counter(progress.state for progress in progresses)
    rung, left = rung_of_sweep(sweep, progresses)
    going = f"; {len(left):,} go to {f'evaluation {rung}' if rung else 'their end'}" if sweep.halving else ""
    print(f"{sweep.name}: {told(counts)}{going}; {who}")
    print(f"{sweep.name}: {_how_far(sweep, now, asked_once)}")
    print_search(sweep, trials)
    return counts


def print_search(sweep: Sweep, trials: list[Trial]) -> None:
    """Print how many points of a search are proposed, and the best return so far. Prints nothing for other sweeps."""
    if sweep.search is None:
        return
    results = [(result["return_mean"], trial) for trial in trials if (result := folder_of(trial).result())]
    value, best = max(results, key=lambda each: each[0], default=(None, None))
    found = f"; best return {value:,.1f}, by trial {best.number} ({describe(best.values)})" if best else ""
    print(f"{sweep.name}: {_proposed(sweep, trials)}{found}", flush=True)


def _proposed(sweep: Sweep, trials: list[Trial]) -> str:
    assert sweep.search is not None
    return f"{len(trials) // sweep.num_seeds} of {sweep.search.trials} points are proposed"


def _all_steps(sweep: Sweep, trials: list[Trial]) -> int:
    """Return the control steps of all trials; each that a search has yet to propose counts like the first trial."""
    return sum(trial.num_steps for trial in trials) + sweep.num_unproposed(len(trials)) * trials[0].num_steps


def _how_far(sweep: Sweep, now: list[tuple[Trial, Progress]], figures: Figures) -> str:
    """Return a line that says which part of all control steps is done, and about how long the rest will take.

    The time is left out while no trial is done, or if all steps are.

    Args:
      sweep: the sweep.
      now: each trial and its progress.
      figures: returns a trial's control steps, its newest mean return and a note; only the steps are used.
    """
    from launch.show import cost

    begun = [trial for trial, progress in now if progress.state not in ("done", "waiting")]
    done = sum(trial.num_steps for trial, progress in now if progress.state == "done")
    done += sum(figures(trial)[0] for trial in begun)
    total = _all_steps(sweep, [trial for trial, _ in now])
    line = f"{100 * done / total:.0f} % of {total:,} control steps"
    if done == total:
        return line
    pace = cost.seconds_per_step({trial.key: progress for trial, progress in now}, [trial for trial, _ in now])
    if pace is None:
        return line
    minutes = pace * (total - done) / sweep.parallelism / 60
    return f"{line}; about {cost.duration(minutes)} to go, {sweep.parallelism} at a time, by those that are done"


def _status_row(trial: Trial, progress: Progress, axes: list[str], figures: Figures) -> list[Any]:
    steps, mean_return, note = figures(trial)
    why = "; ".join(filter(None, (progress.reason, note)))
    return [trial.number, trial.key, *_values(trial, axes), progress.state, progress.attempts, steps, mean_return, why]


def print_ranking(rows: list[JsonObject], trials: list[Trial], everything: bool) -> None:
    """Print the trials that have a result, best mean return first, with the values that differ between them.

    Args:
      rows: rows from `launch.show.results.collate`.
      trials: all trials of the sweep.
      everything: print a row for every trial, however many there are.
    """
    axes = axis_names(trials)
    best_first = sorted(rows, key=lambda row: -row["return_mean"])
    columns = ["place", "trial", "key", *axes, "return", "95 % interval", "steps"]
    table = (
        [place, row["trial"], row["key"], *(_value(row[name]) for name in axes), row["return_mean"], *_spread(row)]
        for place, row in enumerate(best_first, start=1)
    )
    _print_rows(columns, table, len(rows), everything, RANKED)


def _spread(row: JsonObject) -> list[Any]:
    interval = row.get("return_interval")
    return [None if interval is None else f"± {interval:,.3g}", row.get("steps")]


def told(counts: Counter[str]) -> str:
    """Return in words how many trials are in each state: `3 done, 1 failed`."""
    return ", ".join(f"{count:,} {state}" for state, count in sorted(counts.items()))


def axis_names(trials: list[Trial]) -> list[str]:
    """Return the dotted names of the fields that the sweep sets in its trials and whose values differ between them."""
    first = trials[0].values
    return [name for name in first if any(trial.values[name] != first[name] for trial in trials)]


def _values(trial: Trial, axes: list[str]) -> list[Any]:
    return [_value(trial.values[name]) for name in axes]


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _print_rows(
    columns: Iterable[str], rows: Iterable[list[Any]], number: int, everything: bool, most: int = MAX_ROWS
) -> None:
    shown = number if everything else min(number, most)
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
