"""Read `--vary`: numbers of the algorithm or the task that differ between runs trained in one program."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from flexrl.common.types import JsonObject


def variations(texts: Sequence[str], algorithm: object, task: object) -> list[dict[str, float]]:
    """Return a mapping from field to value for each variation in turn; one empty mapping if nothing varies.

    Args:
      texts: each `field=value,value,...`, all with the same number of values.
      algorithm: the algorithm's config, which must accept each value.
      task: the task's config, which must accept the values of fields that begin with `task.`.

    Raises:
      ValueError: naming the text that is wrong, and what it must be.
    """
    columns: dict[str, list[float]] = {}
    for text in texts:
        name, _, values = text.partition("=")
        name = name.replace("-", "_")
        if name in columns:
            raise ValueError(f"vary: {text!r}: {name!r} stands twice; write field=value,value,...")
        columns[name] = _numbers(text, values)
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"vary: {lengths} values; fields change together, so give each the same number of values")
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    for row in rows:
        varied(algorithm, task, row)
    if any(rows.count(row) > 1 for row in rows):
        raise ValueError(f"vary: {list(texts)} has the same values twice; use num_seeds for several seeds")
    return rows or [{}]


def varied(algorithm: object, task: object, values: Mapping[str, float]) -> JsonObject:
    """Return both configs, under the keys `algorithm` and `task`, with other values for some fields.

    The name of a field of the task begins with `task.`.

    Raises:
      ValueError: naming a field that does not exist, or a value that its config does not accept.
    """
    configs = {"algorithm": algorithm, "task": task}
    for name, value in values.items():
        section, path = ("task", name.removeprefix("task.")) if name.startswith("task.") else ("algorithm", name)
        try:
            configs[section] = _replaced(configs[section], path.split("."), value)
        except AttributeError:
            raise ValueError(f"vary: {name!r} is no field of the {section}; write field=value,value,...") from None
    return configs


def _replaced(config: Any, path: list[str], value: float) -> Any:
    name, *rest = path
    if name not in getattr(config, "__dataclass_fields__", {}):
        raise AttributeError(name)
    inner = getattr(config, name)
    return dataclasses.replace(config, **{name: _replaced(inner, rest, value) if rest else value})


def _numbers(text: str, values: str) -> list[float]:
    try:
        return [float(value) for value in values.split(",")]
    except ValueError:
        raise ValueError(f"vary: {text!r} must be field=value,value,... with numbers") from None
