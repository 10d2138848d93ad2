"""Runs the stages of a pipeline on this machine, one after the other."""

import contextlib
import signal
import sys
import time
from collections.abc import Iterator, Sequence

from flexrl.common.errors import EXIT_PREEMPTED, EXIT_STORAGE
from launch.attempt.training_process import STOP_SECONDS
from launch.exits import EXIT_FAILED, leave
from launch.local.runner import SIGNALS
from launch.pipelines.stage_folder import stage_folder
from launch.pipelines.stage_process import Watch, attempt
from launch.pipelines.stages import Stage
from launch.plan import states
from launch.plan.states import Progress

WAIT_SECONDS = 0.5  # between two attempts to get a stage that another process runs
LOG_LINES = 20  # of a broken stage's log that are printed


def walk(stages: Sequence[Stage], retries: int) -> None:
    """Run the stages that are not done, in their order, until all are done or one has failed.

    Args:
      stages: the stages; each stands after those that it needs.
      retries: how often a stage that crashed is tried again.

    Raises:
      SystemExit: with an exit code, if a stage has failed, the disk is full or the user asked to stop.
      ConfigError: if a stage's input vanished meanwhile.
    """
    with _signals() as asked:
        for stage in stages:
            folder = stage_folder(stage)
            if folder.progress().state == "done":
                _say(stage, "done before")
                continue
            progress = _to_its_end(stage, Watch(asked, STOP_SECONDS), retries)
            if progress.state == "done":
                _say(stage, f"done in {progress.seconds:.0f} s")
            else:
                _leave(stage, progress)
    last = stages[-1]
    print(f"{last.pipeline}: all {len(stages)} stages are done; the output of {last.name} is in {last.output}")


def _to_its_end(stage: Stage, watch: Watch, retries: int) -> Progress:
    """Make attempts at a stage until it is done or has failed, the disk is full, or the user asked to stop.

    While another process runs the stage, wait until that process has ended, then go on. Returns the stage's progress.

    Raises:
      SystemExit: with an exit code, if the user asked to stop while another process runs the stage.
    """
    waits = False
    while True:
        try:
            if not waits:
                _say(stage, f"runs; its log is {stage_folder(stage).log}")
            progress = attempt(stage, watch, retries)
        except BlockingIOError:  # its launcher was killed, and it still runs; or another process runs it
            if not waits:
                _say(stage, "is run by another process; waits for it")
            waits = True
            if watch.asked:
                leave(f"stopped: asked to, while another process runs stage {stage.name}", EXIT_PREEMPTED)
            time.sleep(WAIT_SECONDS)
            continue
        waits = False
        if progress.state in ("done", "failed") or watch.asked or states.stops_sweep(progress):
            return progress
        _say(stage, f"{progress.state}: {progress.reason}; it is tried again")


def _leave(stage: Stage, progress: Progress) -> None:
    if states.stops_sweep(progress):
        leave(f"error: stage {stage.name}: the disk is full; free space, then run again", EXIT_STORAGE)
    if progress.state != "failed":
        leave(f"stopped: asked to, in stage {stage.name}; run again to go on", EXIT_PREEMPTED)
    folder = stage_folder(stage)
    for line in folder.last_lines(LOG_LINES):
        print(f"  {line}", file=sys.stderr)
    leave(
        f"error: stage {stage.name} is broken after {progress.attempts} attempts: {progress.reason}; {folder.log} says "
        f"more; mend it, then run again, which begins at {stage.name}",
        EXIT_FAILED,
    )


@contextlib.contextmanager
def _signals() -> Iterator[list[int]]:
    """Yield a list, to which each signal that asks to stop (SIGTERM, SIGINT, SIGHUP) is appended."""
    asked: list[int] = []
    before = {number: signal.signal(number, lambda signum, _: asked.append(signum)) for number in SIGNALS}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(stage: Stage, text: str) -> None:
    print(f"{stage.name} {stage.key}: {text}", flush=True)
