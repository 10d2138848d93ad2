"""One recorded episode, as NumPy arrays, and its checks. Axes: T control steps, O observation, G goal, A action."""

import dataclasses
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from flexrl.common.errors import ConfigError
from flexrl.common.types import JsonObject

NUMBERS = "iuf"  # kinds of NumPy's dtypes: signed and unsigned integers, and floats


@dataclass(frozen=True)
class Episode:
    """An episode from its first state to its end.

    Attributes:
      obs: (T + 1, O), before each step and after the last.
      goal: (T + 1, G), likewise; G may be zero.
      action: (T, A), in [-1, 1].
      reward: (T,).
      terminated: (T,) bool, true at most at the last step: the task ended, as by a fall, in a state of value 0.
      truncated: (T,) bool, true at most at the last step: the episode was cut off, though the task could have gone on.
      infos: arrays (T + 1, ...) by name; `qpos` and `qvel` in MuJoCo's units.
      options: notes on the episode, as JSON can hold them.
      seed: seed with which the environment was reset; None if unknown.
    """

    obs: np.ndarray
    goal: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    infos: dict[str, np.ndarray]
    options: JsonObject
    seed: int | None = None

    @property
    def length(self) -> int:
        """Number of control steps, T."""
        return len(self.reward)

    def require_sound(self, place: str, sizes: tuple[int, ...]) -> None:
        """Raise ConfigError if the episode is empty, of wrong shapes or types, not finite, or goes on after its end.

        Args:
          place: file and number of the episode, for messages.
          sizes: sizes of an observation, of a goal and of an action: O, G and A.

        Raises:
          ConfigError: naming the array and the row.
        """
        if not np.size(self.reward):
            raise ConfigError(f"{place}: is empty; an episode has at least one step")
        self._require_arrays(place, len(np.atleast_1d(self.reward)), *sizes)
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

    def _require_arrays(self, place: str, length: int, obs_size: int, goal_size: int, action_size: int) -> None:
        wanted = {
            "observations": (self.obs, (length + 1, obs_size), NUMBERS),
            "desired_goal": (self.goal, (length + 1, goal_size), NUMBERS),
            "actions": (self.action, (length, action_size), NUMBERS),
            "rewards": (self.reward, (length,), NUMBERS),
            "terminations": (self.terminated, (length,), "b"),
            "truncations": (self.truncated, (length,), "b"),
        }
        for name, rows in self.infos.items():
            wanted[name] = (rows, (length + 1, *rows.shape[1:]), f"b{NUMBERS}")
        for name, (array, shape, kinds) in wanted.items():
            if array.shape != shape:
                raise ConfigError(f"{place}: {name} has shape {array.shape}, and {shape} is wanted; collect it anew")
            if array.dtype.kind not in kinds:
                kind = "numbers" if NUMBERS in kinds else "true or false"
                raise ConfigError(f"{place}: {name} is of type {array.dtype}, and must be {kind}; convert it")


def require_within(action: np.ndarray, low: np.ndarray | float, high: np.ndarray | float, place: str) -> None:
    """Raise ConfigError if actions are outside their bounds by more than rounding.

    Args:
      action: actions of an episode, (T, A).
      low: lower bound, one number or one for each of A numbers of an action.
      high: upper bound, likewise.
      place: file and number of the episode, for the message.

    Raises:
      ConfigError: naming the first such action, and its bounds.
    """
    rounding = 1e-6 * np.subtract(high, low)
    outside = np.argwhere((action < low - rounding) | (action > high + rounding))
    if len(outside):
        row, number = outside[0]
        lowest, highest = (np.broadcast_to(bound, action.shape[1:])[number] for bound in (low, high))
        raise ConfigError(
            f"{place}: actions is {action[row, number]:g} at row {row}, number {number}, outside its bounds "
            f"[{lowest:g}, {highest:g}]; clip the actions, or correct the action space"
        )


def ended_once(episodes: Iterable[Episode], place: str) -> Iterator[Episode]:
    """Yield episodes; one that ended both terminated and truncated, as Gymnasium allows, becomes terminated only.

    The task did end in its last state, which therefore has the value 0. A line on standard error says how many such
    episodes there were.

    Args:
      episodes: episodes as they were read.
      place: file that the episodes are from, for that line.
    """
    num_both = 0
    for episode in episodes:
        if episode.terminated[-1] and episode.truncated[-1]:
            num_both += 1
            episode = dataclasses.replace(episode, truncated=np.zeros_like(episode.truncated))
        yield episode
    if num_both:
        print(
            f"{place}: {num_both} episodes ended terminated and truncated at once; taken as terminated", file=sys.stderr
        )
