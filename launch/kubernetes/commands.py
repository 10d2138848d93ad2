"""The commands of `launch.sweep` where trials run on a Kubernetes cluster."""

import sys
import time
from argparse import Namespace
from collections import Counter

from flexrl.common.decoding import dump_yaml
from flexrl.common.errors import ConfigError
from launch import sweep as commands
from launch.attempt.trial_folder import folder_of
from launch.kubernetes.backend import Remote
from launch.kubernetes.client import Unavailable
from launch.kubernetes.manifests import manifests
from launch.plan.sweep_file import Sweep
from launch.plan.trials import Trial, find_trial
from launch.show.tables import print_status, told

PATIENCE_SECONDS = 900.0  # that watch waits for a cluster that does not answer
FIRST_WAIT, LONGEST_WAIT = 5.0, 60.0  # seconds between its questions then


def plan(options: Namespace, sweep: Sweep, trials: list[Trial]) -> None:
    """Say what would be done; with `--dry-run` print the Kubernetes objects, as `kubectl apply -f -` reads them."""
    if not options.dry_run:
        return commands.plan(options, sweep, trials)
    left = [trial for trial in trials if folder_of(trial).progress().state != "done"]
    sys.stdout.write(dump_yaml(*manifests(sweep, left, pack=options.pack)))


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
    if not options.dry_run:
        remote.tidy()
        _open_slots(remote)
    if not sent:
        print(f"{sweep.name}: submitted before; no change ({told(counts)})")
        return
    done = "would be sent" if options.dry_run else "sent"
    if remote.takes_turns:
        done += f", {sweep.parallelism} at a time; watch, or another submit, sends the next"
    if home := sum(remote.progress(trial).state == "done" for trial in sent):
        done += f", {home} of them only to bring the results home that are on the volume"
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
    try:
        while _look_again(remote, options):
            time.sleep(commands.WATCH_SECONDS)
    except KeyboardInterrupt:
        return


def _look_again(remote: Remote, options: Namespace) -> bool:
    """Record, print and adjust once the cluster answers; whether there is more to watch.

    Raises:
      Unavailable: if it has not answered for `PATIENCE_SECONDS`.
    """
    started, wait = time.monotonic(), FIRST_WAIT
    while True:
        try:
            remote.record()
            _print(remote, options)
            _open_slots(remote)
            return remote.goes_on() or (remote.takes_turns and _send_next(remote))
        except Unavailable as error:
            if time.monotonic() - started > PATIENCE_SECONDS:
                raise
            print(f"{' '.join(str(error).split())}; watch asks again in {wait:.0f} s", file=sys.stderr, flush=True)
        time.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT)


def _send_next(remote: Remote) -> bool:
    """Send trials that waited for their turn; whether there were any."""
    name, sent, _ = remote.send(dry_run=False, pack=1)
    if sent:
        print(f"{remote.sweep.name}: {len(sent)} trials sent, as Job {name}")
    return bool(sent)


def _open_slots(remote: Remote) -> None:
    if opened := remote.open_slots():
        print(f"{remote.sweep.name}: {opened} more trials may begin while others wait to be tried again")


def _print(remote: Remote, options: Namespace) -> None:
    progress = [remote.progress(trial) for trial in remote.trials]
    print_status(remote.sweep, remote.trials, progress, remote.figures, remote.who(), options.all)


def logs(options: Namespace, sweep: Sweep, trials: list[Trial]) -> None:
    """What a trial printed."""
    trial = find_trial(options.trial, trials)
    remote = Remote(options, sweep, trials)

    def goes_on() -> bool:
        remote.look(most=None)
        return options.follow and remote.standings[trial.key].held

    def printed() -> str:
        return "" if options.follow and not remote.standings[trial.key].pods else remote.log(trial)

    commands.follow(printed, goes_on)


def cancel(options: Namespace, sweep: Sweep, trials: list[Trial]) -> None:
    """Let the trials that run save and stop, and send no more."""
    remote = Remote(options, sweep, trials)
    if options.dry_run:
        remote.look()
    else:
        remote.record()
        if line := remote.cancel():
            print(line, file=sys.stderr)
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
    remote = Remote(options, sweep, trials)
    remote.record()
    for trial in trials:
        if note := remote.notes.get(trial.key):
            print(f"trial {trial.number} {trial.key}: {note}", file=sys.stderr)
    if on_volume := sum(map(remote.is_on_volume_only, trials)):
        print(f"{on_volume} results are on the volume only; submit brings them here", file=sys.stderr)
    commands.results(options, sweep, trials)


DO = {
    "plan": plan,
    "submit": submit,
    "status": status,
    "watch": watch,
    "logs": logs,
    "cancel": cancel,
    "retry": retry,
    "results": results,
}
