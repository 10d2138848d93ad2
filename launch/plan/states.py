"""The state machine of a trial (one run of a sweep): pure functions from its progress and an event to its new progress.

Trials on this machine and trials on a cluster share it.
"""

import signal
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from flexrl.common.errors import EXIT_BAD_INPUT, EXIT_DIVERGED, EXIT_PAUSED, EXIT_PREEMPTED, EXIT_STORAGE

EXIT_TIME_LIMIT = 124  # a trial used up its time limit; the code of the `timeout` command
NO_RETRY = (EXIT_BAD_INPUT, EXIT_DIVERGED, EXIT_TIME_LIMIT)  # another attempt would end in the same way

MAX_IDLE = 10  # attempts in a row without progress; interruptions cost no retry, so they need a limit of their own

ANOTHERS = "stopped: another trial of its pack"  # start of the reason if another trial of the pack ended the attempt

State = Literal["waiting", "running", "stopped", "paused", "done", "failed"]


@dataclass(frozen=True)
class Progress:
    """State and history of a trial (one run of a sweep), as its folder's `progress.json` records them.

    Attributes:
      state: `waiting` was never started or will be tried again; `stopped` has saved and goes on when submitted again;
        `paused` has reached a rung (`launch.plan.halving`) and goes on if it is among the best there;
        `done` has a result; `failed` is not tried again unless `retry` clears it.
      attempts: number of attempts that were started.
      failures: number of attempts that count towards the limit of retries.
      seconds: duration of all attempts that have ended, together.
      exit_code: exit code of the last attempt; None while it runs.
      reason: why the trial stopped or failed, in a line.
      rungs: mean return at each rung that the trial reached, by the rung's number of evaluations.
      steps: control steps that were done when the last attempt began.
      idle: number of attempts in a row that began at no later step than the one before.
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
    """How an attempt ended.

    Attributes:
      exit_code: exit code of the process; a negative number is the signal that killed it.
      has_result: whether a valid result lies in the trial's folder.
      asked: whether the user or the scheduler asked it to stop.
      seconds: duration of the attempt.
      line: the last line that it printed.
      rung: number of evaluations after which it paused, and the mean return there; None if it did not come so far.
    """

    exit_code: int
    has_result: bool
    asked: bool
    seconds: float
    line: str
    rung: tuple[int, float] | None = None


def begun(progress: Progress, steps: int | None = None) -> Progress:
    """Return a trial's progress after one more attempt began: running, or failed if too many attempts made no step.

    Args:
      progress: progress before the attempt.
      steps: control steps that are done, if they are known.
    """
    assert progress.state in ("waiting", "stopped", "paused"), progress
    if steps is not None:
        further = steps > progress.steps or progress.attempts == 0
        progress = replace(progress, steps=max(steps, progress.steps), idle=0 if further else progress.idle + 1)
    if progress.idle > MAX_IDLE:
        why = f"the last {progress.idle} attempts were interrupted without progress ({progress.reason})"
        return replace(progress, state="failed", exit_code=EXIT_TIME_LIMIT, reason=f"{why}; retry clears it")
    return replace(progress, state="running", attempts=progress.attempts + 1, exit_code=None, reason="")


def ended(progress: Progress, event: Ended, retries: int) -> Progress:
    """Return a trial's progress after an attempt ended: done, paused, stopped, failed, or waiting for the next attempt.

    Args:
      progress: progress during the attempt.
      event: how the attempt ended.
      retries: how often a trial that crashed is tried again.
    """
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
    """Return the progress of a trial whose attempt vanished, or whose result was lost: its state is `stopped`.

    The trial will go on from its checkpoint. The loss is not the trial's fault and costs it no retry.

    Args:
      progress: progress before the loss.
      why: the reason, in a line.
      seconds: seconds that the attempt is known to have run.
    """
    return replace(progress, state="stopped", reason=why, seconds=progress.seconds + seconds)


def found_result(progress: Progress) -> Progress:
    """Return the progress of a trial whose folder holds a valid result: done, whoever wrote the result."""
    return progress if progress.state == "done" else replace(progress, state="done", reason="")


def found_divergence(progress: Progress, reason: str) -> Progress:
    """Return the progress of a trial whose folder notes that its run diverged: failed."""
    return replace(progress, state="failed", failures=progress.failures + 1, exit_code=EXIT_DIVERGED, reason=reason)


def cleared(progress: Progress) -> Progress:
    """Return a failed trial's progress after the user cleared it: waiting, with no failures and no time used."""
    assert progress.state == "failed", progress
    return replace(progress, state="waiting", failures=0, seconds=0.0, idle=0, reason="")


def stops_sweep(progress: Progress) -> bool:
    """Return whether a trial found the disk full, so that the other trials of the sweep would fail too."""
    return progress.exit_code == EXIT_STORAGE and progress.state != "done"


def goes_on_alone(ends: Iterable[Progress]) -> bool:
    """Return whether a trial was stopped only because another trial of its pack failed or paused.

    A pack is a group of trials that one program trains. A trial so stopped can go on without the other one.

    Args:
      ends: progress of each trial of the pack after the attempt.
    """
    return any(progress.state == "stopped" and progress.reason.startswith(ANOTHERS) for progress in ends)


def told(ends: Iterable[Progress]) -> int:
    """Return the exit code that tells a scheduler how an attempt at one or several trials ended.

    The code is 0 if all trials are done or paused. If trials ended in several other ways, one of the codes is returned:
    that of a trial that crashed or found the disk full, if there is one; else that of one that was interrupted; else
    that of one that another attempt would not help.

    Args:
      ends: progress of each trial after the attempt.
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
