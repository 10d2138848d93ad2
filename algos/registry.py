"""The learning algorithms that a run's config can choose by name: our own and those of installed packages."""

import difflib
import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from algos.bc.config import BCConfig
from algos.bc.learner import BC
from algos.common.config import AlgorithmConfig
from algos.common.dataset import DatasetSource
from algos.common.hindsight import AverageReturn, HindsightGoals
from algos.common.rollout import RolloutSource
from algos.common.types import Algorithm, Source
from algos.dt.config import DTConfig
from algos.dt.learner import DT
from algos.dt.online import OnlineSource
from algos.dt.windows import WindowSource
from algos.ppo.config import PPOConfig
from algos.ppo.learner import PPO
from envs.errors import ConfigError
from envs.types import EnvSpec
from envs.worlds.shards import Shards
from envs.worlds.vector import VecEnv

ENTRY_POINTS = "flexrl.algorithms"  # the group in which an installed package names its entries

Config = TypeVar("Config", bound=AlgorithmConfig)
Train = TypeVar("Train")
Batch = TypeVar("Batch")


@dataclass(frozen=True)
class AlgorithmEntry(Generic[Config, Train, Batch]):
    """A learning algorithm that a run's config can choose by name.

    Attributes:
      config: class of its hyper-parameters.
      build: makes the algorithm from a config, an environment's sizes and the devices.
      source: makes the source of its training data from a config and the worlds.
      is_offline: whether it learns from a dataset, which its config names.
    """

    config: type[Config]
    build: Callable[[Config, EnvSpec, Shards], Algorithm[Train, Batch]]
    source: Callable[[Config, VecEnv], Source[Any, Batch]]
    is_offline: bool = False

    def steps_worlds(self, config: Config) -> bool:
        """Return whether a run with this config steps worlds, be it with a dataset or without."""
        return not self.is_offline or config.online


def _steps(config: BCConfig, vec_env: VecEnv) -> DatasetSource:
    by_condition = {
        "none": lambda: None,
        "return": lambda: AverageReturn(vec_env.env.spec.episode_length),
        "goal": lambda: HindsightGoals.of(config.hindsight, vec_env.env.spec),
    }
    return DatasetSource(config.num_updates, config.batch_size, vec_env.shards, by_condition[config.condition]())


def _windows(config: DTConfig, vec_env: VecEnv) -> WindowSource | OnlineSource:
    if config.online:
        return OnlineSource(config, vec_env)
    hindsight = HindsightGoals.of(config.hindsight, vec_env.env.spec) if config.condition == "goal" else None
    return WindowSource(config.num_updates, config.batch_size, config.context_length, vec_env.shards, hindsight)


def _rollouts(config: PPOConfig, vec_env: VecEnv) -> RolloutSource:
    return RolloutSource(replace(vec_env, shows_privileged=config.privileged_critic), config.unroll_length)


ALGORITHMS: dict[str, AlgorithmEntry[Any, Any, Any]] = {
    "ppo": AlgorithmEntry(PPOConfig, PPO, _rollouts),
    "bc": AlgorithmEntry(BCConfig, BC, _steps, is_offline=True),
    "dt": AlgorithmEntry(DTConfig, DT, _windows, is_offline=True),
}


def algorithm_names() -> list[str]:
    """Return the names of our algorithms, and of those that installed packages bring."""
    return [*ALGORITHMS, *(point.name for point in importlib.metadata.entry_points(group=ENTRY_POINTS))]


def find_algorithm(name: str) -> AlgorithmEntry[Any, Any, Any]:
    """Return the algorithm of this name: one of ours, or one that an installed package brings.

    Raises:
      ConfigError: if there is none, or its package cannot be loaded.
    """
    if isinstance(name, str) and name in ALGORITHMS:
        return ALGORITHMS[name]
    for point in importlib.metadata.entry_points(group=ENTRY_POINTS, name=str(name)):
        try:
            entry = point.load()
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise ConfigError(f"algo: {name!r} of entry point {point.value} cannot be loaded: {reason}") from error
        if not isinstance(entry, AlgorithmEntry):
            raise ConfigError(f"algo: {name!r} names {point.value}, which is no algos.registry.AlgorithmEntry")
        return entry
    known = algorithm_names()
    close = difflib.get_close_matches(str(name), known, n=1)
    likely = f"did you mean {close[0]!r}? " if close else ""
    raise ConfigError(f"algo: {name!r} is unknown; {likely}known: {', '.join(known)}")
