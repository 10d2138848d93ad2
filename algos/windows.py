"""Stretches of episodes, drawn inside the program. Axes: U updates, B windows of each, K control steps of a window."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from algos.dataset import Dataset
from algos.normalization import RunningStatistics
from algos.types import Policy
from envs.shards import ALONE, Shards


@struct.dataclass
class Windows:
    """K consecutive control steps each; where there are fewer, what is in front is padding, whatever it holds."""

    return_to_go: Array  # (..., K) rewards from this step to the episode's end
    obs: Array  # (..., K, O)
    goal: Array  # (..., K, G), G may be zero
    action: Array  # (..., K, A) in [-1, 1]
    time: Array  # (..., K) int32: control steps since the episode began
    valid: Array  # (..., K) bool: is no padding


@struct.dataclass
class WindowBatch:
    """Windows for U updates."""

    windows: Windows  # (U, B, K, ...)
    statistics: RunningStatistics  # of all observations in the data
    best_return: Array  # () of all episodes in the data


@dataclass(frozen=True)
class WindowSource:
    """Windows at every place where they overlap an episode, also where they reach over its beginning or its end.

    So each step is in K windows, and as often a target as any other; episodes count in proportion to their length.
    Chen et al. 2021 let no window reach over the beginning, so that an episode's first step is in one of them only.
    """

    num_updates: int
    batch_size: int  # of all devices together
    context_length: int
    shards: Shards = ALONE

    def init(self, policy: Policy, key: Array) -> tuple:
        """Nothing to remember."""
        return ()

    def sample(
        self, data: Dataset, state: tuple, policy: Policy, key: Array
    ) -> tuple[tuple, WindowBatch, dict[str, Array]]:
        """Windows drawn with replacement; this device's share of each minibatch."""
        assert data.return_to_go is not None
        num_places = len(data.reward) + (len(data.start) - 1) * (self.context_length - 1)
        drawn_BU = jax.random.randint(key, (self.batch_size, self.num_updates), 0, num_places)
        windows = windows_at(data, self.shards.rows(drawn_BU).T, self.context_length)
        return state, WindowBatch(windows, data.statistics, data.return_to_go[data.start[:-1]].max()), {}


def windows_at(data: Dataset, place: Array, context_length: int) -> Windows:
    """Windows (..., K) by their places (...): an episode of T steps has T + K - 1 of them, the first with one step."""
    over = context_length - 1
    episode = jnp.searchsorted(data.start + over * jnp.arange(len(data.start)), place, side="right") - 1
    begin, end = data.start[episode], data.start[episode + 1]
    first = place - begin - over * episode - over  # step of the episode that the window begins at, if it reached there
    last = jnp.minimum(first + over, end - begin - 1)
    time = last[..., None] + jnp.arange(-over, 1)
    row = begin[..., None] + jnp.maximum(time, 0)
    assert data.return_to_go is not None
    return Windows(
        return_to_go=data.return_to_go[row],
        obs=data.obs[row],
        goal=data.goal[row],
        action=data.action[row],
        time=jnp.maximum(time, 0),
        valid=time >= jnp.maximum(first, 0)[..., None],
    )
