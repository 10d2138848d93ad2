"""A trial's files, beside those of its run: `trial.json`, `values.json`, `progress.json`, `log.txt` and a lock."""

import contextlib
import dataclasses
import fcntl
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flexrl.common.decoding import decode_as
from flexrl.common.errors import ConfigError
from flexrl.common.files import write_json
from flexrl.common.locks import LEASED, is_held
from flexrl.storage.divergence import divergence, forget_divergence
from flexrl.storage.rows import last_row, read_rows
from launch.attempt.lease import Lease
from launch.plan import states
from launch.plan.states import Progress
from launch.plan.trials import Trial

ALIASES, ALIAS_LENGTH = "by-values", 150  # folder of links to trials, and characters of values in their names
LINE_BYTES = 4096  # of the log's end, in which its last line is looked for


@dataclass(frozen=True)
class Hold:
    """The right to run attempts in a folder.

    Attributes:
      lock: file number of an open file, whose lock a process that inherits it holds, too.
      lease: in place of the lock, on a volume of several machines.
    """

    lock: int
    lease: Lease | None


@dataclass(frozen=True)
class TrialFolder:
    """What lies in `<workspace>/<sweep>/<key>/`.

    Attributes:
      path: of the folder.
      config_hash: of the trial's config, which its result must name.
    """

    path: Path
    config_hash: str

    @property
    def log(self) -> Path:
        """What all attempts printed."""
        return self.path / "log.txt"

    def prepare(self, trial: Trial) -> None:
        """Make the folder and write down what the trial is; one that has diverged is trained again."""
        self.path.mkdir(parents=True, exist_ok=True)
        forget_divergence(self.path)
        write_json(self.path / "trial.json", trial.content())
        write_json(self.path / "values.json", trial.values)
        link = self.path.parent / ALIASES / alias_of(trial)
        link.parent.mkdir(exist_ok=True)
        with contextlib.suppress(FileExistsError):  # of an attempt before
            link.symlink_to(Path("..") / self.path.name)

    def command(self) -> list[str]:
        """Arguments of `flexrl.train` that begin the run, or go on with it."""
        if (self.path / "config.yaml").exists():
            return ["--resume", str(self.path)]
        return ["--config", str(self.path / "trial.json")]

    def result(self) -> dict[str, Any] | None:
        """The run's result, if it is whole and of this trial."""
        try:
            content = json.loads((self.path / "result.json").read_bytes())
        except (FileNotFoundError, ValueError):  # damaged: the run goes on from its checkpoint and writes it anew
            return None
        valid = isinstance(content, dict) and content.get("config_hash") == self.config_hash
        return content if valid and isinstance(content.get("return_mean"), int | float) else None

    def divergence(self) -> str | None:
        """Why the run has diverged since it was prepared, in a line; None if it has not."""
        return divergence(self.path)

    def write(self, progress: Progress) -> None:
        """Record how far the trial came."""
        write_json(self.path / "progress.json", dataclasses.asdict(progress))

    def recorded(self) -> Progress:
        """What was recorded last.

        Raises:
          ConfigError: if the record is damaged.
        """
        path = self.path / "progress.json"
        try:
            content = json.loads(path.read_bytes())
        except FileNotFoundError:
            return Progress()
        except ValueError as error:
            raise ConfigError(f"{path}: is damaged ({error}); delete it, and the trial's attempts count anew") from None
        return decode_as(Progress, content, str(path))

    def progress(self) -> Progress:
        """How far the trial is now."""
        recorded = self.recorded()
        return recorded if recorded.state == "running" and self.is_running() else self.settled()

    def settled(self) -> Progress:
        """How far the trial is while no attempt runs, also where whoever ran the last one could not record its end."""
        progress = self.recorded()
        if self.result() is not None:
            return states.found_result(progress)
        if progress.state == "done":
            return states.lost(progress, "its result.json is gone or damaged")
        if progress.state == "running" and (reason := self.divergence()):
            return states.found_divergence(progress, reason)
        if progress.state == "running":
            return states.lost(progress, "whoever ran it was killed", self._last_heartbeat(progress.attempts))
        return progress

    def heartbeat(self, attempt: int, seconds: float) -> None:
        """Note how long an attempt has run, for whoever finds that it was killed."""
        write_json(self.path / "heartbeat.json", {"attempt": attempt, "seconds": round(seconds, 1)})

    def _last_heartbeat(self, attempt: int) -> float:
        """Seconds that an attempt is known to have run."""
        try:
            content = json.loads((self.path / "heartbeat.json").read_bytes())
            return float(content["seconds"]) if content["attempt"] == attempt else 0.0
        except (FileNotFoundError, ValueError, KeyError, TypeError):  # it was killed before the first one
            return 0.0

    @contextlib.contextmanager
    def attempt(self) -> Iterator[Hold]:
        """Hold what says that an attempt runs: a lock, or on a volume of several machines a lease.

        Raises:
          BlockingIOError: if an attempt runs, or somebody asks this very moment whether one does: try again.
        """
        with contextlib.ExitStack() as stack:
            lease = stack.enter_context(Lease(self._lease)) if LEASED in os.environ else None
            lock = stack.enter_context((self.path / "attempt.lock").open("ab"))
            if lease is None:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield Hold(lock.fileno(), lease)

    @property
    def _lease(self) -> Path:
        return self.path / "attempt.lease"

    def is_running(self) -> bool:
        """Whether an attempt runs; a lease counts until another attempt has taken it over."""
        return is_held(self.path / "attempt.lock") or self._lease.exists()

    def note_process(self, number: int) -> None:
        """Note whose attempt holds the lock."""
        (self.path / "attempt.lock").write_text(str(number), encoding="utf-8")

    def process(self) -> int:
        """Whose attempt holds the lock."""
        return int((self.path / "attempt.lock").read_text(encoding="utf-8"))

    def steps_and_return(self) -> tuple[int, float | None]:
        """Control steps done, and the newest evaluation's mean return."""
        steps, evaluation = (self._last_row(name) for name in ("metrics.jsonl", "evaluations.jsonl"))
        return (steps or {}).get("control_steps", 0), (evaluation or {}).get("evaluation/return_mean")

    def return_after(self, evaluations: int) -> float | None:
        """The mean return that the last of so many evaluations found; none while there are fewer."""
        path = self.path / "evaluations.jsonl"
        rows = read_rows(path) if path.exists() else []
        return rows[evaluations - 1]["evaluation/return_mean"] if len(rows) >= evaluations else None

    def _last_row(self, name: str) -> dict[str, Any] | None:
        path = self.path / name
        return last_row(path) if path.exists() else None

    def last_line(self, start: int) -> str:
        """The last line that is not empty, of the log from byte `start` on."""
        with self.log.open("rb") as file:
            file.seek(max(start, self.log.stat().st_size - LINE_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


def alias_of(trial: Trial) -> str:
    """A trial's number and values, as a file's name: `3-learning_rate=0.001,seed=1`."""
    values = {
        name.rpartition(".")[2]: re.sub(r"[^A-Za-z0-9.+-]+", "_", str(value)) for name, value in trial.values.items()
    }
    text = ",".join(f"{name}={value.strip('_')}" for name, value in values.items())[:ALIAS_LENGTH]
    return f"{trial.number}-{text}" if text else str(trial.number)


def folder_of(trial: Trial) -> TrialFolder:
    """A trial's folder."""
    return TrialFolder(trial.folder, trial.config_hash)


def progress_of_all(sweep: Path, trials: list[Trial]) -> dict[str, Progress]:
    """How far each trial of a sweep's folder is, by key; those without a folder are not looked for one by one."""
    known = {path.name for path in sweep.iterdir()} if sweep.exists() else set()
    return {trial.key: folder_of(trial).progress() if trial.key in known else Progress() for trial in trials}
