"""Config of the locomotion task for a user's robot: its feet and pose, commands, falls and reward weights."""

from dataclasses import dataclass

from envs.limits import require_not_negative, require_positive, require_ranges
from envs.tasks.joystick_config import Range


@dataclass(frozen=True)
class LocomotionConfig:
    """Feet, pose, commands, falls and reward weights. Weights are rewards per second; those of costs are negative.

    Attributes:
      feet: names of bodies or geoms that are feet; if empty, bodies with `foot` in their name, or else the bodies that
        are lowest in the standing pose.
      keyframe: name of the keyframe of the standing pose; null for the first one, or for the initial pose without any.
      control_period: s of one control step, rounded to whole physics steps.
      action_scale: share of half the control range by which an action of 1 moves a position servo away from the
        standing pose. Other actuators always have their whole range.
      forward_velocity: m/s, range of commands.
      sideways_velocity: m/s, range of commands, left positive.
      yaw_rate: rad/s, range of commands, left positive.
      command_interval: s from one command to the next.
      stand_probability: share of commands that ask to stand still.
      reset_pose_noise: half-width of the uniform noise on first joint positions, rad or m.
      reset_velocity_noise: half-width of the uniform noise on the trunk's first velocities, m/s and rad/s.
      min_height: share of the trunk's standing height below which the robot has fallen.
      max_tilt: rad of tilt from the standing pose beyond which the robot has fallen.
      air_time: s, shortest swing of a foot that is rewarded, and the longest that counts.
      tracking_sigma: m^2/s^2 and rad^2/s^2, width of the tracking rewards.
      tracking_velocity_weight: for the commanded velocity; less if the velocity is off.
      tracking_yaw_rate_weight: for the commanded yaw rate; less if the yaw rate is off.
      upright_weight: per squared sine of tilt.
      rocking_weight: per rad^2/s^2 of roll and pitch.
      bouncing_weight: per m^2/s^2 of vertical velocity.
      energy_weight: per m/s of mechanical power divided by the robot's weight.
      action_rate_weight: per squared change of the action.
      feet_air_time_weight: per second of swing, when a foot lands.
      feet_slip_weight: per m^2/s^2 of feet on the floor.
      pose_weight: per rad^2 of joints away from the standing pose.
      joint_limits_weight: per rad beyond 95 % of the joints' ranges.
      alive_weight: for not having fallen.
      termination_weight: for falling.
    """

    feet: tuple[str, ...] = ()
    keyframe: str | None = None
    control_period: float = 0.02
    action_scale: float = 0.5
    forward_velocity: Range = (-0.5, 1.0)
    sideways_velocity: Range = (-0.3, 0.3)
    yaw_rate: Range = (-0.7, 0.7)
    command_interval: float = 10.0
    stand_probability: float = 0.1
    reset_pose_noise: float = 0.05
    reset_velocity_noise: float = 0.1
    min_height: float = 0.5
    max_tilt: float = 1.0
    air_time: Range = (0.1, 0.4)
    tracking_sigma: float = 0.25
    tracking_velocity_weight: float = 2.0
    tracking_yaw_rate_weight: float = 0.75
    upright_weight: float = -1.0
    rocking_weight: float = -0.05
    bouncing_weight: float = -0.5
    energy_weight: float = -0.001
    action_rate_weight: float = -0.01
    feet_air_time_weight: float = 1.0
    feet_slip_weight: float = -0.1
    pose_weight: float = -0.1
    joint_limits_weight: float = -1.0
    alive_weight: float = 0.5
    termination_weight: float = -50.0

    def __post_init__(self) -> None:
        """Raise ValueError if a value is outside its range."""
        require_ranges(self, "forward_velocity", "sideways_velocity", "yaw_rate", "air_time")
        require_positive(self, "control_period", "action_scale", "command_interval", "max_tilt", "tracking_sigma")
        require_not_negative(self, "reset_pose_noise", "reset_velocity_noise")
        if self.air_time[0] < 0:
            raise ValueError(f"air_time: {self.air_time} is negative")
        for name, limit in (("stand_probability", 1), ("min_height", 0.99)):
            if not 0 <= getattr(self, name) <= limit:
                raise ValueError(f"{name}: {getattr(self, name)} must be within 0 and {limit}")
