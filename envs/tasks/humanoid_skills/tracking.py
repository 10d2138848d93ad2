"""Measures, over time, of how well a skill is done."""

import jax.numpy as jnp
from flax import struct
from jax import Array

from envs.success import MIN_STANDING_HEIGHT
from envs.tasks.humanoid_skills.motion import Motion
from envs.tasks.humanoid_skills.rewards import is_airborne


@struct.dataclass
class Tracking:
    """The measures of one world's episode, which are updated after every step."""

    flight_seconds: Array  # () s, duration of the present flight
    longest_flight: Array  # () s, duration of this episode's longest flight
    standing_seconds: Array  # () s, for how long it has stood until now

    @classmethod
    def first(cls) -> "Tracking":
        """Return the measures before the first step."""
        return cls(*jnp.zeros(3))

    def after(self, motion: Motion, period: float) -> "Tracking":
        """Return the measures after one more control step of `period` s."""
        flight = jnp.where(is_airborne(motion), self.flight_seconds + period, 0)
        stands = motion.height >= MIN_STANDING_HEIGHT
        return Tracking(
            flight_seconds=flight,
            longest_flight=jnp.maximum(self.longest_flight, flight),
            standing_seconds=jnp.where(stands, self.standing_seconds + period, 0),
        )

    def metrics(self, motion: Motion) -> dict[str, Array]:
        """Return the errors of velocity (m/s) and yaw rate (rad/s), the longest flight and the present standing (s)."""
        return {
            "velocity_error": jnp.sqrt(jnp.square(motion.velocity - motion.command[:2]).sum()),
            "turn_error": jnp.abs(motion.turn - motion.command[2]),
            "air_seconds": self.longest_flight,
            "standing_seconds": self.standing_seconds,
        }
