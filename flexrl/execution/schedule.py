"""Schedules: plans as arrays, which a compiled program can follow in many worlds at once."""

from collections.abc import Sequence

import jax
import numpy as np
from flax import struct

from envs.success import MIN_STANDING_SECONDS, Rows
from envs.tasks.humanoid_skills.goals import SKILL_NAMES, SKILLS
from flexrl.language.plan import MAX_SEGMENTS, Plan, Segment, Speed

MEASURES = ("seconds", "metres", "degrees", "steps", "jumps", "standing")  # what can end a segment
SECONDS, METRES, DEGREES, STEPS, JUMPS, STANDING = range(len(MEASURES))
Velocities = tuple[tuple[float, float], ...]  # least and most of forward m/s, left m/s and turn rad/s
ENDLESS = np.inf  # amount of a segment that goes on until the next plan

USUAL_SECONDS = 4.0  # s of a segment that does not say when it ends
USUAL_DEGREES = 90.0  # of a turn that does not say how far
SPEED_FACTOR: dict[Speed | None, float] = {"slow": 0.6, None: 1.0, "fast": 1.4}  # on a skill's nominal command
RUN_FACTOR: dict[Speed | None, float] = {"slow": 0.7, None: 1.0, "fast": 1.0}  # running is as fast as it was taught
STEP_SECONDS = 0.6  # s that a footstep takes at most, in the mean
PATIENCE = (2.0, 5.0)  # a segment is given up after the time that its command needs, times the first plus the second


@struct.dataclass
class Schedule:
    """The plan of one world as arrays: a row for each segment (one skill to carry out), padded to S rows.

    A row says which skill and velocity to command, what ends the segment (such as 3 m), after how long the segment is
    given up if that is not reached, and whether the body comes to rest after it. `count` is the number of rows that are
    no padding, and `recovers` tells whether a fallen body gets up by itself.
    """

    skills: Rows  # (S,) int32, indices into `SKILLS` of the environment
    commands: Rows  # (S, 3) forward m/s, left m/s, turn rad/s
    measures: Rows  # (S,) int32, indices into MEASURES
    amounts: Rows  # (S,) in the measure's unit; ENDLESS for what goes on until the next plan
    limits: Rows  # (S,) s after which a segment is given up
    stops: Rows  # (S,) bool: the body comes to rest before the next segment, so that a distance or angle is exact
    count: Rows  # () int32: number of segments that are no padding
    recovers: Rows  # () bool: a body that falls gets up, and then goes on with its segment


def schedule_of(
    plan: Plan,
    velocities: Velocities | None = None,
    *,
    is_endless: bool = False,
    recovers: bool = False,
    size: int = MAX_SEGMENTS,
) -> Schedule:
    """Return a plan as arrays.

    Args:
      plan: the plan.
      velocities: what the body's policy may be commanded with; None if it takes every skill's usual velocity.
      is_endless: whether a last segment that does not say when it ends goes on until the next plan.
      recovers: whether a body that falls gets up by itself; its policy must have been taught to.
      size: S, the number of segments to pad to.
    """
    segments = plan.segments[:size]
    rows = [_row(segment, velocities) for segment in segments]
    last = segments[-1]
    if is_endless and last.until is None and rows[-1][2] == SECONDS:
        rows[-1] = (*rows[-1][:3], ENDLESS, ENDLESS)
    skills, commands, measures, amounts, limits = zip(*rows, strict=True)
    stops = [
        measure in (METRES, DEGREES) and not _goes_on(segment, after)
        for measure, segment, after in zip(measures, segments, [*segments[1:], None], strict=True)
    ]
    return Schedule(
        skills=_padded(skills, size, np.int32),
        commands=_padded(commands, size, np.float32),
        measures=_padded(measures, size, np.int32),
        amounts=_padded(amounts, size, np.float32),
        limits=_padded(limits, size, np.float32),
        stops=_padded(stops, size, bool),
        count=np.asarray(len(segments), np.int32),
        recovers=np.asarray(recovers),
    )


def stacked(schedules: Sequence[Schedule]) -> Schedule:
    """Return the schedules of B worlds as one, with a leading axis B."""
    return jax.tree.map(lambda *rows: np.stack(rows), *schedules)


def longest_seconds(schedule: Schedule) -> float:
    """Return the longest time (s) that a schedule can take: the sum of its segments' time limits.

    Of several schedules (B, S), the longest counts. Segments that never end count as 0 s.
    """
    limits = np.asarray(schedule.limits)
    is_padding = np.arange(limits.shape[-1]) >= np.asarray(schedule.count)[..., None]
    return float(np.where(is_padding | ~np.isfinite(limits), 0, limits).sum(axis=-1).max())


def command_of(segment: Segment, velocities: Velocities | None = None) -> np.ndarray:
    """Return the velocity (3,) that a segment commands: forward m/s, left m/s, turn rad/s, within `velocities`."""
    skill = SKILLS[skill_index(segment.skill)]
    factor = (RUN_FACTOR if segment.skill == "run" else SPEED_FACTOR)[segment.speed]
    return within(factor * np.array([skill.forward, skill.left, skill.turn]), velocities)


def within(command: np.ndarray, velocities: Velocities | None) -> np.ndarray:
    """Return a command (3,), made slower, in the same direction, until it is within `velocities`; None for any."""
    if velocities is None:
        return command
    most = [max(high / x, low / x, 0.0) for x, (low, high) in zip(command, velocities, strict=True) if x]
    return min([1.0, *most]) * command


def skill_index(skill: str) -> int:
    """Return the index of a plan's skill, such as `stand`, in the environment's `SKILLS`."""
    return SKILL_NAMES.index("stand-still" if skill == "stand" else skill)


def _row(segment: Segment, velocities: Velocities | None) -> tuple[int, np.ndarray, int, float, float]:
    """Return a segment as one row of a `Schedule`.

    Returns:
      The skill's index in `SKILLS`; the velocity (3,) to command; what ends the segment, as an index into `MEASURES`;
      how much of that; and the s after which the segment is given up.
    """
    command, (measure, amount) = command_of(segment, velocities), _end(segment)
    speed, turn = float(np.hypot(*command[:2])), abs(float(command[2]))
    seconds = {
        SECONDS: amount,
        METRES: amount / max(speed, 1e-6),
        DEGREES: np.radians(amount) / max(turn, 1e-6),
        STEPS: amount * STEP_SECONDS,
        JUMPS: 2.0 * amount,
        STANDING: 5.0,
    }[measure]
    return skill_index(segment.skill), command, measure, amount, PATIENCE[0] * seconds + PATIENCE[1]


def _end(segment: Segment) -> tuple[int, float]:
    if segment.skill == "jump":
        return JUMPS, 1.0
    if segment.skill == "stand-up":
        return STANDING, MIN_STANDING_SECONDS
    if segment.until is not None:
        return MEASURES.index(segment.until.kind), float(segment.until.amount)
    return (DEGREES, USUAL_DEGREES) if segment.skill.startswith("turn-") else (SECONDS, USUAL_SECONDS)


def _goes_on(segment: Segment, after: Segment | None) -> bool:
    """Return whether the next segment moves the same way, so that the body need not stop between the two.

    Args:
      segment: a segment of a plan.
      after: the segment after it; None if there is none, for which the answer is False.
    """
    return after is not None and after.skill in (segment.skill, *_SAME_WAY.get(segment.skill, ()))


_SAME_WAY = {"walk-forward": ("run",), "run": ("walk-forward",)}


def _padded(rows: Sequence[object], size: int, dtype: type) -> np.ndarray:
    """Return rows as an array of `size` rows: the last row is repeated as often as rows are missing."""
    array = np.asarray(rows, dtype)
    return np.concatenate([array, np.repeat(array[-1:], size - len(array), axis=0)])
