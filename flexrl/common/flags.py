"""Parse command lines whose flags are the fields of a dataclass, by tyro."""

import contextlib
import io
import re
from collections.abc import Sequence
from typing import Any, TypeVar

from flexrl.common.decoding import whole_number
from flexrl.common.errors import ConfigError

Options = TypeVar("Options")


def parse_tool(kind: type[Options], arguments: Sequence[str], program: str) -> tuple[str, Options]:
    """Parse a tool's command line, `RUN [flags]`. The flags are the fields of a dataclass.

    Args:
      kind: the dataclass; the first paragraph of its docstring is the help.
      arguments: the command line.
      program: module of the tool, such as `flexrl.render`.

    Returns:
      The run as it was given, and the dataclass with the values of the flags.

    Raises:
      ConfigError: if the run is missing or a flag is wrong; names the flag, the value and the limit.
      SystemExit: with code 0 after `--help`.
    """
    run = [] if not arguments or arguments[0].startswith("-") else [arguments[0]]
    options = read_flags(
        kind, arguments[len(run) :], f"python -m {program} RUN", f"{kind.__doc__}".split("\n\n")[0], None
    )
    if not run:
        raise ConfigError(f"run: is missing; use python -m {program} RUN, a run's folder or its name, before the flags")
    return run[0], options


def read_flags(
    kind: type[Options], arguments: Sequence[str], program: str, description: str, default: Options | None
) -> Options:
    """Parse flags into a dataclass. The flags are its fields.

    Args:
      kind: the dataclass.
      arguments: the flags.
      program: how to call the command, for its help.
      description: what the command does, for its help.
      default: values of flags that are not given; None for the dataclass's own defaults.

    Raises:
      ConfigError: if a flag is wrong; names the flag, the value and the limit, in one line.
      SystemExit: with code 0 after `--help`.
    """
    import tyro

    printed = io.StringIO()
    options: Any = {"registry": _whole_numbers()} | ({} if default is None else {"default": default})
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            return tyro.cli(kind, args=arguments, prog=program, description=description, **options)
    except SystemExit as end:
        if end.code == 0:
            print(printed.getvalue())
            raise
        raise ConfigError(_one_line(printed.getvalue())) from None


def _whole_numbers() -> Any:
    """Return a registry for tyro by which flags of type int also accept `5e6` and `5M`, as config files do."""
    from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec

    def read(texts: list[str]) -> int:
        if (number := whole_number(texts[0])) is None:
            raise ValueError(f"{texts[0]!r} must be a whole number")
        return number

    spec = PrimitiveConstructorSpec(1, "INT", read, lambda value: isinstance(value, int), lambda value: [str(value)])
    registry = ConstructorRegistry()
    registry.primitive_rule(lambda info: spec if info.type is int else None)
    return registry


def _one_line(printed: str) -> str:
    """Return the message in the box that tyro prints, as one line without title, frame and help."""
    lines = [line.strip(" │╭╰╮╯─-") for line in printed.splitlines()]
    lines = [line for line in lines if line][1:]
    end = next((i for i, line in enumerate(lines) if line.startswith(("For full helptext", "Argument helptext"))), None)
    text = re.sub(r"^Error parsing (\w+: )?", "", " ".join(lines[:end]))
    return re.sub(
        r"no type matching (\S+) could be instantiated from \['(.*?)'\]\. Got errors: .*", r"'\2' must be \1", text
    )
