"""A dataset of episodes as flat arrays, and a source that samples minibatches from it in the compiled program.

Axes: U updates, B samples of each.
"""

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
    """A dataset of N control steps of E episodes, stored one episode after the other.

    It has each step's observation, goal, action, reward and whether it ended the episode, the row at which each episode
    begins, and the mean and variance of observations. Some algorithms also need returns-to-go or achieved goals.
    """

    obs: Array  # (N, O) before each step
    goal: Array  # (N, G), G may be zero
    action: Array  # (N, A) in [-1, 1]
    reward: Array  # (N,)
    terminated: Array  # (N,) bool, at the last step of an episode or not at all
    truncated: Array  # (N,) bool, likewise
    start: Array  # (E + 1,) int32: the row at which each episode begins, and N as the last entry
    statistics: RunningStatistics  # of obs
    return_to_go: Array | None = None  # (N,) rewards from this step to the episode's end
    achieved: Array | None = None  # (N + E, P) what each state achieves, including the one after an episode's last step

    def episode_of(self, row: Array) -> Array:
        """Return the index of the episode that each control step belongs to; `row` (...) indexes the N steps."""
        return jnp.searchsorted(self.start, row, side="right") - 1

    @property
    def high_return(self) -> Array | None:
        """The episode return () that a tenth of all episodes reach or exceed; None if the returns are not known."""
        return None if self.return_to_go is None else reached_by_a_tenth(self.return_to_go[self.start[:-1]])


@struct.dataclass
class Minibatches:
    """Minibatches for U gradient steps: observations, goals and actions of B control steps each.

    They come with the mean and variance of all observations in the dataset, and with a return to ask for.
    """

    obs: Array  # (U, B, O)
    goal: Array  # (U, B, G)
    action: Array  # (U, B, A)
    statistics: RunningStatistics  # of all observations in the data
    target_return: Array | None  # () return to ask for if the config names none


class Outcomes(Protocol):
    """Computes the vector that takes the place of the goal recorded at each step of a dataset.

    The policy is conditioned on this vector: for example a goal that was reached, or the average reward that followed.
    """

    def draw(self, data: Dataset, shape: tuple[int, ...], key: Array) -> Array:
        """Draw the random numbers that `outcome` needs: an array of the given shape, with a number for each step."""
        ...

    def outcome(self, data: Dataset, row: Array, drawn: Array) -> Array:
        """Return the vectors (..., W), of W numbers each, that the policy is conditioned on instead of recorded goals.

        Args:
          data: the dataset.
          row: indices (...) of sampled control steps in the dataset.
          drawn: random numbers (...) from `draw`, one for each sampled step.
        """
        ...


@dataclass(frozen=True)
class DatasetSource:
    """Samples minibatches of single control steps from a dataset.

    All steps are equally likely, so that episodes count in proportion to their length. If `outcomes` is given, it
    replaces the recorded goals.
    """

    num_updates: int
    batch_size: int  # of all devices together
    shards: Shards = ALONE
    outcomes: Outcomes | None = None

    def init(self, policy: Policy, key: Array) -> tuple:
        """Return an empty state: no sample depends on the ones before it."""
        return ()

    def sample(
        self, data: Dataset, state: tuple, policy: Policy, key: Array
    ) -> tuple[tuple, Minibatches, dict[str, Array]]:
        """Draw control steps from the dataset with replacement.

        Return the empty state, this device's share of the minibatches, and no metrics. The policy is not used.
        """
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
    """Return the value () that a tenth of the returns (E,) of E episodes reach or exceed.

    For fewer than ten episodes it is the highest return. The best of many returns is partly luck, for example lucky
    action noise: no policy reaches it reliably, and the data has few examples of it to learn from.
    """
    return jnp.sort(returns)[-max(1, len(returns) // 10)]
