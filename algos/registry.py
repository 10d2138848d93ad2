"""The algorithms that a run can name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from algos.ppo import PPO, PPOConfig
from algos.rollout import RolloutSource
from algos.types import Algorithm, Source
from envs.types import EnvSpec
from envs.vector import VecEnv


@dataclass(frozen=True)
class AlgorithmEntry:
    """An algorithm's config, how to build it, and where its data comes from."""

    config: type[Any]
    build: Callable[[Any, EnvSpec], Algorithm]
    source: Callable[[Any, VecEnv], Source]


ALGORITHMS: dict[str, AlgorithmEntry] = {
    "ppo": AlgorithmEntry(PPOConfig, PPO, lambda config, vec_env: RolloutSource(vec_env, config.unroll_length)),
}
