"""The base class of Gymnasium's two humanoid tasks, with their observation and their cost of contact forces."""

from dataclasses import dataclass

import jax.numpy as jnp
from jax import Array

from envs.physics import PhysicsOptions, PhysicsState
from envs.tasks.gymnasium_v5.base import GymnasiumConfig, GymnasiumTask, Range, limits


@dataclass(frozen=True)
class HumanoidBodyConfig(GymnasiumConfig):
    """Which parts the humanoid's observation has; see `HumanoidBody`.

    Attributes:
      include_cinert_in_observation: observe the bodies' inertias.
      include_cvel_in_observation: observe the bodies' velocities.
      include_qfrc_actuator_in_observation: observe the joint torques of the actuators.
      include_cfrc_ext_in_observation: observe the external forces on the bodies.
    """

    include_cinert_in_observation: bool = True
    include_cvel_in_observation: bool = True
    include_qfrc_actuator_in_observation: bool = True
    include_cfrc_ext_in_observation: bool = True


class HumanoidBody(GymnasiumTask):
    """Gymnasium's humanoid: 17 torque motors, 23 degrees of freedom, Runge-Kutta steps of 3 ms, PGS solver.

    Observation (348): positions (m, quaternion, rad; without x and y), velocities (m/s in the world's frame, rad/s),
    and of each body but the world inertia and mass (10, kg m^2, kg m and kg, about the tree's centre of mass), angular
    and linear velocity (6, rad/s and m/s), then the actuators' joint torques (17, N m), and external torque and force
    on each body but the world (6, N m and N; zero after a reset).
    """

    def __init__(self, config: HumanoidBodyConfig, options: PhysicsOptions, fields: tuple[str, ...] = ()) -> None:
        """Compile the model, and set up its simulation by the physics backend named in `options`.

        `fields` are names of `MjData` fields that the task reads besides those that it observes.
        """
        optional = ("cinert", "cvel", "qfrc_actuator", "cfrc_ext")
        self._observed = [name for name in optional if getattr(config, f"include_{name}_in_observation")]
        super().__init__(config, options, tuple(dict.fromkeys([*self._observed, *fields])))

    def _observe(self, physics: PhysicsState) -> Array:
        # left out: the world body, which comes first, and the root's 6 degrees of freedom, which no actuator drives
        first = {"cinert": 1, "cvel": 1, "qfrc_actuator": 6, "cfrc_ext": 1}
        seen = [physics[name][first[name] :].reshape(-1) for name in self._observed]
        skipped = 2 if self.config.exclude_current_positions_from_observation else 0
        return jnp.concatenate([physics["qpos"][skipped:], physics["qvel"], *seen])

    def _contact_cost(self, physics: PhysicsState, weight: float, span: Range) -> Array:
        """Return `weight` times the summed squares of external forces on bodies (N, N m), clipped to a range."""
        cost = weight * jnp.sum(jnp.square(physics["cfrc_ext"])) if weight else jnp.zeros(())
        return jnp.clip(cost, *limits(span))
