"""Variables of a sweep's file: `${name}` stands for a value of its `variables`, which `--set name=value` replaces.

    variables: {steps: 300_000, rates: [3e-4, 6e-4]}
    base: {total_steps: "${steps}"}
    grid: {algorithm.learning_rate: "${rates}"}

If a reference is the whole text, the value keeps its type. Within other text a value must be text or a whole number.
"""

import re
from collections.abc import Sequence
from typing import Any

import yaml

from flexrl.common.decoding import yaml_value
from flexrl.common.errors import ConfigError
from flexrl.common.types import JsonObject

Values = JsonObject

REFERENCE = re.compile(r"\$\{([^}]*)\}")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def expanded(content: JsonObject, settings: Sequence[str], origin: str) -> JsonObject:
    """Return a sweep file's content with every variable replaced by its value, without the section `variables`.

    Args:
      content: content of the file.
      settings: `name=value` settings, which replace values of the section `variables`.
      origin: where the content came from, for error messages.

    Raises:
      ConfigError: if a variable is not defined, not used, or set to a value of another type.
    """
    rest = {name: value for name, value in content.items() if name != "variables"}
    values = _declared(content.get("variables", {}), origin)
    for setting in settings:
        name, value = _set(setting, values)
        values[name] = value
    used: set[str] = set()
    result = _replaced(rest, values, used, origin)
    if unused := [name for name in values if name not in used]:
        raise ConfigError(f"{origin}: variables.{unused[0]}: is used nowhere; write ${{{unused[0]}}}, or leave it out")
    return result


def _declared(section: Any, origin: str) -> Values:
    if not isinstance(section, dict):
        raise ConfigError(f"{origin}: variables: {section!r} must be a mapping of names to values")
    for name, value in section.items():
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise ConfigError(f"{origin}: variables: {name!r} must be letters, digits and '_', and begin with no digit")
        if REFERENCE.search(str(value)):
            raise ConfigError(f"{origin}: variables.{name}: {value!r} names another variable; write its value")
        if value is None or isinstance(value, dict):
            raise ConfigError(
                f"{origin}: variables.{name}: {value!r} must be a number, text, a boolean, or a list of them"
            )
    return dict(section)


def _set(setting: str, values: Values) -> tuple[str, Any]:
    """Return the name and new value of a `name=value` setting. The value has the type of the one in the file."""
    name, equals, text = setting.partition("=")
    if not equals or name not in values:
        raise ConfigError(f"--set: {setting!r} must be NAME=VALUE; variables: {', '.join(values) or 'none'}")
    before = values[name]
    if isinstance(before, str):
        return name, text
    try:
        value = yaml_value(text)
    except yaml.YAMLError:
        value = text
    if isinstance(before, float) and type(value) is int:
        value = float(value)
    if type(value) is not type(before):
        raise ConfigError(f"--set: {setting!r}: must be a {_kind(before)}, as {before!r} is in the sweep's file")
    return name, value


def _kind(value: Any) -> str:
    return {bool: "boolean, true or false", int: "whole number", float: "number", list: "list, [a, b]"}[type(value)]


def _replaced(content: Any, values: Values, used: set[str], path: str) -> Any:
    if isinstance(content, dict):
        for name in content:
            if REFERENCE.search(str(name)):
                raise ConfigError(f"{path}: {name}: names of fields cannot be variables")
        return {name: _replaced(value, values, used, _inner(path, name)) for name, value in content.items()}
    if isinstance(content, list):
        return [_replaced(value, values, used, path) for value in content]
    if not isinstance(content, str) or "${" not in content:
        return content
    for name in REFERENCE.findall(content) or [""]:
        if name not in values:
            known = ", ".join(values) or "none"
            raise ConfigError(f"{path}: {content!r} names no variable; write ${{name}}, variables: {known}")
        used.add(name)
    if whole := REFERENCE.fullmatch(content):
        return values[whole[1]]
    return REFERENCE.sub(lambda found: _within_text(found[1], values, path), content)


def _inner(path: str, name: Any) -> str:
    return f"{path}.{name}" if ": " in path else f"{path}: {name}"


def _within_text(name: str, values: Values, path: str) -> str:
    value = values[name]
    if isinstance(value, str) or type(value) is int:
        return str(value)
    raise ConfigError(f"{path}: ${{{name}}} is {value!r}, and only text and whole numbers can stand within text")
