"""Decode YAML and JSON into typed dataclasses, strictly: an unknown field or a wrong type raises `ConfigError`.

Whole numbers may also be written as `5e6` or `5M`.
"""

import dataclasses
import difflib
import functools
import json
import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import yaml
from pydantic import TypeAdapter, ValidationError

from flexrl.common.errors import ConfigError
from flexrl.common.types import JsonObject

Decoded = TypeVar("Decoded")

MAX_CONFIG_BYTES = 1 << 20
MAX_EXACT = 2**53  # above it a float cannot represent every whole number
NUMBER = re.compile(r"([-+]?\d[\d_]*(?:\.\d*)?(?:[eE][-+]?\d{1,3})?)([kM]?)")
SUFFIXES = ("k", "M")
FACTORS = {"": 1, "k": 1_000, "M": 1_000_000}


def decode_as(kind: type[Decoded], content: Mapping[str, object], origin: str) -> Decoded:
    """Build a dataclass of type `kind` from nested mappings.

    Args:
      kind: type of the dataclass.
      content: nested mappings, as read from a YAML or JSON file.
      origin: name of the file or flag that the content is from, for error messages.

    Raises:
      ConfigError: if a field is unknown, missing, of a wrong type or out of range; names field, value and limit.
    """
    text = json.dumps(content, default=str)
    try:
        return _adapter(kind).validate_json(text, strict=True, extra="forbid")
    except ValidationError as error:
        if numbers := _whole_numbers(error):
            return decode_as(kind, _with_numbers(json.loads(text), numbers), origin)
        raise ConfigError(f"{origin}: " + "; ".join(_explain(e, kind) for e in error.errors())) from None


def _whole_numbers(error: ValidationError) -> dict[tuple[str | int, ...], int]:
    """Return the whole numbers that pydantic refused for their notation, such as `5e6` or `5M`, by the field's path.

    A path holds the names of the sections that contain the field, from the outermost on, and last the field's own name.
    """
    numbers = {}
    for each in error.errors():
        value = each["input"]
        if each["type"] == "int_type" and (isinstance(value, float) or str(value)[-1:] in SUFFIXES):
            numbers[each["loc"]] = whole_number(value)
    return {place: number for place, number in numbers.items() if number is not None}


def _with_numbers(content: Any, numbers: Mapping[tuple[str | int, ...], int]) -> Any:
    for place, number in numbers.items():
        *outer, last = place
        functools.reduce(lambda inner, name: inner[name], outer, content)[last] = number
    return content


@functools.cache
def _adapter(kind: Any) -> TypeAdapter:
    """Return pydantic's adapter for a type. It is cached: building one takes fifty times as long as decoding."""
    return TypeAdapter(kind)


def load_yaml(path: Path) -> JsonObject:
    """Read the mapping in a YAML or JSON file.

    Raises:
      ConfigError: if the file is missing, larger than 1 MiB, not YAML or not a mapping, or if it holds a duplicate key,
        an alias or a tag.
    """
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise ConfigError(f"{path}: is larger than {MAX_CONFIG_BYTES} bytes, the limit; name a config file")
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: must hold a mapping of field names to values")
    return content


def dump_yaml(*documents: object) -> str:
    """Return documents as YAML.

    A string that some YAML reader could take for a number, such as a hash of digits, is quoted.
    """
    return yaml.dump_all(documents, Dumper=_CarefulDumper, sort_keys=False, width=1 << 20)


def whole_number(value: object) -> int | None:
    """Return the whole number that a user means by `5000000`, `5_000_000`, `5e6` or `5M`; None for anything else."""
    if isinstance(value, str) and (found := NUMBER.fullmatch(value.strip())):
        value = Decimal(found[1].replace("_", "")) * FACTORS[found[2]]
    if isinstance(value, float | Decimal) and abs(value) <= MAX_EXACT and value == int(value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def yaml_value(text: str) -> object:
    """Parse a text as YAML, such as the value in `field=value`.

    Raises:
      yaml.YAMLError: if the text is not valid YAML.
    """
    return yaml.load(text, Loader=_StrictLoader)


class _StrictLoader(yaml.SafeLoader):
    """PyYAML's safe loader, which here rejects duplicate keys and aliases, and reads 3e-4 as a number."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "aliases are not supported", self.peek_event().start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key_node, _ in node.value:
            if key_node.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key_node.value!r} stands twice", key_node.start_mark
                )
            seen.add(key_node.value)
        return super().construct_mapping(node, deep)


_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d[\d_]*)(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


class _CarefulDumper(yaml.SafeDumper):
    """PyYAML's safe dumper, which here quotes strings that a reader may take for a number, such as 825506e320971465."""


_CarefulDumper.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+.]?\d[\d_.eE+-]*$"), list("-+.0123456789")
)


def _explain(error: Any, kind: Any) -> str:
    """Describe one of pydantic's errors in a line: the field, the value and what it must be."""
    path = ".".join(str(part) for part in error["loc"])
    if error["type"] == "unexpected_keyword_argument":
        *sections, field = error["loc"]
        return f"{path}: is not a field; {suggest(str(field), _field_types(functools.reduce(_inner, sections, kind)))}"
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "value_error":
        return message
    if error["type"] == "int_type":
        message = "must be a whole number"
    value = "" if error["type"] in ("missing", "missing_argument") else f" {error['input']!r}"
    return f"{path}:{value} {message[0].lower()}{message[1:]}"


def _inner(kind: Any, name: str | int) -> Any:
    """Return the type of the value under `name` in a dataclass or mapping of type `kind`."""
    return get_args(kind)[1] if get_origin(kind) is dict else _field_types(kind)[str(name)]


def _field_types(kind: Any) -> JsonObject:
    """Return the type of each field of a dataclass, also if the dataclass is generic or optional."""
    kind = next(k for k in (kind, *get_args(kind)) if dataclasses.is_dataclass(get_origin(k) or k))
    cls = get_origin(kind) or kind
    given = dict(zip(getattr(cls, "__parameters__", ()), get_args(kind), strict=True))
    hints = get_type_hints(cls)
    return {field.name: given.get(hints[field.name], hints[field.name]) for field in dataclasses.fields(cls)}


def suggest(name: str, known: Collection[str]) -> str:
    """Return a part of an error message: the known name that is closest to an unknown one, and all known names."""
    close = difflib.get_close_matches(name, known, n=1)
    return (f"did you mean {close[0]!r}? " if close else "") + f"known: {', '.join(known)}"
