"""Find the commands of the repository and their flags, by their own parsers, without running them."""

import argparse
import contextlib
import dataclasses
import functools
import importlib
import importlib.util
import io
import re
import runpy
import sys
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

from docs.hooks.fields import Field, cell, fields_of, table

ROOT = Path(__file__).parents[2]
PACKAGES = ("flexrl", "envs", "launch", "benchmarks")
IN_FIRST_PASS = (
    "--algo",
    "--env",
    "--profile",
    "--config",
    "--resume",
    "--members",
    "--pause-after",
)  # of flexrl.train
OF_HOSTS = ("--coordinator", "--num-hosts", "--host-index")


class _Parsed(BaseException):
    """What a command handed to its parser; raised instead of parsing, so that the command does not run."""

    def __init__(self, command: "Command") -> None:
        self.command = command


@dataclass(frozen=True)
class Command:
    """A command's parser.

    Attributes:
      parser: argparse's parser, for commands that have one.
      fields: fields of the dataclass that tyro parses, for commands that have one.
      description: what the command does.
    """

    parser: argparse.ArgumentParser | None
    fields: tuple[Field, ...]
    description: str

    @property
    def flags(self) -> set[str]:
        """All flags that tyro's parser knows."""
        return {flag for field in self.fields for flag in field.flags} | {"--help"}


def modules() -> list[str]:
    """Return the modules that `python -m` can run, in the order of packages and names."""
    found = []
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            if "peers" not in file.parts and 'if __name__ == "__main__":' in file.read_text(encoding="utf-8"):
                name = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__main__")
                found.append(name)
    return [name for name in found if name != "flexrl"]  # which only lists the others


@functools.cache
def command(module: str) -> Command:
    """Return a command's parser, or only its docstring if it has none.

    The command runs with `--help`, up to the call of its parser and no further.
    """
    if module == "flexrl.train":
        return _training()
    printed = io.StringIO()
    with _caught(), mock.patch.object(sys, "argv", [module, "--help"]):
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                runpy.run_module(module, run_name="__main__", alter_sys=True)
        except _Parsed as found:
            return found.command
        except SystemExit:
            pass  # it reads its arguments by itself, and refuses --help
    return Command(None, (), importlib.import_module(module).__doc__ or "")


def problem(module: str, arguments: list[str]) -> str | None:
    """Return what is wrong with a command line, or None. The arguments are parsed, and nothing is run."""
    if importlib.util.find_spec(module) is None:
        return f"no module {module}"
    if module not in modules():
        return None  # a tool of another project, such as pytest
    found = command(module)
    if found.parser is not None:
        return _refusal(found.parser, arguments)
    known = found.flags | ({*IN_FIRST_PASS, *OF_HOSTS} if module == "flexrl.train" else set())
    if module == "flexrl.train":
        known |= _flags_of_training(tuple(arguments))
    unknown = [word for word in arguments if word.startswith("--") and word.partition("=")[0] not in known]
    return f"unknown flags {unknown}" if unknown else None


def page(module: str) -> str:
    """Return the Markdown page of a command."""
    found = command(module)
    texts = [f"# python -m {module}\n", _escaped(found.description)]
    if module == "flexrl.train":
        texts.append(
            "The fields of [algorithm](../algorithms.md) and [task](../environments.md) are flags as well: "
            "`--algorithm.learning-rate 1e-3`, `--task.target-speed 2.0`.\n"
        )
    if found.parser is None and found.fields:
        is_tool = module.startswith("flexrl.") and module not in ("flexrl.train", "flexrl.language.train")
        texts.append(f"    python -m {module}{' RUN' if is_tool else ''} [flags]\n")
        texts.append(table(list(found.fields), by_flag=True))
    elif found.parser is not None:
        texts += _sections(found.parser, 2)
    return "\n".join(texts)


def _training() -> Command:
    from flexrl.cli.arguments import _description, default_config

    config = default_config("ppo", "humanoid-walk", "cpu")
    fields = fields_of(type(config), config, without=("algorithm", "task"))
    fields = [dataclasses.replace(field, default="preset") if field.name in _PRESET else field for field in fields]
    return Command(None, tuple(fields), _description())


_PRESET = ("total_steps", "num_envs", "num_evaluations", "profile")


@functools.cache
def _flags_of_training(arguments: tuple[str, ...]) -> set[str]:
    """Return the flags of the algorithm and the environment that a command line, or its config file, names."""
    from algos.registry import find_algorithm
    from envs.registry import env_type
    from flexrl.common.decoding import load_yaml

    given: dict[str, Any] = {"algo": "ppo", "env": "humanoid-walk"}
    if "--config" in arguments and (ROOT / (config := arguments[arguments.index("--config") + 1])).exists():
        given |= {name: value for name, value in load_yaml(ROOT / config).items() if name in given}
    given |= {name: arguments[arguments.index(f"--{name}") + 1] for name in given if f"--{name}" in arguments}
    algo = given["algo"] if given["algo"] in ("ppo", "bc", "dt") else "ppo"  # others come with their own package
    env = given["env"]
    if ".py:" in env:
        file, _, name = env.rpartition(":")
        env = f"{ROOT / file}:{name}" if (ROOT / file).exists() else "humanoid-walk"
    fields = fields_of(find_algorithm(algo).config, prefix="algorithm.")
    fields += fields_of(env_type(env).Config, prefix="task.")
    return {flag for field in fields for flag in field.flags}


@contextlib.contextmanager
def _caught() -> Iterator[None]:
    """Make parsers raise `_Parsed` instead of parsing, while this is open."""
    import tyro

    def of_argparse(parser: argparse.ArgumentParser, *_: object, **__: object) -> NoReturn:
        raise _Parsed(Command(parser, (), parser.description or ""))

    def of_tyro(
        kind: type[Any], *_: object, default: object = None, description: str | None = None, **__: object
    ) -> NoReturn:
        plain = typing.get_origin(kind) or kind
        raise _Parsed(Command(None, tuple(fields_of(plain, default)), description or plain.__doc__ or ""))

    with mock.patch.object(argparse.ArgumentParser, "parse_args", of_argparse), mock.patch.object(tyro, "cli", of_tyro):
        yield


def _refusal(parser: argparse.ArgumentParser, arguments: list[str]) -> str | None:
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            parser.parse_args(arguments)
    except SystemExit as end:
        return None if end.code == 0 else printed.getvalue().strip().splitlines()[-1]
    except ValueError as error:  # ConfigError of flexrl.common.parser
        return f"{error}"
    return None


def _sections(parser: argparse.ArgumentParser, level: int) -> Iterator[str]:
    usage = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", parser.format_usage()).split()).removeprefix("usage: ")
    yield f"    {usage}\n"
    rows, inner = [], []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            inner += action.choices.items()
        elif action.dest != "help":
            names = ", ".join(f"`{name}`" for name in action.option_strings) or f"`{action.metavar or action.dest}`"
            choices = ", ".join(f"`{choice}`" for choice in action.choices or ())
            rows.append(f"| {names} | {choices} | {cell(_default(action))} | {cell(action.help or '')} |")
    if rows:
        yield "\n".join(["| argument | choices | default | meaning |", "|---|---|---|---|", *rows]) + "\n"
    for name, sub in inner:
        yield f"{'#' * level} {name}\n"
        yield _escaped(sub.description or "")
        yield from _sections(sub, level + 1)


def _default(action: argparse.Action) -> str:
    """Return the default of an argument as a cell; a path into the repository is relative to it."""
    default = action.default
    if action.required or default in (None, [], False):
        return "required" if action.required else ""
    if isinstance(default, Path) and default.is_relative_to(ROOT):
        default = default.relative_to(ROOT)
    return f"`{default}`"


def _escaped(text: str) -> str:
    """Return a docstring as Markdown, without its list of attributes."""
    return prose(text.partition("Attributes:")[0]) + "\n"


def prose(text: str) -> str:
    """Return a docstring's text at the margin, in which Markdown finds no tags and links outside of its code."""
    parts = re.split(r"(`[^`]*`)", "\n".join(line.strip() for line in text.strip().splitlines()))
    return "".join(
        part if part.startswith("`") else re.sub(r"<(?=[\w/])", "&lt;", part.replace("[", "\\[")) for part in parts
    )
