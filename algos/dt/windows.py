"""Windows of K consecutive steps of an episode, and a source that draws them in the compiled program.

Axes: U updates, B windows of each, K control steps of a window.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from algos.common.dataset import Dataset
from algos.common.hindsight import HindsightGoals
from algos.common.normalization import RunningStatistics
from algos.common.types import Policy
from envs.worlds.shards import ALONE, Shards


@struct.dataclass
class Windows:
    """Windows of K consecutive control steps: the inputs of a Decision Transformer, and the actions that it learns.

    A step has a return-to-go, observation, goal, action, and its number in the episode. A window of fewer than K steps
    begins with padding of arbitrary contents, where `valid` is false.
    """

    return_to_go: Array  # (..., K) rewards from this step to the episode's end
    obs: Array  # (..., K, O)
    goal: Array  # (..., K, G), G may be zero
    action: Array  # (..., K, A) in [-1, 1]
    time: Array  # (..., K) int32: control steps since the episode began
    valid: Array  # (..., K) bool: false for padding


@struct.dataclass
class WindowBatch:
    """Training data of one iteration: B windows of K consecutive control steps for each of U gradient steps.

    They come with the mean and variance of all observations in the dataset, and with a return to ask for.
    """

    windows: Windows  # (U, B, K, ...)
    statistics: RunningStatistics  # of all observations in the data
    target_return: Array  # () return to ask for if the config names none


@dataclass(frozen=True)
class WindowSource:
    """Samples windows of K consecutive control steps from a dataset of episodes.

    A window may reach over the beginning or the end of its episode, and then has fewer steps. So each step is in K
    windows and its action is equally often predicted, and episodes count in proportion to their length. In Chen et al.
    2021 no window reaches over an episode's beginning, so that its first step is in only one window.
    """

    num_updates: int
    batch_size: int  # of all devices together
    context_length: int
    shards: Shards = ALONE
    hindsight: HindsightGoals | None = None  # relabels goals; None for the data's own

    def init(self, policy: Policy, key: Array) -> tuple:
        """Return an empty state: no sample depends on the ones before it."""
        return ()

    def sample(
        self, data: Dataset, state: tuple, policy: Policy, key: Array
    ) -> tuple[tuple, WindowBatch, dict[str, Array]]:
        """Draw windows from the dataset with replacement.

        Return the empty state, this device's share of each minibatch, and no metrics. The policy is not used.
        """
        num_places = num_windows(data, self.context_length)
        shape = (self.batch_size, self.num_updates)
        key_place, key_goal = (key, key) if self.hindsight is None else jax.random.split(key)
        place_UB = self.shards.rows(jax.random.randint(key_place, shape, 0, num_places)).T
        goal_of = None
        if self.hindsight is not None:
            drawn_UB = self.shards.rows(self.hindsight.draw(data, shape, key_goal)).T
            goal_of = functools.partial(_goal_of_last, self.hindsight, data, drawn_UB)
        windows = windows_at(data, place_UB, self.context_length, goal_of)
        assert data.high_return is not None
        return state, WindowBatch(windows, data.statistics, data.high_return), {}


def num_windows(data: Dataset, context_length: int) -> int:
    """Return the number of a dataset's windows of `context_length` consecutive control steps.

    An episode of T steps has T + `context_length` - 1 of them, because windows may reach over its beginning or end.
    """
    return len(data.reward) + (len(data.start) - 1) * (context_length - 1)


def windows_at(
    data: Dataset, place: Array, context_length: int, goal_of: Callable[[Array], Array] | None = None
) -> Windows:
    """Return some windows of a dataset, which are up to K consecutive control steps of an episode: (..., K).

    Args:
      data: dataset with returns-to-go.
      place: numbers (...) of the windows to return. All windows are numbered from 0, one episode after the other. An
        episode's first window ends with its first step, and each further one ends one step later. Its last K windows
        all end with its last step and become shorter.
      context_length: K.
      goal_of: function that returns goals (..., K, G) for rows (..., K) of the data; None for the data's own goals.
    """
    over = context_length - 1
    episode = jnp.searchsorted(data.start + over * jnp.arange(len(data.start)), place, side="right") - 1
    begin, end = data.start[episode], data.start[episode + 1]
    first = place - begin - over * episode - over  # the window's first step; negative before the episode's beginning
    last = jnp.minimum(first + over, end - begin - 1)
    time = last[..., None] + jnp.arange(-over, 1)
    row = begin[..., None] + jnp.maximum(time, 0)
    assert data.return_to_go is not None
    return Windows(
        return_to_go=data.return_to_go[row],
        obs=data.obs[row],
        goal=data.goal[row] if goal_of is None else goal_of(row),
        action=data.action[row],
        time=jnp.maximum(time, 0),
        valid=time >= jnp.maximum(first, 0)[..., None],
    )


def best_first(data: Dataset, place: Array, context_length: int) -> Array:
    """Turn numbers of windows that count the best episode first into the numbers that `windows_at` takes.

    A window is some consecutive control steps of an episode. `windows_at` numbers all windows of a dataset in the order
    in which its episodes are stored.

    Args:
      data: dataset with returns-to-go.
      place: numbers (...) that count the windows of the episode of the highest return first, then those of the next.
      context_length: control steps of a window.
    """
    over = context_length - 1
    order = _by_return(data)
    num = (jnp.diff(data.start) + over)[order]
    num_until = jnp.cumsum(num)
    rank = jnp.searchsorted(num_until, place, side="right")
    return data.start[order[rank]] + over * order[rank] + place - (num_until - num)[rank]


def num_windows_of_best(data: Dataset, num_steps: Array, context_length: int) -> Array:
    """Return the number of windows, int32 (), in a dataset's best episodes.

    Episodes are taken in the order of their returns, the highest first, until they have `num_steps` () control steps in
    all. Of the last one perhaps only the first steps count. A window is `context_length` consecutive steps of an
    episode, and may reach over its beginning or end.
    """
    length = jnp.diff(data.start)[_by_return(data)]
    kept = jnp.clip(num_steps - (jnp.cumsum(length) - length), 0, length)
    return (kept + (context_length - 1) * (kept > 0)).sum()


def _by_return(data: Dataset) -> Array:
    """Return the indices of the episodes (E,), the highest return first."""
    assert data.return_to_go is not None
    return jnp.argsort(-data.return_to_go[data.start[:-1]])


def _goal_of_last(hindsight: HindsightGoals, data: Dataset, drawn: Array, row: Array) -> Array:
    """Return goals (..., K, G) that show the same reached state at all K steps of a window.

    Args:
      hindsight: chooses the state, for the window's last step.
      data: the dataset.
      drawn: random numbers (...) from `hindsight.draw`, one for each window.
      row: indices (..., K) of the windows' steps in the dataset.
    """
    return hindsight.shown(data, row, hindsight.reached(data, row[..., -1], drawn)[..., None])
