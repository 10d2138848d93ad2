"""Look at a dataset: `python -m flexrl.dataset info DIR`, `verify DIR`.

A dataset that lies at `ROOT/<its id>` is found by `minari.load_dataset(id)` with MINARI_DATASETS_PATH=ROOT.
"""

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from flexrl.errors import exit_codes


def main(arguments: list[str]) -> None:
    """Parse and do."""
    with exit_codes():
        options = _parse(arguments)
        {"info": info, "verify": verify}[options.command](options)


def _parse(arguments: list[str]) -> Namespace:
    from flexrl.arguments import Parser

    parser = Parser(prog="python -m flexrl.dataset", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("info", "what is in it, and what it came from"),
        ("verify", "whether every file and every number is in order"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("folder", type=Path, help="the dataset's folder")
        if name == "info":
            command.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args(arguments)


def info(options: Namespace) -> None:
    """Statistics and provenance, as they were recorded."""
    from flexrl.comparison import flat
    from flexrl.dataset_folder import read_record
    from flexrl.tables import print_table

    found = read_record(options.folder, "statistics.json")
    provenance = read_record(options.folder, "provenance.json")
    if options.json:
        print(json.dumps({"statistics": found, "provenance": provenance}))
        return
    print_statistics(found)
    print_table(("provenance", ""), ((name, str(value)) for name, value in flat(provenance).items()))


def verify(options: Namespace) -> None:
    """Refuse a dataset that is not in order."""
    from flexrl.dataset_folder import verify_dataset

    print(verify_dataset(options.folder))


def print_statistics(found: dict[str, Any]) -> None:
    """Tables for reading: of episodes, and of each dimension of observation, goal and action."""
    from flexrl.tables import print_table

    falls = found["terminated"]
    print(
        f"{found['num_episodes']:,} episodes, {found['num_steps']:,} steps; {falls['num_episodes']:,} episodes "
        f"terminated ({falls['fraction']:.1%}, {falls['per_1000_steps']:.3g} in 1,000 steps)"
    )
    names = list(found["return"]["quantiles"])
    columns = ("mean", "std", "min", *names, "max")
    rows = []
    for name in ("return", "length", "reward", "obs", "goal", "action"):
        numbers = [found[name][x] for x in ("mean", "std", "min")]
        numbers += [*found[name]["quantiles"].values(), found[name]["max"]]
        if isinstance(numbers[0], list):
            rows += [[f"{name} {i}", *row] for i, row in enumerate(zip(*numbers, strict=True))]
        else:
            rows.append([name, *numbers])
    print_table(("", *columns), rows)


if __name__ == "__main__":
    main(sys.argv[1:])
