"""Configs of the joystick tasks: commands, gait, first states, and the weights of rewards."""

import math
from dataclasses import dataclass

from envs.limits import require_not_negative, require_positive, require_ranges

Range = tuple[float, float]
CONTROL_PERIOD = 0.02  # s


@dataclass(frozen=True)
class JoystickConfig:
    """Commands, gait, first states and reward weights. Weights are rewards per second; those of costs are negative.

    Attributes:
      action_scale: rad that an action of 1 moves a joint's target away from the standing pose.
      forward_velocity: m/s, range of commands.
      sideways_velocity: m/s, range of commands, left positive.
      yaw_rate: rad/s, range of commands, left positive.
      command_interval: s from one command to the next.
      stand_probability: share of commands that ask to stand still.
      gait_frequency: Hz, range of steps per second of each foot, drawn for each episode.
      foot_height: m, how high a swinging foot should rise.
      reset_pose_noise: half-width of the uniform noise on first joint positions, as a share of those of standing.
      reset_velocity_noise: half-width of the uniform noise on the root's first velocities, m/s and rad/s.
      max_tilt: rad of tilt from upright beyond which the robot has fallen.
      timestep: s, duration of a physics step while training, which divides the control step of 20 ms; null for the
        robot's own, 2 ms or, for H1, 4 ms. Longer ones train faster. Evaluations always take the robot's own.
      support: how much a virtual gantry supports the pelvis while training: at 1 it holds its height by 1,000 N/m and
        100 N s/m, turns it upright by 300 N m/rad and 5 N m s/rad, and drags it at the commanded velocity by 300 N s/m.
        It falls to 0 over the first part of a training, and evaluations have none.
      tracking_sigma: m^2/s^2 and rad^2/s^2, width of the tracking rewards.
      tracking_velocity_weight: for the commanded velocity; less if the velocity is off.
      tracking_yaw_rate_weight: for the commanded yaw rate; less if the yaw rate is off.
      orientation_weight: per squared sine of tilt.
      rocking_weight: per rad^2/s^2 of roll and pitch.
      torque_weight: per N m.
      energy_weight: per W.
      action_rate_weight: per squared change of the action.
      feet_air_time_weight: per second that a foot was in the air, when it lands.
      feet_phase_weight: for feet at the gait's heights; less if the heights are off.
      feet_slip_weight: per m^2/s^2 of feet on the floor.
      pose_weight: per rad^2 away from the standing pose.
      joint_limits_weight: per rad beyond the soft joint limits.
      alive_weight: for not having fallen.
      termination_weight: for falling.
    """

    action_scale: float = 0.5
    forward_velocity: Range = (-1.0, 1.0)
    sideways_velocity: Range = (-0.5, 0.5)
    yaw_rate: Range = (-1.0, 1.0)
    command_interval: float = 10.0
    stand_probability: float = 0.1
    gait_frequency: Range = (1.25, 1.5)
    foot_height: float = 0.15
    reset_pose_noise: float = 0.5
    reset_velocity_noise: float = 0.5
    max_tilt: float = 1.0
    timestep: float | None = None
    support: float = 0.0
    tracking_sigma: float = 0.25
    tracking_velocity_weight: float = 1.0
    tracking_yaw_rate_weight: float = 0.75
    orientation_weight: float = -2.0
    rocking_weight: float = -0.15
    torque_weight: float = 0.0
    energy_weight: float = 0.0
    action_rate_weight: float = -0.01
    feet_air_time_weight: float = 2.0
    feet_phase_weight: float = 1.0
    feet_slip_weight: float = -0.25
    pose_weight: float = -1.0
    joint_limits_weight: float = -1.0
    alive_weight: float = 0.25
    termination_weight: float = -100.0

    def __post_init__(self) -> None:
        """Raise ValueError if a value is outside its range."""
        require_ranges(self, "forward_velocity", "sideways_velocity", "yaw_rate", "gait_frequency")
        require_positive(self, "action_scale", "command_interval", "tracking_sigma", "max_tilt")
        require_not_negative(self, "foot_height", "reset_pose_noise", "reset_velocity_noise", "support")
        if self.gait_frequency[0] <= 0:
            raise ValueError(f"gait_frequency: {self.gait_frequency} must be above 0 Hz")
        if not 0 <= self.stand_probability <= 1:
            raise ValueError(f"stand_probability: {self.stand_probability} must be within 0 and 1")
        if self.timestep is not None and not _divides(self.timestep, CONTROL_PERIOD):
            raise ValueError(f"timestep: {self.timestep} s must divide the control step of {CONTROL_PERIOD} s")


@dataclass(frozen=True)
class H1JoystickConfig(JoystickConfig):
    """Commands, gait, first states and reward weights for Unitree's H1: `JoystickConfig` with other default values."""

    forward_velocity: Range = (-0.6, 1.5)
    sideways_velocity: Range = (-0.8, 0.8)
    yaw_rate: Range = (-0.7, 0.7)
    foot_height: float = 0.13
    reset_pose_noise: float = 0.1
    tracking_velocity_weight: float = 1.5
    tracking_yaw_rate_weight: float = 0.8
    orientation_weight: float = -5.0
    rocking_weight: float = -0.05
    feet_slip_weight: float = -0.1


@dataclass(frozen=True)
class T1JoystickConfig(JoystickConfig):
    """Commands, gait, first states and reward weights for Booster's T1: `JoystickConfig` with other default values."""

    action_scale: float = 1.0
    sideways_velocity: Range = (-0.8, 0.8)
    gait_frequency: Range = (1.25, 1.75)
    foot_height: float = 0.12
    tracking_yaw_rate_weight: float = 0.5
    orientation_weight: float = -1.0


def _divides(part: float, whole: float) -> bool:
    return 0 < part <= whole and math.isclose(whole / part, round(whole / part))
