"""One episode on the host. Axes: T control steps, O observation, G goal, A action."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Episode:
    """What happened from a first state to an end.

    Attributes:
      obs: (T + 1, O), before each step and after the last.
      goal: (T + 1, G), G may be zero.
      action: (T, A), in [-1, 1].
      reward: (T,).
      terminated: (T,) bool, true at most at the last step: the task ended in a state without a future.
      truncated: (T,) bool, likewise: cut although it had a future.
      infos: (T + 1, ...) each; `qpos` and `qvel` in MuJoCo's units.
      options: what is noted of the episode.
    """

    obs: np.ndarray
    goal: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    infos: dict[str, np.ndarray]
    options: dict[str, Any]

    @property
    def length(self) -> int:
        """Control steps."""
        return len(self.reward)
