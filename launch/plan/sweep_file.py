"""The file that describes a sweep, and its strict decoding."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from flexrl.common.decoding import decode_as, load_yaml
from flexrl.common.errors import ConfigError
from flexrl.config.trackers import Tracking
from launch.plan.variables import expanded

RUN_FIELDS = ("algo", "env", "algorithm", "task")  # of `flexrl.config.run_config.RunConfig`, and of no sweep
NAME = re.compile(
    r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?"
)  # also of Kubernetes objects, with room for a hash and an index
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SECRET = re.compile(r"KEY|TOKEN|PASSWORD|SECRET|CREDENTIAL", re.IGNORECASE)  # in a variable's name
SECRET_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
VOLUME = PurePosixPath("/workspace")  # where pods find the workspace
QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?")
FACTORS = {"m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def amount(quantity: str) -> float:
    """The number that Kubernetes means by a quantity: cores, or bytes."""
    found = QUANTITY.fullmatch(quantity)
    assert found is not None, quantity
    return float(found[1]) * FACTORS.get(found[2], 1)


@dataclass(frozen=True)
class Draw:
    """What a random field is drawn from; exactly one is given.

    Attributes:
      uniform: evenly from (low, high).
      log_uniform: evenly in the logarithm, from (low, high), both above 0.
      choice: one of these values.
    """

    uniform: tuple[float, float] | None = None
    log_uniform: tuple[float, float] | None = None
    choice: tuple[Any, ...] | None = None

    def __post_init__(self) -> None:
        """Refuse ranges that are none."""
        given = [name for name in ("uniform", "log_uniform", "choice") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"random: a field needs one of uniform, log_uniform, choice, not {len(given)} of them")
        for name in ("uniform", "log_uniform"):
            low, high = getattr(self, name) or (1.0, 2.0)
            if not (math.isfinite(low) and math.isfinite(high) and low < high):
                raise ValueError(f"{name}: ({low}, {high}) must be finite (low, high) with low below high")
            if name == "log_uniform" and low <= 0:
                raise ValueError(f"log_uniform: {low} must be above 0; use uniform")
        if self.choice == ():
            raise ValueError("choice: must name one value or more")


@dataclass(frozen=True)
class Random:
    """Points drawn at random; each field has a stream of its own, and more points leave the first as they are.

    Attributes:
      num: points.
      fields: what each field is drawn from, by dotted name.
      seed: of the draws.
    """

    num: int
    fields: dict[str, Draw]
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse none."""
        if self.num < 1 or not self.fields:
            raise ValueError(f"random: {self.num} points of {len(self.fields)} fields; both must be at least 1")


@dataclass(frozen=True)
class Gpu:
    """Accelerators of a trial.

    Attributes:
      count: how many; 0 is a CPU.
      kind: as the cluster's nodes are labelled, such as `nvidia-l4`; any when not given.
    """

    count: int = 0
    kind: str | None = None

    def __post_init__(self) -> None:
        """Refuse less than none."""
        if self.count < 0:
            raise ValueError(f"resources.gpu.count: {self.count} must be at least 0")


@dataclass(frozen=True)
class Resources:
    """What one trial needs; decides the profile of all of them.

    Attributes:
      gpu: of each host; none is the profile `cpu`.
      cpu: cores, as Kubernetes counts them.
      memory: as Kubernetes counts it.
      spot: whether it may run on machines that can be taken away.
      hosts: machines that train it together, each with what the other fields say; more than one on a cluster only.
    """

    gpu: Gpu = Gpu()
    cpu: str = "2"
    memory: str = "4Gi"
    spot: bool = False
    hosts: int = 1

    def __post_init__(self) -> None:
        """Refuse what Kubernetes would."""
        for name in ("cpu", "memory"):
            if not QUANTITY.fullmatch(getattr(self, name)):
                raise ValueError(f"resources.{name}: {getattr(self, name)!r} must be a quantity such as '2' or '4Gi'")
        if self.hosts < 1:
            raise ValueError(f"resources.hosts: {self.hosts} must be at least 1")

    @property
    def profile(self) -> str:
        """Of every trial."""
        return "gpu" if self.gpu.count else "cpu"

    @property
    def devices(self) -> int:
        """That JAX sees, of all hosts."""
        return self.hosts * max(1, self.gpu.count)


@dataclass(frozen=True)
class Cluster:
    """Where trials run on Kubernetes.

    Attributes:
      image: with this package, best by digest.
      volume_claim: PersistentVolumeClaim that holds the workspace.
      namespace: of all objects.
      queue: Kueue's, when not given the cluster has none.
      priority: PriorityClass of the pods, by which a queue orders them too; the cluster's default when not given.
      service_account: of the pods, which get no token of it; the namespace's default when not given.
      keep_seconds: until a finished Job is removed.
      env: environment variables of the pods, such as MLFLOW_TRACKING_URI; no secrets.
      env_from_secret: Secrets whose keys are environment variables of the pods, such as WANDB_API_KEY.
    """

    image: str
    volume_claim: str
    namespace: str = "default"
    queue: str | None = None
    priority: str | None = None
    service_account: str | None = None
    keep_seconds: int = 7 * 24 * 3600
    env: dict[str, str] = field(default_factory=dict)
    env_from_secret: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse names that Kubernetes would, and secrets in the open."""
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
    """Successive halving: trials pause after so many evaluations, and only the best of them go on.

    Attributes:
      rungs: numbers of evaluations, rising; all trials are compared at each of them by their mean return.
      factor: of so many trials one goes on.
    """

    rungs: tuple[int, ...]
    factor: float = 3.0

    def __post_init__(self) -> None:
        """Refuse what drops none, and rungs that do not rise."""
        if not self.rungs or self.rungs[0] < 1 or list(self.rungs) != sorted(set(self.rungs)):
            raise ValueError(f"halving.rungs: {list(self.rungs)} must be rising numbers of evaluations, such as [2, 5]")
        if not 1 < self.factor < math.inf:
            raise ValueError(f"halving.factor: {self.factor} must be above 1: of so many trials one goes on")


@dataclass(frozen=True)
class Sweep:
    """Many runs: each combination of the axes' points, over one base. `launch.plan.variables` may stand for any value.

    Attributes:
      name: of the sweep's folder in the workspace.
      base: fields of a run's config, or the path of a config file, seen from the sweep's file.
      grid: values by dotted field; every combination.
      zip: values by dotted field, all equally many; the first of each together, then the second.
      random: points drawn at random.
      seeds: their number, counted from the base's seed, or the seeds.
      halving: whether trials pause on the way, and only the best of them go on; part of no trial's key.
      resources: of one trial.
      retries: of a trial that crashed.
      time_limit_minutes: of one trial, all its attempts together.
      parallelism: trials that run at once.
      cluster: where they run on Kubernetes.
      tracking: of every trial, in a group of the sweep's name; part of no trial's key.
    """

    name: str
    base: str | dict[str, Any] = field(default_factory=dict)
    grid: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    zip: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    random: Random | None = None
    seeds: int | tuple[int, ...] | None = None
    halving: Halving | None = None
    resources: Resources = Resources()
    retries: int = 2
    time_limit_minutes: float | None = None
    parallelism: int = 1
    cluster: Cluster | None = None
    tracking: Tracking = Tracking()

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
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
        for name in ("group", "name"):
            if (value := getattr(self.tracking, name)) is not None:
                raise ValueError(f"tracking.{name}: {value!r} cannot be chosen in a sweep, which names groups and runs")
        self._require_one_axis_a_field()

    def _require_one_axis_a_field(self) -> None:
        axes = [*self.grid, *self.zip, *(self.random.fields if self.random else ())]
        axes += ["seed"] if self.seeds is not None else []
        for i, name in enumerate(axes):
            if clash := next((other for other in axes[:i] if f"{name}.".startswith(f"{other}.")), None):
                raise ValueError(f"{name}: is set by two axes ({clash}); keep one of them")
            if clash := next((other for other in axes[:i] if other.startswith(f"{name}.")), None):
                raise ValueError(f"{clash}: is set by two axes ({name}); keep one of them")


def load_sweep(path: Path, settings: Sequence[str] = ()) -> tuple[Sweep, dict[str, Any]]:
    """A sweep, and the base that it names or holds.

    Args:
      path: of the sweep's file.
      settings: `name=value` for its variables.

    Raises:
      ConfigError: naming the file, the field, the value and the limit.
    """
    content = load_yaml(path)
    if "base" not in content and (fields := [name for name in RUN_FIELDS if name in content]):
        raise ConfigError(
            f"{path}: is a run's config ({', '.join(fields)}), not a sweep's; name it as base in a sweep's file, or "
            f"train it by python -m flexrl.train --config {path}"
        )
    sweep = decode_as(Sweep, expanded(content, settings, str(path)), str(path))
    base = sweep.base if isinstance(sweep.base, dict) else load_yaml(path.parent / sweep.base)
    for name in ("name", "workspace", "tracking"):
        if base.get(name) is not None:
            way_out = "give it beside the base" if name == "tracking" else "which names each trial"
            raise ConfigError(f"{path}: base.{name}: {base[name]!r} cannot be chosen in a sweep's base, {way_out}")
    return sweep, base
