"""Rows of numbers, one JSON object a line."""

import json
import os
from pathlib import Path
from typing import Any

from flexrl.common.errors import ConfigError
from flexrl.common.files import write_text

MAX_ROW_BYTES = 1 << 16


class MetricsFile:
    """Rows by step, in order, without gap or repetition, also across interruptions."""

    def __init__(self, path: Path, steps: list[int]) -> None:
        """Open for appending after the rows of `steps`; rows past them are cut, for they will be written anew.

        Raises:
          ConfigError: if a row is missing, other than the last.
        """
        self._path = path
        found = read_rows(path) if path.exists() else []
        last = steps[-1] if steps else 0
        self.rows = [row for row in found if row["step"] <= last]
        if [row["step"] for row in self.rows] not in (steps, steps[:-1]):
            raise ConfigError(f"{path}: lacks rows of steps up to {last}; restore it from a copy")
        write_text(path, "".join(map(_line, self.rows)))
        self._file = path.open("a", encoding="utf-8")

    def write(self, row: dict[str, Any]) -> None:
        """Append a row; a reader sees it at once."""
        self.rows.append(row)
        self._file.write(_line(row))
        self._file.flush()

    def sync(self) -> None:
        """Return when all rows are on the disk, as they must be before a checkpoint that builds on them."""
        os.fsync(self._file.fileno())


def is_evaluation(row: dict[str, Any]) -> bool:
    """Whether a row is an evaluation's, not an iteration's."""
    return "evaluation/return_mean" in row


def scalars(row: dict[str, Any]) -> dict[str, float]:
    """A row's numbers by the names that curves have; those that JSON has no number for are left out."""
    timing = "timing/evaluation_" if is_evaluation(row) else "timing/"
    numbers = {name: value for name, value in row.items() if name not in ("step", "control_steps", "timing")}
    numbers |= {f"{timing}{name}": value for name, value in row["timing"].items()}
    return {name: value for name, value in numbers.items() if value is not None}


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a file; a last line that a crash cut short is left out."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def last_row(path: Path) -> dict[str, Any] | None:
    """The newest whole row of a file, without reading all of it."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - MAX_ROW_BYTES))
        lines = file.read().splitlines(keepends=True)
    whole = [line for line in lines[-2:] if line.endswith(b"\n")]
    return json.loads(whole[-1]) if whole else None


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, allow_nan=False) + "\n"
