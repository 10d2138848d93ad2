"""The algorithms that a run can name."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from algos.bc.config import BCConfig
from algos.bc.learner import BC
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
from envs.types import EnvSpec
from envs.worlds.shards import Shards
from envs.worlds.vector import VecEnv


@dataclass(frozen=True)
class AlgorithmEntry:
    """An algorithm: the type of its config, how to build it, and how to build the source of its data."""

    config: type[Any]
    build: Callable[[Any, EnvSpec, Shards], Algorithm]
    source: Callable[[Any, VecEnv], Source]
    is_offline: bool = False  # learns from the dataset that its config names

    def steps_worlds(self, config: Any) -> bool:
        """Return whether a run with this config steps worlds, with or without a dataset."""
        return not self.is_offline or getattr(config, "online", False)


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


ALGORITHMS: dict[str, AlgorithmEntry] = {
    "ppo": AlgorithmEntry(PPOConfig, PPO, _rollouts),
    "bc": AlgorithmEntry(
        BCConfig,
        BC,
        _steps,
        is_offline=True,
    ),
    "dt": AlgorithmEntry(
        DTConfig,
        DT,
        _windows,
        is_offline=True,
    ),
}
