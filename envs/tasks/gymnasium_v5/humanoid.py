"""`Humanoid-v5`: run forward without falling."""

from dataclasses import dataclass

import jax.numpy as jnp
from jax import Array

from envs.physics import PhysicsOptions, PhysicsState
from envs.tasks.gymnasium_v5.base import Range, Terms, within
from envs.tasks.gymnasium_v5.humanoid_body import HumanoidBody, HumanoidBodyConfig


@dataclass(frozen=True)
class HumanoidV5Config(HumanoidBodyConfig):
    """What the humanoid is rewarded for; other fields as in `HumanoidBodyConfig` and `GymnasiumConfig`.

    Attributes:
      forward_reward_weight: reward per m/s of the centre of mass along x, per control step.
      contact_cost_weight: cost per squared contact force (N, N m), summed over bodies.
      contact_cost_range: range to which the contact cost of a control step is clipped.
      healthy_reward: reward per control step in which the humanoid is on its feet.
      terminate_when_unhealthy: whether a fall ends the episode.
      healthy_z_range: heights in m of a torso on its feet, ends excluded.
    """

    forward_reward_weight: float = 1.25
    contact_cost_weight: float = 5e-7
    contact_cost_range: Range = (None, 10.0)
    healthy_reward: float = 5.0
    terminate_when_unhealthy: bool = True
    healthy_z_range: Range = (1.0, 2.0)


class HumanoidV5(HumanoidBody):
    """Gymnasium's `Humanoid-v5`: rewards forward velocity and survival, less control and contact cost.

    The velocity is that of the centre of mass. An episode ends when the torso is too low or too high.
    Observation (348): positions, velocities, inertias, and forces of the bodies and motors (see `HumanoidBody`).
    Source: gymnasium 1.4 `envs/mujoco/humanoid_v5.py`.
    """

    Config = HumanoidV5Config
    weights = (*HumanoidBody.weights, "forward_reward_weight")
    gymnasium_file = "humanoid.xml"

    def __init__(self, config: HumanoidV5Config, options: PhysicsOptions) -> None:
        """Compile the model, and set up its simulation by the physics backend named in `options`."""
        super().__init__(config, options, ("xipos", "cfrc_ext") if config.contact_cost_weight else ("xipos",))
        self._mass_share = jnp.asarray(self.model.body_mass / self.model.body_mass.sum())[:, None]

    def _rewards(self, before: PhysicsState, after: PhysicsState, ctrl: Array) -> Terms:
        config = self.config
        velocity = self._velocity(before, after)["x_velocity"]
        return {
            "reward_survive": config.healthy_reward * self._healthy(after),
            "reward_forward": config.forward_reward_weight * velocity,
            "reward_ctrl": -self._ctrl_cost(ctrl),
            "reward_contact": -self._contact_cost(after, config.contact_cost_weight, config.contact_cost_range),
        }

    def _terminated(self, physics: PhysicsState) -> Array:
        return ~self._healthy(physics) & self.config.terminate_when_unhealthy

    def _healthy(self, physics: PhysicsState) -> Array:
        return within(physics["qpos"][2], self.config.healthy_z_range)

    def _velocity(self, before: PhysicsState, after: PhysicsState) -> Terms:
        moved = jnp.sum(self._mass_share * (after["xipos"] - before["xipos"]), axis=0)  # m, centre of mass
        x, y = moved[:2] / self.control_period
        return {"x_velocity": x, "y_velocity": y}

    def _position(self, physics: PhysicsState) -> Terms:
        x, y = physics["qpos"][:2]
        return {"x_position": x, "y_position": y, "distance_from_origin": jnp.hypot(x, y)}
