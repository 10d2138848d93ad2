"""From the text of a user to typed dataclasses, strictly: no unknown field, no wrong type, no conversion."""

import dataclasses
import difflib
import functools
import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import yaml
from pydantic import TypeAdapter, ValidationError

from flexrl.errors import ConfigError

Decoded = TypeVar("Decoded")

MAX_CONFIG_BYTES = 1 << 20


def decode_as(kind: type[Decoded], content: Mapping[str, Any], origin: str) -> Decoded:
    """A dataclass of any kind from plain data.

    Args:
      kind: of dataclass.
      content: nested mappings, as a YAML or JSON file holds them.
      origin: where it came from, for messages.

    Raises:
      ConfigError: naming the field, the value and the limit.
    """
    try:
        return _adapter(kind).validate_json(json.dumps(content, default=str), strict=True, extra="forbid")
    except ValidationError as error:
        raise ConfigError(f"{origin}: " + "; ".join(_explain(e, kind) for e in error.errors())) from None


@functools.cache
def _adapter(kind: Any) -> TypeAdapter:
    """Kept, because building one takes fifty times as long as decoding."""
    return TypeAdapter(kind)


def load_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML or JSON file.

    Raises:
      ConfigError: if it is missing, too large, not YAML, holds a duplicate key, an alias or a tag, or no mapping.
    """
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise ConfigError(f"{path}: is larger than {MAX_CONFIG_BYTES} bytes, which no config is")
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: must hold a mapping of field names to values")
    return content


def dump_yaml(*documents: Any) -> str:
    """YAML that every reader takes for the same: a string of a number's characters is quoted, as a hash may be one."""
    return yaml.dump_all(documents, Dumper=_CarefulDumper, sort_keys=False, width=1 << 20)


def yaml_value(text: str) -> Any:
    """The value that a text means as YAML.

    Raises:
      yaml.YAMLError: if it is none.
    """
    return yaml.load(text, Loader=_StrictLoader)


class _StrictLoader(yaml.SafeLoader):
    """Safe YAML without duplicate keys and aliases, where 3e-4 is a number."""

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
    """Sees a number where any reader might, such as in 825506e320971465 and 0123456789."""


_CarefulDumper.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+.]?\d[\d_.eE+-]*$"), list("-+.0123456789")
)


def _explain(error: Any, kind: Any) -> str:
    path = ".".join(str(part) for part in error["loc"])
    if error["type"] == "unexpected_keyword_argument":
        *sections, field = error["loc"]
        return f"{path}: is not a field; {suggest(str(field), _field_types(functools.reduce(_inner, sections, kind)))}"
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "value_error":
        return message
    value = "" if error["type"] in ("missing", "missing_argument") else f" {error['input']!r}"
    return f"{path}:{value} {message[0].lower()}{message[1:]}"


def _inner(kind: Any, name: str | int) -> Any:
    """The type of what lies under a name in a dataclass or a mapping."""
    return get_args(kind)[1] if get_origin(kind) is dict else _field_types(kind)[str(name)]


def _field_types(kind: Any) -> dict[str, Any]:
    """Fields of a dataclass, or of an optional one."""
    kind = next(k for k in (kind, *get_args(kind)) if dataclasses.is_dataclass(get_origin(k) or k))
    cls = get_origin(kind) or kind
    given = dict(zip(getattr(cls, "__parameters__", ()), get_args(kind), strict=True))
    hints = get_type_hints(cls)
    return {field.name: given.get(hints[field.name], hints[field.name]) for field in dataclasses.fields(cls)}


def suggest(name: str, known: Collection[str]) -> str:
    """What a user may have meant by an unknown name, and all that is known."""
    close = difflib.get_close_matches(name, known, n=1)
    return (f"did you mean {close[0]!r}? " if close else "") + f"known: {', '.join(known)}"
