"""Make an environment from what a user gives to `gymnasium.make`: its name and the fields of its task's config."""

import dataclasses
import difflib
import json
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from envs.errors import ConfigError
from envs.physics import PhysicsOptions
from envs.registry import env_type, make_env
from envs.types import Env


def build(name: str, physics: str, max_worlds: int, arguments: Mapping[str, object]) -> Env:
    """Return the environment of a name, with the given fields of its task's config.

    Args:
      name: name of the environment, such as `humanoid-walk`, `brax:ant` or `path/to/robot.xml`.
      physics: physics backend: `auto`, `native`, `mjx-jax` or `mjx-warp`.
      max_worlds: the most worlds that will be stepped at once.
      arguments: fields of the task's config; a mapping stands for a dataclass in it, a list for a tuple.

    Raises:
      ConfigError: naming the argument that cannot be used.
    """
    kind = env_type(name).Config
    try:
        config = TypeAdapter(kind).validate_json(as_json(arguments), strict=True, extra="forbid")
    except ValidationError as error:
        known = [field.name for field in dataclasses.fields(kind)]
        raise ConfigError(f"{name}: " + "; ".join(_explained(each, known) for each in error.errors())) from None
    return make_env(name, config, PhysicsOptions(physics, max_worlds))


def as_json(arguments: Mapping[str, object]) -> str:
    """Return the arguments as JSON text; dataclasses become mappings, NumPy's numbers and arrays plain ones."""
    return json.dumps(arguments, default=_plain)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else repr(value)


def _explained(error: Any, known: Collection[str]) -> str:
    """Return one of pydantic's errors as text for the user: the field, its value and what is wrong with it.

    For an argument that is no field, it suggests the nearest name in `known`, the config's fields.
    """
    place = ".".join(map(str, error["loc"]))
    if error["type"] == "unexpected_keyword_argument":
        close = difflib.get_close_matches(place, known, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        return f"{place}: is not a field" + (f"; {hint}known: {', '.join(known)}" if len(error["loc"]) == 1 else "")
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "value_error":
        return message
    return f"{place}: {error['input']!r} {message[0].lower()}{message[1:]}"
