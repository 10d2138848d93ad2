"""How far a body is with its plan, as clients are shown it: segment by segment."""

from typing import Literal

import numpy as np
from pydantic import BaseModel

from flexrl.execution.report import DECIMALS, UNITS
from flexrl.execution.schedule import ENDLESS, Schedule
from flexrl.language.plan import Plan
from flexrl.serving.live_body import Reading

Status = Literal["waiting", "running", "done", "given up"]


class SegmentProgress(BaseModel):
    """One segment (one skill) of the plan that the body follows.

    Attributes:
      skill: name of the skill in plans, such as `walk-forward`.
      speed: "slow", "fast" or None.
      confidence: how sure the classifier is that this skill was meant, from 0 to 1.
      asked: what ends the segment, in words, such as "3.00 m"; None if it goes on until the next instruction.
      reached: what has been done of it, in the same unit.
      fraction: part of it that has been done, from 0 to 1; None if it has no end.
      status: whether the segment waits, runs, is done, or was given up because it took too long.
    """

    skill: str
    speed: str | None
    confidence: float
    asked: str | None
    reached: str
    fraction: float | None
    status: Status


def progress_of(plan: Plan, schedule: Schedule, reading: Reading) -> list[SegmentProgress]:
    """Return how far each segment of the plan is that the body follows.

    Args:
      plan: the plan.
      schedule: the same plan as arrays.
      reading: what was read of the body after a control step.
    """
    now = reading.segment
    rows = []
    for i, segment in enumerate(plan.segments):
        measure, amount = int(np.asarray(schedule.measures)[i]), float(np.asarray(schedule.amounts)[i])
        status: Status = "waiting" if i > now else "running"
        reached = reading.amount if i == now else float(reading.done[i])
        if i < now:
            status = "given up" if reading.gave_up[i] else "done"
        has_end = amount != ENDLESS
        fraction = 1.0 if status == "done" else min(max(reached / amount, 0.0), 1.0) if has_end else None
        rows.append(
            SegmentProgress(
                skill=segment.skill,
                speed=segment.speed,
                confidence=segment.confidence,
                asked=f"{amount:.{DECIMALS[measure]}f} {UNITS[measure]}" if has_end else None,
                reached=f"{abs(reached) if abs(reached) < 0.005 else reached:.{DECIMALS[measure]}f} {UNITS[measure]}",
                fraction=fraction,
                status=status,
            )
        )
    return rows
