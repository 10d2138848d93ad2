"""Numbers of an algorithm or a task that differ between the runs of one training, as text and as values."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any


def variations(texts: Sequence[str], algorithm: Any, task: Any) -> list[dict[str, float]]:
    """Values by field, for one run after the other; one empty mapping where nothing varies.

    Args:
      texts: each `field=value,value,...`, all with equally many values.
      algorithm: the algorithm's config, which each value must suit.
      task: the task's config, likewise for fields that begin with `task.`.

    Raises:
      ValueError: naming the text, and what it must be.
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
        raise ValueError(f"vary: {lengths} values; fields change together, so give each as many")
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    for row in rows:
        varied(algorithm, task, row)
    if any(rows.count(row) > 1 for row in rows):
        raise ValueError(f"vary: {list(texts)} has the same values twice; several seeds are num_seeds")
    return rows or [{}]


def varied(algorithm: Any, task: Any, values: Mapping[str, float]) -> dict[str, Any]:
    """Both configs, by their names in a run's, with other values of some fields.

    Raises:
      ValueError: naming a field that is none, or a value that does not suit.
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
