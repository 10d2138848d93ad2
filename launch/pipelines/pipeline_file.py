"""The fields of a pipeline's YAML file, and its strict decoding.

The file may have `overlays`: named sets of fields. The fields of the one that the user chooses replace the file's own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flexrl.common.decoding import decode_as, load_yaml, suggest
from flexrl.common.errors import ConfigError
from flexrl.common.types import JsonObject
from launch.plan.sweep_file import Cluster, Resources, Sweep
from launch.plan.variables import expanded

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?")  # of a pipeline: a Job's name adds stage and hash
STAGE_NAME = re.compile(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?")
OUT = "out"  # `<out>` in a command is the stage's own output folder, so no stage may have this name


@dataclass(frozen=True)
class StageFields:
    """One stage. It either trains a run or runs a command of this project.

    Any text in `train` or `command` may hold `<stage>`, which stands for the output folder of another stage and makes
    this stage wait for it. In a command, `<out>` stands for the stage's own output folder.

    Attributes:
      train: fields of a run's config, or the path of a config file, relative to the pipeline's file.
      command: name of a command, such as `flexrl.collect`, and its arguments.
      resources: what the stage needs; by default the pipeline's resources.
    """

    train: str | JsonObject | None = None
    command: tuple[str | int | float, ...] = ()
    resources: Resources | None = None


@dataclass(frozen=True)
class Pipeline:
    """A pipeline: stages (trainings and commands) that use the outputs of one another.

    Attributes:
      name: name of the pipeline and of its folder in the workspace.
      stages: the stages by name.
      resources: what a stage needs, unless it names its own resources. With a GPU, trainings have profile `gpu`.
      retries: how often a stage that crashed is tried again.
      cluster: where stages run on Kubernetes.
    """

    name: str
    stages: dict[str, StageFields]
    resources: Resources = field(default_factory=Resources)
    retries: int = 2
    cluster: Cluster | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if a name or number is outside its limits."""
        if not NAME.fullmatch(self.name):
            raise ValueError(f"name: {self.name!r} must be lower-case letters, digits and '-', at most 30 of them")
        if self.retries < 0:
            raise ValueError(f"retries: {self.retries} must be at least 0")
        if not self.stages:
            raise ValueError("stages: must name one stage or more")
        for name in self.stages:
            if not STAGE_NAME.fullmatch(name) or name == OUT:
                raise ValueError(
                    f"stages: {name!r} must be lower-case letters, digits and '-', begin with a letter, have at most "
                    f"20 characters, and not be {OUT!r}"
                )
        for name, stage in self.stages.items():
            if (stage.train is None) == (not stage.command):
                has = "both" if stage.command else "neither"
                raise ValueError(f"stages.{name}: must have either train or command, and has {has} of them")
            if (resources := self.resources_of(name)).hosts > 1:
                raise ValueError(
                    f"stages.{name}.resources.hosts: {resources.hosts} must be 1; train on several hosts by a sweep"
                )
            if stage.train is not None and not isinstance(stage.train, str):
                for fixed in ("name", "workspace", "tracking"):
                    if stage.train.get(fixed) is not None:
                        raise ValueError(f"stages.{name}.train.{fixed}: cannot be chosen; the pipeline names its runs")

    def resources_of(self, stage: str) -> Resources:
        """Return the CPU, memory, GPUs and hosts that a stage asks for: its own, or else those of the pipeline."""
        return self.stages[stage].resources or self.resources

    def as_sweep(self, stage: str) -> Sweep:
        """Return a sweep with the cluster, resources and retries of a stage, from which its Job is built."""
        name = f"pipeline-{self.name}"  # differs from a sweep's of the same name, whose Jobs are found by their labels
        resources = self.resources_of(stage)
        return Sweep(name=name, resources=resources, retries=self.retries, cluster=self.cluster)


def load_pipeline(path: Path, overlay: str | None = None, settings: Sequence[str] = ()) -> Pipeline:
    """Read a pipeline's YAML file.

    Args:
      path: path of the file.
      overlay: name of an entry of the file's `overlays`, whose fields replace the file's own; None to replace none.
      settings: `name=value` settings that replace values of the file's variables.

    Raises:
      ConfigError: if the file is not a valid pipeline, naming the file, the field, the value and the limit.
    """
    content = load_yaml(path)
    overlays = content.pop("overlays", {})
    if not isinstance(overlays, dict) or not all(isinstance(each, dict) for each in overlays.values()):
        raise ConfigError(f"{path}: overlays: {overlays!r} must be a mapping of names to fields of the pipeline")
    if overlay is not None:
        if overlay not in overlays:
            known = suggest(overlay, overlays) if overlays else "the file has none"
            raise ConfigError(f"{path}: overlay: {overlay!r} is not among its overlays; {known}")
        content = laid_over(content, overlays[overlay])
    if "stages" not in content:
        raise ConfigError(f"{path}: stages: is missing; a pipeline names its stages there (docs/pipelines.md)")
    pipeline = decode_as(Pipeline, expanded(content, settings, str(path)), str(path))
    return _with_configs(pipeline, path)


def laid_over(content: Any, overlay: Any) -> Any:
    """Return `content` with the values of `overlay` in place of its own.

    Mappings are merged field by field, at every depth. Anything else in the overlay, such as a list, replaces the whole
    value.
    """
    if not (isinstance(content, dict) and isinstance(overlay, dict)):
        return overlay
    return content | {name: laid_over(content.get(name), value) for name, value in overlay.items()}


def _with_configs(pipeline: Pipeline, path: Path) -> Pipeline:
    """Return the pipeline with each config file that a stage's `train` names replaced by the fields in the file.

    Args:
      pipeline: the pipeline.
      path: the pipeline's file, to whose folder the paths of config files are relative.

    Raises:
      ConfigError: if a config file cannot be read, or the pipeline is not valid with these fields.
    """
    stages = {
        name: StageFields(load_yaml(path.parent / stage.train), stage.command, stage.resources)
        if isinstance(stage.train, str)
        else stage
        for name, stage in pipeline.stages.items()
    }
    try:
        return Pipeline(pipeline.name, stages, pipeline.resources, pipeline.retries, pipeline.cluster)
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from None
