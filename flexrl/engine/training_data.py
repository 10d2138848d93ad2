"""Load the dataset that a run learns from, check it and lay it out for the device."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from algos.common.dataset import Dataset
from algos.common.hindsight import HindsightGoals
from algos.registry import find_algorithm
from envs.types import EnvSpec
from flexrl.common.errors import ConfigError
from flexrl.common.types import JsonObject
from flexrl.config.run_config import RunConfig, without_folder
from flexrl.data.dataset_folder import read_dataset
from flexrl.data.environment import recorded_environment
from flexrl.data.flat_dataset import achieved, best_episodes, flatten, with_returns_to_go, without_positions
from flexrl.data.minari_format import ARRAYS
from flexrl.data.row_files import stored_rows
from flexrl.engine.streaming import AchievedColumn, StreamedDataset, streamed_dataset
from flexrl.storage.checkpoint import leaves_of
from flexrl.storage.policy_file import digest


@dataclass(frozen=True)
class TrainingData:
    """The dataset that a run learns from. Checkpoints hold nothing of it.

    Attributes:
      folder: the dataset's folder.
      arrays: the dataset in host memory or, if it is larger than the memory limit, columns that read from files.
      sha256: SHA-256 of the arrays, without the returns-to-go, which follow from them. If `arrays` reads from files,
        SHA-256 of the list of the files' SHA-256.
      environment: the environment in which the dataset says that it was recorded; None if it does not say.
    """

    folder: str
    arrays: Dataset
    sha256: str
    environment: str | None

    @property
    def record(self) -> JsonObject:
        """What `metadata.json` says of the dataset: `sha256`, `num_episodes` and `num_steps` (control steps)."""
        return {"sha256": self.sha256, "num_episodes": self._num_episodes, "num_steps": len(self.arrays.reward)}

    @property
    def summary(self) -> str:
        """A phrase about the dataset's size, which also says if the dataset does not name its environment."""
        streamed = ", streamed from the disk" if isinstance(self.arrays, StreamedDataset) else ""
        unnamed = "" if self.environment else "; it names no environment, so that sizes alone were compared"
        return (
            f"{len(self.arrays.reward):,} steps of {self._num_episodes:,} episodes in {self.folder}{streamed}{unnamed}"
        )

    def require_same(self, run: Path) -> None:
        """Refuse to resume a run that began with another dataset.

        Raises:
          ConfigError: if the SHA-256 is not the one that the run recorded.
        """
        require_recorded(run, self.sha256, f"dataset: {self.folder}", "a dataset")

    @property
    def _num_episodes(self) -> int:
        return len(self.arrays.start) - 1


def require_recorded(run: Path, sha256: str, what: str, kind: str) -> None:
    """Refuse to resume a run if the dataset or the policies that it learns from are not those that it began with.

    Args:
      run: the run's folder.
      sha256: SHA-256 of the dataset or of the policies, as they are now.
      what: field and value of the config that names them, for the error: "dataset: FOLDER".
      kind: what they are, for the error: "a dataset".

    Raises:
      ConfigError: if the SHA-256 is not the one that the run recorded.
    """
    began_with = json.loads((run / "metadata.json").read_text())["data"]["sha256"]
    if began_with != sha256:
        raise ConfigError(
            f"{what}: SHA-256 is {sha256[:16]}, but {run} began with {kind} of SHA-256 {began_with[:16]}; put back "
            "what it began with, or start a new run"
        )


def load_training_data(config: RunConfig, spec: EnvSpec) -> TrainingData | None:
    """Load the dataset that an offline algorithm's config names. Return None for an algorithm that needs none.

    Raises:
      ConfigError: if no dataset is named, it is damaged, or it does not fit the environment in sizes or name.
    """
    if not find_algorithm(config.algo).is_offline:
        return None
    folder = config.algorithm.dataset
    if folder is None:
        raise ConfigError(
            f"dataset: {config.algo} learns from a dataset; name its folder by --algorithm.dataset DIR, or make one by "
            "python -m flexrl.collect RUN --tier expert --out DIR"
        )
    return _streamed(config, spec, folder) if _is_too_large(config, folder) else _resident(config, spec, folder)


def _is_too_large(config: RunConfig, folder: str) -> bool:
    file, limit = Path(folder) / ARRAYS, config.algorithm.memory_limit_mb
    return limit is not None and file.is_file() and file.stat().st_size > limit * 1_000_000


def _resident(config: RunConfig, spec: EnvSpec, folder: str) -> TrainingData:
    """Load a dataset into memory: the best episodes, as many as `best_fraction` in the algorithm's config asks for.

    Raises:
      ConfigError: if the dataset is damaged, or does not fit the environment.
    """
    episodes = best_episodes(read_dataset(Path(folder)), config.algorithm.best_fraction)
    arrays = flatten(episodes)
    environment = _require_fitting(arrays, config, spec, folder)
    if config.algorithm.condition == "goal":
        goal_map = HindsightGoals.of(config.algorithm.hindsight, spec).goal_map
        arrays = arrays.replace(achieved=achieved(episodes, goal_map, folder))
    return TrainingData(folder, with_returns_to_go(arrays), digest(leaves_of(arrays)), environment)


def _streamed(config: RunConfig, spec: EnvSpec, folder: str) -> TrainingData:
    """Open a dataset that stays in files, from which batches are read while the run trains.

    It consists of the best episodes, as many as `best_fraction` in the algorithm's config asks for.

    Raises:
      ConfigError: if the dataset is damaged, or does not fit the environment.
    """
    stored = stored_rows(Path(folder))
    arrays, qpos = streamed_dataset(stored, config.algorithm.best_fraction)
    environment = _require_fitting(arrays, config, spec, folder)
    if config.algorithm.condition == "goal":
        goal_map = HindsightGoals.of(config.algorithm.hindsight, spec).goal_map
        if qpos is None:
            raise without_positions(folder)
        arrays = arrays.replace(achieved=AchievedColumn(qpos, goal_map))
    return TrainingData(folder, arrays, stored.sha256, environment)


def _require_fitting(arrays: Dataset, config: RunConfig, spec: EnvSpec, folder: str) -> str | None:
    """Return the name of the environment in which a dataset says that it was recorded; None if it does not say.

    Raises:
      ConfigError: if observations, goals or actions have other sizes than in the run's environment; if an episode is
        longer than that allows, for algorithms that read the time; or if the dataset was recorded in another
        environment and the config does not allow that.
    """
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
    found = recorded_environment(Path(folder))
    if found and without_folder(found) != config.env_name and not config.algorithm.any_environment:
        raise ConfigError(
            f"dataset: {folder} was recorded in {found}, and this run is of {config.env}; choose that environment, or "
            "add --algorithm.any-environment to learn from it all the same"
        )
    return found
