"""Change fields of a task's config by texts such as `initial_state=random`."""

import dataclasses
import functools
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import yaml

from envs.registry import env_type
from flexrl.common.decoding import decode_as, yaml_value
from flexrl.common.errors import ConfigError
from flexrl.common.types import JsonObject

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Task = TypeVar("Task", bound="DataclassInstance")  # a task's config


def task_fields(texts: Sequence[str]) -> JsonObject:
    """Return the values by field from texts `field=value`. A nested field is written `rewards.turn`.

    Raises:
      ConfigError: if a text is not of that form or names a field twice; the error says what the text must be.
    """
    values: JsonObject = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not (name and equals):
            raise ConfigError(f"task: {text!r} must be field=value, such as initial_state=random")
        if name in values:
            raise ConfigError(f"task: {text!r}: {name!r} stands twice; give it one value")
        try:
            values[name] = yaml_value(value)
        except yaml.YAMLError:
            raise ConfigError(f"task: {text!r} has a value that is no YAML; quote it as YAML does") from None
    return values


def with_fields(task: Task, values: Mapping[str, object]) -> Task:
    """Return a task's config with other values for some fields; a nested field is written `rewards.turn`.

    Raises:
      ConfigError: naming the field, the value and the limit.
    """
    content = json.loads(json.dumps(dataclasses.asdict(task)))
    for name, value in values.items():
        section = content
        *sections, field = name.split(".")
        for key in sections:
            section = section.get(key)
            if not isinstance(section, dict):
                raise ConfigError(f"task: {name!r} is no field of the task, whose fields are {', '.join(content)}")
        section[field] = value
    return decode_as(type(task), content, "task")


def require_kept(env: str, task: object, values: Mapping[str, object]) -> None:
    """Refuse to change a field of the task that evaluation ignores, because the field only serves to help training.

    An example is a field that ends episodes early: evaluation always sets it back.

    Args:
      env: name of the environment.
      task: the task's config, with the changed values.
      values: the changed values by field.

    Raises:
      ConfigError: naming the field, its value and the value in evaluation.
    """
    judged = env_type(env).evaluated(task)
    for name in values:
        wanted, kept = (functools.reduce(getattr, name.split("."), config) for config in (task, judged))
        if wanted != kept:
            raise ConfigError(
                f"task: {name}: {wanted!r} is for training only, and evaluation always uses {kept!r}; leave it out"
            )
