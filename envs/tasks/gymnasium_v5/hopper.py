"""`Hopper-v5`: hop forward on one leg, in a plane."""

from dataclasses import dataclass

import jax.numpy as jnp
from jax import Array

from envs.physics import PhysicsState
from envs.tasks.gymnasium_v5.base import Range, within
from envs.tasks.gymnasium_v5.planar import UprightConfig, UprightTask


@dataclass(frozen=True)
class HopperV5Config(UprightConfig):
    """What the hopper is rewarded for; other fields as in `UprightConfig`, `PlanarConfig` and `GymnasiumConfig`.

    Attributes:
      healthy_state_range: range of each position but x and z (rad) and of each velocity (m/s, rad/s) of a healthy
        hopper, ends excluded.
    """

    healthy_z_range: Range = (0.7, None)
    healthy_angle_range: Range = (-0.2, 0.2)
    healthy_state_range: Range = (-100.0, 100.0)


class HopperV5(UprightTask):
    """Gymnasium's `Hopper-v5`: rewards forward velocity and survival, less control cost; a fall ends an episode.

    Observation (11): positions (m, rad; without x), then velocities (m/s, rad/s), clipped to [-10, 10].
    Source: gymnasium 1.4 `envs/mujoco/hopper_v5.py`.
    """

    Config = HopperV5Config
    gymnasium_file = "hopper.xml"

    def _healthy(self, physics: PhysicsState) -> Array:
        state = jnp.concatenate([physics["qpos"][2:], physics["qvel"]])
        return super()._healthy(physics) & within(state, self.config.healthy_state_range).all()
