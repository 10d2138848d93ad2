"""The typed configuration of one run, and its conversion to and from plain data."""

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from algos.common.config import AlgorithmConfig
from algos.ppo.config import PPOConfig
from algos.registry import find_algorithm
from envs.built_in import is_model_file
from envs.physics.options import Randomization, WarpOptions
from envs.registry import env_type
from envs.tasks.humanoid_skills.gait import GaitWeights
from envs.tasks.humanoid_skills.task import HumanoidSkillsConfig
from flexrl.common.decoding import decode_as
from flexrl.common.types import JsonObject
from flexrl.common.workspaces import WITH_BUCKET, require_no_bucket
from flexrl.config.early_stop import EarlyStop
from flexrl.config.trackers import Tracking
from flexrl.config.variations import variations

AlgorithmOptions = TypeVar("AlgorithmOptions", bound=AlgorithmConfig)
TaskConfig = TypeVar("TaskConfig")

# Fields that were added when sweeps already stored config hashes, with their default. At the default they do not enter
# the hash, so that older hashes stay valid.
LATER_FIELDS = {
    "any_environment": False,
    "gait": GaitWeights(),
    "gait_clock": False,
    "support": 0.0,
    "timestep": None,
    "initial_scale": None,
    "noise_weight": 0.0,
    "swing": GaitWeights.swing,
    "rhythm": GaitWeights.rhythm,
    "teachers": (),
    "familiar_below": PPOConfig.familiar_below,
    "teacher_loss": "kl",
    "teacher_weight": PPOConfig.teacher_weight,
    "final_teacher_weight": None,
    "start_states": None,
    "start_states_share": 0.5,
}

PLACE = (  # fields of a config that say where results go, not what is computed
    *("name", "workspace"),
    *(f"tracking.{field.name}" for field in dataclasses.fields(Tracking)),
)


@dataclass(frozen=True)
class RunConfig(Generic[AlgorithmOptions, TaskConfig]):
    """The whole configuration of a run. Fields without a default have one by algorithm, environment and profile.

    Attributes:
      algorithm: hyper-parameters of the algorithm.
      task: parameters of the environment.
      randomization: how worlds differ from each other, and what is drawn anew for each episode.
      total_steps: control steps to train for, counted over all worlds, or those read from a dataset by algorithms that
        learn from one; rounded up to whole iterations.
      num_envs: number of worlds (parallel environments).
      num_devices: accelerators that share the worlds; must divide num_envs.
      profile: which defaults to use, `cpu` or `gpu`; chosen by the device when not given.
      physics: physics engine; `auto` is MuJoCo on native threads on a CPU, and MJX-Warp on an NVIDIA GPU.
      warp: buffer sizes and CUDA graphs of MJX-Warp.
      algo: name of the algorithm.
      env: name of the environment, of those that `python -m envs list` prints; `path/to/file.py:Class`;
        or an MJCF file, `path/to/robot.xml`.
      name: name of the run's folder; made from algo, env and seed when not given.
      workspace: folder that holds the runs.
      parent: run or exported policy whose networks and statistics this run begins from, as `RUN[:STEP]`;
        the step is `best`, unless `latest` or an iteration is given.
      seed: seed of everything random.
      num_seeds: number of runs to train in one program, with this seed and the next ones, each in a folder `seed-N`
        within the run's folder.
      vary: values of a field for runs to train in one program, as `learning_rate=1e-4,3e-4` or, for a field of the
        task, `task.ctrl_weight=0.1,0.2`. There is one run for each value and seed, in a folder of its own. If several
        fields are given, the first run has the first value of each, the second run the second, and so on.
      num_evaluations: number of evaluations, spread evenly over the run; the last is at the end.
      evaluation_episodes: episodes in each evaluation, each in a world of its own.
      checkpoint_interval: iterations between checkpoints.
      keep_checkpoints: number of newest checkpoints to keep, besides the best; at least two for runs that train
        together.
      early_stop: reasons to end before total_steps.
      max_skipped_updates: number of non-finite updates in a row after which the run counts as diverged.
      video: record a video at the end, if an OpenGL library is found.
      tracking: trackers (MLflow, Weights & Biases) that show the run; none by default.
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
        """Raise ValueError if a value is outside its range."""
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
        require_no_bucket("workspace", self.workspace, WITH_BUCKET)
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
        """Control steps in one iteration: summed over all worlds or, for offline algorithms, read from the dataset."""
        return self.algorithm.steps_per_iteration(self.num_envs)

    @property
    def num_iterations(self) -> int:
        """Number of iterations of the whole run."""
        return math.ceil(self.total_steps / self.steps_per_iteration)

    @property
    def variations(self) -> list[dict[str, float]]:
        """One mapping from field to value for each variation that `vary` asks for; one empty mapping if nothing varies.

        Each variation is trained with all seeds.

        Raises:
          ValueError: naming the text in `vary` that is wrong, and what it must be.
        """
        return variations(self.vary, self.algorithm, self.task)

    @property
    def num_members(self) -> int:
        """Number of runs trained in one program: one for each seed of each variation."""
        return self.num_seeds * len(self.variations)

    def evaluations_until(self, iteration: int) -> int:
        """Return the number of evaluations up to the end of this iteration, provided total_steps never changed."""
        return iteration * min(self.num_evaluations, self.num_iterations) // self.num_iterations

    @property
    def env_name(self) -> str:
        """Name of the environment; for a user's `file.py:Class` or `robot.xml`, without the file's folder."""
        return without_folder(self.env)

    @property
    def folder(self) -> Path:
        """The run's folder, within the workspace."""
        assert self.name is not None
        return Path(self.workspace) / self.name

    def hash(self) -> str:
        """Return 16 hexadecimal digits that identify what the run computes.

        They are the same for runs that differ only in name, workspace, video and tracking. For a task or a robot in a
        user's file they depend on the names of file and class, but not on the file's folder and content.
        """
        content = {k: v for k, v in _shallow(self).items() if k not in ("name", "workspace", "video", "tracking")}
        content["env"] = self.env_name
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=_hashed).encode()).hexdigest()[:16]


def without_folder(env: str) -> str:
    """Return the name of an environment; for a user's `file.py:Class` or `robot.xml`, without the file's folder."""
    return env.rpartition("/")[2] if ".py:" in env or is_model_file(env) else env


def _without_teachers_folder(teacher: str) -> str:
    """Return a teacher (policy to imitate), `RUN` or `SKILL=RUN`, with the run's name in place of its path."""
    skill, equals, run = teacher.rpartition("=")
    return f"{skill}{equals}{Path(run).name}"


def without_places(config: RunConfig) -> RunConfig:
    """Return the config to publish: without workspace, parent and trackers.

    Of the paths of dataset, teachers (policies that the run imitates), start states and MJCF file, only the names are
    kept.
    """
    algorithm: Any = config.algorithm
    if config.algorithm.dataset is not None:
        algorithm = dataclasses.replace(algorithm, dataset=Path(algorithm.dataset).name)
    if isinstance(algorithm, PPOConfig):
        algorithm = dataclasses.replace(algorithm, teachers=tuple(map(_without_teachers_folder, algorithm.teachers)))
    place = {"workspace": RunConfig.workspace, "parent": None, "tracking": Tracking()}
    if is_model_file(config.env):
        place["env"] = config.env_name
    if isinstance(config.task, HumanoidSkillsConfig) and config.task.start_states is not None:
        place["task"] = dataclasses.replace(config.task, start_states=Path(config.task.start_states).name)
    return dataclasses.replace(config, **place, algorithm=algorithm)


def config_type(algo: str, env: str) -> type[RunConfig]:
    """Return the type of config for an algorithm and an environment, given by name.

    Raises:
      ConfigError: if a name is unknown.
    """
    return RunConfig[find_algorithm(algo).config, env_type(env).Config]


def decode(content: JsonObject, origin: str) -> RunConfig:
    """Build a config from plain data. An unknown field or a value of a wrong type is an error.

    Args:
      content: nested mappings, as read from a YAML or JSON file.
      origin: name of the file or flag that the content is from, for error messages.

    Raises:
      ConfigError: naming the field, the value and the limit.
    """
    return decode_as(config_type(content.get("algo", "ppo"), content.get("env", "humanoid-walk")), content, origin)


def encode(config: RunConfig) -> JsonObject:
    """Return a config as plain data, from which `decode` builds the same config."""
    return json.loads(json.dumps(dataclasses.asdict(config)))


def _hashed(instance: Any) -> JsonObject:
    """Return by name the fields of a dataclass within a config that count for the config's hash.

    A field of `LATER_FIELDS` counts only if it is not at its default. Such a field was added after hashes had been
    stored; at its default these stay valid.
    """
    return {name: value for name, value in _shallow(instance).items() if (name, value) not in LATER_FIELDS.items()}


def _shallow(instance: Any) -> JsonObject:
    """Return the fields of a dataclass by name, without the deep copy that `dataclasses.asdict` makes."""
    return {name: getattr(instance, name) for name in type(instance).__dataclass_fields__}


def _not_finite(content: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Yield path and value of each number in a config that is not finite.

    Paths are built for these numbers only, to save time: sweeps build thousands of configs.
    """
    for name, value in (content if isinstance(content, dict) else vars(content)).items():
        if isinstance(value, float):
            if not math.isfinite(value):
                yield f"{path}{name}", value
        elif not isinstance(value, (int, str)) and (isinstance(value, dict) or dataclasses.is_dataclass(value)):
            yield from _not_finite(value, f"{path}{name}.")
