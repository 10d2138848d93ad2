"""One attempt at a trial: a training in a process of its own, watched until it ends."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from typing import Self

from flexrl.errors import ConfigError
from launch import states
from launch.states import EXIT_TIME_LIMIT, Ended, Progress
from launch.task_files import trial_key
from launch.trial_folder import TrialFolder, folder_of
from launch.trials import Trial

TRAINING = (sys.executable, "-m", "flexrl.train")
STOP_SECONDS = 60.0  # for a training that was asked to stop; it needs a few


class Attempt:
    """Owns the process, and the lock of the trial's folder while it runs."""

    def __init__(self, trial: Trial, *, retries: int, time_limit_minutes: float | None) -> None:
        """Start the process, unless the trial turns out to be done or to have failed.

        Args:
          trial: to run.
          retries: of a trial that crashed.
          time_limit_minutes: of all its attempts together.

        Raises:
          BlockingIOError: if another process runs the trial.
          ConfigError: if its task's file is not what was planned.
        """
        self.trial = trial
        self._retries = retries
        self._time_limit_minutes = time_limit_minutes
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping_since: float | None = None
        self._asked = False
        self.folder: TrialFolder = folder_of(trial)
        self.folder.path.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            lock = stack.enter_context(self.folder.attempt())
            self.progress: Progress = self.folder.settled()
            if self.progress.state in ("waiting", "stopped"):
                self._require_same_task()
                self.folder.prepare(trial)
                self.progress = states.begun(self.progress)
                self.folder.write(self.progress)
                self._spawn(lock.fileno())
                self._resources = stack.pop_all()
            else:
                self.folder.write(self.progress)

    def _require_same_task(self) -> None:
        if trial_key(self.trial.config.env, self.trial.config_hash) != self.trial.key:
            raise ConfigError(
                f"trial {self.trial.number}: env: {self.trial.config.env!r} was changed since the trials were planned; "
                "submit again"
            )

    def _spawn(self, lock: int) -> None:
        command = [*TRAINING, *self.folder.command()]
        with self.folder.log.open("ab") as log:
            log.write(f"--- attempt {self.progress.attempts}: {' '.join(command[1:])}\n".encode())
            log.flush()
            self._log_start = log.tell()
            self._started = time.monotonic()
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,  # Ctrl-C reaches the launcher, which asks each trial to stop
                pass_fds=[lock],  # held by the process, too, should the launcher be killed
            )
        self.folder.note_process(self._process.pid)

    def has_ended(self) -> bool:
        """Whether it is over; `progress` then tells how, and is recorded. Ask again and again: it keeps the limits."""
        if self._process is None:
            return True
        code, now = self._process.poll(), time.monotonic()
        seconds = now - self._started
        if code is None:
            self._keep_limits(now, seconds)
            return False
        line = self.folder.last_line(self._log_start)
        out_of_time = self._stopping_since is not None and not self._asked
        if out_of_time:
            code, line = EXIT_TIME_LIMIT, f"took longer than time_limit_minutes {self._time_limit_minutes}"
        has_result = self.folder.result() is not None
        event = Ended(code, has_result, self._asked, seconds, line)
        self.progress = states.ended(self.progress, event, self._retries)
        self.folder.write(self.progress)
        self._process = None
        self._resources.close()
        return True

    def _keep_limits(self, now: float, seconds: float) -> None:
        assert self._process is not None
        limit = self._time_limit_minutes
        if self._stopping_since is not None:
            if now - self._stopping_since > STOP_SECONDS:
                self._process.kill()
        elif limit is not None and self.progress.seconds + seconds > 60 * limit:
            self._terminate(now)

    def stop(self) -> None:
        """Ask the training to save and end."""
        if self._process is not None and self._stopping_since is None:
            self._asked = True
            self._terminate(time.monotonic())

    def _terminate(self, now: float) -> None:
        assert self._process is not None
        self._stopping_since = now
        self._process.send_signal(signal.SIGTERM)

    def __enter__(self) -> Self:
        """The attempt itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the process if it still runs, and wait for its end."""
        self.stop()
        while not self.has_ended():
            time.sleep(0.05)
