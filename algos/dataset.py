"""Episodes as flat arrays, from which training samples inside the program. Axes: U updates, B samples of each."""

from dataclasses import dataclass

import jax
from flax import struct
from jax import Array

from algos.normalization import RunningStatistics
from algos.types import Policy
from envs.shards import ALONE, Shards


@struct.dataclass
class Dataset:
    """N control steps of E episodes, one episode after the other."""

    obs: Array  # (N, O) before each step
    goal: Array  # (N, G), G may be zero
    action: Array  # (N, A) in [-1, 1]
    reward: Array  # (N,)
    terminated: Array  # (N,) bool, at the last step of an episode or not at all
    truncated: Array  # (N,) bool, likewise
    start: Array  # (E + 1,) int32: where each episode begins, and N
    statistics: RunningStatistics  # of obs
    return_to_go: Array | None = None  # (N,) rewards from this step to the episode's end


@struct.dataclass
class Minibatches:
    """Control steps for U updates."""

    obs: Array  # (U, B, O)
    goal: Array  # (U, B, G)
    action: Array  # (U, B, A)
    statistics: RunningStatistics  # of all observations in the data


@dataclass(frozen=True)
class DatasetSource:
    """Single control steps, each as likely as any other, and so episodes in proportion to their length."""

    num_updates: int
    batch_size: int  # of all devices together
    shards: Shards = ALONE

    def init(self, policy: Policy, key: Array) -> tuple:
        """Nothing to remember."""
        return ()

    def sample(
        self, data: Dataset, state: tuple, policy: Policy, key: Array
    ) -> tuple[tuple, Minibatches, dict[str, Array]]:
        """Steps drawn with replacement; this device's share of each minibatch."""
        drawn_BU = jax.random.randint(key, (self.batch_size, self.num_updates), 0, len(data.reward))
        rows_UB = self.shards.rows(drawn_BU).T
        batch = Minibatches(data.obs[rows_UB], data.goal[rows_UB], data.action[rows_UB], data.statistics)
        return state, batch, {}
