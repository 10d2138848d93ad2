"""`HumanoidStandup-v5`: stand up from lying."""

from dataclasses import dataclass

from jax import Array

from envs.physics import PhysicsOptions, PhysicsState
from envs.tasks.gymnasium_v5.base import Range, Terms
from envs.tasks.gymnasium_v5.humanoid_body import HumanoidBody, HumanoidBodyConfig


@dataclass(frozen=True)
class HumanoidStandupV5Config(HumanoidBodyConfig):
    """What the humanoid is rewarded for; other fields as in `HumanoidBodyConfig` and `GymnasiumConfig`.

    Attributes:
      uph_cost_weight: has no effect, as in Gymnasium.
      impact_cost_weight: cost per squared contact force (N, N m), summed over bodies.
      impact_cost_range: range to which the impact cost of a control step is clipped.
    """

    uph_cost_weight: float = 1.0
    impact_cost_weight: float = 5e-7
    impact_cost_range: Range = (None, 10.0)


class HumanoidStandupV5(HumanoidBody):
    """Gymnasium's `HumanoidStandup-v5`: rewards the torso's height, less control and impact cost.

    As in Gymnasium, the height in m is divided by the physics time step in s, and 1 is added in each control step.
    Episodes never terminate.
    Observation (348): positions, velocities, inertias, and forces of the bodies and motors (see `HumanoidBody`).
    Source: gymnasium 1.4 `envs/mujoco/humanoidstandup_v5.py`.
    """

    Config = HumanoidStandupV5Config
    gymnasium_file = "humanoidstandup.xml"
    constant_reward = 1.0

    def __init__(self, config: HumanoidStandupV5Config, options: PhysicsOptions) -> None:
        """Compile the model, and set up its simulation by the physics backend named in `options`."""
        super().__init__(config, options, ("cfrc_ext",) if config.impact_cost_weight else ())

    def _rewards(self, before: PhysicsState, after: PhysicsState, ctrl: Array) -> Terms:
        config = self.config
        return {
            "reward_linup": after["qpos"][2] / self.model.opt.timestep,
            "reward_quadctrl": -self._ctrl_cost(ctrl),
            "reward_impact": -self._contact_cost(after, config.impact_cost_weight, config.impact_cost_range),
        }

    def _velocity(self, before: PhysicsState, after: PhysicsState) -> Terms:
        return {}

    def _position(self, physics: PhysicsState) -> Terms:
        x, y, z = physics["qpos"][:3]
        return {"x_position": x, "y_position": y, "z_distance_from_origin": z - self._initial_qpos[2]}
