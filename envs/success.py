"""What counts as success: one definition for tasks, evaluation, reports and instructions."""

import math
from collections.abc import Mapping

import numpy as np
from jax import Array

Rows = Array | np.ndarray

GOAL_RADIUS = 0.5  # m from a goal's place
MAX_HEADING_ERROR = math.radians(30)  # rad from a goal's heading
MAX_VELOCITY_ERROR = 0.3  # m/s, mean of `velocity_error` from SETTLING_SECONDS to the end
MAX_TURN_ERROR = 0.3  # rad/s, mean of `turn_error` over the same time
SETTLING_SECONDS = 1.0  # s after a new command
MIN_AIR_SECONDS = 0.15  # s that a jump keeps both feet off the floor
MIN_STANDING_HEIGHT = 1.1  # m, of the torso
MIN_STANDING_SECONDS = 2.0  # s that standing up must last, until the end
MAX_DISTANCE_ERROR = (0.3, 0.1)  # m, and share of the distance that a plan asks for; the larger of the two
MAX_ANGLE_ERROR = 15.0  # degrees of an angle that a plan asks for
MAX_STEP_ERROR = 1  # footsteps of a number that a plan asks for


def skill_success(skill: str, fallen: Rows, settled: Mapping[str, Rows], final: Mapping[str, Rows]) -> Rows:
    """Return which of N episodes of one skill succeeded, shape (N,).

    Args:
      skill: name of the skill, such as `walk-forward`, `jump` or `stand-up`.
      fallen: (N,) whether the episode ended by a fall.
      settled: (N,) each: mean of each metric, by name, from 1 s after the command (`SETTLING_SECONDS`) to the end.
      final: (N,) each: value of each metric, by name, at the end.
    """
    if skill == "stand-up":
        return final["standing_seconds"] >= MIN_STANDING_SECONDS
    if skill == "jump":
        return ~fallen & (final["air_seconds"] >= MIN_AIR_SECONDS)
    follows = (settled["velocity_error"] <= MAX_VELOCITY_ERROR) & (settled["turn_error"] <= MAX_TURN_ERROR)
    return ~fallen & follows


def is_at_goal(distance: Array, heading_error: Array) -> Array:
    """Return whether a goal is reached: `distance` is below 0.5 m, and `heading_error` (rad) is below 30 degrees."""
    return (distance < GOAL_RADIUS) & (heading_error < MAX_HEADING_ERROR)


def goal_success(terminated: Rows, final: Mapping[str, Rows]) -> Rows:
    """Return which of N episodes ended at their goal (`is_at_goal`) without a fall, shape (N,).

    Args:
      terminated: (N,) whether the episode ended by a fall.
      final: (N,) each: metrics, by name, at the end.
    """
    return ~terminated & (final["success"] > 0)


def wilson_lower_bound(num_successes: int, num_trials: int, z: float = 1.96) -> float:
    """Return the lower end of the confidence interval of a success probability, by default the 95 % interval.

    Source: Wilson 1927, eq. 7.
    """
    share, denominator = num_successes / num_trials, 1 + z**2 / num_trials
    spread = z * math.sqrt(share * (1 - share) / num_trials + z**2 / (4 * num_trials**2))
    return (share + z**2 / (2 * num_trials) - spread) / denominator
