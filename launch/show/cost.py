"""Estimates how long the trials of a sweep will take, and what they cost on a cluster by a table of prices."""

import json
import math
import statistics
from dataclasses import dataclass
from pathlib import Path

from flexrl.common.decoding import decode_as, load_yaml
from flexrl.common.errors import ConfigError
from launch.attempt.trial_folder import folder_of
from launch.plan.states import Progress
from launch.plan.sweep_file import Resources, Sweep, amount
from launch.plan.trials import Trial

TABLE = Path(__file__).with_name("prices.yaml")
GIB = 2**30


@dataclass(frozen=True)
class Rate:
    """The price of a core, a GiB of memory or a GPU for one hour, in the table's currency.

    Attributes:
      on_demand: price on a machine that stays.
      spot: price on a machine that can be taken away.
    """

    on_demand: float
    spot: float

    def __post_init__(self) -> None:
        """Raise ValueError if a price is negative or not finite."""
        for name in ("on_demand", "spot"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name}: {getattr(self, name)} must be a price of an hour, at least 0")


@dataclass(frozen=True)
class Prices:
    """A table of prices.

    Attributes:
      currency: currency of all prices.
      date: day on which the prices were looked up.
      source: where the prices come from.
      cpu: hourly price of a core.
      memory: hourly price of a GiB of memory.
      gpu: hourly price of one GPU by its type, as nodes are labelled; cores and memory are charged on top.
    """

    currency: str
    date: str
    source: str
    cpu: Rate
    memory: Rate
    gpu: dict[str, Rate]

    def hourly(self, resources: Resources) -> float | None:
        """Return the price of one hour of a trial that needs these resources, on all its hosts together.

        Return None if the table does not have the trial's type of GPU.
        """
        gpu = resources.gpu
        if gpu.count and gpu.kind not in self.gpu:
            return None
        rates = [(amount(resources.cpu), self.cpu), (amount(resources.memory) / GIB, self.memory)]
        rates += [(gpu.count, self.gpu[gpu.kind])] if gpu.count and gpu.kind else []
        one = sum(number * (rate.spot if resources.spot else rate.on_demand) for number, rate in rates)
        return resources.hosts * one


@dataclass(frozen=True)
class Hours:
    """An estimate of the hours that the trials of a sweep still need.

    Attributes:
      total: hours of all trials that are left, one after the other.
      basis: what the estimate was made from, in words.
    """

    total: float
    basis: str


def load_prices(path: Path | None) -> Prices:
    """Read a table of prices; without a path, the one that comes with the package.

    Raises:
      ConfigError: if the table is not valid, naming the file, the field and the value.
    """
    return decode_as(Prices, load_yaml(path or TABLE), str(path or TABLE))


def hours_left(
    sweep: Sweep, progress: dict[str, Progress], trials: list[Trial], given: float | None, workspace: Path | None = None
) -> Hours | None:
    """Estimate the hours that the trials of a sweep still need, with those that a search has yet to propose.

    The estimate is made from the first of these that is known: the hours that the user gives, the speed of done
    trials, the speed of runs of the same task, the time limit of a trial. Returns None if none of them is known.

    Args:
      sweep: the sweep.
      progress: progress of each trial, by key.
      trials: all trials of the sweep.
      given: hours of one trial, as the user gives them.
      workspace: folder of runs of this machine, to be used while no trial is done.

    Raises:
      ConfigError: if the given hours are not above 0.
    """
    left = [trial for trial in trials if progress[trial.key].state != "done"]
    left += [trials[0]] * sweep.num_unproposed(len(trials))
    if given is not None:
        if not 0 < given < math.inf:
            raise ConfigError(f"hours: {given} must be above 0, the hours of one trial")
        return Hours(given * len(left), f"{given:g} each, as given by --hours")
    steps = sum(trial.num_steps for trial in left)
    if pace := seconds_per_step(progress, trials):
        done = sum(each.state == "done" for each in progress.values())
        return Hours(pace * steps / 3600, f"by the steps a second of {done:,} done trials")
    if workspace and (rates := _rates_of_runs(workspace, trials[0])):
        total = steps / statistics.median(rates) / 3600
        return Hours(total, f"by {len(rates)} runs of the same task in {workspace}")
    if sweep.time_limit_minutes is not None:
        total = sweep.time_limit_minutes / 60 * len(left)
        return Hours(total, f"at most, by time_limit_minutes {sweep.time_limit_minutes:g}")
    return None


def seconds_per_step(progress: dict[str, Progress], trials: list[Trial]) -> float | None:
    """Return the mean seconds per control step of the trials that are done; None before the first."""
    done = [trial for trial in trials if progress[trial.key].state == "done"]
    if not done:
        return None
    return sum(_seconds(trial, progress[trial.key]) for trial in done) / sum(trial.num_steps for trial in done)


def _rates_of_runs(workspace: Path, trial: Trial) -> list[float]:
    """Return the control steps per second of finished runs with the same algorithm and environment."""
    rates = []
    for path in [*workspace.glob("*/result.json"), *workspace.glob("*/*/result.json")]:
        try:
            result = json.loads(path.read_bytes())
            same = (result["algo"], result["env"]) == (trial.config.algo, trial.config.env_name)
            rates += [float(result["timing"]["steps_per_second"])] if same else []
        except (ValueError, KeyError, TypeError):  # a damaged result tells no speed; `flexrl.runs list` names it
            continue
    return [rate for rate in rates if rate > 0]


def _seconds(trial: Trial, progress: Progress) -> float:
    """Return how many seconds a trial took, compilation included.

    It is the larger of two numbers: the recorded duration of all attempts, and the duration that the result names.
    """
    result = folder_of(trial).result() or {}
    return max(progress.seconds, result.get("timing", {}).get("seconds", 0.0))


def told_here(hours: Hours | None, parallel: int) -> str:
    """Say in a line how long this machine needs for the trials that are left, or what is missing to estimate it."""
    if hours is None:
        return "time: unknown before a trial is done; give --hours of one trial, or time_limit_minutes"
    minutes = 60 * hours.total / parallel
    at_once = f"{parallel} at a time, " if parallel > 1 else ""
    return f"about {duration(minutes)} left on this machine ({at_once}{hours.basis})"


def duration(minutes: float) -> str:
    """Return a duration as text, in minutes, or in hours from 100 minutes on."""
    return f"{_rounded(minutes / 60)} hours" if minutes >= 100 else f"{_rounded(minutes)} minutes"


def told(sweep: Sweep, hours: Hours | None, prices: Prices) -> str:
    """Say in a line how many machine-hours are left and what they cost, or what is missing to estimate it."""
    if hours is None:
        return "hours: unknown before a trial is done; give --hours of one trial, or time_limit_minutes"
    one = sweep.resources
    number, unit = (one.gpu.count, "GPU-hours") if one.gpu.count else (amount(one.cpu), "CPU-hours")
    used = f"{_rounded(hours.total * number * one.hosts)} {unit} left ({hours.basis})"
    hourly = prices.hourly(one)
    if hourly is None:
        kind = one.gpu.kind or "a GPU whose resources.gpu.kind is not given"
        return f"{used}; price unknown: {kind} is not in the table, known: {', '.join(prices.gpu)}; give --prices FILE"
    manner = "spot" if one.spot else "on demand"
    price = f"{_rounded(hours.total * hourly)} {prices.currency} {manner} ({_rounded(hourly)} an hour of a trial)"
    return f"{used}; {price}, by prices of {prices.date}: {prices.source}"


def _rounded(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
