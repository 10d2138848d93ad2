"""What becomes of a trial: events in, state out. The same on this machine and on a cluster; touches nothing."""

import signal
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from flexrl.common.errors import EXIT_BAD_INPUT, EXIT_DIVERGED, EXIT_PAUSED, EXIT_PREEMPTED, EXIT_STORAGE

EXIT_TIME_LIMIT = 124  # of a trial that used its time up; as of the `timeout` command
NO_RETRY = (EXIT_BAD_INPUT, EXIT_DIVERGED, EXIT_TIME_LIMIT)  # another attempt would end alike

MAX_IDLE = 10  # attempts in a row that were interrupted without a step further; what is free must end, too

ANOTHERS = "stopped: another trial of its pack"  # how a reason begins that is another trial's fault

State = Literal["waiting", "running", "stopped", "paused", "done", "failed"]


@dataclass(frozen=True)
class Progress:
    """How far a trial came.

    Attributes:
      state: `waiting` was never begun or will be tried anew; `stopped` has saved and goes on when submitted again;
        `paused` has reached a rung (`launch.plan.halving`) and goes on if it is among the best there;
        `done` has a result; `failed` is not tried again unless `retry` clears it.
      attempts: begun.
      failures: attempts that count towards the limit of retries.
      seconds: of all attempts that have ended.
      exit_code: of the last attempt that has ended.
      reason: why it stopped or failed, in a line.
      rungs: mean return at each rung that it reached, by number of evaluations.
      steps: control steps that were done when the last attempt began.
      idle: attempts in a row that began no further than the one before.
    """

    state: State = "waiting"
    attempts: int = 0
    failures: int = 0
    seconds: float = 0.0
    exit_code: int | None = None
    reason: str = ""
    rungs: dict[int, float] = field(default_factory=dict)
    steps: int = 0
    idle: int = 0


@dataclass(frozen=True)
class Ended:
    """The end of an attempt.

    Attributes:
      exit_code: of the process; negative is the signal that killed it.
      has_result: whether a valid result lies in the trial's folder.
      asked: whether it was asked to stop.
      seconds: that it took.
      line: the last that it printed.
      rung: the number of evaluations after which it was to pause, and the mean return there, if it came so far.
    """

    exit_code: int
    has_result: bool
    asked: bool
    seconds: float
    line: str
    rung: tuple[int, float] | None = None


def begun(progress: Progress, steps: int | None = None) -> Progress:
    """After an attempt began; it fails at once where too many before it came no further.

    Args:
      progress: before it.
      steps: control steps that are done, if they are known.
    """
    assert progress.state in ("waiting", "stopped", "paused"), progress
    if steps is not None:
        further = steps > progress.steps or progress.attempts == 0
        progress = replace(progress, steps=max(steps, progress.steps), idle=0 if further else progress.idle + 1)
    if progress.idle > MAX_IDLE:
        why = f"the last {progress.idle} attempts were interrupted without a step further ({progress.reason})"
        return replace(progress, state="failed", exit_code=EXIT_TIME_LIMIT, reason=f"{why}; retry clears it")
    return replace(progress, state="running", attempts=progress.attempts + 1, exit_code=None, reason="")


def ended(progress: Progress, event: Ended, retries: int) -> Progress:
    """After an attempt ended."""
    code = event.exit_code
    after = replace(progress, exit_code=code, seconds=progress.seconds + event.seconds)
    if event.has_result:
        return replace(after, state="done", reason="")
    if code == EXIT_PAUSED and event.rung:
        rung, value = event.rung
        reason = f"return {value:,.1f} after evaluation {rung}"
        return replace(after, state="paused", rungs=after.rungs | {rung: value}, reason=reason)
    if code in NO_RETRY:
        return replace(after, state="failed", failures=after.failures + 1, reason=event.line)
    if code in (EXIT_PREEMPTED, EXIT_STORAGE) or event.asked:
        return replace(after, state="stopped", reason=event.line)
    reason = f"{_how(code)}: {event.line}" if event.line else _how(code)
    failures = after.failures + 1
    return replace(after, state="failed" if failures > retries else "waiting", failures=failures, reason=reason)


def lost(progress: Progress, why: str, seconds: float = 0.0) -> Progress:
    """After the end of an attempt, or its result, was lost: not the trial's fault, and its checkpoints are there.

    Args:
      progress: before it.
      why: in a line.
      seconds: that it is known to have taken.
    """
    return replace(progress, state="stopped", reason=why, seconds=progress.seconds + seconds)


def found_result(progress: Progress) -> Progress:
    """With a valid result in the trial's folder, whoever wrote it."""
    return replace(progress, state="done", reason="")


def found_divergence(progress: Progress, reason: str) -> Progress:
    """With a note in the trial's folder that its run has diverged, although the end of the attempt was lost."""
    return replace(progress, state="failed", failures=progress.failures + 1, exit_code=EXIT_DIVERGED, reason=reason)


def cleared(progress: Progress) -> Progress:
    """After a user asked for a failed trial to be tried again: its count of failures and its time begin anew."""
    assert progress.state == "failed", progress
    return replace(progress, state="waiting", failures=0, seconds=0.0, idle=0, reason="")


def stops_sweep(progress: Progress) -> bool:
    """Whether the other trials would meet the same end: the disk is full."""
    return progress.exit_code == EXIT_STORAGE and progress.state != "done"


def goes_on_alone(ends: Iterable[Progress]) -> bool:
    """Whether trials of a pack were stopped only because another one of it has failed just now."""
    return any(progress.state == "stopped" and progress.reason.startswith(ANOTHERS) for progress in ends)


def told(ends: Iterable[Progress]) -> int:
    """The exit code that tells a scheduler how an attempt ended: a stopped trial's is never that of success.

    Of a pack, what another attempt may help comes first.
    """
    return max(map(_told, ends), key=lambda code: (code != 0, code not in NO_RETRY, code != EXIT_PREEMPTED))


def _told(progress: Progress) -> int:
    code = progress.exit_code
    if progress.state in ("done", "paused"):
        return 0
    if progress.state == "stopped" and code != EXIT_STORAGE:
        return EXIT_PREEMPTED
    return (128 - code if code < 0 else code) if code else 1


def _how(code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return "ended without a result" if code == 0 else f"exit code {code}"
