"""Read and write the rows of a run's metrics: files with one JSON object per line."""

import json
import os
from pathlib import Path

from flexrl.common.errors import ConfigError
from flexrl.common.files import write_text
from flexrl.common.types import JsonObject

MAX_ROW_BYTES = 1 << 16  # no row is longer


class MetricsFile:
    """A file of metrics: a row for each iteration, or for each evaluation, in order.

    No row is missing or repeated, even if the run was interrupted.
    """

    def __init__(self, path: Path, steps: list[int]) -> None:
        """Open a file to append rows, and remove rows after the last of `steps`: a resumed run writes them again.

        Args:
          path: the file; created if it does not exist.
          steps: iterations that must have a row already, in order.

        Raises:
          ConfigError: if the file lacks the row of one of `steps`; only that of the last one may be missing.
        """
        self._path = path
        found = read_rows(path) if path.exists() else []
        last = steps[-1] if steps else 0
        self.rows = [row for row in found if row["step"] <= last]
        if [row["step"] for row in self.rows] not in (steps, steps[:-1]):
            raise ConfigError(f"{path}: lacks rows of steps up to {last}; restore it from a copy")
        write_text(path, "".join(map(_line, self.rows)))
        self._file = path.open("a", encoding="utf-8")

    def write(self, row: JsonObject) -> None:
        """Append a row. Other processes can read it at once."""
        self.rows.append(row)
        self._file.write(_line(row))
        self._file.flush()

    def sync(self) -> None:
        """Wait until all rows are on the disk. Call this before saving a checkpoint: resuming there needs the rows."""
        os.fsync(self._file.fileno())


def is_evaluation(row: JsonObject) -> bool:
    """Return whether a row of metrics is that of an evaluation rather than that of a training iteration."""
    return "evaluation/return_mean" in row


def scalars(row: JsonObject) -> dict[str, float]:
    """Return a row's numbers by the names that TensorBoard shows. Null values (NaN in JSON) are left out."""
    timing = "timing/evaluation_" if is_evaluation(row) else "timing/"
    numbers = {name: value for name, value in row.items() if name not in ("step", "control_steps", "timing")}
    numbers |= {f"{timing}{name}": value for name, value in row["timing"].items()}
    return {name: value for name, value in numbers.items() if value is not None}


def read_rows(path: Path) -> list[JsonObject]:
    """Return the rows of a file. A last line that a crash cut short is left out."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def last_row(path: Path) -> JsonObject | None:
    """Return the newest complete row of a file, reading only its end; None if there is none."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - MAX_ROW_BYTES))
        lines = file.read().splitlines(keepends=True)
    whole = [line for line in lines[-2:] if line.endswith(b"\n")]
    return json.loads(whole[-1]) if whole else None


def _line(row: JsonObject) -> str:
    return json.dumps(row, allow_nan=False) + "\n"
