"""Observation, measurements and standing pose of the "feeling" humanoid, shared by the tasks that simulate it.

It is Brax's humanoid with a whole body that touches the floor and with sensors (`envs.robots.models.feeling_humanoid`).
"""

import math

import jax
import jax.numpy as jnp
import mujoco
from jax import Array

from envs.physics import PhysicsState
from envs.robots import symmetry
from envs.robots.models import FEET
from envs.robots.rotations import heading_of, rotated, rotated_back, turned_back
from envs.types import Reflection

FIELDS = ("sensordata",)
DOWN = (0.0, 0.0, -1.0)
ROOT_HEIGHT_ON_THE_FLOOR = 1.3  # m, of the torso, with the soles just above the floor
LYING_HEIGHT = 0.35  # m, height of the torso from which a lying humanoid drops to the floor
LYING_JOINTS = 0.3  # factor on joint angles drawn from their whole range, for a lying humanoid
LEG_MOTORS = {"hip_x": 40.0, "hip_z": 40.0, "hip_y": 120.0, "knee": 80.0}
ARM_MOTORS = {"shoulder1": 10.0, "shoulder2": 10.0, "elbow": 10.0}
MOTORS = {  # N m, the largest torque of each motor, in the order of actions
    **{name: 40.0 for name in ("abdomen_y", "abdomen_z", "abdomen_x")},
    **{f"{side}_{name}": torque for side in ("right", "left") for name, torque in LEG_MOTORS.items()},
    **{f"{side}_{name}": torque for side in ("right", "left") for name, torque in ARM_MOTORS.items()},
}
SHOULDER_AXES = ((2.0, 1.0, 1.0), (0.0, -1.0, 1.0))  # of the right shoulder's joints, in the torso's frame
UPPER_ARM = (1.0, -1.0, -1.0)  # direction of the right upper arm at joint angles 0
FOOT_RADIUS = 0.075  # m; feet are spheres
THIGH, SHIN = 0.383, 0.37  # m, from hip to knee, and from knee to the middle of the foot
HIPS, KNEES = ("right_hip_y", "left_hip_y"), ("right_knee", "left_knee")
JOINTS = (  # in the order of `qpos` and `qvel`
    *("abdomen_z", "abdomen_y", "abdomen_x"),
    *("right_hip_x", "right_hip_z", "right_hip_y", "right_knee"),
    *("left_hip_x", "left_hip_z", "left_hip_y", "left_knee"),
    *("right_shoulder1", "right_shoulder2", "right_elbow", "left_shoulder1", "left_shoulder2", "left_elbow"),
)


def observe(physics: PhysicsState, last_action: Array) -> Array:
    """Return the humanoid's observation, shape (63,), which does not depend on the robot's place and heading.

    Torso height (m); direction of gravity in the torso's frame (3); velocity in the heading frame: forward, left, up
    (m/s); angular velocity in the torso's frame (rad/s); joint angles (17, rad) and velocities (17, rad/s); whether
    each foot is on the floor (2); last action (17).
    """
    qpos, qvel = physics["qpos"], physics["qvel"]
    touches = (foot_force(physics) > 0).astype(qpos.dtype)
    parts = [qpos[2:3], gravity(physics), velocity(physics), qvel[2:6], qpos[7:], qvel[6:], touches, last_action]
    return jnp.concatenate(parts)


def mirror(model: mujoco.MjModel) -> tuple[Reflection, Reflection]:
    """Return how the humanoid's observation (63,) and its actions (17,) change when left and right change places."""
    joints, actions = symmetry.hinges(model), symmetry.actuators(model)
    height = vertical = Reflection.unchanged(1)
    moving = symmetry.PLANAR + vertical + symmetry.ANGULAR
    return height + symmetry.VECTOR + moving + joints + joints + symmetry.SWAP + actions, actions


def gravity(physics: PhysicsState) -> Array:
    """Return the direction of gravity in the torso's frame, a unit vector (3,)."""
    return rotated_back(physics["qpos"][3:7], jnp.array(DOWN))


def velocity(physics: PhysicsState) -> Array:
    """Return the velocity (2,) forward and left, in the heading frame, m/s."""
    return turned_back(heading_of(physics["qpos"][3:7]), physics["qvel"][:2])


def turn(physics: PhysicsState) -> Array:
    """Return the yaw rate () around the vertical, positive to the left, rad/s."""
    return -jnp.sum(gravity(physics) * physics["qvel"][3:6])


def foot_force(physics: PhysicsState) -> Array:
    """Return the force (2,) of the floor on the right and the left foot, N."""
    return physics["sensordata"][: len(FEET)]


def foot_speed(physics: PhysicsState) -> Array:
    """Return the horizontal speed (2,) of the right and the left foot, m/s."""
    horizontal = physics["sensordata"][2:8].reshape(len(FEET), 3)[:, :2]
    return jnp.sqrt(jnp.square(horizontal).sum(axis=1) + 1e-12)


def foot_height(physics: PhysicsState) -> Array:
    """Return the height (2,) of the right and the left sole above the floor, m."""
    return physics["sensordata"][8:14].reshape(len(FEET), 3)[:, 2] - FOOT_RADIUS


def pelvis_height(physics: PhysicsState) -> Array:
    """Return the height () of the pelvis, m."""
    return physics["sensordata"][16]


def arm_angles(physics: PhysicsState) -> Array:
    """Return the angle (2,) between the right and the left upper arm and the vertical, rad; 0 is hanging down."""
    down = gravity(physics)
    cosines = [jnp.dot(upper_arm(physics["qpos"], side), down) for side in ("right", "left")]
    return jnp.arccos(jnp.clip(jnp.stack(cosines), -1 + 1e-6, 1 - 1e-6))


def upper_arm(qpos: Array, side: str) -> Array:
    """Return the unit vector (3,) from the shoulder to the elbow of a side, `right` or `left`, in the torso's frame."""
    mirrored = jnp.array([1.0, 1.0 if side == "right" else -1.0, 1.0])
    first, second = (jnp.array(axis) * mirrored for axis in SHOULDER_AXES)
    angles = [qpos[7 + JOINTS.index(f"{side}_shoulder{i}")] for i in (1, 2)]
    arm = jnp.array(UPPER_ARM) * mirrored
    for axis, angle in ((second, angles[1]), (first, angles[0])):
        axis = axis / jnp.sqrt(jnp.square(axis).sum())
        arm = rotated(jnp.concatenate([jnp.cos(angle / 2)[None], jnp.sin(angle / 2) * axis]), arm)
    return arm / jnp.sqrt(jnp.square(arm).sum())


def elbows(physics: PhysicsState) -> Array:
    """Return the angles (2,) of the right and the left elbow, rad."""
    return physics["qpos"][jnp.array([7 + JOINTS.index(f"{side}_elbow") for side in ("right", "left")])]


def power(physics: PhysicsState, action: Array) -> Array:
    """Return the motors' mechanical power () for an action (17,), W: the sum of their absolute values."""
    speeds = physics["qvel"][6:][jnp.array([JOINTS.index(name) for name in MOTORS])]
    return jnp.sum(jnp.abs(jnp.array(list(MOTORS.values())) * action * speeds))


def standing_qpos(key: Array, joints: Array, noise: float) -> Array:
    """Return standing positions `qpos` (24,) at the origin, with a random heading.

    Args:
      key: random key.
      joints: joint angles (17,) of standing, rad.
      noise: half-width of the uniform noise on them, rad.
    """
    key_joints, key_heading = jax.random.split(key)
    joints = joints + noise * jax.random.uniform(key_joints, joints.shape, minval=-1)
    half_yaw = jax.random.uniform(key_heading, maxval=math.pi)
    root = jnp.array([0, 0, ROOT_HEIGHT_ON_THE_FLOOR, jnp.cos(half_yaw), 0, 0, jnp.sin(half_yaw)])
    return jnp.concatenate([root, joints])


def lying_qpos(key: Array, joint_range: Array) -> Array:
    """Draw positions `qpos` (24,) of lying on the back, the front or a side: a quarter turn about a horizontal axis.

    Args:
      key: random key.
      joint_range: lowest and highest angle of each joint, shape (17, 2), rad.
    """
    key_joints, key_axis = jax.random.split(key)
    axis = jax.random.uniform(key_axis, maxval=2 * math.pi)
    laid = math.sqrt(0.5) * jnp.array([1, jnp.cos(axis), jnp.sin(axis), 0])
    low, high = joint_range.T
    bent = LYING_JOINTS * jax.random.uniform(key_joints, low.shape, minval=low, maxval=high)
    return jnp.concatenate([jnp.array([0, 0, LYING_HEIGHT]), laid, bent])


def crouched(qpos: Array, hip: Array, knee: Array) -> Array:
    """Return standing positions (24,) with bent legs, lowered so that the soles stay where they were.

    Args:
      qpos: standing positions (24,).
      hip: angle () of both hips, rad, negative forward.
      knee: angle () of both knees, rad, negative when bent.
    """
    lower = THIGH * (1 - jnp.cos(hip)) + SHIN * (1 - jnp.cos(knee - hip))
    places = [jnp.array([7 + JOINTS.index(name) for name in names]) for names in (HIPS, KNEES)]
    return qpos.at[places[0]].set(hip).at[places[1]].set(knee).at[2].add(-lower)
