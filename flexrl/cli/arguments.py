"""Parse the command line of `python -m flexrl.train`, with its config files, into a resolved `RunConfig`."""

import argparse
import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from algos.registry import algorithm_names
from envs.built_in import DEFAULT, is_model_file
from envs.registry import env_names
from flexrl.cli.devices import default_profile, require_devices
from flexrl.cli.resumption import stored_config
from flexrl.common.decoding import load_yaml
from flexrl.common.errors import ConfigError
from flexrl.common.flags import read_flags
from flexrl.common.parser import Parser
from flexrl.common.types import JsonObject
from flexrl.config.presets import preset_of
from flexrl.config.run_config import RunConfig, config_type, decode
from flexrl.storage.run_folder import free_name, read_config, require_no_policy

DEFAULT_ALGO = "ppo"
HELP_ALL = "--help-all"  # lists every flag; `flexrl.train` answers --help itself
SWEEP_FIELDS = ("base", "grid", "zip", "random", "seeds")  # of `launch.plan.sweep_file.Sweep`; no run has them


@dataclass(frozen=True)
class Invocation:
    """What a command line asks to train.

    Attributes:
      config: config of the run; with --members, of the first of the runs.
      resume: go on with the run, rather than start it.
      members: configs given by --members: runs that one program trains together; empty without that flag. Each is
        resumed if its folder holds a run, else started.
      pause_after: number of evaluations after which to save and pause; None to train to the end.
    """

    config: RunConfig
    resume: bool
    members: tuple[RunConfig, ...] = ()
    pause_after: int | None = None


def parse(arguments: Sequence[str]) -> Invocation:
    """Parse a command line.

    `--algo`, `--env`, `--profile` and `--config` decide which other flags there are, and their defaults. So they are
    parsed first. Flags override the config file, which overrides the defaults of algorithm, environment and profile.

    Raises:
      ConfigError: naming the flag or field, the value and the limit.
      SystemExit: with code 0 after `--help-all`.
    """
    first, rest = _first_pass(["--help" if argument == HELP_ALL else argument for argument in arguments])
    if {"-h", "--help"} & set(rest):
        first.members = first.resume = None  # the help lists the flags of a new run
    if first.pause_after is not None and first.pause_after < 1:
        raise ConfigError(f"pause-after: {first.pause_after} must be at least 1, a number of evaluations")
    if first.members is not None:
        members = _members(first, rest)
        return Invocation(members[0], resume=False, members=members, pause_after=first.pause_after)
    if first.resume is not None:
        config = stored_config(first.resume, _given(first, "algo", "env", "profile", "config") + rest)
        require_devices(config)
        return Invocation(config, resume=True, pause_after=first.pause_after)
    content = config_file(Path(first.config)) if first.config else {}
    for field in ("algo", "env", "profile"):
        if (value := getattr(first, field)) is not None:
            content[field] = value
    config = _from_flags(with_defaults(content, first.config or "defaults"), rest)
    return Invocation(resolved(config), resume=False, pause_after=first.pause_after)


def _first_pass(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = Parser(add_help=False, allow_abbrev=False)
    for flag in ("--algo", "--env", "--profile", "--config"):
        parser.add_argument(flag)
    parser.add_argument("--resume", nargs="?", const="")
    parser.add_argument("--members", nargs="+", type=Path)
    parser.add_argument("--pause-after", type=int)
    return parser.parse_known_args(list(arguments))


def config_file(path: Path) -> JsonObject:
    """Read the fields in a run's config file.

    Raises:
      ConfigError: if the file cannot be read, or describes a sweep.
    """
    content = load_yaml(path)
    if axes := [name for name in SWEEP_FIELDS if name in content]:
        raise ConfigError(
            f"{path}: is a sweep's file ({', '.join(axes)}), of several runs; train them by python -m launch.sweep "
            f"submit {path}"
        )
    return content


def _given(first: argparse.Namespace, *names: str) -> list[str]:
    """Return the flags, such as `--algo`, whose values the command line gives, for error messages."""
    return [f"--{name}" for name in names if getattr(first, name) is not None]


def _members(first: argparse.Namespace, rest: list[str]) -> tuple[RunConfig, ...]:
    """Return the configs of the runs that one program trains together: --members names a config file for each.

    For a run that has begun, return the config stored in its folder instead of the one in the file.

    Args:
      first: the parsed flags, of which `members` holds the files.
      rest: all other arguments.

    Raises:
      ConfigError: if `--algo`, `--env`, `--profile`, `--config`, `--resume` or other arguments are given as well, or
        a file names no run.
    """
    if others := _given(first, "algo", "env", "profile", "config", "resume") + rest:
        raise ConfigError(f"--members goes by its files only; leave out {' '.join(others)}")
    members = []
    for file in first.members:
        content = load_yaml(file)
        if content.get("name") is None:
            raise ConfigError(f"members: {file} names no run; give it a name, and a workspace")
        config = resolved(with_defaults(content, str(file)))
        if (config.folder / "config.yaml").exists():
            require_no_policy(config.folder)
            stored = read_config(config.folder)
            config = dataclasses.replace(stored, name=config.name, workspace=config.workspace, env=config.env)
        members.append(config)
    return tuple(members)


def with_defaults(content: JsonObject, origin: str) -> RunConfig:
    """Make a whole config from the fields that are given.

    They override the defaults for the algorithm, the environment and the profile (`cpu` or `gpu`). These override the
    dataclasses' own defaults.

    Args:
      content: the given fields, nested as in a config file. If they lack `profile`, it is `gpu` where JAX sees an
        accelerator, else `cpu`.
      origin: where the fields came from, for error messages.

    Raises:
      ConfigError: naming the field, the value and the limit.
    """
    algo, env = content.get("algo", DEFAULT_ALGO), content.get("env", DEFAULT)
    config_type(algo, env)
    profile = content.get("profile") or default_profile()
    preset = preset_of(algo, env, profile)
    merged = {"algo": algo, "env": env, "profile": profile, "algorithm": {}, "task": {}} | preset | content
    for section in ("algorithm", "task"):
        if not isinstance(merged[section], dict):
            raise ConfigError(f"{origin}: {section}: {merged[section]!r} must be a mapping of field names to values")
        merged[section] = preset.get(section, {}) | merged[section]
    return decode(merged, origin)


def default_config(algo: str, env: str, profile: str) -> RunConfig:
    """Return the config of a run of which only the algorithm, the environment and the profile are given, all by name.

    Args:
      algo: name of the algorithm.
      env: name of the environment.
      profile: `cpu` or `gpu`, the kind of device that the defaults are meant for.

    Raises:
      ConfigError: for an unknown algorithm or environment.
    """
    return with_defaults({"algo": algo, "env": env, "profile": profile}, "defaults")


def _from_flags(defaults: RunConfig, arguments: list[str]) -> RunConfig:
    kind = config_type(defaults.algo, defaults.env)
    try:
        return read_flags(kind, arguments, "python -m flexrl.train", _description(), defaults)
    except ConfigError as error:
        raise ConfigError(f"{error} (algo {defaults.algo}, env {defaults.env}; --help-all lists the flags)") from None


def _description() -> str:
    return (
        "Train a policy. Besides the flags below: --config FILE.yaml sets any field, --resume RUN goes on with a run, "
        "--resume RUN --total-steps N also changes its total of steps, "
        "--members FILE.yaml ... trains the runs of several config files, which name them, in one program, "
        "--pause-after N saves after N evaluations and ends; --resume does the rest. "
        f"Algorithms: {', '.join(algorithm_names())}. Environments: {', '.join(env_names())}."
    )


def resolved(config: RunConfig) -> RunConfig:
    """Make JAX use the devices that a config asks for. Return the config with `physics`, `name` and `parent` filled in.

    `physics: auto` becomes the name of a physics engine. A missing `name` becomes one, made from `env`, `algo` and
    `seed`, that no run in the workspace has. In `parent` (the run or exported policy that this run starts from) the
    step `best` or `latest` becomes an iteration.
    """
    from envs.physics import resolve_backend
    from flexrl.training.warm_start import pin

    require_devices(config)
    stem = f"{_short_name(config.env)}-{config.algo}-seed{config.seed}"
    name = config.name or free_name(config.workspace, stem)
    parent = config.parent and pin(config.parent, config.workspace)
    return dataclasses.replace(config, physics=resolve_backend(config.physics), name=name, parent=parent)


def _short_name(env: str) -> str:
    """Return the part of a run's default name that stands for the environment.

    It is the class of `FILE.py:CLASS`, the file's stem for an MJCF file, and else the environment's name without a
    prefix such as `brax:`.
    """
    if is_model_file(env):
        return re.sub(r"[^A-Za-z0-9._-]", "-", Path(env).stem).lstrip("._-") or "robot"
    return env.rpartition(":")[2]
