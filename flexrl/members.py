"""The runs that one training consists of: seeds, and numbers that do not shape the program."""

import dataclasses
import itertools

from algos.types import Algorithm
from flexrl.build import reward_weights
from flexrl.config import RunConfig
from flexrl.engine import TASK
from flexrl.errors import ConfigError
from flexrl.variations import varied


def member_configs(config: RunConfig) -> list[RunConfig]:
    """The training itself, or one run for each seed and variation, in folders within its own."""
    if config.num_members == 1:
        return [config]
    seeds = range(config.seed, config.seed + config.num_seeds)
    return [_member(config, seed, values) for values, seed in itertools.product(config.variations, seeds)]


def require_traced(config: RunConfig, algorithm: Algorithm) -> None:
    """Refuse to vary what shapes the program, or what this algorithm's settings leave unread.

    Raises:
      ConfigError: naming the field and those that can vary.
    """
    known = algorithm.init_hyper().keys() | {"learning_rate", *(f"{TASK}{name}" for name in reward_weights(config))}
    for name in config.variations[0]:
        if name not in known:
            raise ConfigError(
                f"vary: {name} cannot differ within one program of these settings; known: {', '.join(sorted(known))}; "
                "vary others by runs of their own"
            )


def _member(config: RunConfig, seed: int, values: dict[str, float]) -> RunConfig:
    name = "-".join([f"{field}-{value:g}" for field, value in values.items()] + [f"seed-{seed}"])
    tracking = dataclasses.replace(config.tracking, group=config.name, name=None)
    place = {"num_seeds": 1, "vary": (), "workspace": str(config.folder), "name": name, "tracking": tracking}
    return dataclasses.replace(config, **varied(config.algorithm, config.task, values), seed=seed, **place)
