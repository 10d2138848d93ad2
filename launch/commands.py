"""What the commands of `launch.sweep` do, wherever the trials run."""

import sys
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Callable

from launch.attempt.trial_folder import folder_of
from launch.backend import Backend
from launch.plan import states
from launch.plan.axes import describe
from launch.plan.sweep_file import Sweep
from launch.plan.trials import Trial, find_trial
from launch.show.results import collate, write_results
from launch.show.tables import print_plan, print_ranking, print_status

WATCH_SECONDS = 5.0
FOLLOW_SECONDS = 1.0


def run(options: Namespace, sweep: Sweep, trials: list[Trial]) -> None:
    """Do what a command line asks for."""
    COMMANDS[options.command](options, sweep, trials, _backend(options, sweep, trials))


def _backend(options: Namespace, sweep: Sweep, trials: list[Trial]) -> Backend:
    if options.backend == "kubernetes":
        from launch.kubernetes.backend import Kubernetes  # brings the client

        return Kubernetes(options, sweep, trials)
    from launch.local.backend import Local

    return Local(options, sweep, trials)


def plan(options: Namespace, sweep: Sweep, trials: list[Trial], backend: Backend) -> None:
    """Print what would be done; with `--dry-run` on a cluster, the objects that would be created."""
    objects = backend.objects(options.pack) if options.dry_run else None
    if objects is None:
        print_plan(options, sweep, trials)
    else:
        sys.stdout.write(objects)


def submit(options: Namespace, sweep: Sweep, trials: list[Trial], backend: Backend) -> None:
    """Run what is neither done nor failed."""
    backend.submit(options)


def status(options: Namespace, sweep: Sweep, trials: list[Trial], backend: Backend) -> None:
    """Print how far each trial is."""
    backend.look()
    _print_status(options, sweep, trials, backend)


def watch(options: Namespace, sweep: Sweep, trials: list[Trial], backend: Backend) -> None:
    """Print how far each trial is, again and again; results come home as they are there."""
    try:
        while True:
            goes_on = backend.advance()
            _print_status(options, sweep, trials, backend)
            if not goes_on:
                return
            time.sleep(WATCH_SECONDS)
    except KeyboardInterrupt:
        return


def _print_status(options: Namespace, sweep: Sweep, trials: list[Trial], backend: Backend) -> Counter[str]:
    progress = [backend.progress(trial) for trial in trials]
    return print_status(sweep, trials, progress, backend.figures, backend.who(), options.all)


def logs(options: Namespace, sweep: Sweep, trials: list[Trial], backend: Backend) -> None:
    """Print what a trial printed; with `--follow` also what it goes on to print."""
    trial = find_trial(options.trial, trials)

    def goes_on() -> bool:
        return backend.runs_on(trial) and options.follow

    follow(lambda: backend.log(trial, follow=options.follow), goes_on)


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


def cancel(options: Namespace, sweep: Sweep, trials: list[Trial], backend: Backend) -> None:
    """Let the trials that run save and stop, and start no more."""
    running = backend.cancel(dry_run=options.dry_run)
    done = "would be stopped" if options.dry_run else "stopped; submit goes on with them"
    print(f"{sweep.name}: {len(running)} trials {done}")


def retry(options: Namespace, sweep: Sweep, trials: list[Trial], backend: Backend) -> None:
    """Clear failed trials, so that `submit` tries them again."""
    backend.look(record=not options.dry_run)
    chosen = [find_trial(name, trials) for name in options.only] or trials
    failed = [trial for trial in chosen if backend.progress(trial).state == "failed"]
    if not failed:
        return print(f"{sweep.name}: none of {len(chosen)} trials has failed; there is nothing to retry")
    for trial in failed if not options.dry_run else []:
        folder_of(trial).write(states.cleared(folder_of(trial).progress()))
    done = "would be cleared" if options.dry_run else "cleared; submit tries them again"
    print(f"{sweep.name}: {len(failed)} failed trials {done}")


def results(options: Namespace, sweep: Sweep, trials: list[Trial], backend: Backend) -> None:
    """Write every result in one table, and print the best."""
    backend.look(record=True)
    for line in backend.remarks():
        print(line, file=sys.stderr)
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


COMMANDS = {
    "plan": plan,
    "submit": submit,
    "status": status,
    "watch": watch,
    "logs": logs,
    "cancel": cancel,
    "retry": retry,
    "results": results,
}
