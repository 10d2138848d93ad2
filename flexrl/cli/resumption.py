"""Find the config by which a run is resumed, and tell whether a run is finished.

The config is the stored one, with another physics engine or another total of steps if the command line asks for that.
"""

import dataclasses
from pathlib import Path

from flexrl.cli.devices import default_profile
from flexrl.common.decoding import whole_number
from flexrl.common.errors import ConfigError
from flexrl.common.parser import Parser
from flexrl.config.run_config import RunConfig
from flexrl.storage.rows import last_row
from flexrl.storage.run_folder import find_run, read_config, read_metadata, read_result, require_no_policy
from flexrl.training.members import member_configs


def stored_config(run: str, arguments: list[str]) -> RunConfig:
    """Return the config by which to resume a run: the stored one, with the changes that the command line asks for.

    Args:
      run: the run's folder or name; if it is empty, `--name` gives the name.
      arguments: the command line without `--resume`.

    Raises:
      ConfigError: if there is no such run, it cannot go on as asked, or flags were given that a resumed run does not
        take.
    """
    parser = Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("--name")
    parser.add_argument("--workspace", default="workspace")
    parser.add_argument("--physics")
    parser.add_argument("--total-steps", "--total_steps")
    asked, other = parser.parse_known_args(arguments)
    if other:
        raise ConfigError(
            f"--resume goes on with the stored config, and at most another --physics or --total-steps; leave out "
            f"{' '.join(other)}, or start a new run without --resume"
        )
    if not (name := run or asked.name):
        raise ConfigError("--resume needs to know the run: --resume RUN, a run's folder or its name")
    folder = find_run(name, asked.workspace)
    require_no_policy(folder)
    config = dataclasses.replace(read_config(folder), name=folder.name, workspace=str(folder.parent))
    if asked.physics is not None:
        config = _moved(config, asked.physics)
    return config if asked.total_steps is None else _with_total(config, asked.total_steps)


def _moved(config: RunConfig, physics: str) -> RunConfig:
    """Return a stored config for a run that is resumed on another kind of machine.

    Its physics engine becomes `physics`, where `auto` means this machine's default. Its profile becomes `gpu` if JAX
    sees an accelerator here, else `cpu`.
    """
    from envs.physics import resolve_backend

    return dataclasses.replace(config, physics=resolve_backend(physics), profile=default_profile())


def _with_total(config: RunConfig, text: str) -> RunConfig:
    """Return a stored config with another total of steps, given as text such as `5M`.

    Raises:
      ConfigError: if the total is no whole number or is below the steps that are done, or if the run cannot change its
        total: it stopped early, or belongs to several seeds, variations or a sweep.
    """
    total = whole_number(text)
    if total is None or total < 1:
        raise ConfigError(f"total_steps: {text!r} must be a whole number from 1, such as 5000000, 5e6 or 5M")
    if total == config.total_steps:
        return config
    _require_alone(config.folder)
    try:
        config = dataclasses.replace(config, total_steps=total)
    except ValueError as error:
        raise ConfigError(f"{error}") from None
    members = member_configs(config)
    done = max(_iterations_done(member.folder) for member in members)
    if config.num_iterations < done:
        raise ConfigError(
            f"total_steps: {total:,} is below the {done * config.steps_per_iteration:,} that {config.folder} has done; "
            "choose more, or leave --total-steps out"
        )
    for member in members:
        if reason := (read_result(member.folder) or {}).get("stopped_early"):
            raise ConfigError(
                f"total_steps: more of them would change nothing, because {member.folder} has stopped early: {reason}; "
                f"begin a new run from it by --parent {member.folder}"
            )
    return config


def _require_alone(folder: Path) -> None:
    """Refuse to change the total of steps of a run that is one of several seeds or variations, or belongs to a sweep.

    Raises:
      ConfigError: naming the run, and where its total can be changed.
    """
    if (folder.parent / "config.yaml").is_file():
        raise ConfigError(
            f"total_steps: {folder} is one of several runs of {folder.parent}, which go on together: --resume "
            f"{folder.parent}; or begin a new run from it by --parent {folder}"
        )
    if (folder / "trial.json").is_file():
        raise ConfigError(
            f"total_steps: {folder} is a trial of a sweep, whose folder is named by its config; change total_steps in "
            f"the sweep's file, or begin a new run from it by --parent {folder}"
        )


def _iterations_done(folder: Path) -> int:
    """Return the newest iteration in a run's `metrics.jsonl`; 0 if there is none."""
    path = folder / "metrics.jsonl"
    row = last_row(path) if path.exists() else None
    return 0 if row is None else row["step"]


def finished(config: RunConfig) -> str | None:
    """Return a line that says where the results of a finished training are, and how it can go on.

    Return None if it is not finished. A config that asks for several seeds or variations is finished when the runs of
    all of them are.
    """
    members = member_configs(config)
    if not all(map(has_finished, members)):
        return None
    result = read_result(members[0].folder) or {}
    steps, reason = result["steps"], result["stopped_early"]
    results = ", ".join(str(member.folder / "result.json") for member in members)
    more = f"--resume {config.folder} --total-steps N, with N above {steps:,}"
    way_on = f"--parent {members[0].folder}, in a new run; it stopped early: {reason}" if reason else more
    return f"{config.folder}: is finished after {steps:,} control steps, see {results}; go on by {way_on}"


def has_finished(config: RunConfig) -> bool:
    """Return whether a run is finished: it has done all iterations that `config` asks for, or has stopped early.

    This is read from the `result.json` in the run's folder. A `result.json` that was written for another config than
    the folder's does not count.
    """
    result = read_result(config.folder)
    if result is None:
        return False
    recorded = read_metadata(config.folder).get("config_hash")  # newer code may compute another
    hashes = (recorded, read_config(config.folder).hash())
    if result.get("config_hash") not in hashes:
        return False
    return bool(result.get("stopped_early")) or result.get("iterations", 0) >= config.num_iterations
