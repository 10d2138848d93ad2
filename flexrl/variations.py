"""Numbers of an algorithm that differ between the runs of one training, as text and as values."""

import dataclasses
from collections.abc import Sequence
from typing import Any


def variations(texts: Sequence[str], algorithm: Any) -> list[dict[str, float]]:
    """Values by field, for one run after the other; one empty mapping where nothing varies.

    Args:
      texts: each `field=value,value,...`, all with equally many values.
      algorithm: the algorithm's config, which each value must suit.

    Raises:
      ValueError: naming the text, and what it must be.
    """
    columns: dict[str, list[float]] = {}
    for text in texts:
        name, _, values = text.partition("=")
        name = name.replace("-", "_")
        if name in columns or not hasattr(algorithm, name):
            problem = "stands twice" if name in columns else "is no field of the algorithm"
            raise ValueError(f"vary: {text!r}: {name!r} {problem}; write field=value,value,...")
        columns[name] = _numbers(text, values)
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"vary: {lengths} values; fields change together, so give each as many")
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    for row in rows:
        dataclasses.replace(algorithm, **row)
    if any(rows.count(row) > 1 for row in rows):
        raise ValueError(f"vary: {list(texts)} has the same values twice; several seeds are num_seeds")
    return rows or [{}]


def _numbers(text: str, values: str) -> list[float]:
    try:
        return [float(value) for value in values.split(",")]
    except ValueError:
        raise ValueError(f"vary: {text!r} must be field=value,value,... with numbers") from None
