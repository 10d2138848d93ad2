"""Describe the fields of a config dataclass: dotted name, type, default and the text of its docstring."""

import dataclasses
import inspect
import json
import re
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

REQUIRED = "required"
NAMES = {int: "whole number", float: "number", str: "text", bool: "true or false", type(None): "null"}


@dataclass(frozen=True)
class Field:
    """One field of a config.

    Attributes:
      name: dotted name, such as `early_stop.max_minutes`.
      kind: its type, in words.
      default: its default as YAML, or `required`.
      text: what its docstring says.
      is_switch: whether it is true or false.
    """

    name: str
    kind: str
    default: str
    text: str
    is_switch: bool = False

    @property
    def flags(self) -> list[str]:
        """The command-line flags that set the field."""
        dashed = self.name.replace("_", "-")
        group, _, last = dashed.rpartition(".")
        return [f"--{dashed}"] + ([f"--{group + '.' if group else ''}no-{last}"] if self.is_switch else [])


def fields_of(kind: type[Any], default: object = None, prefix: str = "", without: tuple[str, ...] = ()) -> list[Field]:
    """Return the fields of a dataclass, those of nested dataclasses included.

    Args:
      kind: the dataclass, or a generic alias of one.
      default: instance whose values are the defaults; None for the dataclass's own defaults.
      prefix: what stands in front of each name, such as `algorithm.`.
      without: names of fields to leave out.
    """
    plain = typing.get_origin(kind) or kind
    hints, texts = typing.get_type_hints(plain), attribute_texts(plain)
    found = []
    for field in dataclasses.fields(plain):
        if field.name in without:
            continue
        hint, value = hints[field.name], _default(field, default)
        name, nested = f"{prefix}{field.name}", _nested(hint, value)
        if nested is None:
            found.append(Field(name, type_text(hint), value_text(value), texts.get(field.name, ""), hint is bool))
            continue
        inner, step = nested
        has_values = isinstance(value, inner)
        if not has_values:
            found.append(Field(name, type_text(hint), value_text(value), texts.get(field.name, "")))
        found += fields_of(inner, value if has_values else None, f"{name}.{step}")
    return found


def attribute_texts(kind: type[Any]) -> dict[str, str]:
    """Return the texts of the section `Attributes:` in the docstrings of a class and its bases, by name."""
    texts: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        section = (inspect.cleandoc(each.__doc__ or "")).partition("Attributes:\n")[2]
        name = None
        for line in section.splitlines():
            if start := re.match(r" {2}(\w+): (.*)", line):
                name = start[1]
                texts[name] = start[2]
            elif line.startswith("    ") and name:
                texts[name] += " " + line.strip()
            elif line.strip():
                break
    return texts


def type_text(hint: Any) -> str:
    """Return a type in words, such as `number or null` or `list of whole numbers`."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return "one of " + ", ".join(f"`{value}`" for value in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(map(type_text, arguments))
    if origin in (tuple, list):
        items = [type_text(argument) for argument in arguments if argument is not Ellipsis]
        return f"list of {items[0]}" if len(set(items)) == 1 and Ellipsis in arguments else f"list ({', '.join(items)})"
    if origin is dict or hint is dict:
        return "mapping"
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return "mapping"
    return NAMES.get(hint, getattr(hint, "__name__", "any value").lower())


def value_text(value: object) -> str:
    """Return a default as YAML writes it."""
    if value is REQUIRED:
        return REQUIRED
    if isinstance(value, float):
        return f"{value:g}"
    return json.dumps(value, default=lambda other: vars(other) if dataclasses.is_dataclass(other) else str(other))


def table(fields: list[Field], by_flag: bool = False) -> str:
    """Return a Markdown table of fields, named as in a config file or as flags."""
    rows = [
        "| flag | type | default | meaning |" if by_flag else "| field | type | default | meaning |",
        "|---|---|---|---|",
    ]
    for field in fields:
        name = ", ".join(f"`{flag}`" for flag in field.flags) if by_flag else f"`{field.name}`"
        default = field.default if field.default in (REQUIRED, "preset") else f"`{field.default}`"
        rows.append(f"| {name} | {cell(field.kind)} | {cell(default)} | {cell(field.text)} |")
    return "\n".join(rows) + "\n"


def cell(text: str) -> str:
    """Return a text that is safe in the cell of a Markdown table."""
    plain = " ".join(text.split()).replace("|", "\\|")
    return re.sub(r"<(?=[\w/])", "&lt;", plain)


def _default(field: "dataclasses.Field[Any]", instance: object) -> object:
    if instance is not None:
        return getattr(instance, field.name)
    if field.default is not dataclasses.MISSING:
        return field.default
    return REQUIRED if field.default_factory is dataclasses.MISSING else field.default_factory()


def _nested(hint: Any, value: object) -> tuple[type[Any], str] | None:
    """Return the dataclass inside of a field's type, and what stands between the names; None if there is none."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return type(value), ""
    for each, step in _candidates(hint):
        if isinstance(each, type) and dataclasses.is_dataclass(each):
            return each, step
    return None


def _candidates(hint: Any) -> Iterator[tuple[Any, str]]:
    yield hint, ""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        for argument in typing.get_args(hint):
            yield from _candidates(argument)
    if typing.get_origin(hint) is dict:
        yield typing.get_args(hint)[1], "FIELD."
