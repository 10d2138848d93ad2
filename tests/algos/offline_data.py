"""Made-up episodes as learners get them."""

import jax
import jax.numpy as jnp
import numpy as np

from algos.common.dataset import Dataset
from algos.common.normalization import RunningStatistics
from flexrl.data.flat_dataset import with_returns_to_go


def dataset_of(obs, action, reward, lengths, goal=None) -> Dataset:
    """Rows of episodes of so many steps each, all cut off."""
    start = np.cumsum([0, *lengths]).astype(np.int32)
    num = int(start[-1])
    goal = np.zeros((num, 0), np.float32) if goal is None else goal
    ends = np.isin(np.arange(1, num + 1), start)
    statistics = RunningStatistics.init(obs.shape[1]).update(jnp.asarray(obs))
    data = with_returns_to_go(Dataset(obs, goal, action, reward, ends & False, ends, start, statistics))
    return jax.tree.map(jnp.asarray, data)


def random_dataset(lengths=(7, 1, 3, 12), *, obs_size=3, action_size=2, goal_size=0, seed=0) -> Dataset:
    """Random numbers."""
    rng = np.random.default_rng(seed)
    num = sum(lengths)

    def rows(size):
        return rng.uniform(-1, 1, (num, size)).astype(np.float32)

    return dataset_of(3 + 2 * rows(obs_size), rows(action_size), rows(1)[:, 0], lengths, rows(goal_size))
