"""One attempt at a stage of a pipeline: a process that is watched until it ends.

Its exit code decides whether the stage failed or is tried again, as for a trial of a sweep (`launch.plan.states`).
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from envs.places import writing_to
from flexrl.common.errors import ConfigError, Preempted
from launch.attempt.training_process import BEAT_SECONDS
from launch.attempt.trial_folder import Hold
from launch.pipelines.stage_folder import DONE, StageFolder, stage_folder
from launch.pipelines.stages import Stage
from launch.plan import states
from launch.plan.states import Ended, Progress

POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Watch:
    """How the process of a stage is stopped and shown while it runs.

    Attributes:
      asked: list to which a signal handler appends; once it is not empty, the process is asked to save and stop.
      stop_seconds: seconds from SIGTERM to SIGKILL of the process.
      shows_log: whether its log is also printed.
    """

    asked: Sequence[int]
    stop_seconds: float
    shows_log: bool = False


def attempt(stage: Stage, watch: Watch, retries: int) -> Progress:
    """Make one attempt at a stage, and return the stage's progress. A stage that is done is left as it is.

    An earlier failure is cleared first: the caller decides whether to try again.

    Args:
      stage: the stage.
      watch: how its process is watched.
      retries: how often a stage that crashed is tried again.

    Raises:
      BlockingIOError: if another process runs the stage.
      ConfigError: if a stage that this one needs is not done, or the workspace cannot be written.
      Preempted: if another machine may have taken the stage over.
    """
    folder = stage_folder(stage)
    with writing_to(folder.path, "workspace"):
        folder.path.mkdir(parents=True, exist_ok=True)
    with folder.attempt() as hold:
        progress = folder.settled()
        if progress.state != "done":
            _require_inputs(stage)
            progress = states.cleared(progress) if progress.state == "failed" else progress
            progress = states.begun(progress, folder.steps_and_return()[0] if stage.train is not None else None)
        if progress.state == "running":
            progress = _run(folder, progress, hold, watch, retries)
        folder.write(progress)
        return progress


def _require_inputs(stage: Stage) -> None:
    for name, relative in stage.inputs.items():
        done = stage.place / Path(relative).parts[0] / DONE
        if not done.exists():
            raise ConfigError(f"stage {stage.name}: its input {name} is not done ({done} is missing); run {name} first")


def _run(folder: StageFolder, progress: Progress, hold: Hold, watch: Watch, retries: int) -> Progress:
    """Start the stage's process, wait until it ends, and return the stage's progress afterwards.

    This is one attempt; the caller decides about another one. A process that fails raises nothing. The returned state
    is `done`; `stopped` if the process was interrupted or found the disk full; `waiting` if it crashed or
    wrote no output, and may be tried again; or `failed` if it is not to be tried again.

    Args:
      folder: the stage's folder, to which the log and the records of the attempt are written.
      progress: the stage's progress with state `running`, in which this attempt is already counted.
      hold: the right to run the stage: a file lock, which the process inherits, or a lease on a shared volume.
      watch: how the process is asked to stop, and whether its log is printed.
      retries: number of crashes after which the stage may still be tried again; one more makes it `failed`.

    Raises:
      Preempted: if the lease was lost, so that another machine may run the stage; the process is killed first.
    """
    folder.begin()
    folder.write(progress)
    command = [sys.executable, "-m", *folder.arguments()]
    with folder.log.open("ab") as log:
        log.write(f"--- attempt {progress.attempts}: {' '.join(command[1:])}\n".encode())
        log.flush()
        start, begun = log.tell(), time.monotonic()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,  # Ctrl-C reaches the launcher, which asks the stage to stop
            pass_fds=[hold.lock],  # inherited, so that the lock stays held if the launcher is killed
        )
    folder.note_process(process.pid)
    code = _watched(process, folder, progress, hold, watch, start)
    seconds = time.monotonic() - begun
    if code == 0:
        folder.finish(progress.seconds + seconds)
    event = Ended(code, folder.result() is not None, bool(watch.asked), seconds, folder.last_line(start))
    return states.ended(progress, event, retries)


def _watched(
    process: "subprocess.Popen[bytes]", folder: StageFolder, progress: Progress, hold: Hold, watch: Watch, shown: int
) -> int:
    """Wait for the process's end, and return its exit code.

    Args:
      process: the process.
      folder: the stage's folder.
      progress: the stage's progress during the attempt.
      hold: the right to run the stage.
      watch: how the process is watched.
      shown: byte of the log at which the attempt begins.

    Raises:
      Preempted: if the lease on the folder was lost; the process is killed first.
    """
    started, beat, stopping_since = time.monotonic(), 0.0, None
    while (code := process.poll()) is None:
        now = time.monotonic()
        if hold.lease is not None and hold.lease.is_lost:
            process.kill()
            process.wait()
            raise Preempted(f"the volume did not answer, or another pod has taken over stage {folder.stage.name}")
        if now - beat > BEAT_SECONDS:
            beat = now
            folder.heartbeat(progress.attempts, now - started)
        if watch.asked and stopping_since is None:
            stopping_since = now
            process.send_signal(signal.SIGTERM)
        elif stopping_since is not None and now - stopping_since > watch.stop_seconds:
            process.kill()
        shown = _show(folder.log, shown) if watch.shows_log else shown
        time.sleep(POLL_SECONDS)
    if watch.shows_log:
        _show(folder.log, shown)
    return code


def _show(log: Path, start: int) -> int:
    """Print a log from byte `start` on, and return the byte at which it ends now."""
    with log.open("rb") as file:
        file.seek(start)
        sys.stdout.buffer.write(file.read())
        sys.stdout.flush()
        return file.tell()
