"""Show runs: `python -m flexrl.runs list`, `show RUN`, `compare RUN RUN ... --out FILE.png`, `lineage RUN`.

Copy them from and to a bucket: `pull gs://BUCKET/PATH RUN`, `push gs://BUCKET/PATH RUN`.
"""

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from flexrl.common.errors import ConfigError, exit_codes
from flexrl.common.tables import say_if_slow

PICTURES = (".png", ".svg", ".pdf")
BUCKET_COMMANDS = ("pull", "push")


def main(arguments: list[str]) -> None:
    """Parse the command line and run the command that it names: list, show, compare, lineage, pull or push."""
    with exit_codes():
        options = _parse(arguments)
        if options.command in BUCKET_COMMANDS:
            from flexrl.cli import bucket_commands

            return {"pull": bucket_commands.pull, "push": bucket_commands.push}[options.command](options)
        with say_if_slow("reading runs"):
            {"list": list_all, "show": show, "compare": compare, "lineage": print_lineage}[options.command](options)


def _parse(arguments: list[str]) -> Namespace:
    from flexrl.common.parser import Parser

    parser = Parser(prog="python -m flexrl.runs", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("list", "show every run in the workspace: state, steps and returns"),
        ("show", "show one run: which fields are not at their defaults, where it ran, what it reached"),
        ("compare", "compare runs: which returns they reached and how soon, and where their configs differ"),
        ("lineage", "show a run's parents and children"),
        ("pull", "copy a run, such as a trial SWEEP/KEY, from a bucket to the workspace"),
        ("push", "copy a run to a bucket, where a second push sends only what has changed"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--workspace", default="workspace", help="folder that holds the runs")
        if name in BUCKET_COMMANDS:
            command.add_argument("bucket", help="gs://BUCKET/PATH")
            command.add_argument("--replace", action="store_true", help="overwrite another state of the run")
        elif name != "lineage":
            command.add_argument("--json", action="store_true", help="print JSON")
        if name in ("show", "lineage", *BUCKET_COMMANDS):
            command.add_argument("run", help="a run's folder or its name")
        if name == "compare":
            command.add_argument("runs", nargs="+", help="runs' folders or names")
            command.add_argument("--out", type=Path, help=f"picture of the curves to draw, {', '.join(PICTURES)}")
    return parser.parse_args(arguments)


def list_all(options: Namespace) -> None:
    """Print a table of all runs in the workspace. Of a damaged run it says what is wrong."""
    from flexrl.common.tables import print_table
    from flexrl.storage.run_view import read_runs

    summaries = [record.summary() for record in read_runs(Path(options.workspace))]
    if options.json:
        return _print_json(summaries)
    for summary in summaries:
        summary["problems"] = "; ".join(summary["problems"])
        summary["parent"] = summary["parent"] and Path(summary["parent"]).name
    columns = ["name", "env", "algo", "seed", "control_steps", "total_steps", "state", "last_return", "best_return"]
    columns += ["final_return"]
    columns += [name for name in ("values", "parent", "problems") if any(summary[name] for summary in summaries)]
    rows = ([summary[name] for name in columns] for summary in summaries)
    print_table([name.replace("_", " ") for name in columns], rows)


def show(options: Namespace) -> None:
    """Print a run's summary, the fields that are not at their defaults, its metadata, result and evaluations.

    They are printed as tables, or as JSON if `options.json` is set.
    """
    from flexrl.cli.differences import differences as differences_of
    from flexrl.common.nested import flat
    from flexrl.common.tables import print_table
    from flexrl.storage.run_folder import find_run
    from flexrl.storage.run_view import read_run

    record = read_run(find_run(options.run, options.workspace))
    differences, problem = differences_of(record.config)
    content = record.summary() | {"differences": differences, "config": record.config, "metadata": record.metadata}
    content |= {"result": record.result, "evaluations": record.evaluations}
    content["problems"] += [problem] if problem else []
    if options.json:
        return _print_json(content)
    summary = record.summary() | {"problems": "; ".join(content["problems"])}
    print_table(("run", ""), ((name.replace("_", " "), value) for name, value in summary.items()))
    print_table(("chosen", "value", "default"), ((name, *map(str, row)) for name, row in differences.items()))
    print_table(("metadata", ""), ((name, str(value)) for name, value in flat(record.metadata).items()))
    if record.result:
        print_table(("result", ""), flat(record.result).items())
    shown = ("control_steps", "evaluation/return_mean", "evaluation/return_std", "evaluation/episode_length_mean")
    header = [name.rpartition("/")[2].replace("_", " ") for name in shown]
    print_table(header, ([row.get(name) for name in shown] for row in record.evaluations))


def compare(options: Namespace) -> None:
    """Print which returns runs reached and how soon, and the fields in which their configs differ.

    If `options.out` names a picture, draw the learning curves there.
    """
    from envs.places import require_file
    from flexrl.common.tables import print_table
    from flexrl.reporting import comparison
    from flexrl.reporting.curves import draw_returns, read_curve
    from flexrl.storage.run_folder import find_run
    from flexrl.storage.run_view import read_run

    if options.out is not None and options.out.suffix not in PICTURES:
        raise ConfigError(f"out: {str(options.out)!r} must end in {', '.join(PICTURES)}")
    if options.out is not None:
        require_file(options.out)
    records = [read_run(find_run(run, options.workspace)) for run in options.runs]
    curves = [read_curve(record) for record in records]
    rows, differences = comparison.compare(curves), comparison.differing_fields(records)
    if options.out is not None:
        draw_returns(curves).savefig(options.out, dpi=150)
    if options.json:
        return _print_json({"runs": rows, "differences": differences})
    print_table((name.replace("_", " ") for name in rows[0]), (row.values() for row in rows))
    header = ("differs", *(record.name for record in records))
    print_table(header, ((name, *map(str, values)) for name, values in differences.items()))
    if options.out is not None:
        print(f"picture: {options.out}")


def print_lineage(options: Namespace) -> None:
    """Print the runs that a run started from, directly or not, then the run, then those that started from it."""
    from flexrl.storage.lineage import lineage
    from flexrl.storage.run_folder import find_run
    from flexrl.storage.run_view import read_run, read_runs

    record = read_run(find_run(options.run, options.workspace))
    print("\n".join(lineage(record, read_runs(Path(options.workspace)))))


def _print_json(content: Any) -> None:
    print(json.dumps(content, indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])
