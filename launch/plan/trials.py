"""The trials (runs) of a sweep. The configs of all are made and checked before the first one starts."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from envs.built_in import DEFAULT
from flexrl.common.errors import ConfigError
from flexrl.common.types import JsonObject
from flexrl.common.workspaces import require_no_bucket
from launch.plan import plan_store, task_files
from launch.plan.axes import Point, describe, num_points, points
from launch.plan.sweep_file import Sweep, load_sweep

if TYPE_CHECKING:
    from flexrl.config.run_config import RunConfig

MAX_TRIALS = 100_000  # the most indexes that a Kubernetes Job can have
FIXED = ("name", "workspace", "profile", "num_seeds", "vary", "tracking")  # config fields that no axis may set


@dataclass(frozen=True)
class Trial:
    """One run of a sweep.

    Attributes:
      number: its position in the sweep, counted from 1.
      key: hash of what it computes; also the name of its folder.
      values: values that the axes set, by dotted field.
      config_hash: hash of its config, which its result will name.
      num_steps: control steps of the whole run.
      folder: folder of the run.
      decode: returns the config.
    """

    number: int
    key: str
    values: Point
    config_hash: str
    num_steps: int
    folder: Path
    decode: Callable[[], "RunConfig"] = field(repr=False, compare=False)

    @functools.cached_property
    def config(self) -> "RunConfig":
        """The resolved config, without name and workspace. It is decoded at first use: many commands do not need it."""
        return self.decode()

    def content(self) -> JsonObject:
        """Return the config as plain data, with the run's name and workspace."""
        from flexrl.config.run_config import encode

        return encode(self.config) | {"name": self.folder.name, "workspace": str(self.folder.parent)}


@dataclass(frozen=True)
class Planner:
    """Makes the trials of a sweep from points: the values that `grid`, `zip`, `random` and `seeds` set in each trial.

    Attributes:
      path: path of the sweep's file, for error messages.
      sweep: the sweep.
      base: config fields that all trials share.
      workspace: folder that holds the sweep's folder.
    """

    path: Path
    sweep: Sweep
    base: JsonObject
    workspace: Path

    @property
    def first_seed(self) -> int:
        """The seed of the base config, 0 if it has none. A sweep that gives a number of seeds counts up from it."""
        return self.base.get("seed", 0)

    def trials(self, axes: list[Point], before: Sequence[Trial] = ()) -> list[Trial]:
        """Return a trial for each point.

        Args:
          axes: the points: for each trial the values that the axes set, by dotted field.
          before: trials that the sweep has already; the new ones are numbered after these.

        Raises:
          ConfigError: if a trial is not valid, naming it, the field, the value and the limit; or if two trials would
            compute the same.
        """
        _require_open_fields(self.path, self.sweep, self.base, axes[0] if axes else {})
        first = len(before) + 1
        decoders = [functools.partial(_config, self, *each) for each in enumerate(axes, first)]
        folder = self.workspace / self.sweep.name
        can_be_kept = self.sweep.search is None and _can_be_kept(self.base, axes)
        kept = plan_store.place(self.sweep, self.base) if can_be_kept else None
        if kept and (rows := plan_store.load(kept, len(axes))):
            places = enumerate(zip(axes, rows, decoders, strict=True), first)
            return [Trial(i, key, values, key, n, folder / key, get) for i, (values, (key, n), get) in places]
        pairs = enumerate(zip(axes, decoders, strict=True), first)
        trials = [trial_of(i, values, get(), folder, get) for i, (values, get) in pairs]
        _require_distinct(self.path, [*before, *trials])
        if kept:
            plan_store.save(kept, ((trial.config_hash, trial.num_steps) for trial in trials))
        return trials

    def require_valid(self, axes: list[Point]) -> None:
        """Check that the configs of some points are valid, without making trials of them.

        A search uses it for the points at the limits of what it may propose, before the first trial starts.

        Args:
          axes: the points: values by dotted field.

        Raises:
          ConfigError: if one is not valid, naming the field, the value and the limit.
        """
        for values in axes:
            _config(self, 0, values)


def load_planner(path: Path, workspace: Path, settings: Sequence[str] = ()) -> Planner:
    """Read a sweep's file, and return the planner that makes the sweep's trials.

    Args:
      path: path of the sweep's file.
      workspace: folder that holds the sweep's folder.
      settings: `name=value` settings that replace values of the file's variables.

    Raises:
      ConfigError: if the file is not valid, naming the field, the value and the limit.
    """
    require_no_bucket("workspace", workspace, "name the bucket in the sweep's file, as cluster.workspace")
    sweep, base = load_sweep(path, settings)
    if (number := num_points(sweep)) > MAX_TRIALS:
        raise ConfigError(f"{path}: {number:,} trials are more than {MAX_TRIALS:,}; leave values out, or cut the sweep")
    if not isinstance(seed := base.get("seed", 0), int):
        raise ConfigError(f"{path}: base.seed: {seed!r} must be an integer")
    return Planner(path, sweep, base, workspace)


def load_trials(path: Path, workspace: Path, settings: Sequence[str] = ()) -> tuple[Sweep, list[Trial]]:
    """Read the file of a sweep that is no search, and return the sweep and all its trials.

    The trials of a search follow from results, so `launch.search.growing` makes them.

    Args:
      path: path of the sweep's file.
      workspace: folder that holds the sweep's folder.
      settings: `name=value` settings that replace values of the file's variables.

    Raises:
      ConfigError: if the file or a trial is not valid, naming the trial, the field, the value and the limit; or if the
        sweep is a search.
    """
    planner = load_planner(path, workspace, settings)
    if planner.sweep.search:
        raise ConfigError(f"{path}: search: its trials follow from results; run it by python -m launch.sweep submit")
    return planner.sweep, planner.trials(points(planner.sweep, planner.first_seed))


def _config(planner: Planner, number: int, values: Point) -> "RunConfig":
    from launch.plan.decoder import Decoder  # imported late: it imports JAX, which a cached plan does not need

    return Decoder(planner.path, planner.sweep, planner.base, planner.workspace).config(number, values)


def trial_of(
    number: int, values: Point, config: "RunConfig", folder: Path, decode: "Callable[[], RunConfig] | None" = None
) -> Trial:
    """Return the `Trial` (one run of a sweep) that trains with a config.

    Args:
      number: position in the sweep, counted from 1.
      values: values that the sweep sets in this trial, by dotted field.
      config: the decoded config.
      folder: the sweep's folder.
      decode: decodes the config again when it is needed, so that it is not kept in memory; by default it is kept.
    """
    config_hash = config.hash()
    key = task_files.trial_key(config.env, config_hash)
    steps = config.num_iterations * config.steps_per_iteration
    return Trial(number, key, values, config_hash, steps, folder / key, decode or (lambda: config))


def _can_be_kept(base: JsonObject, axes: list[Point]) -> bool:
    """Return whether the plan of a sweep (all its trials, decoded) may be cached for the next command.

    A plan is cached if it has at least `launch.plan.plan_store.LEAST` trials, no trial begins from another run, and no
    trial trains in an environment that a user wrote.

    Args:
      base: config fields that all trials share.
      axes: for each trial the values that the sweep sets, by dotted field.
    """
    if len(axes) < plan_store.LEAST or "parent" in base or "parent" in axes[0]:
        return False
    return all(map(plan_store.is_ours, {str(values.get("env", base.get("env", DEFAULT))) for values in axes}))


def find_trial(name: str, trials: list[Trial]) -> Trial:
    """Return the trial with this number or key.

    Raises:
      ConfigError: if there is none.
    """
    for trial in trials:
        if name in (str(trial.number), trial.key):
            return trial
    raise ConfigError(f"trial: {name!r} is neither a number from 1 to {len(trials)} nor a trial's key; plan lists them")


def _require_open_fields(path: Path, sweep: Sweep, base: JsonObject, axes: Point) -> None:
    profile = base.get("profile") or sweep.resources.profile
    if profile != sweep.resources.profile:
        raise ConfigError(
            f"{path}: base.profile: {profile!r} is not that of resources.gpu.count {sweep.resources.gpu.count}; leave "
            "the profile out, or change the count"
        )
    if closed := [name for name in axes if name.partition(".")[0] in FIXED]:
        raise ConfigError(
            f"{path}: {closed[0]}: cannot be an axis; the sweep decides it (seeds, resources, folders, tracking)"
        )


def _require_distinct(path: Path, trials: list[Trial]) -> None:
    numbers: dict[str, int] = {}
    for trial in trials:
        if (first := numbers.setdefault(trial.key, trial.number)) != trial.number:
            raise ConfigError(
                f"{path}: trials {first} and {trial.number} ({describe(trial.values)}) would compute the same; leave "
                "out one of the equal values"
            )
