"""The fields of a sweep's YAML file, and its strict decoding."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from flexrl.common.decoding import decode_as, load_yaml
from flexrl.common.errors import ConfigError
from flexrl.common.types import JsonObject
from flexrl.common.workspaces import parse_address
from flexrl.config.trackers import Tracking
from launch.plan.draws import Random, Search, require_distinct
from launch.plan.variables import expanded

RUN_FIELDS = ("algo", "env", "algorithm", "task")  # fields of a run's config (`RunConfig`) that no sweep has
NAME = re.compile(
    r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?"
)  # valid in names of Kubernetes objects too, with room for a hash and an index
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SECRET = re.compile(r"KEY|TOKEN|PASSWORD|SECRET|CREDENTIAL", re.IGNORECASE)  # words in the name of a secret variable
SECRET_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
VOLUME = PurePosixPath("/workspace")  # where the workspace is mounted in pods
QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?")
FACTORS = {"m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def amount(quantity: str) -> float:
    """Return the number that a Kubernetes quantity means, such as 0.5 for `500m` cores or 2**30 for `1Gi` bytes."""
    found = QUANTITY.fullmatch(quantity)
    assert found is not None, quantity
    return float(found[1]) * FACTORS.get(found[2], 1)


@dataclass(frozen=True)
class Gpu:
    """Accelerators of a trial.

    Attributes:
      count: number of GPUs; with 0 the trial runs on CPU cores.
      kind: GPU type as the cluster's nodes are labelled, such as `nvidia-l4`; any type if not given.
    """

    count: int = 0
    kind: str | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if the count is negative."""
        if self.count < 0:
            raise ValueError(f"resources.gpu.count: {self.count} must be at least 0")


@dataclass(frozen=True)
class Resources:
    """What one trial needs. It also decides the profile (`cpu` or `gpu`) of every trial.

    Attributes:
      gpu: GPUs of each host; without a GPU the profile is `cpu`.
      cpu: cores, as a Kubernetes quantity such as `2` or `500m`.
      memory: memory, as a Kubernetes quantity such as `4Gi`.
      spot: whether a cluster runs the trial on spot machines, which can be taken away, and on no others.
      hosts: number of machines that train the trial together, each with the resources above; more than one only on a
        cluster.
    """

    gpu: Gpu = Gpu()
    cpu: str = "2"
    memory: str = "4Gi"
    spot: bool = False
    hosts: int = 1

    def __post_init__(self) -> None:
        """Raise ValueError if a quantity is malformed or there is no host."""
        for name in ("cpu", "memory"):
            if not QUANTITY.fullmatch(getattr(self, name)):
                raise ValueError(f"resources.{name}: {getattr(self, name)!r} must be a quantity such as '2' or '4Gi'")
        if self.hosts < 1:
            raise ValueError(f"resources.hosts: {self.hosts} must be at least 1")

    @property
    def profile(self) -> str:
        """The profile of every trial: `gpu` if it has a GPU, else `cpu`."""
        return "gpu" if self.gpu.count else "cpu"

    @property
    def devices(self) -> int:
        """The number of devices that JAX sees on all hosts of a trial together."""
        return self.hosts * max(1, self.gpu.count)


@dataclass(frozen=True)
class Cluster:
    """Where trials run on Kubernetes.

    Attributes:
      image: container image that holds this package, best named by digest.
      volume_claim: PersistentVolumeClaim that holds the workspace; a volume that several machines share.
      workspace: bucket that holds the workspace, as `gs://BUCKET/PATH`; given instead of `volume_claim`.
      namespace: namespace of all objects.
      queue: name of the Kueue queue to submit to; None to use no queue.
      priority: PriorityClass of the pods, which also orders them in a queue; the cluster's default if not given.
      service_account: service account of the pods, which get no token of it; the namespace's default if not given.
      node_selector: labels that a pod's node must have, besides those that follow from the resources.
      keep_seconds: seconds after which a finished Job is removed.
      env: environment variables of the pods, such as MLFLOW_TRACKING_URI; no secrets.
      env_from_secret: Secrets whose keys become environment variables of the pods, such as WANDB_API_KEY.
    """

    image: str
    volume_claim: str | None = None
    workspace: str | None = None
    namespace: str = "default"
    queue: str | None = None
    priority: str | None = None
    service_account: str | None = None
    node_selector: dict[str, str] = field(default_factory=dict)
    keep_seconds: int = 7 * 24 * 3600
    env: dict[str, str] = field(default_factory=dict)
    env_from_secret: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError if not exactly one of `volume_claim` and `workspace` is given, or an entry is not valid.

        A variable in `env` that seems to hold a secret is not valid.
        """
        if (self.volume_claim is None) == (self.workspace is None):
            given = "both are given" if self.workspace else "neither is given"
            raise ValueError(f"cluster: needs cluster.volume_claim, or cluster.workspace: gs://BUCKET/PATH; {given}")
        if self.workspace is not None:
            parse_address(self.workspace, "cluster.workspace")
        for name, value in self.env.items():
            if not VARIABLE.fullmatch(name):
                raise ValueError(f"cluster.env: {name!r} must be letters, digits and '_', as environment variables are")
            if SECRET.search(name) or "@" in value.partition("://")[2].partition("/")[0]:
                raise ValueError(
                    f"cluster.env.{name}: would show a secret; put it into a Secret (kubectl create secret generic "
                    f"NAME --from-literal {name}=...) and name that in cluster.env_from_secret"
                )
        for name in self.env_from_secret:
            if not SECRET_NAME.fullmatch(name):
                raise ValueError(f"cluster.env_from_secret: {name!r} must be the name of a Secret")


@dataclass(frozen=True)
class Halving:
    """Successive halving: trials pause at rungs, and only the best of them go on.

    Attributes:
      rungs: rising numbers of evaluations after which trials pause and are compared by their mean return.
      factor: at each rung the number of trials is divided by it and rounded up; so many of the best go on.
    """

    rungs: tuple[int, ...]
    factor: float = 3.0

    def __post_init__(self) -> None:
        """Raise ValueError if the rungs do not rise, or the factor would drop no trial."""
        if not self.rungs or self.rungs[0] < 1 or list(self.rungs) != sorted(set(self.rungs)):
            raise ValueError(f"halving.rungs: {list(self.rungs)} must be rising numbers of evaluations, such as [2, 5]")
        if not 1 < self.factor < math.inf:
            raise ValueError(f"halving.factor: {self.factor} must be above 1: of so many trials one goes on")


@dataclass(frozen=True)
class Sweep:
    """A sweep: one trial (a run) for every combination of the axes' points, on top of a common base config.

    The axes are `grid`, `zip`, `random` and `seeds`. Any value in the file may be a variable (`launch.plan.variables`).

    Attributes:
      name: name of the sweep and of its folder in the workspace.
      base: fields of a run's config, or the path of a config file, relative to the sweep's file.
      grid: list of values for each dotted field; every combination of them is a point.
      zip: lists of values for dotted fields, all of the same length; their first values are a point, and so on.
      random: points drawn at random.
      search: proposes the points of `random` from the results so far; excludes `grid` and `zip`.
      seeds: number of seeds, counted up from the base's seed; or a list of seeds.
      halving: at which rungs trials pause and only the best go on; does not change any trial's key.
      resources: what one trial needs.
      retries: how often a trial that crashed is tried again.
      time_limit_minutes: limit for one trial, all its attempts together; None for no limit.
      parallelism: number of trials that run at once; in a search, unless it is given, the search's `parallel`.
      cluster: where trials run on Kubernetes.
      tracking: trackers of every trial, in a group named after the sweep; does not change any trial's key.
    """

    name: str
    base: str | JsonObject = field(default_factory=dict)
    grid: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    zip: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    random: Random | None = None
    search: Search | None = None
    seeds: int | tuple[int, ...] | None = None
    halving: Halving | None = None
    resources: Resources = Resources()
    retries: int = 2
    time_limit_minutes: float | None = None
    parallelism: int = 1
    cluster: Cluster | None = None
    tracking: Tracking = Tracking()

    def __post_init__(self) -> None:
        """Raise ValueError if a value is outside its range, or fields of the sweep's file exclude each other.

        For example, no two of `grid`, `zip`, `random` and `seeds` may set the same field of the config.
        """
        if not NAME.fullmatch(self.name):
            raise ValueError(f"name: {self.name!r} must be lower-case letters, digits and '-', at most 40 of them")
        for name, low in (("retries", 0), ("parallelism", 1)):
            if getattr(self, name) < low:
                raise ValueError(f"{name}: {getattr(self, name)} must be at least {low}")
        if self.time_limit_minutes is not None and not self.time_limit_minutes > 0:
            raise ValueError(f"time_limit_minutes: {self.time_limit_minutes} must be above 0, or null for no limit")
        if self.seeds == () or (isinstance(self.seeds, int) and self.seeds < 1):
            raise ValueError(f"seeds: {self.seeds} must be at least 1, or a list of seeds")
        if empty := [name for name, values in {**self.grid, **self.zip}.items() if not values]:
            raise ValueError(f"{empty[0]}: must have one value or more")
        lengths = {name: len(values) for name, values in self.zip.items()}
        if len(set(lengths.values())) > 1:
            counts = ", ".join(f"{name} has {length}" for name, length in lengths.items())
            raise ValueError(f"zip: all fields must have equally many values, but {counts}")
        if self.resources.hosts > 1 and self.cluster and self.cluster.workspace:
            raise ValueError(
                f"resources.hosts: {self.resources.hosts} hosts must share a volume; give cluster.volume_claim instead "
                f"of cluster.workspace {self.cluster.workspace!r}, or set hosts to 1"
            )
        for name in ("group", "name"):
            if (value := getattr(self.tracking, name)) is not None:
                raise ValueError(f"tracking.{name}: {value!r} cannot be chosen in a sweep, which names groups and runs")
        self._require_one_axis_a_field()
        self._require_what_can_be_drawn()

    def _require_what_can_be_drawn(self) -> None:
        search, drawn = self.search, self.random
        if search is None:
            if drawn is None:
                return
            if drawn.num is None:
                raise ValueError("random.num: must be given, the number of points; only a search is without it")
            return require_distinct("random.num", drawn.num, drawn.fields)
        if drawn is None:
            raise ValueError(
                f"search: {search.sampler} has no fields to propose; name them in random.fields, such as "
                "{algorithm.learning_rate: {log_uniform: [1e-4, 1e-2]}}"
            )
        if drawn.num is not None:
            raise ValueError(f"random.num: {drawn.num} excludes search.trials, {search.trials}; leave it out")
        for axis, fields in (("grid", self.grid), ("zip", self.zip)):
            for name, values in fields.items():
                raise ValueError(
                    f"{axis}.{name}: {list(values)} excludes search, which draws each field by itself; write it in "
                    f"random.fields, as {name}: {{choice: {list(values)}}}"
                )
        require_distinct("search.trials", search.trials, drawn.fields)
        if self.halving and self.seeds is not None:
            raise ValueError(f"seeds: {self.seeds} exclude halving in a search, since it compares points; drop one")
        if self.halving and search.parallel < 2:
            raise ValueError(
                f"search.parallel: {search.parallel} must be at least 2 with halving, which compares the points that "
                "are proposed together"
            )

    @property
    def num_seeds(self) -> int:
        """How many trials each point (the values of all other axes) has: one for each seed."""
        return self.seeds if isinstance(self.seeds, int) else len(self.seeds or (0,))

    def num_unproposed(self, number: int) -> int:
        """Return how many trials a search has still to propose, if it has proposed `number`; 0 for other sweeps."""
        return self.search.trials * self.num_seeds - number if self.search else 0

    def _require_one_axis_a_field(self) -> None:
        axes = [*self.grid, *self.zip, *(self.random.fields if self.random else ())]
        axes += ["seed"] if self.seeds is not None else []
        for i, name in enumerate(axes):
            if clash := next((other for other in axes[:i] if f"{name}.".startswith(f"{other}.")), None):
                raise ValueError(f"{name}: is set by two axes ({clash}); keep one of them")
            if clash := next((other for other in axes[:i] if other.startswith(f"{name}.")), None):
                raise ValueError(f"{clash}: is set by two axes ({name}); keep one of them")


def load_sweep(path: Path, settings: Sequence[str] = ()) -> tuple[Sweep, JsonObject]:
    """Read a sweep's file, and return the sweep and the fields of its base.

    Args:
      path: path of the sweep's file.
      settings: `name=value` settings that replace values of its variables.

    Raises:
      ConfigError: if the file is not a valid sweep, naming the file, the field, the value and the limit.
    """
    content = load_yaml(path)
    if "base" not in content and (fields := [name for name in RUN_FIELDS if name in content]):
        raise ConfigError(
            f"{path}: is a run's config ({', '.join(fields)}), not a sweep's; name it as base in a sweep's file, or "
            f"train it by python -m flexrl.train --config {path}"
        )
    sweep = decode_as(Sweep, expanded(content, settings, str(path)), str(path))
    if sweep.search and "parallelism" not in content:
        sweep = replace(sweep, parallelism=sweep.search.parallel)
    base = sweep.base if isinstance(sweep.base, dict) else load_yaml(path.parent / sweep.base)
    for name in ("name", "workspace", "tracking"):
        if base.get(name) is not None:
            way_out = "give it beside the base" if name == "tracking" else "which names each trial"
            raise ConfigError(f"{path}: base.{name}: {base[name]!r} cannot be chosen in a sweep's base, {way_out}")
    return sweep, base
