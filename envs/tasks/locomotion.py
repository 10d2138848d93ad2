"""Locomotion for any robot that has an MJCF file: `--env my_robot.xml`, with no class to write."""

import math
from typing import ClassVar

import jax
import jax.numpy as jnp
from jax import Array

from envs.physics import PhysicsOptions, PhysicsSpec, PhysicsState
from envs.robots.own_robot import own_robot
from envs.robots.rotations import rotated, rotated_back
from envs.task import MujocoTask, first_state
from envs.tasks import joystick_rewards as rewards
from envs.tasks.locomotion_config import LocomotionConfig
from envs.tasks.velocity_command import draw_command, stands_still
from envs.types import EnvState


class Locomotion(MujocoTask):
    """Follow a command of velocity and yaw rate with the robot of an MJCF file; an episode ends with a fall.

    The robot's frame is the trunk's, turned such that in the standing pose it is the world's: the robot faces +x.
    Goal (3): commanded forward and sideways velocity (m/s) and yaw rate (rad/s), in the robot's frame.
    Observation (9 + Q + V + A + F, for Q joint positions, V joint velocities, A actuators and F feet): linear velocity
    (3, m/s, robot's frame), angular velocity (3, rad/s), direction of gravity (3), joint positions relative to the
    standing pose (Q), joint velocities (V), the last action (A), and whether each foot touches the floor (F).
    Action (A): targets of position servos around the standing pose; controls of other actuators, over their range.
    Foot sensors are one physics step old.
    """

    Config = LocomotionConfig
    weights = tuple(name for name in LocomotionConfig.__dataclass_fields__ if name.endswith("_weight"))
    file: ClassVar[str]  # path of the MJCF file

    def __init__(self, config: LocomotionConfig, options: PhysicsOptions) -> None:
        """Read the robot and compile it for a backend.

        Raises:
          ConfigError: if the file is missing, or its robot cannot be trained.
        """
        self.config = config
        robot = self.robot = own_robot(self.file, config.keyframe, config.feet)
        num_substeps = max(1, round(config.control_period / robot.model.opt.timestep))
        fields = ("sensordata", "qfrc_actuator")
        super().__init__(PhysicsSpec(robot.model, num_substeps=num_substeps, fields=fields), options)
        self._steps_per_command = self.num_control_steps(config.command_interval)
        self._standing = jnp.asarray(robot.standing)
        self._standing_turn = jnp.asarray(robot.standing[robot.trunk_qpos + 3 : robot.trunk_qpos + 7])
        self._control_low, self._control_high = jnp.asarray(robot.control_range.T)
        self._limits_low, self._limits_high = jnp.asarray(robot.limits.T)
        middle, reach = (self._limits_low + self._limits_high) / 2, (self._limits_high - self._limits_low) / 2
        self._soft_low, self._soft_high = middle - rewards.SOFT_LIMIT * reach, middle + rewards.SOFT_LIMIT * reach

    def control(self, action: Array) -> Array:
        """Return the controls (A,) of an action (A,), kept in range: 0 is the standing pose of position servos."""
        scale = jnp.where(self.robot.is_servo, self.config.action_scale, 1.0)
        controls = jnp.asarray(self.robot.control_middle) + scale * jnp.asarray(self.robot.control_reach) * action
        return jnp.clip(controls, self._control_low, self._control_high)

    def reset(self, key: Array) -> EnvState:
        """Start standing with noise and a random heading."""
        key_state, key_model, key_command, key_own = jax.random.split(key, 4)
        physics = self.start(key_model, *self._first_positions(key_state))
        info = {
            "key": jax.random.key_data(key_own),  # as plain numbers, which can be merged like the rest of a state
            "steps_to_command": jnp.array(self._steps_per_command, jnp.int32),
            "last_action": jnp.zeros(self.model.nu),
            "air_time": jnp.zeros(len(self.robot.feet)),
        }
        command = draw_command(key_command, self.config)
        names = [*self._weights, "forward_velocity", "velocity_error", "yaw_rate_error"]
        metrics = {name: jnp.zeros(()) for name in names}
        return first_state(physics, self._observe(physics, info), command, metrics, info)

    def step(self, state: EnvState, action: Array) -> EnvState:
        """Hold the controls for one control period. The reward is for the command before this step."""
        command, info = state.goal, state.info
        physics = self.physics.step(state.physics, self.control(action))
        fell = self._fell(physics)
        weights = self._weights
        weighted = {name: weights[name] * x for name, x in self._terms(physics, command, action, info, fell).items()}
        velocity, gyro = self._velocity(physics), self._gyro(physics)
        measured = {
            "forward_velocity": velocity[0],
            "velocity_error": jnp.linalg.norm(command[:2] - velocity[:2]),
            "yaw_rate_error": jnp.abs(command[2] - gyro[2]),
        }
        key, key_command = jax.random.split(jax.random.wrap_key_data(info["key"]))
        is_new = info["steps_to_command"] <= 1
        command = jnp.where(is_new, draw_command(key_command, self.config), command)
        info = info | {
            "key": jax.random.key_data(key),
            "steps_to_command": jnp.where(is_new, self._steps_per_command, info["steps_to_command"] - 1),
            "last_action": action,
            "air_time": jnp.where(self._has_contact(physics), 0, info["air_time"] + self.control_period),
        }
        return state.replace(
            physics=physics,
            obs=self._observe(physics, info),
            goal=command,
            reward=self.control_period * sum(weighted.values()),
            terminated=fell,
            metrics=weighted | measured,
            info=info,
        )

    def _terms(self, physics: PhysicsState, command: Array, action: Array, info: dict, fell: Array) -> dict[str, Array]:
        """Return the value () of each reward term before weighting.

        Args:
          physics: the world after the step.
          command: commanded velocity forward and to the left (m/s) and yaw rate (rad/s), shape (3,).
          action: the step's action (A,).
          info: the task's own state before the step.
          fell: () bool, whether the robot has fallen.
        """
        robot, sigma = self.robot, self.config.tracking_sigma
        velocity, gyro, gravity = self._velocity(physics), self._gyro(physics), self._gravity(physics)
        joint_qpos, joint_qvel = physics["qpos"][robot.joint_qpos], physics["qvel"][robot.joint_qvel]
        has_contact = self._has_contact(physics)
        has_landed = has_contact & (info["air_time"] > 0) & ~stands_still(command)
        away = joint_qpos - self._standing[robot.joint_qpos]
        limited = physics["qpos"][robot.limited_qpos]
        swing = info["air_time"] + self.control_period
        return {
            "tracking_velocity": rewards.tracking_velocity(command, velocity, sigma),
            "tracking_yaw_rate": rewards.tracking_yaw_rate(command, gyro, sigma),
            "upright": rewards.orientation(gravity),
            "rocking": rewards.rocking(gyro),
            "bouncing": jnp.square(upward(gravity, velocity)),
            "energy": rewards.energy(joint_qvel, physics["qfrc_actuator"][robot.joint_qvel]) / robot.weight,
            "action_rate": rewards.action_rate(action, info["last_action"]),
            "feet_air_time": rewards.feet_air_time(swing, has_landed, *self.config.air_time),
            "feet_slip": rewards.feet_slip(self._foot_velocities(physics), has_contact),
            "pose": jnp.sum(jnp.square(away)),
            "joint_limits": rewards.joint_limits(limited, self._soft_low, self._soft_high),
            "alive": 1.0 - fell,
            "termination": 1.0 * fell,
        }

    @property
    def _weights(self) -> dict[str, float]:
        return {name.removesuffix("_weight"): x for name, x in self.reward_weights(self.config).items()}

    def _first_positions(self, key: Array) -> tuple[Array, Array]:
        """Return first positions (nq,) and velocities (nv,): the standing pose, with a random heading and noise."""
        key_yaw, key_pose, key_velocity = jax.random.split(key, 3)
        robot, start = self.robot, self.robot.trunk_qpos
        half = jax.random.uniform(key_yaw, minval=-jnp.pi, maxval=jnp.pi) / 2
        qpos = self._standing.at[start + 3 : start + 7].set(_turned(half, self._standing_turn))
        noise = self.config.reset_pose_noise
        moved = qpos[robot.limited_qpos] + jax.random.uniform(
            key_pose, robot.limited_qpos.shape, minval=-noise, maxval=noise
        )
        qpos = qpos.at[robot.limited_qpos].set(jnp.clip(moved, self._limits_low, self._limits_high))
        noise = self.config.reset_velocity_noise
        velocity = jax.random.uniform(key_velocity, (6,), minval=-noise, maxval=noise)
        return qpos, jnp.zeros(self.model.nv).at[robot.trunk_qvel : robot.trunk_qvel + 6].set(velocity)

    def _observe(self, physics: PhysicsState, info: dict) -> Array:
        robot = self.robot
        return jnp.concatenate(
            [
                self._velocity(physics),
                self._gyro(physics),
                self._gravity(physics),
                physics["qpos"][robot.joint_qpos] - self._standing[robot.joint_qpos],
                physics["qvel"][robot.joint_qvel],
                info["last_action"],
                self._has_contact(physics).astype(physics["qpos"].dtype),
            ]
        )

    def _fell(self, physics: PhysicsState) -> Array:
        height = physics["qpos"][self.robot.trunk_qpos + 2] - self.robot.floor
        is_low = height < self.config.min_height * self.robot.height
        return is_low | (-self._gravity(physics)[2] < math.cos(self.config.max_tilt))

    def _in_robot_frame(self, physics: PhysicsState, vector: Array) -> Array:
        """Return a vector (3,) of the world's frame in the robot's frame."""
        turn = physics["qpos"][self.robot.trunk_qpos + 3 : self.robot.trunk_qpos + 7]
        return rotated(self._standing_turn, rotated_back(turn, vector))

    def _velocity(self, physics: PhysicsState) -> Array:
        """Return the trunk's velocity (3,) in m/s, in the robot's frame."""
        start = self.robot.trunk_qvel
        return self._in_robot_frame(physics, physics["qvel"][start : start + 3])

    def _gyro(self, physics: PhysicsState) -> Array:
        """Return the trunk's angular velocity (3,) in rad/s, in the robot's frame."""
        start = self.robot.trunk_qvel + 3
        return rotated(self._standing_turn, physics["qvel"][start : start + 3])

    def _gravity(self, physics: PhysicsState) -> Array:
        """Return the unit vector down (3,), in the robot's frame."""
        return self._in_robot_frame(physics, jnp.array([0.0, 0.0, -1.0]))

    def _foot_velocities(self, physics: PhysicsState) -> Array:
        """Return the velocities (F, 3) of the feet in m/s, in the world's frame."""
        return jnp.stack([self._sensor(physics, foot.velocity) for foot in self.robot.feet])

    def _has_contact(self, physics: PhysicsState) -> Array:
        """Return whether each foot (F,) touches the floor."""
        found = [[self._sensor(physics, name) for name in foot.contacts] for foot in self.robot.feet]
        return jnp.stack([jnp.concatenate(contacts).max() > 0 for contacts in found])

    def _sensor(self, physics: PhysicsState, name: str) -> Array:
        sensor = self.model.sensor(name)
        return physics["sensordata"][sensor.adr[0] : sensor.adr[0] + sensor.dim[0]]


def locomotion_task(file: str) -> type[Locomotion]:
    """Return the task class of the robot in an MJCF file, which is read only when the task is made."""
    return type("Locomotion", (Locomotion,), {"file": file, "__doc__": Locomotion.__doc__})


def upward(gravity: Array, velocity: Array) -> Array:
    """Return the upward part of a velocity (3,), given the unit vector down (3,) in the same frame."""
    return -jnp.dot(gravity, velocity)


def _turned(half_angle: Array, quaternion: Array) -> Array:
    """Return a quaternion (4,) turned about the world's vertical by twice `half_angle` (), rad."""
    c, s = jnp.cos(half_angle), jnp.sin(half_angle)
    w, x, y, z = quaternion
    return jnp.stack([c * w - s * z, c * x - s * y, c * y + s * x, c * z + s * w])
