"""Read from a run's folder what trackers are sent: rows, config, tags, result and videos."""

import contextlib
import datetime
import fcntl
import json
import os
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flexrl.common.decoding import load_yaml
from flexrl.common.files import write_json
from flexrl.common.locks import LEASED
from flexrl.common.nested import flat
from flexrl.common.types import JsonObject
from flexrl.config.trackers import Tracking
from flexrl.storage.provenance import name_of
from flexrl.storage.rows import is_evaluation, scalars

UNTOLD = ("name", "workspace", "tracking")  # fields of a config that are not sent to trackers
RECORD = "tracking.json"  # in a run's folder: the key by which trackers find the run again, and their notes


@dataclass(frozen=True)
class TrackedRow:
    """The numbers of one iteration or one evaluation, as trackers show them.

    Attributes:
      number: twice the iteration, and one more for an evaluation; the same each time the row is sent.
      is_evaluation: whether the row tells of an evaluation, rather than of a training iteration.
      iteration: iteration after which the row was written.
      control_steps: control steps until then, of all worlds together; the horizontal axis of every curve.
      seconds: seconds of training and evaluation until then, without interruptions.
      values: numbers by their names in TensorBoard.
    """

    number: int
    is_evaluation: bool
    iteration: int
    control_steps: int
    seconds: float
    values: dict[str, float]


def tracked_rows(rows: Iterable[JsonObject], seconds: float = 0.0) -> Iterator[TrackedRow]:
    """Convert rows of a run's metrics, oldest first, for trackers.

    Args:
      rows: rows of `metrics.jsonl` and `evaluations.jsonl`, in order.
      seconds: s of training and evaluation before the first of them.
    """
    for row in rows:
        seconds += row["timing"]["seconds"]
        evaluation = is_evaluation(row)
        number = 2 * row["step"] + evaluation
        yield TrackedRow(number, evaluation, row["step"], row["control_steps"], seconds, scalars(row))


def in_order(metrics: list[JsonObject], evaluations: list[JsonObject]) -> list[JsonObject]:
    """Return all rows of a run, oldest first. The row of an evaluation follows that of its iteration."""
    return sorted([*metrics, *evaluations], key=lambda row: (row["step"], is_evaluation(row)))


class TrackedRun:
    """The parts of a run's folder that trackers need.

    Attributes:
      folder: folder of the run.
      key: random text by which trackers find the run again, whichever process sends it.
      project, group, name: names under which trackers show the run.
      config: resolved config as it was stored, without `name`, `workspace` and `tracking`.
      started: time at which the run began, in seconds since 1970.
      tags: tags by which users search for runs.
    """

    def __init__(self, folder: Path, tracking: Tracking) -> None:
        """Read the run's config and metadata, and read or create its key."""
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
        """Folder that holds the run; if the run is in a folder of its group, the folder that holds the group."""
        parent = self.folder.resolve().parent
        return parent.parent if parent.name == self.group else parent

    @property
    def group_key(self) -> str:
        """Random text by which trackers find the run's group, under which several runs are shown, again."""
        return _key(self.folder.parent / f"tracking-{self.group}.json")

    @contextlib.contextmanager
    def alone_in_group(self) -> Iterator[None]:
        """Hold a lock within the `with` block, in which to create what several runs share, such as MLflow's database.

        Nothing is locked if the environment variable FLEXRL_LEASED is set.
        """
        with (self.workspace / "tracking.lock").open("a") as lock:
            if LEASED not in os.environ:  # a lock may outlive a machine that vanished
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def noted(self, name: str) -> Any:
        """Return the value that `note` stored in the run's folder under a name; None if there is none."""
        return _read(self.folder / RECORD).get(name)

    def note(self, name: str, value: object) -> None:
        """Store a value under a name in the run's folder, for the next process that sends this run to a tracker."""
        write_json(self.folder / RECORD, _read(self.folder / RECORD) | {name: value})

    @property
    def config_file(self) -> Path:
        """Path of the run's resolved config, `config.yaml`."""
        return self.folder / "config.yaml"

    @property
    def result(self) -> JsonObject:
        """Numbers of the result by name, such as `result/return_mean`; empty before the run's end."""
        found = flat(_read(self.folder / "result.json"))
        return {f"result/{name}".replace(".", "/"): v for name, v in found.items() if isinstance(v, int | float)}

    @property
    def result_file(self) -> Path:
        """Path of the run's `result.json`."""
        return self.folder / "result.json"

    @property
    def videos(self) -> list[Path]:
        """Paths of the run's videos."""
        return sorted((self.folder / "videos").glob("*.mp4"))


def _tags(config: JsonObject, metadata: JsonObject, group: str | None) -> dict[str, str]:
    """Return the tags by which users search for runs: algorithm, environment, seed, commit, device and more."""
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
    """Return the random key of a run or a group, which a JSON file holds; create it if there is none."""
    record = _read(path)
    if "key" not in record:
        record["key"] = uuid.uuid4().hex
        write_json(path, record)
    return record["key"]


def _read(path: Path) -> JsonObject:
    return json.loads(path.read_bytes()) if path.exists() else {}
