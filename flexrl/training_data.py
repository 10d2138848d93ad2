"""The dataset that a run learns from, checked and laid out for the device."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from algos.dataset import Dataset
from algos.hindsight import HindsightGoals
from algos.registry import ALGORITHMS
from envs.types import EnvSpec
from flexrl.checkpoint import leaves_of
from flexrl.config import RunConfig
from flexrl.dataset_folder import read_dataset
from flexrl.errors import ConfigError
from flexrl.flat_dataset import achieved, best_episodes, flatten, with_returns_to_go
from flexrl.policy_file import digest


@dataclass(frozen=True)
class TrainingData:
    """What is learnt from; checkpoints hold none of it.

    Attributes:
      folder: where it was found.
      arrays: on the host.
      sha256: of what was read, from which returns-to-go follow.
    """

    folder: str
    arrays: Dataset
    sha256: str

    @property
    def record(self) -> dict[str, Any]:
        """For `metadata.json`."""
        return {"sha256": self.sha256, "num_episodes": self._num_episodes, "num_steps": len(self.arrays.reward)}

    @property
    def summary(self) -> str:
        """Size, for reading."""
        return f"{len(self.arrays.reward):,} steps of {self._num_episodes:,} episodes in {self.folder}"

    def require_same(self, run: Path) -> None:
        """Refuse to go on with a run that learnt from something else.

        Raises:
          ConfigError: with both SHA-256.
        """
        began_with = json.loads((run / "metadata.json").read_text())["data"]["sha256"]
        if began_with != self.sha256:
            raise ConfigError(
                f"dataset: {self.folder} holds what has SHA-256 {self.sha256[:16]}, and {run} began with "
                f"{began_with[:16]}; put that dataset back, or start a new run"
            )

    @property
    def _num_episodes(self) -> int:
        return len(self.arrays.start) - 1


def load_training_data(config: RunConfig, spec: EnvSpec) -> TrainingData | None:
    """The dataset that an offline algorithm's config names; None for one that steps worlds.

    Raises:
      ConfigError: if it is not named, not in order, or of other sizes than the environment.
    """
    if not ALGORITHMS[config.algo].is_offline:
        return None
    folder = config.algorithm.dataset
    if folder is None:
        raise ConfigError(
            f"dataset: {config.algo} learns from one; name its folder by --algorithm.dataset DIR, or make one by "
            "python -m flexrl.collect RUN --tier expert --out DIR"
        )
    fraction = getattr(config.algorithm, "best_fraction", 1.0)
    episodes = best_episodes(read_dataset(Path(folder)), fraction)
    arrays = flatten(episodes)
    for name, rows, wanted in (
        ("observations", arrays.obs, spec.obs_size),
        ("goals", arrays.goal, spec.goal_size),
        ("actions", arrays.action, spec.action_size),
    ):
        if (found := rows.shape[1]) != wanted:
            raise ConfigError(
                f"dataset: {folder} has {name} of {found} numbers, and {config.env} of {wanted}; choose the "
                "environment that it was collected in"
            )
    longest = int(np.diff(arrays.start).max())
    if config.algorithm.reads_clock and longest > spec.episode_length:
        raise ConfigError(
            f"dataset: {folder} has an episode of {longest} control steps, and {config.env} ends after "
            f"{spec.episode_length}; choose the environment that it was collected in"
        )
    if config.algorithm.condition == "goal":
        goal_map = HindsightGoals.of(config.algorithm.hindsight, spec).goal_map
        arrays = arrays.replace(achieved=achieved(episodes, goal_map, folder))
    return TrainingData(folder, with_returns_to_go(arrays), digest(leaves_of(arrays)))
