"""What the humanoid's body does in one control step, as the reward terms of its tasks read it.

The humanoid is `envs.robots.models.feeling_humanoid`, which has sensors in its feet.
"""

import jax.numpy as jnp
from flax import struct
from jax import Array

from envs.physics import PhysicsState
from envs.robots import feeling_humanoid as body


@struct.dataclass
class Motion:
    """What one world's humanoid did in a control step, and what it was asked for: the inputs of reward terms.

    It has heights, velocities and joint angles of the body, forces and speeds of its feet, the action and the one
    before, the power of the motors, the commanded velocity and the commanded skill.
    """

    height: Array  # () m, of the torso
    pelvis_height: Array  # () m
    gravity: Array  # (3,) unit vector down, in the torso's frame
    velocity: Array  # (2,) m/s forward and left, in the heading frame
    rise: Array  # () m/s, upward velocity
    turn: Array  # () rad/s to the left, around the vertical
    posture: Array  # (17,) rad, joint angles less those of standing
    action: Array  # (17,) in [-1, 1]
    last_action: Array  # (17,)
    foot_force: Array  # (2,) N, right and left foot on the floor
    foot_speed: Array  # (2,) m/s, horizontal
    foot_height: Array  # (2,) m, of the soles above the floor
    arm_angles: Array  # (2,) rad, between the right and the left upper arm and the vertical; 0 is hanging
    elbows: Array  # (2,) rad, right and left; negative is straighter
    sway: Array  # (2,) rad/s, roll and pitch rate of the torso
    power: Array  # () W, mechanical power of the motors, without regard to its sign
    command: Array  # (3,) forward m/s, left m/s, turn rad/s
    skill: Array  # () int32, index into `envs.tasks.humanoid_skills.goals.SKILLS`


def motion_of(
    physics: PhysicsState, joints: Array, action: Array, last_action: Array, command: Array, skill: Array
) -> Motion:
    """Return the body's motion in a control step, as reward terms read it.

    Args:
      physics: the world after the step.
      joints: joint angles of standing (17,), rad.
      action: the step's action (17,).
      last_action: the action of the step before (17,).
      command: commanded velocity forward and to the left (m/s) and yaw rate to the left (rad/s), shape (3,).
      skill: index () of the commanded skill in `envs.tasks.humanoid_skills.goals.SKILLS`.
    """
    return Motion(
        height=physics["qpos"][2],
        pelvis_height=body.pelvis_height(physics),
        gravity=body.gravity(physics),
        velocity=body.velocity(physics),
        rise=physics["qvel"][2],
        turn=body.turn(physics),
        posture=physics["qpos"][7:] - joints,
        action=action,
        last_action=last_action,
        foot_force=body.foot_force(physics),
        foot_speed=body.foot_speed(physics),
        foot_height=body.foot_height(physics),
        arm_angles=body.arm_angles(physics),
        elbows=body.elbows(physics),
        sway=physics["qvel"][3:5],
        power=body.power(physics, action),
        command=command,
        skill=skill,
    )


def unasked() -> tuple[Array, Array]:
    """Return a command (3,) of zeros and the skill () to stand still, for tasks that command neither.

    Such tasks, for example to jump, share reward terms with tasks that do.
    """
    return jnp.zeros(3), jnp.zeros((), jnp.int32)
