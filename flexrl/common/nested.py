"""Flatten nested mappings into one mapping with dotted names."""

from collections.abc import Mapping

from flexrl.common.types import JsonObject


def flat(content: Mapping[str, object], prefix: str = "") -> JsonObject:
    """Return nested mappings as one mapping, whose names are dotted paths such as `task.rewards.turn`.

    Each name begins with `prefix`, which is empty by default.
    """
    found: JsonObject = {}
    for name, value in content.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return found
