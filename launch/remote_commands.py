"""The commands of `launch.sweep` where trials run on a Kubernetes cluster."""

import time
from argparse import Namespace
from collections import Counter

from flexrl.errors import ConfigError
from launch import sweep as commands
from launch.remote import Remote
from launch.report import print_status, told
from launch.sweep_file import Sweep
from launch.trials import Trial, find_trial


def submit(options: Namespace, sweep: Sweep, trials: list[Trial]) -> None:
    """Send what is neither done nor failed nor sent already."""
    if options.parallel is not None:
        raise ConfigError(f"parallel: {options.parallel} is of this machine; set the sweep's parallelism")
    remote = Remote(options, sweep, trials)
    if options.dry_run:
        remote.look()
    else:
        remote.record()
    name, sent, rung = remote.send(options.dry_run, options.pack)
    counts = Counter(remote.progress(trial).state for trial in trials)
    if not sent:
        print(f"{sweep.name}: submitted before; no change ({told(counts)})")
        return
    done = "would be sent" if options.dry_run else "sent"
    until = f", until evaluation {rung}; when all are there, submit sends the best on" if rung else ""
    print(f"{sweep.name}: {len(sent)} of {len(trials)} trials {done}, as Job {name}{until}")


def status(options: Namespace, sweep: Sweep, trials: list[Trial]) -> None:
    """How far each trial is."""
    remote = Remote(options, sweep, trials)
    remote.look()
    _print(remote, options)


def watch(options: Namespace, sweep: Sweep, trials: list[Trial]) -> None:
    """How far each trial is, again and again; results come home as they are there."""
    remote = Remote(options, sweep, trials)
    while True:
        remote.record()
        _print(remote, options)
        if not remote.goes_on():
            return
        try:
            time.sleep(commands.WATCH_SECONDS)
        except KeyboardInterrupt:
            return


def _print(remote: Remote, options: Namespace) -> None:
    progress = [remote.progress(trial) for trial in remote.trials]
    print_status(remote.sweep, remote.trials, progress, remote.figures, remote.who(), options.all)


def logs(options: Namespace, sweep: Sweep, trials: list[Trial]) -> None:
    """What a trial printed."""
    trial = find_trial(options.trial, trials)
    remote = Remote(options, sweep, trials)
    remote.look(most=None)
    print(remote.log(trial), end="")


def cancel(options: Namespace, sweep: Sweep, trials: list[Trial]) -> None:
    """Let the trials that run save and stop, and send no more."""
    remote = Remote(options, sweep, trials)
    if options.dry_run:
        remote.look()
    else:
        remote.record()
        remote.cancel()
    done = "would be stopped" if options.dry_run else "stopped; submit goes on with them"
    print(f"{sweep.name}: {len(remote.running())} trials {done}")


def retry(options: Namespace, sweep: Sweep, trials: list[Trial]) -> None:
    """Clear failed trials."""
    remote = Remote(options, sweep, trials)
    if not options.dry_run:
        remote.record()
        return commands.retry(options, sweep, trials)
    remote.look()
    chosen = [find_trial(name, trials) for name in options.only] or trials
    print(f"{sweep.name}: {sum(remote.progress(t).state == 'failed' for t in chosen)} failed trials would be cleared")


def results(options: Namespace, sweep: Sweep, trials: list[Trial]) -> None:
    """Every result in one table."""
    Remote(options, sweep, trials).record()
    commands.results(options, sweep, trials)


DO = {
    "submit": submit,
    "status": status,
    "watch": watch,
    "logs": logs,
    "cancel": cancel,
    "retry": retry,
    "results": results,
}
