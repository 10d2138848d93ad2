"""Runs trials as processes on this machine, at most `parallel` at a time."""

import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from envs.places import writing_to
from flexrl.common.errors import ConfigError
from flexrl.common.locks import hold, is_held
from launch.attempt.training_process import STOP_SECONDS, Attempt
from launch.attempt.trial_folder import folder_of
from launch.plan import states
from launch.plan.axes import describe
from launch.plan.packs import Pack, packed
from launch.plan.states import Progress
from launch.plan.sweep_file import Sweep
from launch.plan.trials import Trial

POLL_SECONDS = 0.1
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class StorageFull(Exception):
    """A trial found the disk full."""


class Runner:
    """Runs trials as processes of this machine until all are done, failed or paused, or the user asks to stop.

    Trials pause only in a sweep with halving, which then compares them and goes on with the best.
    """

    def __init__(
        self, sweep: Sweep, trials: list[Trial], parallel: int, pack: int = 1, rung: int | None = None
    ) -> None:
        """Group the trials into packs. Starts no process.

        Args:
          sweep: the sweep.
          trials: trials to run, neither done nor failed nor paused at the rung.
          parallel: most programs at a time.
          pack: most trials in one program.
          rung: number of evaluations after which trials pause; None to run them to their end.
        """
        self._sweep = sweep
        self._rung = rung
        self._queue = deque(packed(trials, pack))
        self._parallel = parallel
        self._running: list[Attempt] = []
        self._waits_for: set[str] = set()  # keys of trials that another process runs, to report each once
        self._stopping = False

    def run(self) -> bool:
        """Run the trials; return True if all are done, failed or paused, False if the user asked to stop.

        Raises:
          StorageFull: if a trial found the disk full; the other trials are stopped first.
          ConfigError: if a task's file was changed since the trials were planned; the others are stopped first.
        """
        with self._signals(), contextlib.ExitStack() as attempts:
            try:
                while self._running or (self._queue and not self._stopping):
                    self._step(attempts)
                    time.sleep(POLL_SECONDS)
            finally:
                self._stop_all()
        return not self._stopping

    def _step(self, attempts: contextlib.ExitStack) -> None:
        for attempt in [attempt for attempt in self._running if attempt.has_ended()]:
            self._running.remove(attempt)
            self._settle(attempt)
        if self._stopping:
            self._stop_all()
        else:
            self._start_more(attempts)

    def _stop_all(self) -> None:
        for attempt in self._running:
            attempt.stop()

    def _start_more(self, attempts: contextlib.ExitStack) -> None:
        for _ in range(len(self._queue)):
            if len(self._running) >= self._parallel:
                return
            pack = self._queue.popleft()
            try:
                attempt = attempts.enter_context(self._attempt(pack))
            except BlockingIOError:  # the trial's launcher was killed, and the trial still runs
                self._wait_for(pack)
                continue
            for trial in pack:
                progress = attempt.progress[trial.key]
                begun = f"attempt {progress.attempts} ({describe(trial.values)})"
                _say(trial, begun if progress.state == "running" else progress.state)
            if not attempt.has_ended():
                self._running.append(attempt)

    def _attempt(self, pack: Pack) -> Attempt:
        sweep = self._sweep
        return Attempt(pack, retries=sweep.retries, time_limit_minutes=sweep.time_limit_minutes, rung=self._rung)

    def _wait_for(self, pack: Pack) -> None:
        self._queue.append(pack)
        for trial in pack:
            if trial.key not in self._waits_for and folder_of(trial).is_running():
                self._waits_for.add(trial.key)
                _say(trial, "is run by another process; waits for it")

    def _settle(self, attempt: Attempt) -> None:
        ends = [(trial, attempt.progress[trial.key]) for trial in attempt.trials]
        for trial, progress in ends:
            _say(trial, _outcome(trial, progress))
        if full := [progress.reason for _, progress in ends if states.stops_sweep(progress)]:
            raise StorageFull(full[0])
        if left := [trial for trial, progress in ends if progress.state in ("waiting", "stopped")]:
            self._queue.append(left)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._stop) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, *_: object) -> None:
        self._stopping = True


@contextlib.contextmanager
def submitting(folder: Path) -> Iterator[None]:
    """Hold the lock of a sweep's folder, so that two `submit` commands do not run the same trials.

    Raises:
      ConfigError: if another process holds it.
    """
    with writing_to(folder, "workspace"):
        folder.mkdir(parents=True, exist_ok=True)
    with (folder / "submit.lock").open("a+") as lock:
        try:
            hold(lock)
        except BlockingIOError:
            raise ConfigError(f"{folder}: process {submitter(folder)} submits this sweep; wait, or cancel it") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def submitter(folder: Path) -> int | None:
    """Return the id of the process that runs `submit` for a sweep's folder; None if none does."""
    path = folder / "submit.lock"
    return int(path.read_text(encoding="utf-8") or 0) or None if is_held(path) else None


def cancel(folder: Path, trials: list[Trial]) -> list[Trial]:
    """Ask a sweep's trials to save and stop, wait for that, and return the trials that ran.

    Raises:
      TimeoutError: if they do not end in time.
    """
    running = [trial for trial in trials if folder_of(trial).is_running()]
    process = submitter(folder)
    for number in {process} if process is not None else {folder_of(trial).process() for trial in running}:
        with contextlib.suppress(ProcessLookupError):  # the process has just ended
            os.kill(number, signal.SIGTERM)
    deadline = time.monotonic() + 2 * STOP_SECONDS
    while submitter(folder) is not None or any(folder_of(trial).is_running() for trial in running):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{folder}: trials run on, {2 * STOP_SECONDS:.0f} s after they were asked to stop")
        time.sleep(POLL_SECONDS)
    return running


def _outcome(trial: Trial, progress: Progress) -> str:
    if progress.state != "done":
        return f"{progress.state}: {progress.reason}"
    result = folder_of(trial).result()
    assert result is not None
    return f"done: return {result['return_mean']:,.1f}"


def _say(trial: Trial, text: str) -> None:
    print(f"trial {trial.number} {trial.key}: {text}", flush=True)
