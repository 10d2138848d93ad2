"""What the skills are rewarded for: small named terms, each a pure function of what the body does.

Terms are per control step. Those in [0, 1] are rewards, 1 is best, but that a fast command is worth as much more as it
exceeds 1 m/s; the others are costs in their own unit and have a negative weight.
"""

from dataclasses import dataclass, fields

import jax.numpy as jnp
from flax import struct
from jax import Array

from envs.tasks.humanoid_skills.goals import JUMP, STAND_UP

NARROW_SPEED, NARROW_TURN = 0.25, 0.3  # m/s, rad/s: where precision is rewarded
WIDE_SPEED, WIDE_SHARE = 0.25, 0.5  # m/s, and m/s more for each m/s asked for: where a first attempt is
WIDE_TURN = 1.0  # rad/s
STRAIGHT_HEIGHT = 1.29  # m, of the torso, on straight legs
STANDING_HEIGHT = 1.2  # m, of the torso: from here on it stands
KNEELING_HEIGHT = 0.8  # m, of the torso: up to here it does not
JUMP_HEIGHT = 0.25  # m above straight legs that earns the whole reward
JUMP_SPEED = 1.5  # m/s upwards that earns the whole reward
BODY_WEIGHT = 413.0  # N


@struct.dataclass
class Motion:
    """What one world's body did in a control step."""

    height: Array  # () m, of the torso
    gravity: Array  # (3,) unit vector down, in the torso's frame
    velocity: Array  # (2,) m/s forward and left, in the heading frame
    rise: Array  # () m/s upwards
    turn: Array  # () rad/s to the left, around the vertical
    posture: Array  # (17,) rad, joint angles less those of standing
    action: Array  # (17,) in [-1, 1]
    last_action: Array  # (17,)
    foot_force: Array  # (2,) N, right and left foot on the floor
    foot_speed: Array  # (2,) m/s, horizontal
    command: Array  # (3,) forward m/s, left m/s, turn rad/s
    skill: Array  # () int32


@dataclass(frozen=True)
class RewardWeights:
    """Weight of each term, in reward per control step and unit of the term; 0 leaves a term out.

    Attributes:
      forward: velocity near a command, as far as the command points forward (1).
      backward: the same, backward (1).
      left: the same, to the left (1).
      right: the same, to the right (1).
      stand_still: velocity near zero when no velocity is commanded (1).
      turn: yaw rate near its command (1).
      jump: both feet in the air, height above straight legs and rising, when asked to jump (1).
      stand_up: torso height and uprightness, when asked to stand up (1).
      survive: being on its feet (1).
      upright: torso axis along the vertical (1).
      ctrl: squared actions, mean over actuators (1).
      action_rate: squared change of actions, mean over actuators (1).
      posture: squared angle between joints and standing, mean over joints (rad^2).
      contact: force on the feet beyond 1.5 body weights (body weights).
      foot_slip: speed of feet on the floor, summed over both (m/s).
    """

    forward: float = 2.0
    backward: float = 2.0
    left: float = 2.0
    right: float = 2.0
    stand_still: float = 2.0
    turn: float = 1.0
    jump: float = 2.0
    stand_up: float = 2.0
    survive: float = 0.5
    upright: float = 0.5
    ctrl: float = -0.2
    action_rate: float = -0.05
    posture: float = -0.5
    contact: float = -0.05
    foot_slip: float = -0.05


def reward_terms(motion: Motion) -> dict[str, Array]:
    """Every term's value, by the name of its weight; each scalar."""
    tracking = velocity_tracking(motion) * standing(motion) * worth(motion.command)
    along = directions(motion.command)
    terms = {name: tracking * share for name, share in along.items()}
    terms["turn"] = turn_tracking(motion) * standing(motion)
    terms["jump"] = jump(motion)
    terms["stand_up"] = stand_up(motion)
    terms["survive"] = standing(motion)
    terms["upright"] = upright(motion)
    terms["ctrl"] = jnp.square(motion.action).mean()
    terms["action_rate"] = jnp.square(motion.action - motion.last_action).mean()
    terms["posture"] = jnp.square(motion.posture).mean()
    terms["contact"] = jnp.maximum(motion.foot_force / BODY_WEIGHT - 1.5, 0).sum()
    terms["foot_slip"] = jnp.sum(motion.foot_speed * (motion.foot_force > 0))
    return terms


def weighted(terms: dict[str, Array], weights: RewardWeights) -> dict[str, Array]:
    """Each term times its weight: what it adds to the reward."""
    return {field.name: getattr(weights, field.name) * terms[field.name] for field in fields(weights)}


def directions(command: Array) -> dict[str, Array]:
    """How a command (3,) is shared among the named directions; shares add up to 1."""
    forward, left = command[0], command[1]
    squared = forward**2 + left**2
    moves = squared > 0
    share_forward = jnp.where(moves, forward**2 / jnp.where(moves, squared, 1), 0)
    share_side = jnp.where(moves, left**2 / jnp.where(moves, squared, 1), 0)
    return {
        "forward": share_forward * (forward > 0),
        "backward": share_forward * (forward < 0),
        "left": share_side * (left > 0),
        "right": share_side * (left < 0),
        "stand_still": jnp.where(moves, 0.0, 1.0),
    }


def velocity_tracking(motion: Motion) -> Array:
    """1 at the commanded velocity; half of it falls off within a stride's error, half within the command's size."""
    squared_error = jnp.square(motion.velocity - motion.command[:2]).sum()
    wide = WIDE_SPEED + WIDE_SHARE * jnp.sqrt(jnp.square(motion.command[:2]).sum())
    return 0.5 * jnp.exp(-squared_error / NARROW_SPEED**2) + 0.5 * jnp.exp(-squared_error / wide**2)


def worth(command: Array) -> Array:
    """1, or the commanded speed in m/s above that: to run is harder than to walk, and walking earns some of it."""
    return jnp.maximum(jnp.sqrt(jnp.square(command[:2]).sum()), 1)


def turn_tracking(motion: Motion) -> Array:
    """1 at the commanded yaw rate; half of it falls off narrowly, half widely."""
    squared_error = jnp.square(motion.turn - motion.command[2])
    return 0.5 * jnp.exp(-squared_error / NARROW_TURN**2) + 0.5 * jnp.exp(-squared_error / WIDE_TURN**2)


def standing(motion: Motion) -> Array:
    """0 at or below kneeling height, 1 at standing height or above."""
    return jnp.clip((motion.height - KNEELING_HEIGHT) / (STANDING_HEIGHT - KNEELING_HEIGHT), 0, 1)


def upright(motion: Motion) -> Array:
    """1 with the torso's axis along the vertical, 0 from the horizontal on."""
    return jnp.maximum(-motion.gravity[2], 0)


def jump(motion: Motion) -> Array:
    """When asked to jump: half for both feet in the air, a quarter for height above straight legs, one for rising."""
    height = jnp.clip((motion.height - STRAIGHT_HEIGHT) / JUMP_HEIGHT, 0, 1)
    rising = jnp.clip(motion.rise / JUMP_SPEED, 0, 1)
    return (motion.skill == JUMP) * (0.5 * is_airborne(motion) + 0.25 * height + 0.25 * rising) * upright(motion)


def is_airborne(motion: Motion) -> Array:
    """Whether both feet are in the air, and not because it lies."""
    return (motion.foot_force <= 0).all() & (motion.height > STANDING_HEIGHT)


def stand_up(motion: Motion) -> Array:
    """When asked to stand up: torso height as a part of standing, half of it only when upright."""
    height = jnp.clip(motion.height / STANDING_HEIGHT, 0, 1)
    return (motion.skill == STAND_UP) * height * (0.5 + 0.5 * upright(motion))
