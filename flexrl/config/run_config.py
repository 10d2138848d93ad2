"""The typed configuration of one run."""

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from algos.common.config import AlgorithmConfig
from algos.registry import find_algorithm
from envs.physics.options import Randomization, WarpOptions
from envs.registry import env_type
from flexrl.common.decoding import decode_as
from flexrl.config.early_stop import EarlyStop
from flexrl.config.trackers import Tracking
from flexrl.config.variations import variations

AlgorithmOptions = TypeVar("AlgorithmOptions", bound=AlgorithmConfig)
TaskConfig = TypeVar("TaskConfig")

LATER_FIELDS = {"any_environment": False}  # by name, with their default: added after hashes had become keys of trials


@dataclass(frozen=True)
class RunConfig(Generic[AlgorithmOptions, TaskConfig]):
    """Everything that decides a run. Fields without default depend on algorithm, environment and profile.

    Attributes:
      algorithm: the algorithm's hyper-parameters.
      task: the environment's parameters.
      randomization: what differs between worlds and between episodes.
      total_steps: control steps of all worlds together, or learnt from a dataset; rounded up to whole iterations.
      num_envs: worlds stepped at once.
      num_devices: accelerators that share the worlds; a divisor of num_envs.
      profile: which defaults: `cpu` or `gpu`; chosen from the device when not given.
      physics: engine; `auto` is native threads on a CPU and MJX-Warp on an NVIDIA GPU.
      warp: buffers and graphs of MJX-Warp.
      algo: algorithm.
      env: environment; `python -m envs list` names them, or `path/to/file.py:Class`.
      name: of the run's folder; made from algo, env and seed when not given.
      workspace: folder that holds the runs.
      parent: run or exported policy whose networks and statistics this run begins from, as `RUN[:STEP]`;
        the step is `best`, unless `latest` or an iteration is given.
      seed: of everything random.
      num_seeds: runs trained in one program, with this seed and those that follow it, each in a folder `seed-N` of its
        own within the run's.
      vary: numbers that differ between runs in this program, as `learning_rate=1e-4,3e-4` or, of the environment's
        rewards, `task.ctrl_weight=0.1,0.2`: one run for each value and seed, in a folder of its own. Several fields
        change together, from each value to the next.
      num_evaluations: how often the policy is evaluated, spread evenly; the last is at the end.
      evaluation_episodes: episodes per evaluation, one world each.
      checkpoint_interval: iterations between checkpoints.
      keep_checkpoints: newest checkpoints kept, besides the best; two at least of runs that train together.
      early_stop: reasons to end before total_steps.
      max_skipped_updates: consecutive non-finite updates after which the run has diverged.
      video: draw a video at the end, where a GL library is found.
      tracking: MLflow and Weights & Biases, none when not asked for.
    """

    algorithm: AlgorithmOptions
    task: TaskConfig
    total_steps: int
    num_envs: int
    profile: Literal["cpu", "gpu"]
    randomization: Randomization = Randomization()
    num_devices: int = 1
    physics: Literal["auto", "native", "mjx-jax", "mjx-warp"] = "auto"
    warp: WarpOptions = WarpOptions()
    algo: str = "ppo"
    env: str = "humanoid-walk"
    name: str | None = None
    workspace: str = "workspace"
    parent: str | None = None
    seed: int = 0
    num_seeds: int = 1
    vary: tuple[str, ...] = ()
    num_evaluations: int = 10
    evaluation_episodes: int = 64
    checkpoint_interval: int = 25
    keep_checkpoints: int = 3
    early_stop: EarlyStop = EarlyStop()
    max_skipped_updates: int = 20
    video: bool = True
    tracking: Tracking = Tracking()

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        for field in (
            "total_steps",
            "num_envs",
            "num_devices",
            "num_seeds",
            "num_evaluations",
            "evaluation_episodes",
            "checkpoint_interval",
            "keep_checkpoints",
            "max_skipped_updates",
        ):
            if getattr(self, field) < 1:
                raise ValueError(f"{field}: {getattr(self, field)} must be at least 1")
        if not 0 <= self.seed <= 2**32 - self.num_seeds:
            raise ValueError(f"seed: {self.seed} must be between 0 and 2**32 - {self.num_seeds}")
        if self.name is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", self.name):
            raise ValueError(f"name: {self.name!r} must be letters, digits, '.', '_' and '-', at most 128 of them")
        if self.num_envs % self.num_devices:
            raise ValueError(
                f"num_devices: {self.num_devices} does not divide num_envs {self.num_envs}; choose sizes that divide"
            )
        for field, limit in (("num_devices", 1), ("early_stop", EarlyStop())):
            if self.num_members > 1 and getattr(self, field) != limit:
                raise ValueError(
                    f"num_seeds, vary: {self.num_members} runs in one program exclude {field}; use one seed and no vary"
                )
        self.algorithm.require_worlds(self.num_envs, self.num_devices)
        for path, value in _not_finite(self):
            raise ValueError(f"{path}: {value} must be finite")

    @property
    def steps_per_iteration(self) -> int:
        """Control steps of all worlds in one iteration, or learnt from where no worlds are stepped."""
        return self.algorithm.steps_per_iteration(self.num_envs)

    @property
    def num_iterations(self) -> int:
        """Iterations of the whole run."""
        return math.ceil(self.total_steps / self.steps_per_iteration)

    @property
    def variations(self) -> list[dict[str, float]]:
        """The fields of algorithm and task in which runs of this training differ, for one run after the other.

        Raises:
          ValueError: naming what of `vary` is not in order.
        """
        return variations(self.vary, self.algorithm, self.task)

    @property
    def num_members(self) -> int:
        """Runs trained in one program."""
        return self.num_seeds * len(self.variations)

    def evaluations_until(self, iteration: int) -> int:
        """Evaluations from the beginning to the end of this iteration, of a run that always had this total."""
        return iteration * min(self.num_evaluations, self.num_iterations) // self.num_iterations

    @property
    def env_name(self) -> str:
        """The environment; a task in a user's file without the file's folder."""
        return without_folder(self.env)

    @property
    def folder(self) -> Path:
        """The run's folder."""
        assert self.name is not None
        return Path(self.workspace) / self.name

    def hash(self) -> str:
        """Identity of what will be computed: the same for runs that differ only in name, place and what they show.

        Of a task in a user's file it has file name and class, wherever the file lies; not what the file says.
        """
        content = {k: v for k, v in _shallow(self).items() if k not in ("name", "workspace", "video", "tracking")}
        content["env"] = self.env_name
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=_hashed).encode()).hexdigest()[:16]


def without_folder(env: str) -> str:
    """The name of an environment; of a task in a user's file without the file's folder."""
    return env.rpartition("/")[2] if ".py:" in env else env


def without_places(config: RunConfig) -> RunConfig:
    """A config that names no place on this machine, and no tracker."""
    algorithm: Any = config.algorithm
    if config.algorithm.dataset is not None:
        algorithm = dataclasses.replace(algorithm, dataset=Path(algorithm.dataset).name)
    place = {"workspace": RunConfig.workspace, "parent": None, "tracking": Tracking()}
    return dataclasses.replace(config, **place, algorithm=algorithm)


def config_type(algo: str, env: str) -> type[RunConfig]:
    """The config type of an algorithm and an environment, by name.

    Raises:
      ConfigError: for an unknown name.
    """
    return RunConfig[find_algorithm(algo).config, env_type(env).Config]


def decode(content: Mapping[str, Any], origin: str) -> RunConfig:
    """A config from plain data, strictly: no unknown field, no wrong type, no conversion.

    Args:
      content: nested mappings, as a YAML or JSON file holds them.
      origin: where it came from, for messages.

    Raises:
      ConfigError: naming the field, the value and the limit.
    """
    return decode_as(config_type(content.get("algo", "ppo"), content.get("env", "humanoid-walk")), content, origin)


def encode(config: RunConfig) -> dict[str, Any]:
    """Plain data from a config; `decode` gives the config back."""
    return json.loads(json.dumps(dataclasses.asdict(config)))


def _hashed(instance: Any) -> dict[str, Any]:
    """Fields that count for the hash: all but those of `LATER_FIELDS` that are at their default."""
    return {name: value for name, value in _shallow(instance).items() if (name, value) not in LATER_FIELDS.items()}


def _shallow(instance: Any) -> dict[str, Any]:
    """Fields of a dataclass, without the deep copy that `dataclasses.asdict` makes."""
    return {name: getattr(instance, name) for name in type(instance).__dataclass_fields__}


def _not_finite(content: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Paths and values of numbers that are not finite; sweeps ask for thousands of configs, so paths are made late."""
    for name, value in (content if isinstance(content, dict) else vars(content)).items():
        if isinstance(value, float):
            if not math.isfinite(value):
                yield f"{path}{name}", value
        elif not isinstance(value, (int, str)) and (isinstance(value, dict) or dataclasses.is_dataclass(value)):
            yield from _not_finite(value, f"{path}{name}.")
