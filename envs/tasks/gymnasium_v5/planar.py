"""The base classes of Gymnasium's runners in the x-z plane."""

from dataclasses import dataclass

import jax.numpy as jnp
from jax import Array

from envs.physics import PhysicsState
from envs.tasks.gymnasium_v5.base import GymnasiumConfig, GymnasiumTask, Range, Terms, within

MAX_OBSERVED_VELOCITY = 10.0  # m/s, rad/s


@dataclass(frozen=True)
class PlanarConfig(GymnasiumConfig):
    """What a planar runner is rewarded for.

    Attributes:
      forward_reward_weight: reward per m/s along x, per control step.
    """

    forward_reward_weight: float = 1.0


class PlanarTask(GymnasiumTask):
    """A runner in the x-z plane. Reward: forward velocity less control cost.

    Its first coordinates are x (m), height (m) and pitch (rad).

    Observation: positions (m, rad; without x), then velocities (m/s, rad/s).
    """

    weights = (*GymnasiumTask.weights, "forward_reward_weight")

    def _observe(self, physics: PhysicsState) -> Array:
        skipped = 1 if self.config.exclude_current_positions_from_observation else 0
        return jnp.concatenate([physics["qpos"][skipped:], physics["qvel"]])

    def _rewards(self, before: PhysicsState, after: PhysicsState, ctrl: Array) -> Terms:
        velocity = self._velocity(before, after)["x_velocity"]
        return {
            "reward_forward": self.config.forward_reward_weight * velocity,
            "reward_ctrl": -self._ctrl_cost(ctrl),
        }

    def _velocity(self, before: PhysicsState, after: PhysicsState) -> Terms:
        return {"x_velocity": (after["qpos"][0] - before["qpos"][0]) / self.control_period}

    def _position(self, physics: PhysicsState) -> Terms:
        return {"x_position": physics["qpos"][0]}


@dataclass(frozen=True)
class UprightConfig(PlanarConfig):
    """What a planar runner that can fall is rewarded for; other fields as in `PlanarConfig` and `GymnasiumConfig`.

    Attributes:
      healthy_reward: reward per control step in which the runner is healthy.
      terminate_when_unhealthy: whether the episode ends when the runner is not healthy.
      healthy_z_range: healthy heights in m, ends excluded.
      healthy_angle_range: healthy pitch in rad, ends excluded.
    """

    frame_skip: int = 4
    ctrl_cost_weight: float = 1e-3
    reset_noise_scale: float = 5e-3
    healthy_reward: float = 1.0
    terminate_when_unhealthy: bool = True
    healthy_z_range: Range = (0.8, 2.0)
    healthy_angle_range: Range = (-1.0, 1.0)


class UprightTask(PlanarTask):
    """A runner in the x-z plane that can fall: it is healthy while its height and pitch are within given ranges.

    It is rewarded for each control step in which it is healthy, and its episode ends when it is not.
    Observation: positions (m, rad; without x), then velocities, clipped to [-10, 10] (m/s, rad/s).
    """

    def _observe(self, physics: PhysicsState) -> Array:
        qvel = jnp.clip(physics["qvel"], -MAX_OBSERVED_VELOCITY, MAX_OBSERVED_VELOCITY)
        skipped = 1 if self.config.exclude_current_positions_from_observation else 0
        return jnp.concatenate([physics["qpos"][skipped:], qvel])

    def _rewards(self, before: PhysicsState, after: PhysicsState, ctrl: Array) -> Terms:
        survive = self.config.healthy_reward * self._healthy(after)
        return super()._rewards(before, after, ctrl) | {"reward_survive": survive}

    def _terminated(self, physics: PhysicsState) -> Array:
        return ~self._healthy(physics) & self.config.terminate_when_unhealthy

    def _healthy(self, physics: PhysicsState) -> Array:
        _, z, pitch = physics["qpos"][:3]
        return within(z, self.config.healthy_z_range) & within(pitch, self.config.healthy_angle_range)

    def _position(self, physics: PhysicsState) -> Terms:
        z_distance = physics["qpos"][1] - self._initial_qpos[1]
        return super()._position(physics) | {"z_distance_from_origin": z_distance}
