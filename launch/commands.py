"""The commands of `launch.sweep`, written once for both backends: this machine and a Kubernetes cluster."""

import sys
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Callable

from flexrl.common.errors import ConfigError
from launch.attempt.trial_folder import folder_of
from launch.backend import Backend, Grow, never
from launch.plan import states
from launch.plan.axes import describe
from launch.plan.states import Progress
from launch.plan.sweep_file import Sweep
from launch.plan.trials import Trial, find_trial
from launch.show.results import collate, write_results
from launch.show.tables import print_plan, print_ranking, print_search, print_status

WATCH_SECONDS = 5.0
FOLLOW_SECONDS = 1.0
SENDING = ("plan", "submit", "watch")  # commands that send trials to a cluster, or say how they would


def run(options: Namespace, sweep: Sweep, trials: list[Trial], grow: Grow = never) -> None:
    """Run the command that the parsed command line names, on the backend that it names.

    Args:
      options: parsed command line.
      sweep: the sweep.
      trials: the sweep's trials; in a search, those that were proposed so far.
      grow: appends the next round of a search (trials that are proposed together) to `trials` if the last one has
        ended; returns whether it did.
    """
    if options.from_terraform is not None:
        options, sweep = _on_terraforms_cluster(options, sweep)
    COMMANDS[options.command](options, sweep, trials, _backend(options, sweep, trials, grow))


def _on_terraforms_cluster(options: Namespace, sweep: Sweep) -> tuple[Namespace, Sweep]:
    """Return options and sweep, filled in for the cluster whose Terraform output the flag `--from-terraform` names.

    In the sweep, Terraform's values go into the `cluster` section. In the options, the backend becomes `kubernetes`,
    and the kubeconfig's context is Terraform's, unless the flag `--context` names one.
    """
    from launch.kubernetes.terraform_outputs import in_pool, on_cloud, read_cloud

    cloud = read_cloud(options.from_terraform)
    sweep = on_cloud(sweep, cloud)
    if options.command in SENDING:
        sweep = in_pool(sweep, cloud)
    context = options.context or cloud.context
    return Namespace(**{**vars(options), "backend": "kubernetes", "context": context}), sweep


def _backend(options: Namespace, sweep: Sweep, trials: list[Trial], grow: Grow) -> Backend:
    if options.backend == "kubernetes":
        from launch.kubernetes.backend import Kubernetes  # imported late: it imports the Kubernetes client

        return Kubernetes(options, sweep, trials, grow)
    from launch.local.backend import Local

    return Local(options, sweep, trials, grow)


def plan(options: Namespace, sweep: Sweep, trials: list[Trial], backend: Backend) -> None:
    """Print the trials, the control steps that are left, and what they will cost.

    With `--dry-run` on a cluster, print instead the Kubernetes objects that run the trials, as YAML.
    """
    objects = backend.objects(options.pack) if options.dry_run else None
    if objects is None:
        print_plan(options, sweep, trials)
    else:
        sys.stdout.write(objects)


def submit(options: Namespace, sweep: Sweep, trials: list[Trial], backend: Backend) -> None:
    """Run the trials that are neither done nor failed, on this machine, or send them to the cluster."""
    backend.submit(options)


def status(options: Namespace, sweep: Sweep, trials: list[Trial], backend: Backend) -> None:
    """Print the state, steps and return of each trial."""
    backend.look()
    _print_status(options, sweep, trials, backend)


def watch(options: Namespace, sweep: Sweep, trials: list[Trial], backend: Backend) -> None:
    """Print the status of all trials every few seconds until none runs; copy a cluster's results here meanwhile."""
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
    """Print a trial's log; with `--follow` keep printing while the trial runs."""
    trial = find_trial(options.trial, trials)

    def goes_on() -> bool:
        return backend.runs_on(trial) and options.follow

    follow(lambda: backend.log(trial, follow=options.follow), goes_on)


def follow(printed: Callable[[], str], goes_on: Callable[[], bool]) -> None:
    """Print a log, then the text that is added to it, until the trial ends or the user presses Ctrl-C.

    Args:
      printed: returns the whole text of the log so far.
      goes_on: returns whether the log may still grow.
    """
    shown = 0
    try:
        while True:
            more = goes_on()  # before reading the log, so that the last lines are not lost
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
    """Ask the running trials to save and stop, and start no others."""
    running = backend.cancel(dry_run=options.dry_run)
    done = "would be stopped" if options.dry_run else "stopped; submit goes on with them"
    print(f"{sweep.name}: {len(running)} trials {done}")


def retry(options: Namespace, sweep: Sweep, trials: list[Trial], backend: Backend) -> None:
    """Reset failed trials to waiting, so that `submit` tries them again."""
    backend.look(record=not options.dry_run)
    chosen = [find_trial(name, trials) for name in options.only] or trials
    failed = [trial for trial in chosen if backend.progress(trial).state == "failed"]
    if not failed:
        return print(f"{sweep.name}: none of {len(chosen)} trials has failed; there is nothing to retry")
    _require_nothing_follows(sweep, trials, failed, backend)
    for trial in failed if not options.dry_run else []:
        folder_of(trial).write(states.cleared(folder_of(trial).progress()))
    done = "would be cleared" if options.dry_run else "cleared; submit tries them again"
    print(f"{sweep.name}: {len(failed)} failed trials {done}")


def _require_nothing_follows(sweep: Sweep, trials: list[Trial], failed: list[Trial], backend: Backend) -> None:
    """Raise ConfigError if a search has begun trials that it proposed after one of the `failed` trials had failed.

    A search proposes trials in rounds, each from the outcomes of the rounds before. So once a later round has begun, a
    failure must stay as it is. Does nothing for a sweep that is no search.
    """
    if sweep.search is None:
        return
    size = sweep.search.parallel * sweep.num_seeds
    for trial in failed:
        following = trials[-(-trial.number // size) * size :]
        if any(backend.progress(each) != Progress() for each in following):
            raise ConfigError(
                f"retry: trial {trial.number} failed, and what the search has begun since follows from that; it stays "
                "failed, and --only can name other trials"
            )


def results(options: Namespace, sweep: Sweep, trials: list[Trial], backend: Backend) -> None:
    """Write all results to one table, print the ranking, and name the trials without a result."""
    backend.look(record=True)
    for line in backend.remarks():
        print(line, file=sys.stderr)
    rows, missing = collate(trials)
    paths = write_results(rows, trials, options.out or options.workspace / sweep.name / "results", sweep.name)
    print_ranking(rows, trials, options.all)
    for path in paths:
        print(f"wrote {path}")
    print(f"{sweep.name}: {len(rows)} of {len(trials)} trials have a result")
    print_search(sweep, trials)
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
