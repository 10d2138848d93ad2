"""The runs that one training consists of: seeds, and numbers that do not shape the program.

They are made from one config, in folders within its own, or are given as configs with folders of their own.
"""

import dataclasses
import hashlib
import itertools
import json
from collections.abc import Sequence

from flexrl.build import reward_weights
from flexrl.checkpoint import Checkpoints
from flexrl.comparison import PLACE, flat
from flexrl.config import RunConfig, encode
from flexrl.engine import TASK
from flexrl.errors import ConfigError
from flexrl.variations import varied


def member_configs(config: RunConfig) -> list[RunConfig]:
    """The training itself, or one run for each seed and variation, in folders within its own."""
    if config.num_members == 1:
        return [config]
    seeds = range(config.seed, config.seed + config.num_seeds)
    return [_member(config, seed, values) for values, seed in itertools.product(config.variations, seeds)]


def require_traced(config: RunConfig) -> None:
    """Refuse to vary what shapes the program, or what this algorithm's settings leave unread.

    Raises:
      ConfigError: naming the field and those that can vary.
    """
    known = _traced(config)
    for name in config.variations[0]:
        if name not in known:
            raise ConfigError(
                f"vary: {name} cannot differ within one program of these settings; known: {', '.join(sorted(known))}; "
                "vary others by runs of their own"
            )


def program_of(config: RunConfig) -> str | None:
    """Names the program that trains a run: runs of the same one differ in place, seed and traced numbers only.

    None where it trains one run alone: worlds shared among devices, or a run that may end early.
    """
    alone = config.num_devices > 1 or config.early_stop != type(config.early_stop)() or config.num_members > 1
    if alone:
        return None
    traced = _traced(config)
    own = {*PLACE, "seed", *(name if name.startswith(TASK) else f"algorithm.{name}" for name in traced)}
    whole = [{name: value for name, value in flat(encode(config)).items() if name not in own}, sorted(traced)]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def require_one_program(configs: Sequence[RunConfig]) -> None:
    """Refuse members that one program cannot train.

    Raises:
      ConfigError: naming the first that does not fit.
    """
    first, *others = configs
    for config in others:
        if program_of(config) is None or program_of(config) != program_of(first):
            raise ConfigError(
                f"members: {config.folder} and {first.folder} are not of one program; they may differ in seed and "
                f"{', '.join(sorted(_traced(first)))}, on one device and without early_stop"
            )


def has_begun(config: RunConfig) -> bool:
    """Whether a run's folder holds it already."""
    return (config.folder / "config.yaml").exists()


def together(configs: Sequence[RunConfig]) -> list[list[RunConfig]]:
    """Runs that can go on from the same iteration; of a few a kill may have left the newest save unwritten."""
    last = {config.folder: [0, *Checkpoints(config.folder).steps()][-2:] for config in configs}
    groups: list[list[RunConfig]] = []
    for config in sorted(configs, key=lambda config: last[config.folder][-1]):
        first = groups[-1][0] if groups else config
        if groups and last[first.folder][-1] in last[config.folder]:
            groups[-1].append(config)
        else:
            groups.append([config])
    return groups


def _traced(config: RunConfig) -> set[str]:
    return {*config.algorithm.traced, "learning_rate", *(f"{TASK}{name}" for name in reward_weights(config))}


def _member(config: RunConfig, seed: int, values: dict[str, float]) -> RunConfig:
    name = "-".join([f"{field}-{value:g}" for field, value in values.items()] + [f"seed-{seed}"])
    tracking = dataclasses.replace(config.tracking, group=config.name, name=None)
    place = {"num_seeds": 1, "vary": (), "workspace": str(config.folder), "name": name, "tracking": tracking}
    return dataclasses.replace(config, **varied(config.algorithm, config.task, values), seed=seed, **place)
