"""Look at environments: `python -m envs list`, `show NAME`, `preview NAME --out FILE.gif`."""

import argparse
import sys
from pathlib import Path

from envs.errors import ConfigError

EXIT_BAD_INPUT = 65


def main(arguments: list[str]) -> None:
    """Parse and do."""
    parser = argparse.ArgumentParser(prog="python -m envs", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="name every environment")
    show_parser = commands.add_parser("show", help="sizes, units, reward terms and parameters of one")
    preview_parser = commands.add_parser("preview", help="draw one, moved by random actions")
    for command in (show_parser, preview_parser):
        command.add_argument("name", help="an environment's name, or path/to/file.py:Class")
    preview_parser.add_argument("--out", type=Path, required=True, help="file to write, .gif, .mp4 or .png")
    preview_parser.add_argument("--seconds", type=float, default=3.0, help="of simulated time")
    options = parser.parse_args(arguments)
    try:
        from envs.view import inspection  # takes seconds, which `--help` need not wait for

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
    main(sys.argv[1:])
