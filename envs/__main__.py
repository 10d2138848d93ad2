"""List, describe and draw environments: `python -m envs list`, `show NAME`, `preview NAME --out FILE.gif`."""

import argparse
import sys
from pathlib import Path

from envs.errors import EXIT_BAD_INPUT, ConfigError, quiet_when_unread


def main(arguments: list[str]) -> None:
    """Run the command that the arguments name: `list`, `show NAME` or `preview NAME --out FILE`.

    Raises:
      SystemExit: if the command line or the environment cannot be used.
    """
    parser = argparse.ArgumentParser(prog="python -m envs", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="print the names of all environments")
    show_parser = commands.add_parser("show", help="print an environment's sizes, units, metrics and parameters")
    preview_parser = commands.add_parser("preview", help="draw an environment that random actions move")
    for command in (show_parser, preview_parser):
        command.add_argument("name", help="an environment's name, path/to/file.py:Class or path/to/robot.xml")
    preview_parser.add_argument("--out", type=Path, required=True, help="file to write, .gif, .mp4 or .png")
    preview_parser.add_argument("--seconds", type=float, default=3.0, help="simulated time to draw, in s")
    options = parser.parse_args(arguments)
    try:
        from envs.view import inspection  # imported late: it takes seconds, and `--help` does not need it

        if options.command == "list":
            inspection.list_all()
        elif options.command == "show":
            inspection.show(options.name)
        else:
            inspection.preview(options.name, options.out, options.seconds)
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(EXIT_BAD_INPUT) from None


if __name__ == "__main__":
    with quiet_when_unread():
        main(sys.argv[1:])
