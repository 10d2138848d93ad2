"""Read runs' folders for lists and reports: progress, returns and damaged files. Runs no code of the runs' tasks."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flexrl.common.decoding import load_yaml
from flexrl.common.errors import ConfigError
from flexrl.common.types import JsonObject
from flexrl.common.workspaces import require_no_bucket
from flexrl.storage.divergence import FILE as DIVERGED
from flexrl.storage.policy_file import is_exported
from flexrl.storage.rows import last_row, read_rows
from flexrl.storage.run_folder import is_in_use

RUN_FILES = ("config.yaml", "metadata.json", "lock")  # a folder that holds one of them is a run
# Numbers that each row of evaluations.jsonl must have.
EVALUATED = ("step", "control_steps", "evaluation/return_mean", "evaluation/return_interval")


@dataclass(frozen=True)
class RunRecord:
    """A run as its files describe it. What is missing or damaged is empty.

    Attributes:
      folder: folder of the run.
      config: content of `config.yaml`.
      metadata: content of `metadata.json`.
      result: content of `result.json`, which is written at the end; None before.
      evaluations: rows of all evaluations, oldest first.
      control_steps: control steps trained until now.
      state: `finished`, `running`, `stopped` or `diverged`; `exported` for an exported policy.
      problems: a line for each file that could not be read.
      values: fields that a sweep varies, with this run's values; empty for a run that belongs to no sweep.
    """

    folder: Path
    config: JsonObject
    metadata: JsonObject
    result: JsonObject | None
    evaluations: list[JsonObject]
    control_steps: int
    state: str
    problems: tuple[str, ...]
    values: JsonObject = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the run's folder; `GROUP/FOLDER` for one of several runs that train together."""
        folder = self.folder.resolve()
        return f"{folder.parent.name}/{folder.name}" if (folder.parent / "config.yaml").is_file() else folder.name

    @property
    def returns(self) -> list[float]:
        """Mean return of each evaluation, oldest first."""
        return [row["evaluation/return_mean"] for row in self.evaluations]

    @property
    def final_return(self) -> float | None:
        """Mean return of the final evaluation; None before the end.

        The best checkpoint was not chosen by the episodes of this evaluation, so the number is not biased. It is also
        None for results of older versions, which had no final evaluation.
        """
        return self.result["return_mean"] if self.result and "evaluation" in self.result else None

    @property
    def parent(self) -> str | None:
        """The run and iteration whose networks this run began with, as `RUN:ITERATION`; None if it began afresh."""
        parent = self.config.get("parent")
        return parent if isinstance(parent, str) else None

    def summary(self) -> JsonObject:
        """Return what a list of runs shows of this run, as plain data.

        It holds `name`, `env`, `algo`, `seed`, `control_steps`, `total_steps`, `state`, `parent` and `problems`;
        `last_return`, `best_return` and `final_return`; and `values`, the fields that a sweep varies, as one text.
        """
        return {
            "name": self.name,
            **{name: self.config.get(name) for name in ("env", "algo", "seed")},
            "control_steps": self.control_steps,
            "total_steps": self.config.get("total_steps"),
            "state": self.state,
            "last_return": self.returns[-1] if self.returns else None,
            "best_return": max(self.returns, default=None),
            "final_return": self.final_return,
            "parent": self.parent,
            "values": ", ".join(f"{name}={value}" for name, value in self.values.items()) or None,
            "problems": list(self.problems),
        }

    def metrics(self) -> list[JsonObject]:
        """Read the rows of all iterations, oldest first.

        Raises:
          ConfigError: if `metrics.jsonl` is damaged.
        """
        path = self.folder / "metrics.jsonl"
        try:
            rows = read_rows(path) if path.exists() else []
            for number, row in enumerate(rows, start=1):
                _require_numbers(row, ("step", "control_steps"), f"line {number}")
                _require_numbers(row.get("timing"), ("seconds",), f"line {number}, timing")
            return rows
        except ValueError as error:
            raise ConfigError(f"{path}: is damaged ({error}); restore it from a copy") from None


def read_runs(workspace: Path) -> list[RunRecord]:
    """Read all runs in a workspace, sorted by name, also those in the folder of a group that trains together.

    Raises:
      ConfigError: if the workspace is not a folder.
    """
    require_no_bucket("workspace", workspace, "copy runs here by python -m flexrl.runs pull gs://BUCKET/PATH RUN")
    if not workspace.is_dir():
        raise ConfigError(f"workspace: {workspace} is no folder; name the one that holds the runs by --workspace")
    groups = (_runs_in(folder) or [folder] for folder in _runs_in(workspace))
    return [read_run(folder) for group in groups for folder in group]


def _runs_in(folder: Path) -> list[Path]:
    """Return the folders directly within `folder` that hold a run or a group of runs, sorted by name."""
    return [path for path in sorted(folder.iterdir()) if any((path / name).exists() for name in RUN_FILES)]


def read_run(folder: Path) -> RunRecord:
    """Read what a run's files tell about it. Files may be missing or damaged."""
    reader = _Reader(folder)
    running = is_in_use(folder)
    state = "exported" if is_exported(folder) else "running" if running else "stopped"
    if (folder / DIVERGED).exists():  # its lock may still be held, by runs that train on in its program
        state = "diverged"
    config = reader.read("config.yaml", load_yaml, {})
    result = reader.read("result.json", _mapping, None)
    if not config and not reader.problems and not running:
        reader.problems.append("config.yaml: is missing")
    row = reader.read("metrics.jsonl", _last_iteration, {"control_steps": 0})
    values = reader.read("values.json", _mapping, {})
    return RunRecord(
        folder,
        config,
        reader.read("metadata.json", _mapping, {}),
        result,
        reader.read("evaluations.jsonl", _evaluations, []),
        row["control_steps"],
        "finished" if result else state,
        tuple(reader.problems),
        values,
    )


class _Reader:
    """Reads files of a run's folder, also damaged ones: for a file that cannot be read it returns a default value.

    A line that says why is added to the list `problems`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.problems: list[str] = []

    def read(self, name: str, parse: Callable[[Path], Any], missing: Any) -> Any:
        """Return what `parse` makes of the file `name`; return `missing` if the file does not exist or cannot be read.

        If the file cannot be read, the reason is added to `problems`.
        """
        path = self._folder / name
        try:
            return parse(path) if path.exists() else missing
        except (OSError, ValueError) as error:
            line = " ".join(str(error).removeprefix(f"{path}: ").split())
            self.problems.append(f"{name}: {line}")
            return missing


def _mapping(path: Path) -> JsonObject:
    content = json.loads(path.read_bytes())
    if not isinstance(content, dict):
        raise ValueError("must hold a mapping")
    return content


def _evaluations(path: Path) -> list[JsonObject]:
    rows = read_rows(path)
    for number, row in enumerate(rows, start=1):
        _require_numbers(row, EVALUATED, f"line {number}")
    return rows


def _last_iteration(path: Path) -> JsonObject:
    row = last_row(path)
    return {"control_steps": 0} if row is None else _require_numbers(row, ("step", "control_steps"), "the last line")


def _require_numbers(row: Any, fields: tuple[str, ...], place: str) -> JsonObject:
    lacking = [name for name in fields if not isinstance(row, dict) or not isinstance(row.get(name), int | float)]
    if lacking:
        raise ValueError(f"{place} lacks {', '.join(lacking)}")
    return row
