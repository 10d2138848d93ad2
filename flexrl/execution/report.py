"""Compare what a plan asked for with what was done."""

from dataclasses import dataclass

import numpy as np

from envs.success import (
    MAX_ANGLE_ERROR,
    MAX_DISTANCE_ERROR,
    MAX_STEP_ERROR,
    MAX_TURN_ERROR,
    MAX_VELOCITY_ERROR,
)
from flexrl.execution.executor import Done
from flexrl.execution.schedule import DEGREES, JUMPS, METRES, SECONDS, STANDING, STEPS, Schedule
from flexrl.execution.worlds import Outcome
from flexrl.language.plan import Plan

UNITS = ("s", "m", "degrees", "steps", "jumps", "s standing")  # by measure
DECIMALS = (1, 2, 0, 0, 0, 1)  # likewise


def carried_out(schedule: Schedule, done: Done) -> np.ndarray:
    """Return which segments were done as they were asked for, shape (B, S); padding counts as done.

    An amount is near enough by `envs.success`: 0.3 m or a tenth of a distance, 15 degrees, one footstep. The mean
    velocity after the time to settle is within 0.3 m/s and 0.3 rad/s of the command, where there is one.

    Args:
      schedule: what was asked for, (B, S).
      done: what was done, (B, S).
    """
    amounts, measures = np.asarray(schedule.amounts), np.asarray(schedule.measures)
    error = np.abs(np.asarray(done.amount) - amounts)
    tolerance = np.select(
        [measures == kind for kind in (METRES, DEGREES, STEPS)],
        [np.maximum(MAX_DISTANCE_ERROR[0], MAX_DISTANCE_ERROR[1] * amounts), MAX_ANGLE_ERROR, MAX_STEP_ERROR],
        np.inf,
    )
    enough = np.isin(measures, (SECONDS, METRES, DEGREES, STEPS)) | (np.asarray(done.amount) >= amounts - 1e-6)
    off = np.asarray(done.velocity) - np.asarray(schedule.commands)
    follows = (np.hypot(off[..., 0], off[..., 1]) <= MAX_VELOCITY_ERROR) & (np.abs(off[..., 2]) <= MAX_TURN_ERROR)
    follows |= (np.asarray(done.samples) == 0) | np.isin(measures, (JUMPS, STANDING))
    padding = np.arange(amounts.shape[-1]) >= np.asarray(schedule.count)[..., None]
    return padding | ((error <= tolerance) & enough & follows & ~np.asarray(done.gave_up))


def plans_carried_out(outcome: Outcome) -> np.ndarray:
    """Return which plans (B,) came to their end with each segment carried out and without a fall."""
    return outcome.ended & ~outcome.fallen & carried_out(outcome.schedule, outcome.done).all(axis=-1)


@dataclass(frozen=True)
class SegmentReport:
    """The request of one segment, and what was done of it.

    Attributes:
      skill: the skill, as plans call it.
      asked: what was asked for, in words: "3 m", "90 degrees", "4 s".
      done: what was done, in the same unit.
      seconds: s that it took, until the body was at rest where it stops.
      speed: m/s, the mean horizontal speed after settling; None if the segment was too short.
      succeeded: whether it was done as it was asked for.
    """

    skill: str
    asked: str
    done: str
    seconds: float
    speed: float | None
    succeeded: bool


def segment_reports(plan: Plan, outcome: Outcome, world: int = 0) -> list[SegmentReport]:
    """Return what one world did of each segment of its plan."""
    succeeded = carried_out(outcome.schedule, outcome.done)[world]
    reports = []
    for i, segment in enumerate(plan.segments):
        measure = int(np.asarray(outcome.schedule.measures)[world, i])
        asked, done = (
            f"{float(np.asarray(x)[world, i]):.{DECIMALS[measure]}f} {UNITS[measure]}"
            for x in (outcome.schedule.amounts, outcome.done.amount)
        )
        speed = float(np.hypot(*np.asarray(outcome.done.velocity)[world, i, :2]))
        reports.append(
            SegmentReport(
                skill=segment.skill,
                asked=asked,
                done=done,
                seconds=float(np.asarray(outcome.done.seconds)[world, i]),
                speed=speed if np.asarray(outcome.done.samples)[world, i] else None,
                succeeded=bool(succeeded[i]),
            )
        )
    return reports
