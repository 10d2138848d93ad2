"""Reward terms of the joystick tasks, each without its weight. Costs are positive, so their weights are negative.

Source: mujoco_playground 0.2 `locomotion/{g1,h1,t1}/joystick.py`.
"""

import jax.numpy as jnp
from jax import Array

MIN_AIR_TIME, MAX_AIR_TIME = 0.2, 0.5  # s
FOOT_HEIGHT_SCALE = 0.01  # m^2
SOFT_LIMIT = 0.95  # share of a joint's range within its soft limits


def tracking_velocity(command: Array, velocity: Array, sigma: float) -> Array:
    """Return how close the velocity is to the commanded one: 1 if equal, towards 0 the further it is off.

    Args:
      command: commanded velocity forward and to the left (m/s) and yaw rate (rad/s), shape (3,).
      velocity: velocity (3,) in the robot's frame, m/s.
      sigma: squared error at which the value is 1 / e, m^2/s^2.
    """
    return jnp.exp(-jnp.sum(jnp.square(command[:2] - velocity[:2])) / sigma)


def tracking_yaw_rate(command: Array, gyro: Array, sigma: float) -> Array:
    """Return how close the yaw rate is to the commanded one: 1 if equal, towards 0 the further it is off.

    Args:
      command: commanded velocity forward and to the left (m/s) and yaw rate (rad/s), shape (3,).
      gyro: angular velocity (3,) in the robot's frame, rad/s.
      sigma: squared error at which the value is 1 / e, rad^2/s^2.
    """
    return jnp.exp(-jnp.square(command[2] - gyro[2]) / sigma)


def orientation(gravity: Array) -> Array:
    """Return the squared sine of the tilt; `gravity` (3,) is the unit vector down, in the robot's frame."""
    return jnp.sum(jnp.square(gravity[:2]))


def rocking(gyro: Array) -> Array:
    """Return the sum of squared roll and pitch rates, rad^2/s^2."""
    return jnp.sum(jnp.square(gyro[:2]))


def torque(joint_torque: Array) -> Array:
    """Return the sum of absolute joint torques (J,), N m."""
    return jnp.sum(jnp.abs(joint_torque))


def energy(joint_velocity: Array, joint_torque: Array) -> Array:
    """Return the sum of the joints' (J,) absolute mechanical power, W; braking counts, too."""
    return jnp.sum(jnp.abs(joint_velocity * joint_torque))


def action_rate(action: Array, last_action: Array) -> Array:
    """Return the squared change of the action (A,) since the last control step, summed."""
    return jnp.sum(jnp.square(action - last_action))


def pose(joint_position: Array, default: Array, weight: Array) -> Array:
    """Return the weighted squared distance of joint positions (J,) from the standing pose, rad^2."""
    return jnp.sum(weight * jnp.square(joint_position - default))


def joint_limits(joint_position: Array, low: Array, high: Array) -> Array:
    """Return by how much joint positions (J,) are beyond their soft limits, rad, summed."""
    return jnp.sum(jnp.maximum(low - joint_position, 0) + jnp.maximum(joint_position - high, 0))


def feet_air_time(
    air_time: Array, has_landed: Array, shortest: float = MIN_AIR_TIME, longest: float = MAX_AIR_TIME
) -> Array:
    """Return the time in s that landing feet were in the air, less `shortest`, summed over these feet.

    Args:
      air_time: (F,) s that each foot was in the air.
      has_landed: (F,) bool, true for feet that land in this step.
      shortest: s that earn nothing; a shorter time counts as negative.
      longest: s above which more time earns nothing.
    """
    return jnp.sum((jnp.minimum(air_time, longest) - shortest) * has_landed)


def feet_phase(foot_height: Array, phase: Array, swing_height: float) -> Array:
    """Return how close the feet are to the heights that the gait asks for, in (0, 1].

    Args:
      foot_height: (2,) m above the standing pose.
      phase: (2,) rad, phases of the feet.
      swing_height: m, asked height in the middle of a swing.
    """
    return jnp.exp(-jnp.sum(jnp.square(foot_height - swing(phase, swing_height))) / FOOT_HEIGHT_SCALE)


def feet_slip(foot_velocity: Array, has_contact: Array) -> Array:
    """Return the squared horizontal velocity of the feet (F, 3) that touch the floor, m^2/s^2, summed."""
    return jnp.sum(jnp.sum(jnp.square(foot_velocity[:, :2]), axis=1) * has_contact)


def swing(phase: Array, height: float) -> Array:
    """Return a foot's height in m at a phase in [-pi, pi]: on the floor at both ends, at `height` in the middle."""
    x = 1 - jnp.abs(phase) / jnp.pi
    return height * (3 - 2 * x) * jnp.square(x)
