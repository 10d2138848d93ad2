"""Send metrics of runs to trackers afterwards: `python -m flexrl.track RUN ... --to mlflow`.

Rows of metrics that a tracker already has are skipped.
"""

import dataclasses
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from flexrl.common.errors import EXIT_UNAVAILABLE, ConfigError, exit_codes

if TYPE_CHECKING:
    from flexrl.config.run_config import RunConfig
    from flexrl.config.trackers import Tracking


def main(arguments: list[str]) -> None:
    """Parse the command line, and send the metrics of each run that it names to the run's trackers.

    Exit with `EXIT_UNAVAILABLE` if a tracker does not have all metrics afterwards.
    """
    with exit_codes():
        options = _parse(arguments)
        complete = [send(folder, options) for folder in _folders(options)]
    if not all(complete):
        raise SystemExit(EXIT_UNAVAILABLE)


def _parse(arguments: list[str]) -> Namespace:
    from flexrl.common.parser import Parser
    from flexrl.config.trackers import PACKAGES

    parser = Parser(prog="python -m flexrl.track", description=__doc__)
    parser.add_argument("runs", nargs="+", help="runs' folders or names, or folders of runs, such as a sweep's")
    parser.add_argument("--to", nargs="+", choices=PACKAGES, help="trackers, instead of the run's own")
    parser.add_argument("--project", help="project, instead of the run's own")
    parser.add_argument("--group", help="group, instead of the run's own, which in a sweep is its name")
    parser.add_argument("--workspace", default="workspace", help="folder that holds the runs")
    return parser.parse_args(arguments)


def _folders(options: Namespace) -> list[Path]:
    """Return the folder of each run. A folder that holds runs, such as several seeds, stands for all of them."""
    from flexrl.storage.run_folder import find_run

    found: list[Path] = []
    for name in options.runs:
        folder = Path(name) if Path(name).is_dir() else find_run(name, options.workspace)
        within = sorted(path.parent for path in folder.glob("*/config.yaml"))
        found += within or [find_run(name, options.workspace)]
    return found


def send(folder: Path, options: Namespace) -> bool:
    """Send the rows of metrics that a run's trackers lack. Return whether the trackers have all rows afterwards.

    Raises:
      ConfigError: if the folder holds an exported policy or a run that is still training, no tracker is named, or one
        cannot be used.
    """
    from flexrl.common.tables import say
    from flexrl.config.trackers import require_usable
    from flexrl.storage.divergence import divergence
    from flexrl.storage.policy_file import is_exported
    from flexrl.storage.rows import read_rows
    from flexrl.storage.run_folder import is_in_use, read_config
    from flexrl.tracking.sinks import Trackers

    if is_exported(folder):
        raise ConfigError(f"{folder}: is an exported policy, which has no rows to send; name a run")
    tracking = _tracking(read_config(folder), options)
    if not tracking.to:
        raise ConfigError(f"{folder}: names no tracker; choose one by --to")
    if not (folder / "metadata.json").exists():
        raise ConfigError(f"{folder}: lacks metadata.json; restore it from a copy")
    require_usable(tracking)
    if is_in_use(folder):
        raise ConfigError(f"{folder}: a process trains there and sends its rows itself; send them after its end")
    metrics, evaluations = (
        read_rows(path) if path.exists() else [] for path in (folder / "metrics.jsonl", folder / "evaluations.jsonl")
    )
    say(f"sending {len(metrics) + len(evaluations)} rows of {folder} to {', '.join(tracking.to)}")
    trackers = Trackers(folder, tracking, metrics, evaluations)
    unfinished = "failed" if divergence(folder) else "stopped"
    trackers.end("finished" if (folder / "result.json").exists() else unfinished)
    if complete := trackers.close():
        print(f"{folder}: {', '.join(tracking.to)}: all {len(metrics) + len(evaluations)} rows are there", flush=True)
    return complete


def _tracking(config: "RunConfig", options: Namespace) -> "Tracking":
    given = {"to": options.to and tuple(options.to), "project": options.project, "group": options.group}
    try:
        return dataclasses.replace(config.tracking, **{name: value for name, value in given.items() if value})
    except ValueError as error:
        raise ConfigError(str(error)) from None


if __name__ == "__main__":
    main(sys.argv[1:])
