"""Commands of velocity, which the joystick tasks and the locomotion task follow."""

import jax
import jax.numpy as jnp
from jax import Array

from envs.tasks.joystick_config import JoystickConfig
from envs.tasks.locomotion_config import LocomotionConfig
from envs.types import Reflection

TURNED_COMMAND = Reflection((0, 1, 2), (1, -1, -1))  # mirror image of a command: forward, left, turn
STANDS_STILL_BELOW = 0.01  # norm of a command below which the robot shall stand still


def draw_command(key: Array, config: JoystickConfig | LocomotionConfig) -> Array:
    """Draw a command (3,): forward and sideways velocity (m/s) and yaw rate (rad/s), or zeros, to stand still."""
    key_command, key_stand = jax.random.split(key)
    low, high = jnp.array((config.forward_velocity, config.sideways_velocity, config.yaw_rate)).T
    command = jax.random.uniform(key_command, (3,), minval=low, maxval=high)
    return jnp.where(jax.random.bernoulli(key_stand, config.stand_probability), 0, command)


def stands_still(command: Array) -> Array:
    """Return whether a command (3,) asks to stand still."""
    return jnp.linalg.norm(command) < STANDS_STILL_BELOW
