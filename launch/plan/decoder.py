"""Makes the config of a trial (one run of a sweep) from the values of the sweep's axes, checked as that of any run."""

import dataclasses
import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flexrl.cli.arguments import with_defaults
from flexrl.common.errors import ConfigError
from flexrl.common.types import JsonObject
from flexrl.config.early_stop import EarlyStop
from flexrl.config.run_config import RunConfig
from flexrl.config.trackers import Tracking
from flexrl.training.warm_start import pin
from launch.plan.axes import Point, describe
from launch.plan.sweep_file import VOLUME, Resources, Sweep

ENGINES = {"cpu": "native", "gpu": "mjx-warp"}  # what `physics: auto` means for each profile


@dataclass(frozen=True)
class Decoder:
    """Makes the configs of a sweep's trials.

    Attributes:
      path: path of the sweep's file, for error messages.
      sweep: the sweep.
      base: config fields that all trials share.
      workspace: folder in which parent runs are looked for.
    """

    path: Path
    sweep: Sweep
    base: JsonObject
    workspace: Path

    def config(self, number: int, values: Point) -> RunConfig:
        """Return the config of a trial: the base with the trial's values set in it, and all defaults filled in.

        Args:
          number: position of the trial in the sweep, from 1, for error messages. 0 if the values are no trial's but
            limits of what a search may propose, to be checked before it starts.
          values: values that the sweep sets in this trial, by dotted field such as `algorithm.learning_rate`.

        Raises:
          ConfigError: if the config is not valid, naming the trial, the field, the value and the limit.
        """
        sweep = self.sweep
        place = f"trial {number}" if number else "random.fields"
        origin = f"{self.path}: {place}" + (f" ({describe(values)})" if values else "")
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
        _require_rungs(config, sweep, origin)
        return dataclasses.replace(config, tracking=_tracking(sweep, values)) if sweep.tracking.to else config


def _require_rungs(config: RunConfig, sweep: Sweep, origin: str) -> None:
    if sweep.halving is None:
        return
    evaluations = config.evaluations_until(config.num_iterations)
    if sweep.halving.rungs[-1] >= evaluations:
        raise ConfigError(
            f"{origin}: halving.rungs: {sweep.halving.rungs[-1]} must be less than the trial's {evaluations} "
            "evaluations (num_evaluations), after which it ends"
        )
    if config.early_stop != EarlyStop():
        raise ConfigError(f"{origin}: early_stop: excludes halving, which compares trials of equal length; drop one")


def _tracking(sweep: Sweep, values: Point) -> Tracking:
    """Return a trial's tracking settings: the sweep's name as group, the axis values as the run's name."""
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


def _set(content: JsonObject, names: list[str], value: Any, origin: str) -> None:
    """Set a nested field. Mappings on the way to it are copied first, because all trials share them."""
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
    """Return the run that a trial begins from, as `FOLDER:ITERATION` with an absolute folder.

    A trial's own workspace is another folder, so a relative name would not be found there.

    Args:
      parent: the run as the sweep's file names it.
      workspace: folder in which the run is looked for.
      on_cluster: whether the sweep names a cluster; then a run on the cluster's volume is not looked for here.

    Raises:
      ConfigError: if the run or its iteration is not found, or a run on the volume is named without an iteration.
    """
    place, _, step = parent.rpartition(":")
    if on_cluster and parent.startswith(f"{VOLUME}/") and not Path(place or parent).exists():
        if not step.isdecimal():
            raise ConfigError(
                f"parent: {parent!r} lies on the cluster's volume, where nobody looks from here; name its iteration, "
                f"as in {VOLUME}/SWEEP/RUN:1200"
            )
        return parent
    run, colon, step = pin(parent, workspace).rpartition(":")
    place = Path(workspace) / run  # if `run` is an absolute path, this is `run` itself
    return f"{place.resolve()}{colon}{step}"
