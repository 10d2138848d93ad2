"""`Ant-v5`: run forward on four legs."""

from dataclasses import dataclass

import jax.numpy as jnp
import mujoco
from jax import Array

from envs.errors import ConfigError
from envs.physics import PhysicsOptions, PhysicsState
from envs.tasks.gymnasium_v5.base import GymnasiumConfig, GymnasiumTask, Range, Terms, limits


@dataclass(frozen=True)
class AntV5Config(GymnasiumConfig):
    """What the ant is rewarded for and observes; other fields as in `GymnasiumConfig`.

    Attributes:
      forward_reward_weight: reward per m/s of the main body along x, per control step.
      contact_cost_weight: cost per squared contact force (N, N m; each within its range), summed over bodies.
      healthy_reward: reward per control step in which the ant is healthy.
      main_body: number or name of the body whose velocity counts.
      terminate_when_unhealthy: whether the episode ends when the ant is not healthy.
      healthy_z_range: heights in m of a healthy torso, ends included.
      contact_force_range: range (N, N m) to which each contact force is clipped.
      include_cfrc_ext_in_observation: observe the external forces on the bodies.
    """

    ctrl_cost_weight: float = 0.5
    reset_noise_scale: float = 0.1
    forward_reward_weight: float = 1.0
    contact_cost_weight: float = 5e-4
    healthy_reward: float = 1.0
    main_body: int | str = 1
    terminate_when_unhealthy: bool = True
    healthy_z_range: Range = (0.2, 1.0)
    contact_force_range: Range = (-1.0, 1.0)
    include_cfrc_ext_in_observation: bool = True


class AntV5(GymnasiumTask):
    """Gymnasium's `Ant-v5`: velocity of the main body, survival, control and contact cost.

    Observation (105): positions (m, quaternion, rad; without x and y), velocities (m/s in the world's frame, rad/s),
    external torque and force on each body but the world (6, N m and N, clipped to their range; zero after a reset).
    Source: gymnasium 1.4 `envs/mujoco/ant_v5.py`.
    """

    Config = AntV5Config
    weights = (*GymnasiumTask.weights, "forward_reward_weight")
    gymnasium_file = "ant.xml"
    first_velocities = "normal"

    def __init__(self, config: AntV5Config, options: PhysicsOptions) -> None:
        """Compile the model, and set up its simulation by the physics backend named in `options`."""
        reads_forces = config.include_cfrc_ext_in_observation or config.contact_cost_weight
        super().__init__(config, options, ("xpos", "cfrc_ext") if reads_forces else ("xpos",))
        self._main_body = _body(self.model, config.main_body)

    def _observe(self, physics: PhysicsState) -> Array:
        skipped = 2 if self.config.exclude_current_positions_from_observation else 0
        forces = [self._forces(physics)[1:].reshape(-1)] if self.config.include_cfrc_ext_in_observation else []
        return jnp.concatenate([physics["qpos"][skipped:], physics["qvel"], *forces])

    def _rewards(self, before: PhysicsState, after: PhysicsState, ctrl: Array) -> Terms:
        config = self.config
        velocity = self._velocity(before, after)["x_velocity"]
        weight = config.contact_cost_weight
        contact_cost = weight * jnp.sum(jnp.square(self._forces(after))) if weight else jnp.zeros(())
        return {
            "reward_forward": config.forward_reward_weight * velocity,
            "reward_ctrl": -self._ctrl_cost(ctrl),
            "reward_contact": -contact_cost,
            "reward_survive": config.healthy_reward * self._healthy(after),
        }

    def _forces(self, physics: PhysicsState) -> Array:
        return jnp.clip(physics["cfrc_ext"], *limits(self.config.contact_force_range))

    def _terminated(self, physics: PhysicsState) -> Array:
        return ~self._healthy(physics) & self.config.terminate_when_unhealthy

    def _healthy(self, physics: PhysicsState) -> Array:
        low, high = limits(self.config.healthy_z_range)
        height = physics["qpos"][2]
        finite = jnp.isfinite(physics["qpos"]).all() & jnp.isfinite(physics["qvel"]).all()
        return finite & (low <= height) & (height <= high)

    def _velocity(self, before: PhysicsState, after: PhysicsState) -> Terms:
        x, y = (after["xpos"] - before["xpos"])[self._main_body, :2] / self.control_period
        return {"x_velocity": x, "y_velocity": y}

    def _position(self, physics: PhysicsState) -> Terms:
        x, y = physics["qpos"][:2]
        return {"x_position": x, "y_position": y, "distance_from_origin": jnp.hypot(x, y)}


def _body(model: mujoco.MjModel, body: int | str) -> int:
    try:
        return model.body(body).id
    except (KeyError, IndexError):
        names = [model.body(i).name or str(i) for i in range(model.nbody)]
        raise ConfigError(f"main_body: {body!r} must be a body of the model: {', '.join(names)}") from None
