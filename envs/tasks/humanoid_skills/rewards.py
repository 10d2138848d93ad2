"""Reward terms of the skills: small named functions of the body's motion in a control step.

Rewards are in [0, 1], where 1 is best; only those for following a commanded velocity are multiplied by its speed in m/s
if that is above 1. The other terms are costs in their own units, and have negative weights.
"""

from dataclasses import dataclass, fields

import jax.numpy as jnp
from jax import Array

from envs.tasks.humanoid_skills.goals import JUMP, STAND_UP
from envs.tasks.humanoid_skills.motion import Motion

NARROW_SPEED, NARROW_TURN = 0.25, 0.3  # m/s, rad/s: width of the part of tracking that rewards precision
WIDE_SPEED, WIDE_SHARE = 0.25, 0.5  # m/s, and m/s more per commanded m/s: width of the part for first attempts
WIDE_TURN = 1.0  # rad/s: likewise
STRAIGHT_HEIGHT = 1.29  # m, of the torso, on straight legs
STANDING_HEIGHT = 1.2  # m, of the torso: at this height or above, it stands
KNEELING_HEIGHT = 0.8  # m, of the torso: at this height or below, it does not stand at all
JUMP_HEIGHT = 0.25  # m above straight legs that earns the whole reward
JUMP_SPEED = 1.5  # m/s upwards that earns the whole reward
BODY_WEIGHT = 413.0  # N


@dataclass(frozen=True)
class RewardWeights:
    """Weight of each term: reward per control step and unit of the term, named in parentheses. 0 turns a term off.

    Attributes:
      forward: velocity near a command, as far as the command points forward (1).
      backward: the same, backward (1).
      left: the same, to the left (1).
      right: the same, to the right (1).
      stand_still: velocity near zero when no velocity is commanded (1).
      turn: yaw rate near its command (1).
      jump: both feet in the air, height above straight legs and rising, when asked to jump (1).
      stand_up: torso height and uprightness, when asked to stand up (1).
      survive: standing on its feet (1).
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
    """Return the value () of each reward term before weighting, by its name in `RewardWeights`."""
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
    """Return what each term adds to the reward: its value times its weight."""
    return {field.name: getattr(weights, field.name) * terms[field.name] for field in fields(weights)}


def directions(command: Array) -> dict[str, Array]:
    """Return the share of a command (3,) that points in each direction. Shares add up to 1.

    Their names are `forward`, `backward`, `left` and `right`, and `stand_still` for a command without velocity.
    """
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
    """Return 1 at the commanded velocity, and less the further the velocity is off.

    The sum of two halves: one is high only near the command, the other falls off the more slowly the faster the
    command.
    """
    squared_error = jnp.square(motion.velocity - motion.command[:2]).sum()
    wide = WIDE_SPEED + WIDE_SHARE * jnp.sqrt(jnp.square(motion.command[:2]).sum())
    return 0.5 * jnp.exp(-squared_error / NARROW_SPEED**2) + 0.5 * jnp.exp(-squared_error / wide**2)


def worth(command: Array) -> Array:
    """Return the factor () on the reward for following a commanded velocity: its speed in m/s, at least 1.

    Running is harder than walking, and whoever walks when asked to run earns a part of the reward, too.
    """
    return jnp.maximum(jnp.sqrt(jnp.square(command[:2]).sum()), 1)


def turn_tracking(motion: Motion) -> Array:
    """Return 1 at the commanded yaw rate, and less the further the yaw rate is off.

    The sum of two halves: one is high only near the command, the other falls off more slowly.
    """
    squared_error = jnp.square(motion.turn - motion.command[2])
    return 0.5 * jnp.exp(-squared_error / NARROW_TURN**2) + 0.5 * jnp.exp(-squared_error / WIDE_TURN**2)


def standing(motion: Motion) -> Array:
    """Return 0 with the torso at kneeling height or below, 1 at standing height or above, linear in between."""
    return jnp.clip((motion.height - KNEELING_HEIGHT) / (STANDING_HEIGHT - KNEELING_HEIGHT), 0, 1)


def upright(motion: Motion) -> Array:
    """Return 1 if the torso's axis is vertical, 0 if it is horizontal or upside down."""
    return jnp.maximum(-motion.gravity[2], 0)


def jump(motion: Motion) -> Array:
    """Return the reward for jumping, 0 unless asked to jump, in proportion to uprightness.

    Half is for both feet in the air, a quarter for height above straight legs, and a quarter for upward velocity.
    """
    height = jnp.clip((motion.height - STRAIGHT_HEIGHT) / JUMP_HEIGHT, 0, 1)
    rising = jnp.clip(motion.rise / JUMP_SPEED, 0, 1)
    return (motion.skill == JUMP) * (0.5 * is_airborne(motion) + 0.25 * height + 0.25 * rising) * upright(motion)


def is_airborne(motion: Motion) -> Array:
    """Return whether both feet are in the air and the torso is above standing height.

    The height excludes a humanoid that lies on the floor with its feet up.
    """
    return (motion.foot_force <= 0).all() & (motion.height > STANDING_HEIGHT)


def stand_up(motion: Motion) -> Array:
    """Return the reward for standing up: the torso's height as a share of standing height; 0 unless asked to.

    Half of it is in proportion to uprightness.
    """
    height = jnp.clip(motion.height / STANDING_HEIGHT, 0, 1)
    return (motion.skill == STAND_UP) * height * (0.5 + 0.5 * upright(motion))
