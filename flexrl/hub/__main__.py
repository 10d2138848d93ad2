"""Share exported policies on the Hugging Face Hub: `python -m flexrl.hub push FOLDER USER/NAME`, `pull USER/NAME`.

The token of the account is read as the Hub's own client does: from `HF_TOKEN`, or after `hf auth login`.
"""

import sys
from argparse import Namespace
from pathlib import Path

from flexrl.common.errors import exit_codes


def main(arguments: list[str]) -> None:
    """Parse the command line, and upload (`push`) or download (`pull`) an exported policy."""
    with exit_codes():
        options = _parse(arguments)
        from flexrl.hub import exchange

        if options.command == "push":
            print(exchange.push(options.policy, options.repository, options.private))
        else:
            folder = exchange.pull(options.repository, options.out, options.revision)
            print(f"{folder}: python -m flexrl.render {folder} draws it")


def _parse(arguments: list[str]) -> Namespace:
    from flexrl.common.parser import Parser

    parser = Parser(prog="python -m flexrl.hub", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    push = commands.add_parser("push", help="upload an exported policy, with a model card")
    push.add_argument("policy", help="folder that python -m flexrl.export RUN --out FOLDER wrote")
    push.add_argument("repository", help="USER/NAME; created if it does not exist")
    push.add_argument("--private", action="store_true", help="create the repository so that only you can see it")
    pull = commands.add_parser("pull", help="download a policy into a folder that all commands accept as a run")
    pull.add_argument("repository", help="USER/NAME")
    pull.add_argument("--out", type=Path, help="folder to create; NAME without it")
    pull.add_argument("--revision", help="branch, tag or commit; the newest commit of the main branch without it")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
