"""Let a person steer a body by a velocity: command it by the skill whose usual velocity is nearest."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from flexrl.execution.schedule import Schedule, Velocities, command_of, schedule_of, within
from flexrl.language.plan import Plan, Segment, Until

DRIVE_SECONDS = 1.0  # s that a velocity lasts unless it is sent again; then the body stands
FORWARD, LEFT, TURN = (-1.0, 3.0), (-0.6, 0.6), (-1.0, 1.0)  # m/s, m/s, rad/s
DRIVABLE = ("walk", "strafe", "turn", "run", "stand")  # first words of the skills that follow a velocity


@dataclass(frozen=True)
class Drive:
    """A velocity that a person steers a body by, in the three forms in which a session needs it.

    Holds it in words (`text`), as a plan of the skill whose usual velocity is nearest (`plan`), and as that plan's
    arrays, which command exactly this velocity (`schedule`).
    """

    text: str
    plan: Plan
    schedule: Schedule


def drive_of(
    forward: float, left: float, turn: float, taught: Sequence[str], velocities: Velocities | None = None
) -> Drive:
    """Return how to ask a policy for a velocity: by the skill whose usual velocity is nearest, for DRIVE_SECONDS.

    Args:
      forward: m/s.
      left: m/s.
      turn: rad/s, to the left.
      taught: the skills that the policy was taught, as plans name them.
      velocities: what the policy may be commanded with; None for any. A faster command is slowed down.
    """
    command = within(np.array([forward, left, turn]), velocities)
    skills = [x for x in dict.fromkeys(("stand", *taught)) if x.split("-")[0] in DRIVABLE and x != "stand-up"]
    nearest = min(skills, key=lambda skill: float(np.linalg.norm(command_of(Segment(skill), velocities) - command)))
    plan = Plan((Segment(nearest, None, Until("seconds", DRIVE_SECONDS)),))
    schedule = schedule_of(plan)
    commands = np.tile(command.astype(np.float32), (len(schedule.commands), 1))
    forward, left, turn = command
    text = f"driven: forward {forward:.1f} m/s, left {left:.1f} m/s, turn {turn:.1f} rad/s"
    return Drive(text, plan, schedule.replace(commands=commands))
