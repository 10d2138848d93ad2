"""Compare what a plan asked for with what the body did."""

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
    """Return which segments were done as the plan asked for, (B, S) bool: S segments in each of B worlds.

    A distance may be off by 0.3 m or a tenth of it, whichever is more, an angle by 15 degrees, and a number of
    footsteps by one. The mean velocity after the first second must be within 0.3 m/s and 0.3 rad/s of the command,
    except in jumps, in standing up and in segments that were over by then. A segment that was given up because its time
    limit passed was not done. Plans of fewer than S segments are padded; the padding counts as done.

    Args:
      schedule: what each world's plan asks for, (B, S).
      done: what each world did, (B, S).
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
    """Return which of B worlds, (B,) bool, ended their plan with each segment done as asked for and without a fall."""
    return outcome.ended & ~outcome.fallen & carried_out(outcome.schedule, outcome.done).all(axis=-1)


@dataclass(frozen=True)
class SegmentReport:
    """What one segment of a plan asked for, and what the body did.

    Attributes:
      skill: name of the skill in plans, such as `walk-forward`.
      asked: what was asked for, in words: "3 m", "90 degrees", "4 s".
      done: what was done, in the same unit.
      seconds: s that the segment took, with the time to come to rest if it ends at rest.
      speed: m/s, the mean horizontal speed after the first second; None if the segment was too short.
      succeeded: whether the segment was done as it was asked for.
    """

    skill: str
    asked: str
    done: str
    seconds: float
    speed: float | None
    succeeded: bool


def segment_reports(plan: Plan, outcome: Outcome, world: int = 0) -> list[SegmentReport]:
    """Return how much of each segment of a plan (a skill with an amount) a world did, and whether that succeeded.

    Args:
      plan: the plan of that world.
      outcome: result of all worlds.
      world: index of the world.
    """
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
