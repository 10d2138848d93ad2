"""Lay out episodes as one `algos.common.dataset.Dataset` of NumPy arrays on the host.

Axes: N control steps of E episodes; T steps of one episode; O observation; P numbers that say what
a state achieved, such as the place and the heading of the body.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import jax
import numpy as np

from algos.common.dataset import Dataset
from algos.common.normalization import RunningStatistics
from envs.types import GoalMap
from flexrl.common.errors import ConfigError
from flexrl.data.episode import Episode

FIELDS = ("obs", "goal", "action", "reward", "terminated", "truncated")


def flatten(episodes: Iterable[Episode]) -> Dataset:
    """Concatenate all episodes into one dataset: an array of all observations, one of all actions, and so on.

    Numbers become float32, in which training computes. The dataset also has the row at which each episode begins, and
    the statistics of all observations.
    """
    columns: dict[str, list[np.ndarray]] = {name: [] for name in FIELDS}
    for episode in episodes:
        for name, column in columns.items():
            column.append(rows_of(episode, name))
    arrays: Any = {name: np.concatenate(column) for name, column in columns.items()}
    start: Any = np.cumsum([0, *map(len, columns["reward"])], dtype=np.int32)
    lengths = np.diff(start)
    return Dataset(**arrays, start=start, statistics=statistics_of(lengths, map(moments, columns["obs"])))


def rows_of(episode: Episode, name: str) -> np.ndarray:
    """Return the array `name` of an episode, such as `obs`, as training uses it: T rows, numbers as float32."""
    rows = getattr(episode, name)[: episode.length]
    return rows if rows.dtype == bool else rows.astype(np.float32)


def best_episodes(episodes: list[Episode], fraction: float) -> list[Episode]:
    """Return the episodes of highest return that together hold at most a fraction of all steps; at least one."""
    returns = np.array([episode.reward.sum(dtype=np.float64) for episode in episodes])
    return [episodes[i] for i in best(np.array([episode.length for episode in episodes]), returns, fraction)]


def best(lengths: np.ndarray, returns: np.ndarray, fraction: float) -> np.ndarray:
    """Return the indices of the episodes of highest return that hold at most a fraction of all steps, ascending.

    At least one episode is taken. `lengths` (control steps) and `returns` have shape (E,).

    Source: Chen et al. 2021, section 5.1, in the way of the authors' code.
    """
    ranked = np.argsort(-returns, kind="stable")
    num_steps = np.cumsum(lengths[ranked])
    num_kept = max(1, int(np.sum(num_steps <= fraction * num_steps[-1])))
    return np.sort(ranked[:num_kept])


def moments(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean (O,) of an episode's rows (T, O), and their summed squared deviation from it (O,), as float64."""
    exact = rows.astype(np.float64)
    mean = exact.mean(axis=0)
    return mean, np.square(exact - mean).sum(axis=0)


def statistics_of(lengths: np.ndarray, found: Iterable[Sequence[np.ndarray] | np.ndarray]) -> RunningStatistics:
    """Return the statistics of the observations of all episodes together.

    Args:
      lengths: (E,) control steps of each episode.
      found: for each episode the mean and the summed squared deviation of its observations, (2, O), from `moments`.

    Source: Chan, Golub and LeVeque 1979, parallel combination of moments.
    """
    count, mean, sum_squares = 0, np.float64(0), np.float64(0)
    for length, (its_mean, its_squares) in zip(lengths.tolist(), found, strict=True):
        delta = its_mean - mean
        mean = mean + delta * (length / (count + length))
        sum_squares = sum_squares + its_squares + np.square(delta) * (count * length / (count + length))
        count += length
    numbers: Any = (np.float64(count), mean, sum_squares)
    return RunningStatistics(*(x.astype(np.float32) for x in numbers))


def achieved(episodes: list[Episode], goal_map: GoalMap, folder: str) -> np.ndarray:
    """Return what each state in a dataset achieved: P numbers such as the body's place and heading, (N + E, P).

    N control steps of E episodes have N + E states, because each episode has one more after its last step.

    Args:
      episodes: episodes in the order of the dataset.
      goal_map: the task's map from positions `qpos` to what a state achieved.
      folder: folder of the dataset, for messages.

    Raises:
      ConfigError: if the dataset has no positions `qpos`.
    """
    if any("qpos" not in episode.infos for episode in episodes):
        raise without_positions(folder)
    qpos = np.concatenate([episode.infos["qpos"] for episode in episodes]).astype(np.float32)
    return np.asarray(jax.jit(jax.vmap(goal_map.achieved))(qpos))


def without_positions(folder: str) -> ConfigError:
    """Return the error for a dataset that has no positions `qpos`."""
    return ConfigError(
        f"dataset: {folder} has no infos named qpos, from which goals in hindsight are computed; collect it by "
        "flexrl.collect, or choose another --algorithm.condition"
    )


def with_returns_to_go(data: Dataset) -> Dataset:
    """Return the dataset with `return_to_go`: for each step the sum of rewards from it to the episode's end."""
    episodes: Any = np.split(np.asarray(data.reward), np.asarray(data.start[1:-1]))
    return data.replace(return_to_go=np.concatenate([returns_to_go(reward) for reward in episodes]))


def returns_to_go(reward: np.ndarray) -> np.ndarray:
    """Return for each step of an episode the sum of its rewards (T,) from that step to the end, (T,) float32."""
    return np.cumsum(reward[::-1], dtype=np.float64)[::-1].astype(np.float32)


def returns_of(data: Dataset) -> np.ndarray:
    """Return the sum of rewards of each episode, (E,) float64."""
    return np.add.reduceat(np.asarray(data.reward, np.float64), np.asarray(data.start[:-1]))
