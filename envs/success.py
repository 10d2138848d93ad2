"""What counts as success, defined once for tasks, evaluation, reports and instructions."""

GOAL_RADIUS = 0.5  # m from a goal's place
MAX_VELOCITY_ERROR = 0.3  # m/s, mean of `velocity_error` from SETTLING_SECONDS to the end
MAX_TURN_ERROR = 0.3  # rad/s, mean of `turn_error` over the same time
SETTLING_SECONDS = 1.0  # s after a new command
MIN_AIR_SECONDS = 0.15  # s that a jump keeps both feet off the floor
MIN_STANDING_SECONDS = 2.0  # s that standing up must last
