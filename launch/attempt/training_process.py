"""One attempt at one or several trials (runs of a sweep): a training process that is watched until it ends."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Self

from flexrl.common.errors import EXIT_DIVERGED, EXIT_PAUSED, EXIT_PREEMPTED, ConfigError
from launch.attempt.trial_folder import TrialFolder, folder_of
from launch.plan import states
from launch.plan.halving import has_arrived
from launch.plan.states import EXIT_TIME_LIMIT, Ended, Progress
from launch.plan.task_files import trial_key
from launch.plan.trials import Trial

TRAINING = (sys.executable, "-m", "flexrl.train")
STOP_SECONDS = 60.0  # from SIGTERM to SIGKILL of a training; saving takes a few seconds
BEAT_SECONDS = 10.0  # between heartbeats in the trials' folders


class Attempt:
    """One attempt: a process that trains one or more trials, and the locks of their folders, held while it runs."""

    def __init__(
        self,
        trials: Sequence[Trial],
        *,
        retries: int,
        time_limit_minutes: float | None,
        rung: int | None = None,
        cleared: Mapping[str, int] | None = None,
        stop_seconds: float | None = None,
    ) -> None:
        """Start the process, unless all trials turn out to be done, failed or paused at the rung.

        Args:
          trials: trials to run in one program; those that are done, failed or paused at the rung are left out.
          retries: how often a trial that crashed is tried again.
          time_limit_minutes: limit on all attempts at one trial together; each trial of a pack counts an equal part of
            the process's time.
          rung: number of evaluations after which the trials pause; None to run them to their end.
          cleared: by key, how many attempts a trial had made when the user cleared its failure with `retry`.
          stop_seconds: how long a training that was asked to stop may take before it is killed; by default
            `STOP_SECONDS`.

        Raises:
          BlockingIOError: if another process runs one of the trials.
          ConfigError: if a task's file was changed since the trials were planned.
        """
        self._retries = retries
        self._stop_seconds = STOP_SECONDS if stop_seconds is None else stop_seconds
        self._beat = 0.0
        self._rung = rung
        self._time_limit_minutes = time_limit_minutes
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping_since: float | None = None
        self._asked = False
        self.log_start = 0  # byte at which this attempt begins in the log of the first trial that runs
        for trial in trials:
            trial.folder.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            self._holds = [stack.enter_context(folder_of(trial).attempt()) for trial in trials]
            self.progress: dict[str, Progress] = {
                trial.key: _settled(trial, (cleared or {}).get(trial.key, 0)) for trial in trials
            }
            self.trials = [trial for trial in trials if not has_arrived(self.progress[trial.key], rung)]
            for trial in self.trials:
                _require_same_task(trial)
            for trial in self.trials:
                folder = folder_of(trial)
                folder.prepare(trial)
                self.progress[trial.key] = states.begun(self.progress[trial.key], folder.steps_and_return()[0])
            self.trials = [trial for trial in self.trials if self.progress[trial.key].state == "running"]
            for trial in trials:
                folder_of(trial).write(self.progress[trial.key])
            if self.trials:
                self._spawn([hold.lock for hold in self._holds])
                self._resources = stack.pop_all()

    def _spawn(self, locks: list[int]) -> None:
        """Start the process, which inherits the file descriptors `locks`.

        It prints to the first trial's log. When it has ended, its output is copied to the logs of the other trials.
        """
        folders = [folder_of(trial) for trial in self.trials]
        command = [*TRAINING, *(folders[0].command() if len(folders) == 1 else pack_command(folders))]
        command += ["--pause-after", str(self._rung)] if self._rung else []
        for trial, folder in zip(self.trials, folders, strict=True):
            with folder.log.open("ab") as log:
                log.write(f"--- attempt {self.progress[trial.key].attempts}: {' '.join(command[1:])}\n".encode())
        self._log = folders[0].log
        with self._log.open("ab") as log:
            self.log_start = log.tell()
            self._started = time.monotonic()
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,  # Ctrl-C reaches the launcher, which asks each trial to stop
                pass_fds=locks,  # inherited, so that the locks stay held if the launcher is killed
            )
        for folder in folders:
            folder.note_process(self._process.pid)

    def has_ended(self) -> bool:
        """Return whether the process has ended; if so, write to `progress` and to the trials' folders how it ended.

        Call it every fraction of a second: it also writes heartbeats and enforces the time limits.
        """
        if self._process is None:
            return True
        code, now = self._process.poll(), time.monotonic()
        seconds = (now - self._started) / len(self.trials)
        if code is None:
            self._keep_limits(now, seconds)
            return False
        line = folder_of(self.trials[0]).last_line(self.log_start)
        printed = self._log.read_bytes()[self.log_start :]
        for trial in self.trials:
            folder = folder_of(trial)
            if folder.log != self._log:
                with folder.log.open("ab") as log:
                    log.write(printed)
            event = self._event(trial, code, line, seconds)
            self.progress[trial.key] = states.ended(self.progress[trial.key], event, self._retries)
            folder.write(self.progress[trial.key])
        self._process = None
        self._resources.close()
        return True

    def _event(self, trial: Trial, code: int, line: str, seconds: float) -> Ended:
        """Return what the process's end means for one of the trials that it trained.

        If the process ended because another of its trials failed, paused or took too long, this one counts as stopped.

        Args:
          trial: the trial.
          code: exit code of the process.
          line: the last line that the process printed.
          seconds: the trial's part of the duration of the process.
        """
        if reason := folder_of(trial).divergence():
            return Ended(EXIT_DIVERGED, False, self._asked, seconds, f"diverged: {reason}")
        out_of_time = self._stopping_since is not None and not self._asked
        if out_of_time and self._is_over_time(trial, seconds):
            code, line = EXIT_TIME_LIMIT, f"took longer than time_limit_minutes {self._time_limit_minutes}"
        elif out_of_time:
            code, line = EXIT_PREEMPTED, f"{states.ANOTHERS} took longer than time_limit_minutes"
        value = folder_of(trial).return_after(self._rung) if self._rung and code == EXIT_PAUSED else None
        if code == EXIT_PAUSED and value is None:
            code, line = EXIT_PREEMPTED, f"{states.ANOTHERS} paused"
        named = [each for each in self.trials if str(each.folder) in line]
        if code in states.NO_RETRY and named and trial not in named:
            code, line = EXIT_PREEMPTED, f"{states.ANOTHERS} ended ({line})"
        rung = None if self._rung is None or value is None else (self._rung, value)
        return Ended(code, folder_of(trial).result() is not None, self._asked, seconds, line, rung)

    def _is_over_time(self, trial: Trial, seconds: float) -> bool:
        limit = self._time_limit_minutes
        return limit is not None and self.progress[trial.key].seconds + seconds > 60 * limit

    def _keep_limits(self, now: float, seconds: float) -> None:
        assert self._process is not None
        if now - self._beat > BEAT_SECONDS:
            self._beat = now
            for trial in self.trials:
                folder_of(trial).heartbeat(self.progress[trial.key].attempts, seconds)
        if self._stopping_since is not None:
            if now - self._stopping_since > self._stop_seconds:
                self._process.kill()
        elif any(self._is_over_time(trial, seconds) for trial in self.trials):
            self._terminate(now)

    @property
    def has_lost_its_lease(self) -> bool:
        """Whether a lease on a folder was lost, so that another machine may run its trial by now."""
        return any(hold.lease is not None and hold.lease.is_lost for hold in self._holds)

    def abandon(self) -> None:
        """Kill the training and write nothing: another attempt may use its folders by now."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self._resources.close()

    def stop(self) -> None:
        """Ask the training to save and end. Does not wait."""
        if self._process is not None and self._stopping_since is None:
            self._asked = True
            self._terminate(time.monotonic())

    def _terminate(self, now: float) -> None:
        assert self._process is not None
        self._stopping_since = now
        self._process.send_signal(signal.SIGTERM)

    def __enter__(self) -> Self:
        """Return the attempt itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the process if it still runs, and wait until it has ended."""
        self.stop()
        while not self.has_ended():
            time.sleep(0.05)


def _settled(trial: Trial, cleared_attempts: int) -> Progress:
    """Return the progress of a trial that no attempt trains now, as its folder tells it.

    If the trial failed and the user has since cleared that failure with `retry`, it is waiting again, with no failures.

    Args:
      trial: the trial.
      cleared_attempts: number of attempts that the trial had made when its failure was cleared. A failure in a later
        attempt stays.
    """
    progress = folder_of(trial).settled()
    is_cleared = progress.state == "failed" and progress.attempts <= cleared_attempts
    return states.cleared(progress) if is_cleared else progress


def pack_command(folders: Sequence[TrialFolder]) -> list[str]:
    """Return the arguments of `flexrl.train` that start or resume several runs in one program (a pack).

    Args:
      folders: the folders of the trials whose runs the program trains.
    """
    return ["--members", *(str(folder.path / "trial.json") for folder in folders)]


def _require_same_task(trial: Trial) -> None:
    if trial_key(trial.config.env, trial.config_hash) != trial.key:
        raise ConfigError(
            f"trial {trial.number}: env: {trial.config.env!r} was changed since the trials were planned; submit again"
        )
