"""Measures, over time, of how well a skill is done."""

import jax.numpy as jnp
from flax import struct
from jax import Array

from envs.success import MIN_STANDING_HEIGHT
from envs.tasks.humanoid_skills.motion import Motion
from envs.tasks.humanoid_skills.rewards import is_airborne


@struct.dataclass
class Tracking:
    """For how long one world's humanoid has been in the air and has stood, from which success is judged.

    In s: the present flight, the longest flight of the episode, and the time that it has stood without a break.
    """

    flight_seconds: Array  # () s, duration of the present flight
    longest_flight: Array  # () s, duration of this episode's longest flight
    standing_seconds: Array  # () s, for how long it has stood until now

    @classmethod
    def first(cls) -> "Tracking":
        """Return the durations at the start of an episode: all 0."""
        return cls(*jnp.zeros(3))

    def after(self, motion: Motion, period: float) -> "Tracking":
        """Return the durations after one more control step of `period` s, in which the body made this motion."""
        flight = jnp.where(is_airborne(motion), self.flight_seconds + period, 0)
        stands = motion.height >= MIN_STANDING_HEIGHT
        return Tracking(
            flight_seconds=flight,
            longest_flight=jnp.maximum(self.longest_flight, flight),
            standing_seconds=jnp.where(stands, self.standing_seconds + period, 0),
        )

    def metrics(self, motion: Motion) -> dict[str, Array]:
        """Return the metrics of this step, by name.

        They are `velocity_error` (m/s), `turn_error` (rad/s), `air_seconds` of the longest flight, and
        `standing_seconds` until now.
        """
        return {
            "velocity_error": jnp.sqrt(jnp.square(motion.velocity - motion.command[:2]).sum()),
            "turn_error": jnp.abs(motion.turn - motion.command[2]),
            "air_seconds": self.longest_flight,
            "standing_seconds": self.standing_seconds,
        }
