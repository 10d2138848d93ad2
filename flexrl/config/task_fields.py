"""Other values of some of a task's fields, as text and as a config."""

import dataclasses
import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from envs.registry import env_type
from flexrl.common.decoding import decode_as, yaml_value
from flexrl.common.errors import ConfigError


def task_fields(texts: Sequence[str]) -> dict[str, Any]:
    """Values by field from texts `field=value`; a field within another is written `rewards.turn`.

    Raises:
      ConfigError: naming the text, and what it must be.
    """
    values: dict[str, Any] = {}
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


def with_fields(task: Any, values: Mapping[str, Any]) -> Any:
    """A task's config with other values of some fields.

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


def require_kept(env: str, task: Any, values: Mapping[str, Any]) -> None:
    """Refuse fields that evaluation sets to the task's own rules, whatever they are.

    Raises:
      ConfigError: naming the field.
    """
    judged = env_type(env).evaluated(task)
    for name in values:
        wanted, kept = (functools.reduce(getattr, name.split("."), config) for config in (task, judged))
        if wanted != kept:
            raise ConfigError(
                f"task: {name}: {wanted!r} only helps to learn, and evaluation sets {kept!r}; leave it out"
            )
