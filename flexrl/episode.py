"""One episode on the host. Axes: T control steps, O observation, G goal, A action."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from flexrl.errors import ConfigError


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

    def require_sound(self, place: str) -> None:
        """Refuse an episode without steps, what is not finite, and steps after the end.

        Args:
          place: where it was found, for messages.

        Raises:
          ConfigError: naming the array and the row.
        """
        if not self.length:
            raise ConfigError(f"{place}: is empty; an episode has at least one step")
        own = {"observations": self.obs, "desired_goal": self.goal, "actions": self.action}
        for name, array in (own | {"rewards": self.reward} | self.infos).items():
            if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
                row = int(np.argwhere(~np.isfinite(array))[0][0])
                raise ConfigError(
                    f"{place}: {name} is not finite at row {row}; leave the episode out, or collect it anew"
                )
        for name, flags in (("terminations", self.terminated), ("truncations", self.truncated)):
            if flags[:-1].any():
                raise ConfigError(
                    f"{place}: {name} is true at step {int(flags.argmax())}, before the last; split it there"
                )
        if self.terminated[-1] and self.truncated[-1]:
            raise ConfigError(f"{place}: ends terminated and truncated at once; keep terminated alone")
