"""Check this machine: `python -m flexrl.doctor`. The exit code is 1 if something is broken that training needs."""

import argparse
import sys

from flexrl.common.errors import exit_codes

EXIT_BROKEN = 1


def main(arguments: list[str]) -> None:
    """Check this machine: print a line for each check, and what to do about a problem.

    Exit with code 1 if something is broken that training needs.
    """
    with exit_codes():
        from flexrl.common.parser import Parser

        parser = Parser(prog="python -m flexrl.doctor", description=__doc__)
        parser.add_argument("--workspace", default="workspace", help="folder that holds the runs")
        broken = _print_findings(parser.parse_args(arguments))
    if broken:
        raise SystemExit(EXIT_BROKEN)


def _print_findings(options: argparse.Namespace) -> int:
    """Run all checks of this machine, and print what each one found as soon as it ends.

    Return how many checks found something broken that training needs.
    """
    from flexrl.cli.checkup import findings

    states = []
    for finding in findings(options.workspace):
        states.append(finding.state)
        print(f"{finding.state:8}{finding.name:12}{finding.text}", flush=True)
        if finding.advice:
            print(f"{'':20}-> {finding.advice}", flush=True)
    broken, notes = states.count("broken"), states.count("note")
    if broken:
        print(f"{broken} of {len(states)} checks found something broken that training needs; mend that first")
    elif notes:
        print(f"training works here; {notes} of {len(states)} checks have a note")
    else:
        print("everything is in order")
    return broken


if __name__ == "__main__":
    main(sys.argv[1:])
