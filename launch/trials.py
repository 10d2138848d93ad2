"""The trials of a sweep, each decoded by the run's own strict decoder before anything starts."""

import dataclasses
import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flexrl.arguments import DEFAULT_ENV, with_defaults
from flexrl.config import RunConfig, encode
from flexrl.errors import ConfigError
from flexrl.tracking import Tracking
from launch import plan_store, task_files
from launch.axes import Point, num_points, points
from launch.sweep_file import VOLUME, Resources, Sweep, load_sweep

MAX_TRIALS = 100_000  # as many indexes as a Kubernetes Job has
FIXED = ("name", "workspace", "profile", "num_seeds", "vary", "tracking")  # fields that no axis can set
ENGINES = {"cpu": "native", "gpu": "mjx-warp"}  # what `auto` means on the device of a profile


@dataclass(frozen=True)
class Trial:
    """One run of a sweep.

    Attributes:
      number: its place in the sweep, from 1.
      key: hash of what it computes; names its folder.
      values: what the axes set, by dotted field.
      config_hash: that its result will name.
      num_steps: control steps of the whole run.
      folder: the run's.
      decode: gives the config.
    """

    number: int
    key: str
    values: Point
    config_hash: str
    num_steps: int
    folder: Path
    decode: Callable[[], RunConfig] = field(repr=False, compare=False)

    @functools.cached_property
    def config(self) -> RunConfig:
        """Resolved, without name and workspace; decoded when it is asked for, which many commands do not."""
        return self.decode()

    def content(self) -> dict[str, Any]:
        """The config as plain data, with its place."""
        return encode(self.config) | {"name": self.folder.name, "workspace": str(self.folder.parent)}


def load_trials(path: Path, workspace: Path, settings: Sequence[str] = ()) -> tuple[Sweep, list[Trial]]:
    """A sweep and its trials.

    Args:
      path: of the sweep's file.
      workspace: folder that holds the sweep's folder.
      settings: `name=value` for the file's variables.

    Raises:
      ConfigError: naming the trial, the field, the value and the limit.
    """
    sweep, base = load_sweep(path, settings)
    if (number := num_points(sweep)) > MAX_TRIALS:
        raise ConfigError(f"{path}: {number:,} trials are more than {MAX_TRIALS:,}; leave values out, or cut the sweep")
    if not isinstance(seed := base.get("seed", 0), int):
        raise ConfigError(f"{path}: base.seed: {seed!r} must be an integer")
    axes = points(sweep, seed)
    _require_open_fields(path, sweep, base, axes[0])
    decoder = _Decoder(path, sweep, base, workspace)
    decoders = [functools.partial(decoder.config, i, values) for i, values in enumerate(axes, start=1)]
    folder = workspace / sweep.name
    kept = plan_store.place(sweep, base) if _can_be_kept(base, axes) else None
    if kept and (rows := plan_store.load(kept, len(axes))):
        places = enumerate(zip(axes, rows, decoders, strict=True), start=1)
        return sweep, [Trial(i, key, values, key, n, folder / key, get) for i, (values, (key, n), get) in places]
    pairs = enumerate(zip(axes, decoders, strict=True), start=1)
    trials = [trial_of(i, values, get(), folder, get) for i, (values, get) in pairs]
    _require_distinct(path, trials)
    if kept:
        plan_store.save(kept, ((trial.config_hash, trial.num_steps) for trial in trials))
    return sweep, trials


def trial_of(
    number: int, values: Point, config: RunConfig, folder: Path, decode: Callable[[], RunConfig] | None = None
) -> Trial:
    """The trial of a config, in a sweep's folder; `decode` gives the config again, where keeping it costs too much."""
    config_hash = config.hash()
    key = task_files.trial_key(config.env, config_hash)
    steps = config.num_iterations * config.steps_per_iteration
    return Trial(number, key, values, config_hash, steps, folder / key, decode or (lambda: config))


def _can_be_kept(base: dict[str, Any], axes: list[Point]) -> bool:
    """Whether a plan is large, and follows from its files and our code alone."""
    if len(axes) < plan_store.LEAST or "parent" in base or "parent" in axes[0]:
        return False
    return all(map(plan_store.is_ours, {str(values.get("env", base.get("env", DEFAULT_ENV))) for values in axes}))


def find_trial(name: str, trials: list[Trial]) -> Trial:
    """The trial of this number or key.

    Raises:
      ConfigError: if there is none.
    """
    for trial in trials:
        if name in (str(trial.number), trial.key):
            return trial
    raise ConfigError(f"trial: {name!r} is neither a number from 1 to {len(trials)} nor a trial's key; plan lists them")


def describe(values: Point) -> str:
    """Axis values in a line."""
    return ", ".join(f"{name}={json.dumps(value)}" for name, value in values.items())


def _require_open_fields(path: Path, sweep: Sweep, base: dict[str, Any], axes: Point) -> None:
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


@dataclass(frozen=True)
class _Decoder:
    """From axis values to a trial's config.

    Attributes:
      path: of the sweep's file, for messages.
      sweep: whose trials they are.
      base: fields of every config.
      workspace: where parents are looked for.
    """

    path: Path
    sweep: Sweep
    base: dict[str, Any]
    workspace: Path

    def config(self, number: int, values: Point) -> RunConfig:
        """The config of a trial, resolved.

        Raises:
          ConfigError: naming the trial, the field, the value and the limit.
        """
        sweep = self.sweep
        origin = f"{self.path}: trial {number}" + (f" ({describe(values)})" if values else "")
        content = self.base | {"profile": sweep.resources.profile}
        for name, value in values.items():
            _set(content, name.split("."), value, f"{origin}: {name}")
        if content.get("physics", "auto") == "auto":
            content["physics"] = ENGINES[sweep.resources.profile]
        try:
            if isinstance(parent := content.get("parent"), str):
                content["parent"] = _pinned(parent, str(self.workspace), sweep.cluster is not None)
            config = with_defaults(content, origin)
        except ConfigError as error:
            raise ConfigError(f"{origin}: {str(error).removeprefix(f'{origin}: ')}") from None
        _require_devices(config, sweep.resources, origin)
        if config.num_members > 1:
            raise ConfigError(
                f"{origin}: num_seeds: {config.num_seeds} must be 1 in a sweep, and vary empty; "
                "use the sweep's seeds and axes"
            )
        return dataclasses.replace(config, tracking=_tracking(sweep, values))


def _tracking(sweep: Sweep, values: Point) -> Tracking:
    """A trial's: in the sweep's group, under a name that tells it from the others."""
    if not sweep.tracking.to:
        return sweep.tracking
    name = " ".join(f"{path.rpartition('.')[2]}={json.dumps(value)}" for path, value in values.items())
    return dataclasses.replace(sweep.tracking, group=sweep.name, name=name or None)


def _require_devices(config: RunConfig, resources: Resources, origin: str) -> None:
    if config.num_devices > resources.devices:
        raise ConfigError(
            f"{origin}: num_devices: {config.num_devices} are more than resources.gpu.count {resources.gpu.count}"
            + (f" of resources.hosts {resources.hosts}" if resources.hosts > 1 else "")
        )
    if resources.hosts > 1 and config.num_devices != resources.devices:
        raise ConfigError(
            f"{origin}: num_devices: {config.num_devices} must be {resources.devices}, all devices of resources.hosts "
            f"{resources.hosts}"
        )


def _set(content: dict[str, Any], names: list[str], value: Any, origin: str) -> None:
    """Set a nested field; mappings on the way are copied, for they are shared by all trials."""
    for name in names[:-1]:
        inner = content.get(name, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"{origin}: {name} is {inner!r}, no mapping with fields")
        inner = dict(inner)
        content[name] = inner
        content = inner
    content[names[-1]] = value


@functools.cache
def _pinned(parent: str, workspace: str, on_cluster: bool) -> str:
    """The parent's folder and iteration; a trial's own workspace is another than the parent's."""
    from flexrl.parent import pin

    place, _, step = parent.rpartition(":")
    if on_cluster and parent.startswith(f"{VOLUME}/") and not Path(place or parent).exists():
        if not step.isdecimal():
            raise ConfigError(
                f"parent: {parent!r} lies on the cluster's volume, where nobody looks from here; name its iteration, "
                f"as in {VOLUME}/SWEEP/RUN:1200"
            )
        return parent
    run, colon, step = pin(parent, workspace).rpartition(":")
    place = Path(workspace) / run  # where the name is a whole path, that path
    return f"{place.resolve()}{colon}{step}"


def _require_distinct(path: Path, trials: list[Trial]) -> None:
    numbers: dict[str, int] = {}
    for trial in trials:
        if (first := numbers.setdefault(trial.key, trial.number)) != trial.number:
            raise ConfigError(
                f"{path}: trials {first} and {trial.number} ({describe(trial.values)}) would compute the same; leave "
                "out one of the equal values"
            )
