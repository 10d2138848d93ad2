"""Terms that make a gait look like a person's: small named functions of a control step, each switched by its weight."""

from dataclasses import astuple, dataclass, fields

import jax.numpy as jnp
from flax import struct
from jax import Array

from envs.tasks.humanoid_skills import clock
from envs.tasks.humanoid_skills.goals import JUMP, STAND_UP
from envs.tasks.humanoid_skills.motion import Motion
from envs.tasks.humanoid_skills.rewards import BODY_WEIGHT

SHORTEST_SWING = 0.06  # s in the air, below which a foot only bounced
SWING, LONGEST_SWING = 0.4, 0.6  # s in the air that earn nothing, and above which more earns no more
CLEARANCE = 0.08  # m that a sole is to be lifted in a swing
ELBOW = -1.2  # rad, of an elbow that is a little bent
MOVING = 0.1  # m/s or rad/s, commanded speed above which steps are asked for
FLYING = 1.5  # m/s, commanded speed above which both feet may leave the floor
LARGEST_HEADING_ERROR = 1.0  # rad; larger errors cost no more


@dataclass(frozen=True)
class GaitWeights:
    """Weight of each term: reward per control step and unit of the term, named in parentheses. 0 turns a term off.

    Attributes:
      air_time: when a foot touches the floor, its time in the air less 0.4 s, at most 0.2 s (s). It is negative after
        short times, so that feet that tremble pay often.
      clearance: when a foot touches the floor, the squared share of 8 cm by which it was lifted too little (1).
      alternation: whether a foot comes down from a swing twice without the other foot in between (1).
      arms: squared angle between upper arms and the vertical, mean over both (rad^2).
      elbows: squared angle between elbows and a slight bend, mean over both (rad^2).
      trunk: squared rate of the torso's roll and pitch, summed (rad^2/s^2).
      energy: mechanical power of the motors over body weight (m/s).
      heading: squared angle by which the humanoid turned more or less than commanded, since the command (rad^2).
      swing: squared difference between a sole's height and the one that the clock asks for, as a share of 10 cm and at
        most 1, mean over both feet (1). Needs `gait_clock`, as `rhythm` does.
      rhythm: a foot that is on the floor well within its swing, or in the air well within its stance, mean over both
        feet (1). Above 1.5 m/s both may be in the air.
    """

    air_time: float = 0.0
    clearance: float = 0.0
    alternation: float = 0.0
    arms: float = 0.0
    elbows: float = 0.0
    trunk: float = 0.0
    energy: float = 0.0
    heading: float = 0.0
    swing: float = 0.0
    rhythm: float = 0.0

    @property
    def needs_clock(self) -> bool:
        """Whether `swing` or `rhythm`, the terms that compare the feet with the clock, has a weight."""
        return bool(self.swing or self.rhythm)

    @property
    def is_on(self) -> bool:
        """Whether any of the terms has a weight other than 0."""
        return any(astuple(self))


@struct.dataclass
class Steps:
    """What the gait terms remember of one humanoid from one control step to the next.

    For the right and the left foot: for how long it has been in the air, and how high. Further: which foot came down
    last, how far the humanoid turned from the commanded heading, and the phase of its clock.
    """

    air: Array  # (2,) s that each foot has been in the air; 0 on the floor
    peak: Array  # (2,) m, highest that each sole has been in its present swing
    last: Array  # () int32, the foot that came down last; -1 for none
    heading_error: Array  # () rad by which it turned further to the left than commanded, since the command
    phase: Array  # () rad, of the clock

    @classmethod
    def first(cls) -> "Steps":
        """Return the memory at the start of an episode: no foot was in the air, and no error of heading."""
        return cls(jnp.zeros(2), jnp.zeros(2), jnp.array(-1, jnp.int32), jnp.zeros(()), jnp.zeros(()))

    def after(self, motion: Motion, period: float, is_new_goal: Array) -> "Steps":
        """Return the memory after one more control step.

        Args:
          motion: what the body did in the step.
          period: duration of the step, s.
          is_new_goal: () bool, whether a new goal begins after the step; the heading error then starts again at 0.
        """
        in_air = motion.foot_force <= 0
        down = came_down(motion, self)
        error = self.heading_error + period * (motion.turn - motion.command[2])
        return Steps(
            air=jnp.where(in_air, self.air + period, 0),
            peak=jnp.where(in_air, jnp.maximum(self.peak, motion.foot_height), 0),
            last=jnp.where(down.any(), jnp.argmax(down).astype(jnp.int32), self.last),
            heading_error=jnp.where(is_new_goal, 0, error),
            phase=clock.later(self.phase, motion.velocity, period),
        )


def came_down(motion: Motion, before: Steps) -> Array:
    """Return which feet (2,), right and left, touch the floor after at least 0.06 s in the air.

    `motion` is what the body did in this control step. `before` says for how long each foot was in the air until then.
    """
    return (motion.foot_force > 0) & (before.air >= SHORTEST_SWING)


def gait_terms(motion: Motion, before: Steps) -> dict[str, Array]:
    """Return the value () of each gait term before weighting, by its name in `GaitWeights`.

    All are 0 while the body is asked to jump or to stand up. `motion` is what the body did in this control step, and
    `before` what is remembered of the steps until then: of the feet, the heading and the gait's clock.
    """
    is_moving = jnp.sqrt(jnp.square(motion.command[:2]).sum()) > MOVING
    touches = (motion.foot_force > 0) & (before.air > 0) & is_moving
    again = came_down(motion, before) & (jnp.arange(2) == before.last) & is_moving
    lacking = jnp.maximum(1 - before.peak / CLEARANCE, 0)
    heading_error = jnp.minimum(jnp.abs(before.heading_error), LARGEST_HEADING_ERROR)
    terms = {
        "air_time": jnp.sum(touches * (jnp.minimum(before.air, LONGEST_SWING) - SWING)),
        "clearance": jnp.sum(touches * jnp.square(lacking)),
        "alternation": again.any().astype(motion.height.dtype),
        "arms": jnp.square(motion.arm_angles).mean(),
        "elbows": jnp.square(motion.elbows - ELBOW).mean(),
        "trunk": jnp.square(motion.sway).sum(),
        "energy": motion.power / BODY_WEIGHT,
        "heading": jnp.square(heading_error),
        **_by_clock(motion, before.phase),
    }
    is_on_foot = (motion.skill != JUMP) & (motion.skill != STAND_UP)
    return {name: value * is_on_foot for name, value in terms.items()}


def _by_clock(motion: Motion, phase: Array) -> dict[str, Array]:
    """Return the terms `swing` and `rhythm`, which compare the feet with the clock's phase () in rad.

    They are 0 while the body is asked to stand still.
    """
    speed, turn = jnp.sqrt(jnp.square(motion.command[:2]).sum()), jnp.abs(motion.command[2])
    lacking = (motion.foot_height - clock.asked_height(phase)) / clock.SWING_HEIGHT
    on_floor, swings = motion.foot_force > 0, clock.swings(phase)
    drags = on_floor & (swings > clock.FIRM)
    floats = ~on_floor & (swings < -clock.FIRM) & (speed < FLYING)
    terms = {"swing": jnp.minimum(jnp.square(lacking), 1), "rhythm": (drags | floats).astype(lacking.dtype)}
    return {name: value.mean() * ((speed > MOVING) | (turn > MOVING)) for name, value in terms.items()}


def weighted_gait(terms: dict[str, Array], weights: GaitWeights) -> dict[str, Array]:
    """Return what each term that is switched on adds to the reward: its value times its weight."""
    names = [field.name for field in fields(weights) if getattr(weights, field.name)]
    return {name: getattr(weights, name) * terms[name] for name in names}
