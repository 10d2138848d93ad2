"""The stages of a pipeline in the order in which they run, each with a key.

The key is a hash of what the stage computes, of the keys of the stages that it needs, and of the files that it reads.
"""

import dataclasses
import functools
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flexrl.common.decoding import suggest
from flexrl.common.errors import ConfigError
from flexrl.common.files import seal, sha256
from flexrl.common.types import JsonObject
from launch.pipelines.known_commands import require_known
from launch.pipelines.pipeline_file import OUT, Pipeline, StageFields
from launch.plan import task_files

REFERENCE = re.compile(r"<([a-z][a-z0-9-]*)>")
KEY_LENGTH = 16  # hexadecimal digits, as in a trial's key
TEMPLATES = ("{%", "{#", "{{")  # openings of expressions that Airflow and Kubeflow would replace


@dataclass(frozen=True)
class Stage:
    """One stage of a pipeline, a training or a command, with all that `launch.stage` needs to run it on any machine.

    Its texts may hold references: `<name>` stands for the output folder of the stage of this name, and `<out>` for its
    own.

    Attributes:
      pipeline: name of the pipeline.
      name: name of the stage.
      key: hash of what the stage computes and of the keys of its inputs.
      workspace: folder that holds the pipeline's folder.
      train: the whole config of a run, with references not yet replaced; None if the stage runs a command.
      command: a command's name and its arguments, with references not yet replaced; empty if the stage trains.
      inputs: by name of each stage that this one needs, its output folder, relative to the pipeline's folder.
    """

    pipeline: str
    name: str
    key: str
    workspace: str
    train: JsonObject | None = None
    command: tuple[str, ...] = ()
    inputs: dict[str, str] = field(default_factory=dict)

    @property
    def place(self) -> Path:
        """The pipeline's folder."""
        return Path(self.workspace) / self.pipeline

    @property
    def folder(self) -> Path:
        """The stage's folder, which holds its log and records. If the stage trains, it is the run's folder."""
        return self.place / f"{self.name}-{self.key}"

    @property
    def output(self) -> Path:
        """The folder that `<stage>` stands for: the run's folder, or the folder `out` that a command writes."""
        return self.folder if self.train is not None else self.folder / OUT

    def resolved(self, content: Any) -> Any:
        """Return nested mappings, lists and texts with references such as `<out>` replaced by the folders' paths."""
        paths = {name: str(self.place / relative) for name, relative in self.inputs.items()} | {OUT: str(self.output)}
        return _replaced(content, paths)

    def at(self, workspace: str) -> "Stage":
        """Return the same stage in another workspace, such as that of a cluster."""
        return dataclasses.replace(self, workspace=workspace)

    def text(self) -> str:
        """Return the stage as JSON, for the command line of its pod.

        `$` and the openings of templates such as `{{` are escaped, since Kubernetes, Airflow or Kubeflow would take
        what follows for a variable or an expression.
        """
        text = json.dumps(dataclasses.asdict(self), separators=(",", ":")).replace("$", "\\u0024")
        for opening in TEMPLATES:
            text = text.replace(opening, opening.replace("{", "\\u007b"))
        return text


def load_stages(pipeline: Pipeline, workspace: Path, origin: str) -> list[Stage]:
    """Return the stages in the order of the file, except that each stands after the stages that it needs.

    Args:
      pipeline: the pipeline.
      workspace: folder that holds the pipeline's folder.
      origin: the pipeline's file, for error messages.

    Raises:
      ConfigError: if a stage refers to one that the pipeline does not have, stages need each other in a circle, or a
        config or command is not valid.
    """
    needs = {name: _needs(name, stage, pipeline, origin) for name, stage in pipeline.stages.items()}
    stages: dict[str, Stage] = {}
    for name in _ordered(needs, origin):
        fields = pipeline.stages[name]
        before = {each: stages[each] for each in needs[name]}
        inputs = {each: str(stage.output.relative_to(stage.place)) for each, stage in before.items()}
        place = f"{origin}: stages.{name}"
        stage = Stage(pipeline.name, name, "", str(workspace), inputs=inputs)
        if fields.train is None:
            stage = dataclasses.replace(stage, command=tuple(map(str, fields.command)))
            require_known(stage.resolved(stage.command), f"{place}.command")
            does: object = stage.command
        else:
            assert isinstance(fields.train, dict)
            train, does = _config(fields.train, pipeline.resources_of(name).profile, f"{place}.train")
            stage = dataclasses.replace(stage, train=train)
        keys = {each: other.key for each, other in before.items()}
        content = [does, keys, dict(_files(stage))]
        stages[name] = dataclasses.replace(stage, key=seal(content)[:KEY_LENGTH])
    return list(stages.values())


def _needs(name: str, stage: StageFields, pipeline: Pipeline, origin: str) -> list[str]:
    """Return the names of the stages that a stage refers to by `<name>` in its texts, each once.

    Raises:
      ConfigError: if the pipeline has no stage of this name, or a training refers to its own output `<out>`.
    """
    found: dict[str, None] = {}
    for text in _texts(stage.command if stage.train is None else stage.train):
        for reference in REFERENCE.findall(text):
            if reference == OUT and stage.train is None:
                continue
            if reference not in pipeline.stages:
                own = " (a run needs none: it writes to its own folder)" if reference == OUT else ""
                raise ConfigError(
                    f"{origin}: stages.{name}: {text!r} refers to <{reference}>, which is not a stage{own}; "
                    f"{suggest(reference, pipeline.stages)}"
                )
            found[reference] = None
    return list(found)


def _ordered(needs: Mapping[str, list[str]], origin: str) -> list[str]:
    """Return the stages' names, each after the names of the stages that it needs, which `needs` lists.

    Raises:
      ConfigError: if stages need each other in a circle.
    """
    order: list[str] = []
    while left := [name for name in needs if name not in order]:
        ready = next((name for name in left if all(each in order for each in needs[name])), None)
        if ready is None:
            circle = "; ".join(f"{name} needs {', '.join(needs[name])}" for name in left)
            raise ConfigError(f"{origin}: stages: some need each other in a circle ({circle}); take a reference out")
        order.append(ready)
    return order


def _config(fields: JsonObject, profile: str, origin: str) -> tuple[JsonObject, str]:
    """Return the whole config of the run that a stage trains, with its defaults, and a hash of what it computes.

    Args:
      fields: the fields of the config that the pipeline's file gives.
      profile: `cpu` or `gpu`, as the stage's resources say.
      origin: where the fields stand, for error messages.

    Raises:
      ConfigError: if the config is not valid, naming the field, the value and the limit.
    """
    from flexrl.cli.arguments import with_defaults  # imported late: they import JAX
    from flexrl.config.run_config import encode
    from launch.plan.decoder import ENGINES

    if fields.get("profile", profile) != profile:
        raise ConfigError(
            f"{origin}.profile: {fields['profile']!r} is not {profile!r}, as resources.gpu.count says; leave it out"
        )
    content = {"physics": "auto", **fields, "profile": profile}
    if content["physics"] == "auto":
        content["physics"] = ENGINES[profile]
    try:
        config = with_defaults(content, origin)
    except ConfigError as error:
        raise ConfigError(f"{origin}: {str(error).removeprefix(f'{origin}: ')}") from None
    if config.num_members > 1:
        raise ConfigError(f"{origin}: num_seeds, vary: a stage trains one run, not {config.num_members}; use a sweep")
    return encode(config), task_files.trial_key(config.env, config.hash())


def _files(stage: Stage) -> Iterator[tuple[str, str]]:
    """Yield path and hash of each file and folder of this machine that the stage reads, for the stage's key.

    A stage reads what its command's arguments, or its config's `parent` and `algorithm.dataset`, name by path.
    """
    train = stage.train or {}
    parent, dataset = train.get("parent"), train.get("algorithm", {}).get("dataset")
    for text in filter(None, (*stage.command[1:], parent, dataset)):
        place = text
        if text == parent and not os.path.exists(text):
            place = text.rpartition(":")[0] or text  # RUN:STEP
        if ("/" in place or Path(place).suffix) and os.path.exists(place):  # false for texts that cannot be paths
            yield text, _digest(Path(place).resolve())


@functools.cache
def _digest(path: Path) -> str:
    if path.is_file():
        return sha256(path)
    files = sorted(each for each in path.rglob("*") if each.is_file())
    return seal([(str(each.relative_to(path)), sha256(each)) for each in files])


def _texts(content: Any) -> Iterator[str]:
    """Yield every text in nested mappings, lists and tuples; the names in mappings are left out."""
    if isinstance(content, Mapping):
        content = list(content.values())
    if isinstance(content, list | tuple):
        for each in content:
            yield from _texts(each)
    elif isinstance(content, str):
        yield content


def _replaced(content: Any, paths: Mapping[str, str]) -> Any:
    if isinstance(content, Mapping):
        return {name: _replaced(value, paths) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_replaced(value, paths) for value in content]
    return REFERENCE.sub(lambda found: paths[found[1]], content) if isinstance(content, str) else content
