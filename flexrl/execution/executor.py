"""Follow a schedule (a plan as arrays) in one world: command a skill, measure the body's motion, go on to the next.

A segment, one skill of the plan, goes on until its amount is reached, such as 3 m. If the body has to stop there, it is
commanded to stand still a little earlier, and the segment ends when the body has come to rest. After the plan the body
is commanded to stand still. `jax.vmap` makes many worlds.

A body that stopped with a bad stance leans over slowly while it stands, and falls some seconds later. So one that is
asked to stand, and leans, is commanded to walk at no speed for a moment: steps on the spot put its feet right.

If the schedule has `recovers`, a body that falls is commanded to stand up, and the plan waits until the body stands.
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array

from envs.success import MIN_AIR_SECONDS, MIN_STANDING_HEIGHT, SETTLING_SECONDS
from envs.tasks.humanoid_skills.goals import SKILL_NAMES, SKILLS, STAND_STILL, STAND_UP
from envs.tasks.humanoid_skills.task import HumanoidSkillsConfig
from flexrl.execution.motion import BodyMotion, Contacts
from flexrl.execution.schedule import DEGREES, MEASURES, METRES, Schedule

FALLEN_HEIGHT = HumanoidSkillsConfig.min_height  # m, torso height below which the body has fallen
STANDING_SECONDS = 1.0  # s that a body stands after a fall before its plan goes on
COAST_SECONDS = np.array([0.4, 0.15, 0.02])  # s that forward, sideways and turning motion lasts without a command
REST_SPEED, REST_TURN = 0.15, 0.2  # m/s, rad/s: slower than this, the body rests
ROUNDING = 1e-4  # of sums of many small amounts
MAX_BRAKE_SECONDS = 1.5  # s until a segment ends even if the body does not come to rest
MAX_LEAN = 0.12  # sine of the torso's tilt above which a standing body takes steps
MAX_LEANING_SPEED = 0.4  # m/s, above which it still brakes, and its tilt means nothing
STEPPING_SKILL = SKILL_NAMES.index("walk-forward")  # commanded with no velocity, it steps on the spot
STEPPING_SECONDS = 1.0  # s that it takes steps
CALM_SECONDS = 0.3  # s after that before it takes steps again


@struct.dataclass
class Done:
    """What a body has done of each of its plan's S segments (a segment is one skill to carry out).

    Holds arrays with a row for each segment: the amount done, the seconds that the segment took, the mean velocity
    (forward, left, turn), the number of control steps in that mean, and whether it was given up at its time limit.
    """

    amount: Array  # (S,) in the unit of the segment's measure
    seconds: Array  # (S,) s that it lasted, until the body was at rest
    velocity: Array  # (S, 3) mean after `SETTLING_SECONDS` and before stopping: forward m/s, left m/s, turn rad/s
    samples: Array  # (S,) control steps in that mean; 0 if the segment was shorter
    gave_up: Array  # (S,) bool: its limit passed first


@struct.dataclass
class Progress:
    """How far one world is with its plan, which is a list of segments: each is one skill to carry out.

    Holds the index of the present segment, what has been done of it, and in `done` what was done of earlier segments.
    Timers say how long the body has been braking, getting up after a fall, or stepping to keep its balance.
    """

    segment: Array  # () int32, index; the schedule's count when the plan has ended
    seconds: Array  # () s since the segment began
    braking: Array  # () s since it commands standing still; 0 if it does not
    amount: Array  # () what the segment's measure has reached
    velocity: Array  # (3,) sum of velocities after settling
    samples: Array  # () int32, control steps in that sum
    contacts: Contacts
    rising: Array  # () s since the body fell and is told to stand up; 0 if it is not
    balancing: Array  # () s until the body may take steps again to keep standing; takes them above `CALM_SECONDS`
    done: Done

    @classmethod
    def first(cls, size: int) -> "Progress":
        """Return the progress at the start of a plan, whose schedule is padded to `size` segments."""
        zero = jnp.zeros(())
        none = jnp.zeros(size)
        done = Done(none, none, jnp.zeros((size, 3)), none, jnp.zeros(size, bool))
        return cls(jnp.int32(0), zero, zero, zero, jnp.zeros(3), jnp.int32(0), Contacts.first(), zero, zero, done)

    def goal(self, schedule: Schedule) -> Array:
        """Return the goal that the policy sees, shape (GOAL_SIZE,): a velocity to move with, and a skill.

        Usually these are the velocity and the skill of the plan's present segment. While the body brakes at the end of
        a segment, and after the plan, the skill is standing still, with no velocity. After a fall it is standing up,
        with no velocity. If a standing body leans, the skill is walking, so that the body steps on the spot.

        Args:
          schedule: the plan of this world as arrays.
        """
        rests = (self.segment >= schedule.count) | (self.braking > 0)
        at = jnp.minimum(self.segment, schedule.count - 1)
        command = jnp.where(rests, 0, schedule.commands[at])
        skill = jnp.where(rests, STAND_STILL, schedule.skills[at])
        steps = (skill == STAND_STILL) & (self.balancing > CALM_SECONDS + ROUNDING)
        rises = self.rising > 0
        skill = jnp.where(rises, STAND_UP, jnp.where(steps, STEPPING_SKILL, skill))
        return jnp.concatenate([jnp.where(rises, 0, command), jax.nn.one_hot(skill, len(SKILLS))])

    def after(self, schedule: Schedule, motion: BodyMotion, period: float) -> "Progress":
        """Return the progress one control step later.

        It adds what the body did in the step to the present segment, and goes on to the next segment if this one has
        ended. While the body gets up after a fall, and after the plan, only timers go on.

        Args:
          schedule: the plan of this world as arrays.
          motion: the body's motion at the end of the control step.
          period: s of a control step.
        """
        at = jnp.minimum(self.segment, schedule.count - 1)
        is_running = self.segment < schedule.count
        rising = self._rising(schedule, motion, period, is_asked=is_running & (schedule.skills[at] == STAND_UP))
        command, measure = schedule.commands[at], schedule.measures[at]
        contacts = self.contacts.after(motion, period)
        is_to_stand = ~is_running | (schedule.skills[at] == STAND_STILL)
        balancing = jnp.where(is_to_stand, _balancing(self.balancing, motion, period), 0)
        seconds = self.seconds + period
        along = motion.velocity * _direction(command)
        amount = jnp.select(
            [measure == kind for kind in range(len(MEASURES))],
            [
                seconds,
                self.amount + along[:2].sum() * period,
                self.amount + jnp.degrees(along[2] * period),
                self.amount + self.contacts.num_steps(motion),
                self.amount + ((self.contacts.flight >= MIN_AIR_SECONDS) & (contacts.flight == 0)),
                contacts.standing,
            ],
        )
        settled = (seconds > SETTLING_SECONDS + ROUNDING) & (self.braking == 0)
        coast = along * COAST_SECONDS
        ahead = jnp.select([measure == METRES, measure == DEGREES], [coast[:2].sum(), jnp.degrees(coast[2])], 0.0)
        gives_up = seconds >= schedule.limits[at]
        is_reached = (amount + jnp.where(schedule.stops[at], ahead, 0) >= schedule.amounts[at] - ROUNDING) | gives_up
        braking = jnp.where((self.braking > 0) | (is_reached & schedule.stops[at]), self.braking + period, 0)
        rests = (_speed(motion) < REST_SPEED) & (jnp.abs(motion.velocity[2]) < REST_TURN)
        has_stopped = (braking > 0) & (rests | (braking >= MAX_BRAKE_SECONDS))
        ends = is_running & (has_stopped | (is_reached & ~schedule.stops[at]))
        grown = self.replace(
            seconds=seconds,
            braking=braking,
            amount=amount,
            velocity=self.velocity + settled * motion.velocity,
            samples=self.samples + settled,
            contacts=contacts,
            balancing=balancing,
        )
        recorded = grown.replace(done=grown._recorded(at, gives_up & (self.braking == 0)))
        following = Progress.first(schedule.skills.shape[0]).replace(
            segment=self.segment + 1, contacts=contacts, balancing=balancing, done=recorded.done
        )
        over = self.replace(contacts=contacts, balancing=balancing)
        fallen = self.replace(contacts=contacts, rising=rising)
        return jax.tree.map(
            lambda waits, ended, running, over: jnp.where(
                (self.rising > 0) | (rising > 0), waits, jnp.where(ends, ended, jnp.where(is_running, running, over))
            ),
            fallen,
            following,
            recorded,
            over,
        )

    def _rising(self, schedule: Schedule, motion: BodyMotion, period: float, is_asked: Array) -> Array:
        """Return the timer (s) of getting up after a fall, one control step later: 0 if the body is not getting up.

        A fall starts the timer if the schedule has `recovers`. It runs until the body has stood for `STANDING_SECONDS`.

        Args:
          schedule: the plan of this world as arrays.
          motion: the body's motion at the end of the control step.
          period: s of a control step.
          is_asked: whether the plan itself asks the body to stand up now. Then lying on the floor is no fall, and does
            not start the timer.
        """
        falls = schedule.recovers & ~is_asked & (motion.height < FALLEN_HEIGHT)
        has_risen = self.contacts.standing >= STANDING_SECONDS - ROUNDING
        return jnp.where(falls | ((self.rising > 0) & ~has_risen), self.rising + period, 0)

    def _recorded(self, at: Array, gives_up: Array) -> Done:
        """Return the record of all segments, `self.done`, with the row of the present segment brought up to date.

        The row gets the amount, the seconds and the mean velocity so far, and whether the segment was given up.

        Args:
          at: index of the present segment.
          gives_up: whether the segment is given up because its time limit has passed.
        """
        mean = self.velocity / jnp.maximum(self.samples, 1)
        done = self.done
        return Done(
            amount=done.amount.at[at].set(self.amount),
            seconds=done.seconds.at[at].set(self.seconds),
            velocity=done.velocity.at[at].set(mean),
            samples=done.samples.at[at].set(self.samples),
            gave_up=done.gave_up.at[at].set(done.gave_up[at] | gives_up),
        )


def _direction(command: Array) -> Array:
    """Return where a command moves the body, (3,): the unit vector of its velocity, and the sign of its turn."""
    speed = jnp.sqrt(jnp.square(command[:2]).sum())
    return jnp.append(command[:2] / jnp.maximum(speed, 1e-6), jnp.sign(command[2]))


def _balancing(left: Array, motion: BodyMotion, period: float) -> Array:
    """Return the timer (s) that makes a standing body step on the spot when it leans, one control step later.

    The timer runs down to 0. When it is 0 and the body leans, it is set to `STEPPING_SECONDS` + `CALM_SECONDS`. The
    body is to step on the spot while the timer is above `CALM_SECONDS`, and to stand still during the rest. A body
    leans if its torso is at standing height, moves slower than `MAX_LEANING_SPEED`, and is tilted by more than
    `MAX_LEAN`.

    Args:
      left: the timer before the control step, s.
      motion: the body's motion after the control step.
      period: s of a control step.
    """
    stands = (motion.height >= MIN_STANDING_HEIGHT) & (_speed(motion) < MAX_LEANING_SPEED)
    leans = stands & (motion.tilt > MAX_LEAN)
    return jnp.where((left <= ROUNDING) & leans, STEPPING_SECONDS + CALM_SECONDS, jnp.maximum(left - period, 0))


def _speed(motion: BodyMotion) -> Array:
    return jnp.sqrt(jnp.square(motion.velocity[:2]).sum())
