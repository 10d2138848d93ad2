"""Episodes as flat arrays, from which training samples inside the program. Axes: U updates, B samples of each."""

from dataclasses import dataclass
from typing import Protocol

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from algos.common.normalization import RunningStatistics
from algos.common.types import Policy
from envs.worlds.shards import ALONE, Shards


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
    achieved: Array | None = None  # (N + E, P) by each state, of each episode also by the one after its last step

    def episode_of(self, row: Array) -> Array:
        """Which episode each row (...) is of."""
        return jnp.searchsorted(self.start, row, side="right") - 1

    @property
    def high_return(self) -> Array | None:
        """() that a tenth of all episodes reach, where returns are known."""
        return None if self.return_to_go is None else reached_by_a_tenth(self.return_to_go[self.start[:-1]])


@struct.dataclass
class Minibatches:
    """Control steps for U updates."""

    obs: Array  # (U, B, O)
    goal: Array  # (U, B, G)
    action: Array  # (U, B, A)
    statistics: RunningStatistics  # of all observations in the data
    target_return: Array | None  # () to ask for where nothing else is said


class Outcomes(Protocol):
    """What a step of the data is told to be asked for, instead of its goal."""

    def draw(self, data: Dataset, shape: tuple[int, ...], key: Array) -> Array:
        """The random numbers that `outcome` chooses by, one for each step."""
        ...

    def outcome(self, data: Dataset, row: Array, drawn: Array) -> Array:
        """Shape (..., W) for rows (...), by what was drawn for each."""
        ...


@dataclass(frozen=True)
class DatasetSource:
    """Single control steps, each as likely as any other, and so episodes in proportion to their length."""

    num_updates: int
    batch_size: int  # of all devices together
    shards: Shards = ALONE
    outcomes: Outcomes | None = None

    def init(self, policy: Policy, key: Array) -> tuple:
        """Nothing to remember."""
        return ()

    def sample(
        self, data: Dataset, state: tuple, policy: Policy, key: Array
    ) -> tuple[tuple, Minibatches, dict[str, Array]]:
        """Steps drawn with replacement; this device's share of each minibatch."""
        shape = (self.batch_size, self.num_updates)
        key_rows, key_outcome = (key, key) if self.outcomes is None else jax.random.split(key)
        rows_UB = self.shards.rows(jax.random.randint(key_rows, shape, 0, len(data.reward))).T
        if self.outcomes is None:
            goal = data.goal[rows_UB]
        else:
            drawn_UB = self.shards.rows(self.outcomes.draw(data, shape, key_outcome)).T
            goal = self.outcomes.outcome(data, rows_UB, drawn_UB)
        batch = Minibatches(data.obs[rows_UB], goal, data.action[rows_UB], data.statistics, data.high_return)
        return state, batch, {}


def reached_by_a_tenth(returns: Array) -> Array:
    """The return () that a tenth of episodes (E,) reach, the best one among fewer than ten.

    The best one of many was lucky: where noise was sampled no policy earns as much, and to ask for it is to ask for
    what the data hardly shows.
    """
    return jnp.sort(returns)[-max(1, len(returns) // 10)]
