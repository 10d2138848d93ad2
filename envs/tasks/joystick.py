"""Walking robots that follow a joystick: Unitree G1, Unitree H1 and Booster T1 on flat ground."""

import math
from dataclasses import replace
from typing import ClassVar

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from jax import Array

from envs.physics import PhysicsOptions, PhysicsSpec, PhysicsState
from envs.robots import symmetry
from envs.robots.legged_robots import (
    BOOSTER_T1,
    FEET,
    UNITREE_G1,
    UNITREE_H1,
    Robot,
    foot_contacts,
    foot_velocity,
    robot_model,
)
from envs.robots.rotations import heading_of, rotated_back, turned_back
from envs.task import MujocoTask, first_state
from envs.tasks import joystick_rewards as rewards
from envs.tasks.joystick_config import CONTROL_PERIOD, H1JoystickConfig, JoystickConfig, T1JoystickConfig
from envs.tasks.velocity_command import TURNED_COMMAND, draw_command, stands_still
from envs.types import EnvState, Mirror

# Of the full support: N s/m against the commanded velocity; N/m and N s/m of height; N m/rad and N m s/rad of tilt.
DRAG, LIFT, LIFT_DAMPING, UPRIGHT, UPRIGHT_DAMPING = 300.0, 1000.0, 100.0, 300.0, 5.0

# Weight of a joint's deviation from the standing pose, by the first of these words that is part of the joint's name.
POSE_WEIGHTS = {"hip_pitch": 0.01, "knee": 0.01, "shoulder_pitch": 0.1, "": 1.0}


class Joystick(MujocoTask):
    """Follow a command of velocity and yaw rate; an episode ends with a fall.

    Goal (3): commanded forward and sideways velocity (m/s) and yaw rate (rad/s), in the robot's frame.
    Observation (13 + 3 J, for J joints): linear velocity (3, m/s, robot frame, which a real robot must estimate),
    angular velocity (3, rad/s), direction of gravity (3), joint positions relative to the standing pose (J, rad),
    joint velocities (J, rad/s), the last action (J), and cosine and sine of the feet's gait phases (4).
    Privileged (14 + J), for critics alone: height of the root (m), joint torques (J, N m), heights of the feet above
    where they stand (2, m), velocities of the feet (2 x 3, m/s, robot frame), whether each touches the floor (2), for
    how long each has been in the air (2, s), and gait frequency (Hz).
    Action (J): targets of the joints' position servos, relative to the standing pose. Sensor readings are one physics
    step old.
    Source: mujoco_playground 0.2 `locomotion/{g1,h1,t1}/joystick.py`, with one set of terms and weights for the three
    robots. Other than there, the reward is not clipped at 0, all robots have G1's cost of a fall and T1's pose
    weights, slip is measured by the feet's own velocity, and foot heights count from the standing pose.
    """

    Config = JoystickConfig
    weights = (
        *(name for name in JoystickConfig.__dataclass_fields__ if name.endswith("_weight")),
        "support",
    )
    fading = ("support",)
    robot: ClassVar[Robot]

    def __init__(self, config: JoystickConfig, options: PhysicsOptions) -> None:
        """Compile the model, and set up its simulation by the physics backend named in `options`."""
        self.config = config
        model = robot_model(self.robot)
        model.opt.timestep = config.timestep or model.opt.timestep
        fields = ("sensordata", "site_xpos", "site_xmat", "qfrc_actuator")
        num_substeps = round(CONTROL_PERIOD / model.opt.timestep)
        super().__init__(PhysicsSpec(model, num_substeps=num_substeps, fields=fields), options)
        self._steps_per_command = self.num_control_steps(config.command_interval)
        standing = mujoco.MjData(model)
        mujoco.mj_resetDataKeyframe(model, standing, model.key(self.robot.keyframe).id)
        mujoco.mj_kinematics(model, standing)
        self._imu = model.site(self.robot.imu).id
        self._feet = np.array([model.site(foot).id for foot in FEET])
        self._standing_qpos = jnp.asarray(standing.qpos)
        self._standing_foot_height = jnp.asarray(standing.site_xpos[self._feet, 2])
        self._ctrl_low, self._ctrl_high = jnp.asarray(model.actuator_ctrlrange.T)
        self._pose_weight = jnp.array([pose_weight(model.joint(i).name) for i in range(1, model.njnt)])
        low, high = model.jnt_range[1:].T
        middle, reach = (low + high) / 2, rewards.SOFT_LIMIT * (high - low) / 2
        self._soft_low, self._soft_high = jnp.asarray(middle - reach), jnp.asarray(middle + reach)

    @staticmethod
    def evaluated(config: JoystickConfig) -> JoystickConfig:
        """Return the config for evaluation: it has the robot's own physics step, and no support."""
        return replace(config, timestep=None, support=0.0)

    @property
    def mirror(self) -> Mirror:
        """The task's left-right symmetry: how observations, goals and actions change in the mirror."""
        joints, actions = symmetry.hinges(self.model), symmetry.actuators(self.model)
        moving = symmetry.VECTOR + symmetry.ANGULAR + symmetry.VECTOR
        return Mirror(moving + joints + joints + actions + symmetry.SWAP + symmetry.SWAP, TURNED_COMMAND, actions)

    @property
    def standing_height(self) -> Array:
        """The height () of the root in the standing pose, m."""
        return self._standing_qpos[2]

    def touches(self, physics: PhysicsState) -> Array:
        """Return whether each foot (2,) touches the floor."""
        names = [self.model.sensor(i).name for i in range(self.model.nsensor)]
        found = [[self._sensor(physics, name) for name in foot_contacts(names, foot)] for foot in FEET]
        return jnp.stack([jnp.concatenate(contacts).max() > 0 for contacts in found])

    def control(self, action: Array) -> Array:
        """Return joint targets (A,) in rad for an action (A,): 0 is the standing pose. Targets are kept in range."""
        return jnp.clip(self._standing_qpos[7:] + self.config.action_scale * action, self._ctrl_low, self._ctrl_high)

    def reset(self, key: Array) -> EnvState:
        """Start standing with noise and a random heading."""
        key_state, key_model, key_gait, key_command, key_own = jax.random.split(key, 5)
        physics = self.start(key_model, *self._first_positions(key_state))
        low, high = self.config.gait_frequency
        info = {
            "key": jax.random.key_data(key_own),  # as plain numbers, which can be merged like the rest of a state
            "steps_to_command": jnp.array(self._steps_per_command, jnp.int32),
            "gait_frequency": jax.random.uniform(key_gait, minval=low, maxval=high),
            "cycle": jnp.zeros(()),  # rad, of the left foot
            "last_action": jnp.zeros(self.model.nu),
            "air_time": jnp.zeros(len(FEET)),
        }
        command = draw_command(key_command, self.config)
        names = [*self._weights, "velocity_error", "yaw_rate_error", "support"]
        obs = self._observe(physics, info, command)
        state = first_state(physics, obs, command, {name: jnp.zeros(()) for name in names}, info)
        return state.replace(privileged=self._privileged(physics, info))

    def step(self, state: EnvState, action: Array) -> EnvState:
        """Hold joint targets for one control period of 20 ms. The reward is for the command before this step.

        While training, a virtual gantry helps in proportion to `support` of the config, which fades to 0.
        """
        command, info = state.goal, state.info
        physics = self.physics.step(self._supported(state.physics, state.goal), self.control(action))
        cycle = _wrapped(info["cycle"] + 2 * jnp.pi * info["gait_frequency"] * self.control_period)
        fell = self._gravity(physics)[2] > -math.cos(self.config.max_tilt)
        terms = self._terms(physics, command, action, info | {"cycle": cycle}, fell)
        weighted = {name: self._weights[name] * term for name, term in terms.items()}
        velocity, gyro = self._sensor(physics, self.robot.velocimeter), self._sensor(physics, self.robot.gyro)
        errors = {
            "velocity_error": jnp.linalg.norm(command[:2] - velocity[:2]),
            "yaw_rate_error": jnp.abs(command[2] - gyro[2]),
            "support": jnp.asarray(self.config.support, velocity.dtype),
        }
        key, key_command = jax.random.split(jax.random.wrap_key_data(info["key"]))
        is_new = info["steps_to_command"] <= 1
        command = jnp.where(is_new, draw_command(key_command, self.config), command)
        info = info | {
            "key": jax.random.key_data(key),
            "steps_to_command": jnp.where(is_new, self._steps_per_command, info["steps_to_command"] - 1),
            "cycle": cycle,
            "last_action": action,
            "air_time": jnp.where(self.touches(physics), 0, info["air_time"] + self.control_period),
        }
        return state.replace(
            physics=physics,
            obs=self._observe(physics, info, command),
            goal=command,
            reward=self.control_period * sum(weighted.values()),
            terminated=fell,
            metrics=weighted | errors,
            info=info,
            privileged=self._privileged(physics, info),
        )

    def _terms(self, physics: PhysicsState, command: Array, action: Array, info: dict, fell: Array) -> dict[str, Array]:
        """Return the value () of each reward term before weighting.

        Args:
          physics: the world after the step.
          command: commanded velocity forward and to the left (m/s) and yaw rate (rad/s), shape (3,).
          action: the step's action (A,).
          info: the task's own state before the step, with the gait's `cycle` after it.
          fell: () bool, whether the robot has fallen.
        """
        qpos, qvel, torque = physics["qpos"][7:], physics["qvel"][6:], physics["qfrc_actuator"][6:]
        gyro, has_contact = self._sensor(physics, self.robot.gyro), self.touches(physics)
        sigma, phase = self.config.tracking_sigma, _phase(info["cycle"], command)
        velocity = self._sensor(physics, self.robot.velocimeter)
        has_landed = has_contact & (info["air_time"] > 0) & ~stands_still(command)
        return {
            "tracking_velocity": rewards.tracking_velocity(command, velocity, sigma),
            "tracking_yaw_rate": rewards.tracking_yaw_rate(command, gyro, sigma),
            "orientation": rewards.orientation(self._gravity(physics)),
            "rocking": rewards.rocking(gyro),
            "torque": rewards.torque(torque),
            "energy": rewards.energy(qvel, torque),
            "action_rate": rewards.action_rate(action, info["last_action"]),
            "feet_air_time": rewards.feet_air_time(info["air_time"] + self.control_period, has_landed),
            "feet_phase": rewards.feet_phase(self._foot_heights(physics), phase, self.config.foot_height),
            "feet_slip": rewards.feet_slip(self._foot_velocities(physics), has_contact),
            "pose": rewards.pose(qpos, self._standing_qpos[7:], self._pose_weight),
            "joint_limits": rewards.joint_limits(qpos, self._soft_low, self._soft_high),
            "alive": 1.0 - fell,
            "termination": 1.0 * fell,
        }

    @property
    def _weights(self) -> dict[str, float]:
        weights = self.reward_weights(self.config)
        return {name.removesuffix("_weight"): x for name, x in weights.items() if name.endswith("_weight")}

    def _first_positions(self, key: Array) -> tuple[Array, Array]:
        key_yaw, key_pose, key_velocity = jax.random.split(key, 3)
        yaw = jax.random.uniform(key_yaw, minval=-jnp.pi, maxval=jnp.pi)
        noise = self.config.reset_pose_noise
        factor = jax.random.uniform(key_pose, (self.model.nu,), minval=1 - noise, maxval=1 + noise)
        qpos = self._standing_qpos.at[3:7].set(jnp.stack([jnp.cos(yaw / 2), 0.0, 0.0, jnp.sin(yaw / 2)]))
        qpos = qpos.at[7:].multiply(factor)
        noise = self.config.reset_velocity_noise
        return qpos, jnp.zeros(self.model.nv).at[:6].set(
            jax.random.uniform(key_velocity, (6,), minval=-noise, maxval=noise)
        )

    def _supported(self, physics: PhysicsState, command: Array) -> PhysicsState:
        """Return the physics with the forces of a gantry on the pelvis, which supports the robot at first.

        They hold its height and turn it upright, and drag it at the commanded velocity (m/s, in the robot's frame).
        """
        turned, velocity = physics["qpos"][3:7], physics["qvel"]
        forward = heading_of(turned)
        error = command[:2] - turned_back(forward, velocity[:2])
        drag = DRAG * jnp.stack(
            [forward[0] * error[0] - forward[1] * error[1], forward[1] * error[0] + forward[0] * error[1]]
        )
        lift = LIFT * (self._standing_qpos[2] - physics["qpos"][2]) - LIFT_DAMPING * velocity[2]
        up = rotated_back(turned, jnp.array([0.0, 0.0, 1.0]))
        torque = UPRIGHT * jnp.stack([-up[1], up[0]]) - UPRIGHT_DAMPING * velocity[3:5]
        force = jnp.concatenate([drag, lift[None], torque, jnp.zeros(self.model.nv - 5)])
        return self.physics.with_force(physics, self.config.support * force)

    def _observe(self, physics: PhysicsState, info: dict, command: Array) -> Array:
        phase = _phase(info["cycle"], command)
        return jnp.concatenate(
            [
                self._sensor(physics, self.robot.velocimeter),
                self._sensor(physics, self.robot.gyro),
                self._gravity(physics),
                physics["qpos"][7:] - self._standing_qpos[7:],
                physics["qvel"][6:],
                info["last_action"],
                jnp.cos(phase),
                jnp.sin(phase),
            ]
        )

    def _privileged(self, physics: PhysicsState, info: dict) -> Array:
        frame = physics["site_xmat"][self._imu].reshape(3, 3)
        return jnp.concatenate(
            [
                physics["qpos"][2:3],
                physics["qfrc_actuator"][6:],
                self._foot_heights(physics),
                jnp.ravel(self._foot_velocities(physics) @ frame),
                self.touches(physics).astype(info["air_time"].dtype),
                info["air_time"],
                info["gait_frequency"][None],
            ]
        )

    def _gravity(self, physics: PhysicsState) -> Array:
        """Return the unit vector down (3,), in the frame of the inertial sensor."""
        return -physics["site_xmat"][self._imu].reshape(3, 3)[2]

    def _foot_heights(self, physics: PhysicsState) -> Array:
        """Return how far each foot (2,) is above its height in the standing pose, m."""
        return physics["site_xpos"][self._feet, 2] - self._standing_foot_height

    def _foot_velocities(self, physics: PhysicsState) -> Array:
        """Return the velocity of each foot (2, 3) in the world's frame, m/s."""
        return jnp.stack([self._sensor(physics, foot_velocity(foot)) for foot in FEET])

    def _sensor(self, physics: PhysicsState, name: str) -> Array:
        sensor = self.model.sensor(name)
        return physics["sensordata"][sensor.adr[0] : sensor.adr[0] + sensor.dim[0]]


class G1Joystick(Joystick):
    """Walk with Unitree's G1 as a joystick commands: 29 joints, 33 kg."""

    Config = JoystickConfig
    robot = UNITREE_G1


class H1Joystick(Joystick):
    """Walk with Unitree's H1 as a joystick commands: 19 joints, 51 kg."""

    Config = H1JoystickConfig
    robot = UNITREE_H1


class T1Joystick(Joystick):
    """Walk with Booster's T1 as a joystick commands: 23 joints, 32 kg."""

    Config = T1JoystickConfig
    robot = BOOSTER_T1


def pose_weight(joint: str) -> float:
    """Return the weight of a joint's deviation from the standing pose; it is small for joints that walking moves."""
    return next(weight for part, weight in POSE_WEIGHTS.items() if part in joint.lower())


def _phase(cycle: Array, command: Array) -> Array:
    """Return the phases (2,) in rad in [-pi, pi) of the left and the right foot, half a gait cycle apart.

    `cycle` () is the left foot's phase, rad. If the command (3,) is to stand still, both feet get the phase pi, at
    which a foot is on the floor.
    """
    return jnp.where(stands_still(command), jnp.pi, _wrapped(jnp.stack([cycle, cycle + jnp.pi])))


def _wrapped(angle: Array) -> Array:
    """Return the same angle in [-pi, pi)."""
    return (angle + jnp.pi) % (2 * jnp.pi) - jnp.pi
