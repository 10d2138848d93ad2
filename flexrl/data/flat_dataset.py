"""Episodes laid out as `algos.common.dataset.Dataset`, on the host."""

from collections.abc import Iterable
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
    """All episodes in one set of arrays; numbers become float32, which training computes in."""
    columns: dict[str, list[np.ndarray]] = {name: [] for name in FIELDS}
    for episode in episodes:
        for name, column in columns.items():
            column.append(rows_of(episode, name))
    arrays: Any = {name: np.concatenate(column) for name, column in columns.items()}
    start: Any = np.cumsum([0, *map(len, columns["reward"])], dtype=np.int32)
    lengths = np.diff(start)
    return Dataset(**arrays, start=start, statistics=statistics_of(lengths, map(moments, columns["obs"])))


def rows_of(episode: Episode, name: str) -> np.ndarray:
    """One of `FIELDS` as training has it, a row for each step."""
    rows = getattr(episode, name)[: episode.length]
    return rows if rows.dtype == bool else rows.astype(np.float32)


def best_episodes(episodes: list[Episode], fraction: float) -> list[Episode]:
    """Those of the highest return that together hold at most a fraction of all steps; at least one."""
    returns = np.array([episode.reward.sum(dtype=np.float64) for episode in episodes])
    return [episodes[i] for i in best(np.array([episode.length for episode in episodes]), returns, fraction)]


def best(lengths: np.ndarray, returns: np.ndarray, fraction: float) -> np.ndarray:
    """Which of the episodes (E,) those are, in order.

    Source: Chen et al. 2021, section 5.1, as their code chooses.
    """
    ranked = np.argsort(-returns, kind="stable")
    num_steps = np.cumsum(lengths[ranked])
    num_kept = max(1, int(np.sum(num_steps <= fraction * num_steps[-1])))
    return np.sort(ranked[:num_kept])


def moments(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (O,) of an episode's rows (T, O), and their summed squared deviation from it; float64."""
    exact = rows.astype(np.float64)
    mean = exact.mean(axis=0)
    return mean, np.square(exact - mean).sum(axis=0)


def statistics_of(lengths: np.ndarray, found: Iterable[Any]) -> RunningStatistics:
    """Of all rows together, from the moments (2, O) of each episode.

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
    """What each state of all episodes achieved, the ones after their last steps included, (N + E, P).

    Args:
      episodes: in order.
      goal_map: of the task.
      folder: where they are from, for messages.

    Raises:
      ConfigError: if a dataset did not keep positions.
    """
    if any("qpos" not in episode.infos for episode in episodes):
        raise without_positions(folder)
    qpos = np.concatenate([episode.infos["qpos"] for episode in episodes]).astype(np.float32)
    return np.asarray(jax.jit(jax.vmap(goal_map.achieved))(qpos))


def without_positions(folder: str) -> ConfigError:
    """What to say of a dataset that did not keep positions."""
    return ConfigError(
        f"dataset: {folder} has no infos named qpos, from which goals in hindsight are computed; collect it by "
        "flexrl.collect, or choose another --algorithm.condition"
    )


def with_returns_to_go(data: Dataset) -> Dataset:
    """With the rewards that were still to come at each step, the step's own included."""
    episodes: Any = np.split(np.asarray(data.reward), np.asarray(data.start[1:-1]))
    return data.replace(return_to_go=np.concatenate([returns_to_go(reward) for reward in episodes]))


def returns_to_go(reward: np.ndarray) -> np.ndarray:
    """Of an episode's rewards (T,), those that were still to come at each step."""
    return np.cumsum(reward[::-1], dtype=np.float64)[::-1].astype(np.float32)


def returns_of(data: Dataset) -> np.ndarray:
    """Sum of rewards of each episode, (E,) float64."""
    return np.add.reduceat(np.asarray(data.reward, np.float64), np.asarray(data.start[:-1]))
