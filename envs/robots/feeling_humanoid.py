"""How tasks on `envs.robots.models.feeling_humanoid` see it and stand it up."""

import math

import jax
import jax.numpy as jnp
import mujoco
from jax import Array

from envs.physics import PhysicsState
from envs.robots import symmetry
from envs.robots.models import FEET
from envs.robots.rotations import heading_of, rotated_back, turned_back
from envs.types import Reflection

FIELDS = ("sensordata",)
DOWN = (0.0, 0.0, -1.0)
ROOT_HEIGHT_ON_THE_FLOOR = 1.3  # m, of the torso, with the soles just above the floor


def observe(physics: PhysicsState, last_action: Array) -> Array:
    """What the humanoid feels, shape (63,), the same whichever way it faces and wherever it is.

    Torso height (m); direction of gravity in the torso's frame (3); velocity in the heading frame: forward, left, up
    (m/s); angular velocity in the torso's frame (rad/s); joint angles (17, rad) and velocities (17, rad/s); whether
    each foot is on the floor (2); last action (17).
    """
    qpos, qvel = physics["qpos"], physics["qvel"]
    touches = (foot_force(physics) > 0).astype(qpos.dtype)
    parts = [qpos[2:3], gravity(physics), velocity(physics), qvel[2:6], qpos[7:], qvel[6:], touches, last_action]
    return jnp.concatenate(parts)


def mirror(model: mujoco.MjModel) -> tuple[Reflection, Reflection]:
    """Of what `observe` gives, and of actions."""
    joints, actions = symmetry.hinges(model), symmetry.actuators(model)
    height = vertical = Reflection.unchanged(1)
    moving = symmetry.PLANAR + vertical + symmetry.ANGULAR
    return height + symmetry.VECTOR + moving + joints + joints + symmetry.SWAP + actions, actions


def gravity(physics: PhysicsState) -> Array:
    """The direction of gravity in the torso's frame, a unit vector (3,)."""
    return rotated_back(physics["qpos"][3:7], jnp.array(DOWN))


def velocity(physics: PhysicsState) -> Array:
    """Velocity (2,) forward and left, in the heading frame, m/s."""
    return turned_back(heading_of(physics["qpos"][3:7]), physics["qvel"][:2])


def turn(physics: PhysicsState) -> Array:
    """Yaw rate, around the vertical and to the left, rad/s."""
    return -jnp.sum(gravity(physics) * physics["qvel"][3:6])


def foot_force(physics: PhysicsState) -> Array:
    """Force (2,) of the floor on the right and the left foot, N."""
    return physics["sensordata"][: len(FEET)]


def foot_speed(physics: PhysicsState) -> Array:
    """Horizontal speed (2,) of the right and the left foot, m/s."""
    horizontal = physics["sensordata"][len(FEET) :].reshape(len(FEET), 3)[:, :2]
    return jnp.sqrt(jnp.square(horizontal).sum(axis=1) + 1e-12)


def standing_qpos(key: Array, joints: Array, noise: float) -> Array:
    """Positions (24,) of standing in the middle, facing anywhere, with uniform noise (rad) on joint angles (17,)."""
    key_joints, key_heading = jax.random.split(key)
    joints = joints + noise * jax.random.uniform(key_joints, joints.shape, minval=-1)
    half_yaw = jax.random.uniform(key_heading, maxval=math.pi)
    root = jnp.array([0, 0, ROOT_HEIGHT_ON_THE_FLOOR, jnp.cos(half_yaw), 0, 0, jnp.sin(half_yaw)])
    return jnp.concatenate([root, joints])
