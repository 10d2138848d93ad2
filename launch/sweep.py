"""Many runs from one file: `python -m launch.sweep plan|submit|status|logs|cancel|retry|results|watch SWEEP.yaml`."""

import sys
from argparse import Namespace
from pathlib import Path

from flexrl.common.errors import exit_codes
from launch.exits import EXIT_FAILED, EXIT_UNAVAILABLE, leave

TEXTS = {
    "plan": "the trials, what differs between them, how much there is to do and what it costs; starts nothing",
    "submit": "run what is not done; again, after an interruption, to go on; a cluster runs it on its own",
    "status": "state, attempts, step and return of each trial, and why it failed",
    "watch": "status again and again, until all trials are done or failed or nobody runs them",
    "logs": "what a trial printed",
    "cancel": "let the trials that run save and stop",
    "retry": "clear failed trials, so that submit tries them again",
    "results": "trials, best first; every result as CSV and Parquet, what is missing, and return by axis as a picture",
}
PACK = "trials in one program, at most, that differ in seed and numbers that do not shape it"
CHANGING = ("submit", "cancel", "retry")


def main(arguments: list[str]) -> None:
    """Parse and do; exit codes are those of a run, 1 where trials failed, and 69 where a cluster does not answer."""
    with exit_codes():
        options = _parse(arguments)
        from launch.commands import run  # both take a second, which `--help` need not wait for
        from launch.plan.trials import load_trials

        sweep, trials = load_trials(options.sweep, options.workspace, options.set)
        try:
            run(options, sweep, trials)
        except ConnectionError as error:
            leave(f"error: {error}", EXIT_UNAVAILABLE)
        except TimeoutError as error:
            leave(f"error: {error}", EXIT_FAILED)


def _parse(arguments: list[str]) -> Namespace:
    from flexrl.common.parser import Parser

    parser = Parser(prog="python -m launch.sweep", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in TEXTS.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("sweep", type=Path, help="the sweep's file")
        command.add_argument("--workspace", type=Path, default=Path("workspace"), help="holds the sweeps' folders")
        command.add_argument(
            "--set", action="append", default=[], metavar="NAME=VALUE", help="a variable of the sweep's file"
        )
        command.add_argument("--backend", choices=("local", "kubernetes"), default="local", help="where trials run")
        command.add_argument("--namespace", help="of the cluster, instead of the sweep's")
        command.add_argument("--context", help="of the kubeconfig, instead of its current one")
        if name in ("plan", *CHANGING):
            command.add_argument("--dry-run", action="store_true", help="say what would be done, and change nothing")
        if name in ("plan", "submit", "status", "watch"):
            command.add_argument("--all", action="store_true", help="rows of all trials, however many")
        if name in ("plan", "submit"):
            command.add_argument("--hours", type=float, help="of one trial, for what a plan takes and costs")
            command.add_argument("--prices", type=Path, help="table like launch/prices.yaml, instead of it")
            command.add_argument("--pack", type=int, default=1, help=PACK)
        if name == "submit":
            command.add_argument("--parallel", type=int, help="trials at a time, instead of the sweep's parallelism")
        if name == "results":
            command.add_argument("--out", type=Path, help="folder to write to, instead of results/ in the sweep's")
            command.add_argument("--all", action="store_true", help="all trials in the ranking, however many")
        if name == "logs":
            command.add_argument("trial", help="number or key")
            command.add_argument("--follow", "-f", action="store_true", help="go on while it runs")
        if name == "retry":
            command.add_argument("--only", nargs="+", default=[], help="numbers or keys, instead of all that failed")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
