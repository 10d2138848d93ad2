"""What a tracker is told of a run besides its rows, read from the run's folder."""

import contextlib
import datetime
import fcntl
import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flexrl.common.decoding import load_yaml
from flexrl.common.files import write_json
from flexrl.common.nested import flat
from flexrl.config.trackers import Tracking
from flexrl.storage.provenance import name_of
from flexrl.storage.rows import is_evaluation, scalars

UNTOLD = ("name", "workspace", "tracking")  # of a config; it is here already, or nobody's business there
RECORD = "tracking.json"  # in a run's folder: by what trackers know the run again


@dataclass(frozen=True)
class TrackedRow:
    """One row as trackers show it.

    Attributes:
      number: place among the run's rows, the same however often it is sent; an evaluation's follows its iteration's.
      is_evaluation: whether an evaluation's.
      iteration: after which it was written.
      control_steps: of all worlds together; the axis of every curve.
      seconds: of training and evaluating until then, interruptions left out.
      values: by TensorBoard's names.
    """

    number: int
    is_evaluation: bool
    iteration: int
    control_steps: int
    seconds: float
    values: dict[str, float]


def tracked_rows(rows: Iterable[dict[str, Any]], seconds: float = 0.0) -> Iterator[TrackedRow]:
    """Rows of a run, oldest first, that follow `seconds` of it."""
    for row in rows:
        seconds += row["timing"]["seconds"]
        evaluation = is_evaluation(row)
        number = 2 * row["step"] + evaluation
        yield TrackedRow(number, evaluation, row["step"], row["control_steps"], seconds, scalars(row))


def in_order(metrics: list[dict[str, Any]], evaluations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All rows of a run, an evaluation's after that of its iteration."""
    return sorted([*metrics, *evaluations], key=lambda row: (row["step"], is_evaluation(row)))


class TrackedRun:
    """A run's folder, as far as trackers ask for it.

    Attributes:
      folder: of the run.
      key: by which trackers know the run again, whoever sends it.
      project, group, name: under which they show it.
      config: resolved, as it was stored.
      started: in seconds since 1970.
      tags: what runs are looked for by.
    """

    def __init__(self, folder: Path, tracking: Tracking) -> None:
        """Read the records that were written when the run began."""
        self.folder = folder
        self.key = _key(folder / RECORD)
        self.project, self.group = tracking.project, tracking.group
        self.name = tracking.name or folder.name
        config = load_yaml(self.config_file)
        metadata = json.loads((folder / "metadata.json").read_bytes())
        self.config = {name: value for name, value in config.items() if name not in UNTOLD}
        self.started = datetime.datetime.fromisoformat(metadata["started"]).timestamp()
        self.tags = _tags(config, metadata, tracking.group)

    @property
    def workspace(self) -> Path:
        """What holds the run, or its group where that is a folder, too."""
        parent = self.folder.resolve().parent
        return parent.parent if parent.name == self.group else parent

    @property
    def group_key(self) -> str:
        """By which trackers know its group again."""
        return _key(self.folder.parent / f"tracking-{self.group}.json")

    @contextlib.contextmanager
    def alone_in_group(self) -> Iterator[None]:
        """Among the processes that make what runs have in common, such as their parent or their store."""
        with (self.workspace / "tracking.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def noted(self, name: str) -> Any:
        """What a tracker noted, None for nothing."""
        return _read(self.folder / RECORD).get(name)

    def note(self, name: str, value: Any) -> None:
        """Note something for the next process that sends this run."""
        write_json(self.folder / RECORD, _read(self.folder / RECORD) | {name: value})

    @property
    def config_file(self) -> Path:
        """The resolved config."""
        return self.folder / "config.yaml"

    @property
    def result(self) -> dict[str, Any]:
        """The numbers of the result, flattened; nothing before the end."""
        found = flat(_read(self.folder / "result.json"))
        return {f"result/{name}".replace(".", "/"): v for name, v in found.items() if isinstance(v, int | float)}

    @property
    def result_file(self) -> Path:
        """The whole result."""
        return self.folder / "result.json"

    @property
    def videos(self) -> list[Path]:
        """What was drawn."""
        return sorted((self.folder / "videos").glob("*.mp4"))


def _tags(config: dict[str, Any], metadata: dict[str, Any], group: str | None) -> dict[str, str]:
    """What runs are looked for by."""
    git = metadata.get("git") or {}
    found = {
        **{name: config.get(name) for name in ("algo", "env", "seed", "parent")},
        "commit": git.get("commit"),
        "files_changed": git.get("changed"),
        "device": name_of(metadata["machine"]),
        "config_hash": metadata["config_hash"],
        "group": group,
    }
    return {name: str(value) for name, value in found.items() if value is not None}


def _key(path: Path) -> str:
    record = _read(path)
    if "key" not in record:
        record["key"] = uuid.uuid4().hex
        write_json(path, record)
    return record["key"]


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_bytes()) if path.exists() else {}
