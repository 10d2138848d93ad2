"""How well a skill is being done, measured over time."""

import jax.numpy as jnp
from flax import struct
from jax import Array

from envs.success import MIN_STANDING_HEIGHT
from envs.tasks.humanoid_skills.rewards import Motion, is_airborne


@struct.dataclass
class Tracking:
    """What one world remembers to judge a skill by."""

    flight_seconds: Array  # () s, of the present flight
    longest_flight: Array  # () s, of this episode
    standing_seconds: Array  # () s, since when it stands

    @classmethod
    def first(cls) -> "Tracking":
        """Before the first step."""
        return cls(*jnp.zeros(3))

    def after(self, motion: Motion, period: float) -> "Tracking":
        """A control step of `period` s later."""
        flight = jnp.where(is_airborne(motion), self.flight_seconds + period, 0)
        stands = motion.height >= MIN_STANDING_HEIGHT
        return Tracking(
            flight_seconds=flight,
            longest_flight=jnp.maximum(self.longest_flight, flight),
            standing_seconds=jnp.where(stands, self.standing_seconds + period, 0),
        )

    def metrics(self, motion: Motion) -> dict[str, Array]:
        """How far velocity (m/s) and yaw rate (rad/s) are off; longest flight and present standing (s)."""
        return {
            "velocity_error": jnp.sqrt(jnp.square(motion.velocity - motion.command[:2]).sum()),
            "turn_error": jnp.abs(motion.turn - motion.command[2]),
            "air_seconds": self.longest_flight,
            "standing_seconds": self.standing_seconds,
        }
