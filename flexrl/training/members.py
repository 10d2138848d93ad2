"""Members: runs that one program trains together. They may differ in seed and traced numbers only.

A traced number is an input of the compiled program, such as the learning rate or the weight of a reward.

They come from one config with several seeds or variations, in folders within its own, or from several configs with
folders of their own (`--members`).
"""

import dataclasses
import hashlib
import itertools
import json
from collections.abc import Sequence

from flexrl.common.errors import CheckpointError, ConfigError
from flexrl.common.nested import flat
from flexrl.config.run_config import PLACE, RunConfig, encode
from flexrl.config.variations import varied
from flexrl.engine.engine import TASK
from flexrl.engine.factory import reward_weights
from flexrl.storage.checkpoint import Checkpoints
from flexrl.storage.divergence import divergence

KEPT_TOGETHER = 2  # checkpoints that each member keeps: while some write a new one, all still have the one before


def member_configs(config: RunConfig) -> list[RunConfig]:
    """Return one config for each seed and variation of `config`, with a folder within that of `config`.

    If there is one seed and no variation, return `config` itself.
    """
    if config.num_members == 1:
        return [config]
    seeds = range(config.seed, config.seed + config.num_seeds)
    return [_member(config, seed, values) for values, seed in itertools.product(config.variations, seeds)]


def require_traced(config: RunConfig) -> None:
    """Refuse a config whose `vary` names a field that is not traced, that is, no input of the compiled program.

    Such a field shapes the program, or is not used with these settings.

    Raises:
      ConfigError: naming the field and the fields that can vary.
    """
    known = _traced(config)
    for name in config.variations[0]:
        if name not in known:
            raise ConfigError(
                f"vary: {name} cannot differ within one program of these settings; known: {', '.join(sorted(known))}; "
                "vary others by runs of their own"
            )


def program_of(config: RunConfig) -> str | None:
    """Return an identifier of the program that trains a run. Runs that train together must have the same one.

    Runs with the same identifier differ in folder, seed and traced numbers (inputs of the program) only. Return None if
    the run cannot train with others: it uses several devices, may stop early, or consists of several runs itself.
    """
    alone = config.num_devices > 1 or config.early_stop != type(config.early_stop)() or config.num_members > 1
    if alone:
        return None
    traced = _traced(config)
    own = {*PLACE, "seed", *(name if name.startswith(TASK) else f"algorithm.{name}" for name in traced)}
    whole = [{name: value for name, value in flat(encode(config)).items() if name not in own}, sorted(traced)]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def require_one_program(configs: Sequence[RunConfig]) -> None:
    """Refuse runs that one program cannot train together.

    Raises:
      ConfigError: naming the first run that does not fit.
    """
    first, *others = configs
    for config in others:
        if program_of(config) is None or program_of(config) != program_of(first):
            raise ConfigError(
                f"members: {config.folder} and {first.folder} are not of one program; they may differ in seed and "
                f"{', '.join(sorted(_traced(first)))}, on one device and without early_stop"
            )


def has_begun(config: RunConfig) -> bool:
    """Return whether a run has begun: its folder holds a config."""
    return (config.folder / "config.yaml").exists()


def without_diverged(configs: Sequence[RunConfig]) -> tuple[list[RunConfig], list[str]]:
    """Return the runs that have not diverged, and for each run that has, a line that says why."""
    left, divergences = [], []
    for config in configs:
        if reason := divergence(config.folder):
            divergences.append(f"{reason}. It was left out; --resume {config.folder} goes on with it")
        else:
            left.append(config)
    return left, divergences


def together(configs: Sequence[RunConfig]) -> list[list[RunConfig]]:
    """Group runs so that all runs of a group can go on from a checkpoint of the same iteration.

    Runs that train together save at the same iterations. But the process may have been killed before all of them had
    written their newest checkpoint.
    """
    last = {config.folder: _newest_intact(config) for config in configs}
    groups: list[list[RunConfig]] = []
    for config in sorted(configs, key=lambda config: last[config.folder][0]):
        first = groups[-1][0] if groups else config
        if groups and last[first.folder][0] in last[config.folder]:
            groups[-1].append(config)
        else:
            groups.append([config])
    return groups


def _newest_intact(config: RunConfig) -> list[int]:
    """Return the iterations of a run's two newest intact checkpoints, from which it can go on, newest first.

    A 0, the beginning, comes last if no checkpoint is intact, or if the run has written one checkpoint or none.
    """
    checkpoints = Checkpoints(config.folder)
    intact = (step for step in reversed(checkpoints.steps()) if checkpoints.is_intact(step))
    newest = list(itertools.islice(intact, KEPT_TOGETHER))
    return newest if newest and not _may_begin_anew(config) else [*newest, 0]


def _may_begin_anew(config: RunConfig) -> bool:
    """Return whether a run may begin anew, because it has no checkpoint, or only its first one.

    If the process was killed while runs that train together wrote their first checkpoints, some runs have one and
    others none. Then all of them begin anew.
    """
    steps = Checkpoints(config.folder).steps()
    return not steps or (len(steps) == 1 and steps[0] <= config.checkpoint_interval)


def newest_common_step(configs: Sequence[RunConfig]) -> int:
    """Return the newest iteration from which all of these runs can go on; 0 if one of them has not saved yet.

    Raises:
      CheckpointError: if there is no such iteration. Nothing is deleted.
    """
    checkpoints = {config.folder: Checkpoints(config.folder) for config in configs}
    newest = {folder: 0 if own.no_save_ended() else own.intact()[0] for folder, own in checkpoints.items()}
    if len(configs) == 1 or (0 in newest.values() and all(map(_may_begin_anew, configs))):
        return min(newest.values())
    common = set.intersection(*(set(own.steps()) for own in checkpoints.values()))
    for step in sorted(common, reverse=True):
        if all(own.is_intact(step) for own in checkpoints.values()):
            return step
    steps = {folder.name: ", ".join(map(str, own.steps())) for folder, own in checkpoints.items()}
    saved = "; ".join(f"{name} has {found or 'no checkpoint'}" for name, found in steps.items())
    raise CheckpointError(
        f"{configs[0].folder.parent}: runs that train together go on from an iteration at which all have an intact "
        f"checkpoint, and there is none: {saved}. Go on with each alone by --resume and its folder, or restore what is "
        "missing from a copy"
    )


def _traced(config: RunConfig) -> set[str]:
    """Return the names of the traced numbers (inputs of the program), in which runs of one program may differ."""
    return {*config.algorithm.traced, "learning_rate", *(f"{TASK}{name}" for name in reward_weights(config))}


def _member(config: RunConfig, seed: int, values: dict[str, float]) -> RunConfig:
    """Return the config of the run with this seed and these values of `vary`, in a folder within that of `config`."""
    parts = [f"{field}-{value:g}".replace("+", "") for field, value in values.items()]  # not allowed in a name
    name = "-".join([*parts, f"seed-{seed}"])
    tracking = dataclasses.replace(config.tracking, group=config.name, name=None)
    place = {"num_seeds": 1, "vary": (), "workspace": str(config.folder), "name": name, "tracking": tracking}
    return dataclasses.replace(config, **varied(config.algorithm, config.task, values), seed=seed, **place)
