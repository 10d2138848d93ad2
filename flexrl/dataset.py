"""Show, check, merge, import and export datasets: `python -m flexrl.dataset info|verify|merge|import|export`.

If a dataset's folder is `ROOT/<its id>`, `minari.load_dataset(id)` finds it with MINARI_DATASETS_PATH=ROOT.
"""

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from flexrl.common.errors import exit_codes
from flexrl.common.tables import say_if_slow


def main(arguments: list[str]) -> None:
    """Parse the command line and run the command that it names."""
    with exit_codes():
        options = _parse(arguments)
        with say_if_slow(DOING[options.command]):
            COMMANDS[options.command](options)


def _parse(arguments: list[str]) -> Namespace:
    from flexrl.common.parser import Parser

    parser = Parser(prog="python -m flexrl.dataset", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = _command(commands, "info", "show a dataset's statistics, and what it came from")
    command.add_argument("folder", type=Path, help="the dataset's folder")
    command.add_argument("--json", action="store_true", help="print JSON")
    command = _command(commands, "verify", "check that every file and every number of a dataset is in order")
    command.add_argument("folder", type=Path, help="the dataset's folder")
    command = _command(commands, "merge", "make one dataset of the episodes of several, such as medium-expert")
    command.add_argument("folders", type=Path, nargs="+", help="the datasets' folders")
    command.add_argument("--out", type=Path, required=True, help="folder to make")
    command = _command(commands, "import", "make a dataset of flex-rl from one that Minari wrote, or from Parquet")
    command.add_argument("source", type=Path, help="folder that holds Minari's folder data, or a .parquet file")
    command.add_argument("--out", type=Path, required=True, help="folder to make")
    command.add_argument(
        "--rescale-actions",
        action="store_true",
        help="map the actions of a Minari dataset from the range of its action space, such as -0.4 to 0.4, to -1 to 1",
    )
    command = _command(commands, "export", "write a Parquet file with a row for each observation")
    command.add_argument("folder", type=Path, help="the dataset's folder")
    command.add_argument("--out", type=Path, required=True, help="file to create, .parquet")
    return parser.parse_args(arguments)


def _command(commands: Any, name: str, text: str) -> Any:
    return commands.add_parser(name, help=text, description=text)


def info(options: Namespace) -> None:
    """Print a dataset's statistics and provenance, as they were recorded."""
    from flexrl.common.nested import flat
    from flexrl.common.tables import print_table
    from flexrl.data.dataset_folder import read_record
    from flexrl.data.statistics import print_statistics

    found = read_record(options.folder, "statistics.json")
    provenance = read_record(options.folder, "provenance.json")
    if options.json:
        print(json.dumps({"statistics": found, "provenance": provenance}))
        return
    print_statistics(found)
    print_table(("provenance", ""), ((name, str(value)) for name, value in flat(provenance).items()))


def verify(options: Namespace) -> None:
    """Check every file and every episode of a dataset. Raise ConfigError if one is damaged or inconsistent."""
    from flexrl.data.dataset_folder import verify_dataset

    print(verify_dataset(options.folder))


def merge(options: Namespace) -> None:
    """Make one dataset of the episodes of several, and print its statistics."""
    from flexrl.data.exchange import merge_datasets
    from flexrl.data.statistics import print_statistics

    print_statistics(merge_datasets(options.folders, options.out))


def import_(options: Namespace) -> None:
    """Make a dataset from a dataset of Minari or from a Parquet file, check it, and print its statistics."""
    from flexrl.data.exchange import import_dataset
    from flexrl.data.statistics import print_statistics

    print_statistics(import_dataset(options.source, options.out, rescale_actions=options.rescale_actions))


def export(options: Namespace) -> None:
    """Write a dataset to a Parquet file, with everything that `import` needs to restore it."""
    from flexrl.data.exchange import export_dataset

    print(export_dataset(options.folder, options.out))


DOING = {
    "info": "reading the dataset's statistics",
    "verify": "checking every file and every episode",
    "merge": "reading the datasets and writing their episodes as one",
    "import": "reading the episodes, checking and writing them",
    "export": "reading the episodes and writing them to Parquet",
}
COMMANDS = {"info": info, "verify": verify, "merge": merge, "import": import_, "export": export}


if __name__ == "__main__":
    main(sys.argv[1:])
