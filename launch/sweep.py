"""Many runs from one file: `python -m launch.sweep plan|submit|status|logs|cancel|retry|results|watch SWEEP.yaml`."""

import sys
from argparse import Namespace
from pathlib import Path

from flexrl.common.errors import exit_codes
from launch.exits import EXIT_FAILED, leave

TEXTS = {
    "plan": "list the trials, what differs between them, how many steps are left and what they cost; starts nothing",
    "submit": "run the trials that are not done; after an interruption, submit again; a cluster runs them by itself",
    "status": "show state, attempts, step and return of each trial, and why it failed",
    "watch": "repeat status until all trials are done or failed, or no process runs them any more",
    "logs": "print the log of a trial",
    "cancel": "ask the running trials to save and stop",
    "retry": "clear failed trials, so that submit tries them again",
    "results": "rank the trials by return; write all results as CSV and Parquet, and plot return over each axis",
}
PACK = "train at most so many trials in one program, if they differ only in seed and numbers that need no recompiling"
TERRAFORM = (
    "use the cluster that this Terraform folder made, such as terraform/ (or a file with its `terraform output -json`):"
    " its context, namespace, image, queue, volume or bucket, and pools of nodes; implies --backend kubernetes"
)
CHANGING = ("submit", "cancel", "retry")


def main(arguments: list[str]) -> None:
    """Parse the command line and run the command.

    Exit codes are those of a run (`flexrl.common.errors`), 1 if trials failed, and 69 if a cluster does not answer.
    """
    with exit_codes():
        options = _parse(arguments)
        from launch.commands import run  # imported late: it takes a second, which `--help` need not wait for
        from launch.plan.trials import load_planner
        from launch.search.growing import GrowingTrials

        planner = load_planner(options.sweep, options.workspace, options.set)
        growing = GrowingTrials(planner)
        try:
            run(options, planner.sweep, growing.trials, growing.grow)
        except TimeoutError as error:
            leave(f"error: {error}", EXIT_FAILED)


def _parse(arguments: list[str]) -> Namespace:
    from flexrl.common.parser import Parser

    parser = Parser(prog="python -m launch.sweep", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in TEXTS.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("sweep", type=Path, help="the sweep's file")
        command.add_argument("--workspace", type=Path, default=Path("workspace"), help="folder of all sweeps")
        command.add_argument(
            "--set", action="append", default=[], metavar="NAME=VALUE", help="value for a variable of the sweep"
        )
        command.add_argument("--backend", choices=("local", "kubernetes"), default="local", help="where trials run")
        command.add_argument("--from-terraform", type=Path, metavar="FOLDER", help=TERRAFORM)
        command.add_argument("--namespace", help="Kubernetes namespace, instead of the one in the sweep's file")
        command.add_argument("--context", help="context of the kubeconfig, instead of its current one")
        if name in ("plan", *CHANGING):
            command.add_argument("--dry-run", action="store_true", help="say what would be done, and change nothing")
        if name in ("plan", "submit", "status", "watch"):
            command.add_argument("--all", action="store_true", help="print a row for every trial")
        if name in ("plan", "submit"):
            command.add_argument("--hours", type=float, help="hours that one trial takes, to estimate time and cost")
            command.add_argument("--prices", type=Path, help="price table instead of launch/show/prices.yaml")
            command.add_argument("--pack", type=int, default=1, help=PACK)
        if name == "submit":
            command.add_argument("--parallel", type=int, help="trials at a time, instead of the sweep's parallelism")
        if name == "results":
            command.add_argument("--out", type=Path, help="output folder, instead of results/ in the sweep's folder")
            command.add_argument("--all", action="store_true", help="rank all trials, however many there are")
        if name == "logs":
            command.add_argument("trial", help="the trial's number or key")
            command.add_argument("--follow", "-f", action="store_true", help="keep printing while the trial runs")
        if name == "retry":
            command.add_argument("--only", nargs="+", default=[], help="numbers or keys; by default all failed trials")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
