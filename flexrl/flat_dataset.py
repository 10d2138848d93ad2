"""Episodes laid out as `algos.dataset.Dataset`, on the host."""

from collections.abc import Iterable
from typing import Any

import jax
import numpy as np

from algos.dataset import Dataset
from algos.normalization import RunningStatistics
from envs.types import GoalMap
from flexrl.episode import Episode
from flexrl.errors import ConfigError

FIELDS = ("obs", "goal", "action", "reward", "terminated", "truncated")


def flatten(episodes: Iterable[Episode]) -> Dataset:
    """All episodes in one set of arrays; numbers become float32, which training computes in."""
    columns: dict[str, list[np.ndarray]] = {name: [] for name in FIELDS}
    for episode in episodes:
        for name, column in columns.items():
            rows = getattr(episode, name)[: episode.length]
            column.append(rows if rows.dtype == bool else rows.astype(np.float32))
    arrays: Any = {name: np.concatenate(column) for name, column in columns.items()}
    start: Any = np.cumsum([0, *map(len, columns["reward"])], dtype=np.int32)
    return Dataset(**arrays, start=start, statistics=_statistics(arrays["obs"]))


def best_episodes(episodes: list[Episode], fraction: float) -> list[Episode]:
    """Those of the highest return that together hold at most a fraction of all steps; at least one.

    Source: Chen et al. 2021, section 5.1, as their code chooses.
    """
    ranked = sorted(range(len(episodes)), key=lambda i: -episodes[i].reward.sum(dtype=np.float64))
    num_steps = np.cumsum([episodes[i].length for i in ranked])
    num_kept = max(1, int(np.sum(num_steps <= fraction * num_steps[-1])))
    return [episodes[i] for i in sorted(ranked[:num_kept])]


def _statistics(obs: np.ndarray) -> RunningStatistics:
    exact = obs.astype(np.float64)
    numbers: Any = (np.float64(len(exact)), exact.mean(axis=0), len(exact) * exact.var(axis=0))
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
        raise ConfigError(
            f"dataset: {folder} has no infos named qpos, from which goals in hindsight are computed; collect it by "
            "flexrl.collect, or choose another --algorithm.condition"
        )
    qpos = np.concatenate([episode.infos["qpos"] for episode in episodes]).astype(np.float32)
    return np.asarray(jax.jit(jax.vmap(goal_map.achieved))(qpos))


def with_returns_to_go(data: Dataset) -> Dataset:
    """With the rewards that were still to come at each step, the step's own included."""
    start = np.asarray(data.start)
    earned = np.concatenate([[0.0], np.cumsum(data.reward, dtype=np.float64)])  # before each step
    at_end: Any = np.repeat(earned[start[1:]], np.diff(start))
    return data.replace(return_to_go=(at_end - earned[:-1]).astype(np.float32))


def returns_of(data: Dataset) -> np.ndarray:
    """Sum of rewards of each episode, (E,) float64."""
    return np.add.reduceat(np.asarray(data.reward, np.float64), np.asarray(data.start[:-1]))
