"""Many runs from one file: `python -m launch.sweep plan|submit|status|logs|cancel|retry|results|watch SWEEP.yaml`."""

import sys
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from flexrl.common.errors import EXIT_PREEMPTED, EXIT_STORAGE, ConfigError, exit_codes

if TYPE_CHECKING:
    from launch.plan.sweep_file import Sweep
    from launch.plan.trials import Trial

Command = Callable[[Namespace, "Sweep", list["Trial"]], None]

EXIT_FAILED = 1  # some trials failed
EXIT_UNAVAILABLE = 69  # the cluster did not answer; the same command may go well later
WATCH_SECONDS = 5.0
FOLLOW_SECONDS = 1.0
COMMANDS = {
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
        from launch.plan.trials import load_trials

        sweep, trials = load_trials(options.sweep, options.workspace, options.set)
        try:
            _command(options)(options, sweep, trials)
        except ConnectionError as error:
            _leave(f"error: {error}", EXIT_UNAVAILABLE)
        except TimeoutError as error:
            _leave(f"error: {error}", EXIT_FAILED)


def _command(options: Namespace) -> Command:
    if options.backend == "kubernetes":
        from launch.kubernetes import commands as remote_commands

        return remote_commands.DO.get(options.command) or _DO[options.command]
    return _DO[options.command]


def _parse(arguments: list[str]) -> Namespace:
    from flexrl.common.parser import Parser

    parser = Parser(prog="python -m launch.sweep", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in COMMANDS.items():
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


def plan(options: Namespace, sweep: "Sweep", trials: list["Trial"]) -> None:
    """What would be done."""
    from launch.show.tables import print_plan

    print_plan(options, sweep, trials)


def submit(options: Namespace, sweep: "Sweep", trials: list["Trial"]) -> None:
    """Run what is neither done nor failed."""
    from flexrl.config.trackers import require_usable
    from launch.attempt.trial_folder import folder_of
    from launch.local.backend import StorageFull, submitting
    from launch.show.tables import print_plan

    parallel = sweep.parallelism if options.parallel is None else options.parallel
    if parallel < 1:
        raise ConfigError(f"parallel: {parallel} must be at least 1")
    if sweep.resources.hosts > 1:
        raise ConfigError(
            f"resources.hosts: {sweep.resources.hosts} machines are a cluster's; use --backend kubernetes"
        )
    if sweep.resources.gpu.count and parallel > 1:
        raise ConfigError(f"parallel: {parallel} trials would share this machine's GPU memory; use --parallel 1")
    if options.dry_run:
        return print_plan(options, sweep, trials)
    require_usable(sweep.tracking)
    with submitting(options.workspace / sweep.name):
        try:
            while (rung := _run_to_next_rung(sweep, trials, parallel, options.pack)) is not None:
                print(f"{sweep.name}: all are past evaluation {rung}; the best go on")
        except StorageFull as error:
            _leave(f"error: the disk is full; free space, then submit again ({error})", EXIT_STORAGE)
    counts = Counter(folder_of(trial).progress().state for trial in trials)
    if counts["failed"]:
        _leave(f"{counts['failed']} of {len(trials)} trials failed; status says why, retry clears them", EXIT_FAILED)
    if counts["paused"]:
        print(f"{sweep.name}: {counts['done']} trials are done, halving left {counts['paused']} behind; see results")
    else:
        print(f"{sweep.name}: all {len(trials)} trials are done; results collates them")


def _run_to_next_rung(sweep: "Sweep", trials: list["Trial"], parallel: int, pack: int) -> int | None:
    """Run what there is before the next rung of the halving; that rung, none where trials went to their end.

    Raises:
      SystemExit: when asked to stop.
    """
    from launch.attempt.trial_folder import folder_of
    from launch.local.backend import Runner
    from launch.plan.halving import has_arrived, next_rung

    progress = [folder_of(trial).progress() for trial in trials]
    rung, left = next_rung(sweep.halving, progress)
    todo = [trials[i] for i in sorted(left) if not has_arrived(progress[i], rung)]
    counts = Counter(each.state for each in progress)
    skipped = ", ".join(f"{counts[state]} {state}" for state in ("done", "failed") if counts[state])
    until = f", until evaluation {rung}" if rung else ""
    print(f"{sweep.name}: {len(todo)} of {len(trials)} trials to run{until}" + (f" ({skipped})" if skipped else ""))
    if not Runner(sweep, todo, parallel, pack, rung).run():
        _leave("stopped: asked to; submit again to go on", EXIT_PREEMPTED)
    return rung


def status(options: Namespace, sweep: "Sweep", trials: list["Trial"]) -> None:
    """How far each trial is."""
    from launch.local.backend import submitter

    _print_status(options, sweep, trials, submitter(options.workspace / sweep.name))


def watch(options: Namespace, sweep: "Sweep", trials: list["Trial"]) -> None:
    """How far each trial is, again and again."""
    from launch.local.backend import submitter

    while True:
        process = submitter(options.workspace / sweep.name)
        counts = _print_status(options, sweep, trials, process)
        if process is None or counts["done"] + counts["failed"] == len(trials):
            return
        try:
            time.sleep(WATCH_SECONDS)
        except KeyboardInterrupt:
            return


def _print_status(options: Namespace, sweep: "Sweep", trials: list["Trial"], process: int | None) -> Counter[str]:
    from launch.attempt.trial_folder import folder_of, progress_of_all
    from launch.show.tables import print_status

    progress = list(progress_of_all(options.workspace / sweep.name, trials).values())
    who = f"process {process} submits" if process else "nobody submits"
    return print_status(sweep, trials, progress, lambda t: (*folder_of(t).steps_and_return(), ""), who, options.all)


def logs(options: Namespace, sweep: "Sweep", trials: list["Trial"]) -> None:
    """What a trial printed."""
    from launch.attempt.trial_folder import folder_of
    from launch.plan.trials import find_trial

    folder = folder_of(find_trial(options.trial, trials))
    if not folder.log.exists() and not options.follow:
        raise ConfigError(f"trial: {options.trial} has printed nothing yet ({folder.log}); --follow waits for it")

    def printed() -> str:
        return folder.log.read_text(encoding="utf-8", errors="replace") if folder.log.exists() else ""

    follow(printed, lambda: options.follow and folder.progress().state in ("waiting", "running"))


def follow(printed: Callable[[], str], goes_on: Callable[[], bool]) -> None:
    """Print what a log holds, and what is added while it goes on, or until Ctrl-C."""
    shown = 0
    try:
        while True:
            more = goes_on()  # asked first, so that the last lines are not lost
            text = printed()
            sys.stdout.write(text[shown:])
            sys.stdout.flush()
            shown = len(text)
            if not more:
                return
            time.sleep(FOLLOW_SECONDS)
    except KeyboardInterrupt:
        return


def cancel(options: Namespace, sweep: "Sweep", trials: list["Trial"]) -> None:
    """Let the trials that run save and stop."""
    from launch.attempt.trial_folder import folder_of
    from launch.local import backend as local

    if options.dry_run:
        running = [trial for trial in trials if folder_of(trial).is_running()]
    else:
        running = local.cancel(options.workspace / sweep.name, trials)
    done = "would be stopped" if options.dry_run else "stopped; submit goes on with them"
    print(f"{sweep.name}: {len(running)} trials {done}")


def retry(options: Namespace, sweep: "Sweep", trials: list["Trial"]) -> None:
    """Clear failed trials."""
    from launch.attempt.trial_folder import folder_of
    from launch.plan import states
    from launch.plan.trials import find_trial

    chosen = [find_trial(name, trials) for name in options.only] or trials
    failed = [trial for trial in chosen if folder_of(trial).progress().state == "failed"]
    if not failed:
        return print(f"{sweep.name}: none of {len(chosen)} trials has failed; there is nothing to retry")
    for trial in failed if not options.dry_run else []:
        folder_of(trial).write(states.cleared(folder_of(trial).progress()))
    done = "would be cleared" if options.dry_run else "cleared; submit tries them again"
    print(f"{sweep.name}: {len(failed)} failed trials {done}")


def results(options: Namespace, sweep: "Sweep", trials: list["Trial"]) -> None:
    """Every result in one table."""
    from launch.attempt.trial_folder import folder_of
    from launch.plan.axes import describe
    from launch.show.results import collate, write_results
    from launch.show.tables import print_ranking

    rows, missing = collate(trials)
    paths = write_results(rows, trials, options.out or options.workspace / sweep.name / "results", sweep.name)
    print_ranking(rows, trials, options.all)
    for path in paths:
        print(f"wrote {path}")
    print(f"{sweep.name}: {len(rows)} of {len(trials)} trials have a result")
    for trial in missing:
        progress = folder_of(trial).recorded()
        why = f"; paused: {progress.reason}" if progress.state == "paused" else ""
        print(f"missing: trial {trial.number} {trial.key} ({describe(trial.values)}{why})")


def _leave(line: str, code: int) -> NoReturn:
    print(" ".join(line.split()), file=sys.stderr, flush=True)
    raise SystemExit(code)


_DO = {
    "plan": plan,
    "submit": submit,
    "status": status,
    "watch": watch,
    "logs": logs,
    "cancel": cancel,
    "retry": retry,
    "results": results,
}

if __name__ == "__main__":
    main(sys.argv[1:])
