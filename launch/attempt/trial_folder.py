"""The files that `launch` keeps in a trial's folder beside those of its run.

They are `trial.json`, `values.json`, `progress.json`, `heartbeat.json`, `log.txt` and a lock or lease.
"""

import contextlib
import dataclasses
import fcntl
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flexrl.common.decoding import decode_as
from flexrl.common.errors import ConfigError
from flexrl.common.files import write_json
from flexrl.common.locks import LEASED, is_held
from flexrl.common.types import JsonObject
from flexrl.storage.divergence import divergence, forget_divergence
from flexrl.storage.rows import last_row, read_rows
from launch.attempt.lease import Lease
from launch.plan import states
from launch.plan.states import Progress
from launch.plan.trials import Trial

ALIASES, ALIAS_LENGTH = "by-values", 150  # folder of links to trials; most characters of values in a link's name
LINE_BYTES = 4096  # read from the end of a log to find its last line


@dataclass(frozen=True)
class Hold:
    """The right to run attempts in a folder.

    Attributes:
      lock: file descriptor of the locked file; a process that inherits it holds the lock too.
      lease: used instead of the lock on a volume that several machines share; None elsewhere.
    """

    lock: int
    lease: Lease | None


@dataclass(frozen=True)
class TrialFolder:
    """A trial's folder, `<workspace>/<sweep>/<key>/`.

    Attributes:
      path: path of the folder.
      config_hash: hash of the trial's config; a result counts only if it names the same hash.
    """

    path: Path
    config_hash: str

    @property
    def log(self) -> Path:
        """Path of the log, which holds the output of all attempts."""
        return self.path / "log.txt"

    def prepare(self, trial: Trial) -> None:
        """Create the folder before an attempt at the trial, and write the trial's config and values to it.

        Also remove the note that an earlier attempt diverged, and make a link with a readable name to the folder.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        forget_divergence(self.path)
        write_json(self.path / "trial.json", trial.content())
        write_json(self.path / "values.json", trial.values)
        link = self.path.parent / ALIASES / alias_of(trial)
        link.parent.mkdir(exist_ok=True)
        with contextlib.suppress(FileExistsError):  # an earlier attempt made it
            link.symlink_to(Path("..") / self.path.name)

    def command(self) -> list[str]:
        """Return the arguments of `flexrl.train` that start the run, or resume it if it was started."""
        if (self.path / "config.yaml").exists():
            return ["--resume", str(self.path)]
        return ["--config", str(self.path / "trial.json")]

    def result(self) -> JsonObject | None:
        """Return the run's result; None if there is none, it is damaged, or it is of another config."""
        try:
            content = json.loads((self.path / "result.json").read_bytes())
        except (FileNotFoundError, ValueError):  # damaged: the run resumes from its checkpoint and writes it again
            return None
        valid = isinstance(content, dict) and content.get("config_hash") == self.config_hash
        return content if valid and isinstance(content.get("return_mean"), int | float) else None

    def divergence(self) -> str | None:
        """Return the reason, in a line, why the run diverged; None if it did not diverge in the newest attempt."""
        return divergence(self.path)

    def write(self, progress: Progress) -> None:
        """Write the trial's progress to `progress.json`."""
        write_json(self.path / "progress.json", dataclasses.asdict(progress))

    def recorded(self) -> Progress:
        """Return the progress that was written last.

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
        """Return the trial's progress now, whether or not an attempt runs."""
        recorded = self.recorded()
        return recorded if recorded.state == "running" and self.is_running() else self._settled(recorded)

    def settled(self) -> Progress:
        """Return the trial's progress while no attempt runs.

        If the launcher was killed before it could record the end of the last attempt, conclude it from the files.
        """
        return self._settled(self.recorded())

    def _settled(self, progress: Progress) -> Progress:
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
        """Write how many seconds an attempt has run, so that they count even if the launcher is killed."""
        write_json(self.path / "heartbeat.json", {"attempt": attempt, "seconds": round(seconds, 1)})

    def _last_heartbeat(self, attempt: int) -> float:
        """Return the seconds that an attempt is known to have run, from its last heartbeat."""
        try:
            content = json.loads((self.path / "heartbeat.json").read_bytes())
            return float(content["seconds"]) if content["attempt"] == attempt else 0.0
        except (FileNotFoundError, ValueError, KeyError, TypeError):  # it was killed before the first one
            return 0.0

    @contextlib.contextmanager
    def attempt(self) -> Iterator[Hold]:
        """Hold the right to run an attempt in this folder until the `with` block ends.

        The right is a file lock. Where several machines share the volume it is a lease instead; a pod is told so by the
        environment variable that `flexrl.common.locks.LEASED` names.

        Raises:
          BlockingIOError: if an attempt runs; or if another process just tests the lock, so that a second call may
            succeed.
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
        """Return whether an attempt at the trial runs: a process holds the file lock, or the lease's file exists.

        A machine that vanishes leaves its lease's file behind. The trial then counts as running until another attempt
        takes the lease over and ends.
        """
        return is_held(self.path / "attempt.lock") or self._lease.exists()

    def note_process(self, number: int) -> None:
        """Write `number`, the id of the training process of the attempt that runs, into the lock's file."""
        (self.path / "attempt.lock").write_text(str(number), encoding="utf-8")

    def process(self) -> int:
        """Return the id of the training process of the attempt that runs.

        Call it only while an attempt runs on this machine: else the id is of an earlier one, or there is none to read.
        """
        return int((self.path / "attempt.lock").read_text(encoding="utf-8"))

    def steps_and_return(self) -> tuple[int, float | None]:
        """Return the control steps done, and the mean return of the newest evaluation (None before the first)."""
        steps, evaluation = (self._last_row(name) for name in ("metrics.jsonl", "evaluations.jsonl"))
        return (steps or {}).get("control_steps", 0), (evaluation or {}).get("evaluation/return_mean")

    def return_after(self, evaluations: int) -> float | None:
        """Return the mean return of evaluation number `evaluations`, counted from 1; None if there are fewer so far."""
        path = self.path / "evaluations.jsonl"
        rows = read_rows(path) if path.exists() else []
        return rows[evaluations - 1]["evaluation/return_mean"] if len(rows) >= evaluations else None

    def _last_row(self, name: str) -> JsonObject | None:
        path = self.path / name
        return last_row(path) if path.exists() else None

    def last_line(self, start: int) -> str:
        """Return the last non-empty line of the trial's log from byte `start` on; empty if there is none."""
        with self.log.open("rb") as file:
            file.seek(max(start, self.log.stat().st_size - LINE_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


def alias_of(trial: Trial) -> str:
    """Return the name of the link to a trial's folder: its number and values, as `3-learning_rate=0.001,seed=1`."""
    values = {
        name.rpartition(".")[2]: re.sub(r"[^A-Za-z0-9.+-]+", "_", str(value)) for name, value in trial.values.items()
    }
    text = ",".join(f"{name}={value.strip('_')}" for name, value in values.items())[:ALIAS_LENGTH]
    return f"{trial.number}-{text}" if text else str(trial.number)


def folder_of(trial: Trial) -> TrialFolder:
    """Return the `TrialFolder` that reads and writes a trial's files. Creates no folder."""
    return TrialFolder(trial.folder, trial.config_hash)


def progress_of_all(sweep: Path, trials: list[Trial]) -> dict[str, Progress]:
    """Return the progress of each trial by key.

    The sweep's folder is listed once; only trials that have a folder in it are read.

    Args:
      sweep: the sweep's folder.
      trials: the sweep's trials.
    """
    known = {path.name for path in sweep.iterdir()} if sweep.exists() else set()
    return {trial.key: folder_of(trial).progress() if trial.key in known else Progress() for trial in trials}
