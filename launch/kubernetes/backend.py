"""The `launch.backend.Backend` that runs a sweep on a Kubernetes cluster."""

import functools
import sys
import time
from argparse import Namespace
from collections import Counter

from flexrl.common.decoding import dump_yaml
from flexrl.common.errors import ConfigError
from launch.attempt.trial_folder import folder_of
from launch.backend import Grow, never
from launch.kubernetes import observation
from launch.kubernetes.client import Unavailable
from launch.kubernetes.manifests import manifests
from launch.kubernetes.remote import Remote
from launch.plan.states import Progress
from launch.plan.sweep_file import Sweep
from launch.plan.trials import Trial
from launch.show.tables import told

PATIENCE_SECONDS = 900.0  # how long watch waits for a cluster that does not answer
FIRST_WAIT, LONGEST_WAIT = 5.0, 60.0  # seconds between two requests of watch meanwhile; doubled each time


class Kubernetes:
    """Runs the trials of a sweep as Jobs on a Kubernetes cluster.

    How the trials ended, and their results, are written to the trials' folders on this machine.
    """

    def __init__(self, options: Namespace, sweep: Sweep, trials: list[Trial], grow: Grow = never) -> None:
        """Keep the arguments. The cluster is first contacted when a method needs it.

        Args:
          options: parsed command line.
          sweep: the sweep.
          trials: the sweep's trials; in a search, those that were proposed so far.
          grow: appends the next round of a search to `trials` if the last one has ended; returns whether it did.
        """
        self._options, self._sweep, self._trials, self._grow = options, sweep, trials, grow

    @functools.cached_property
    def _remote(self) -> Remote:
        """The object that looks at the sweep's Jobs and pods and changes them. It is made at first use.

        Raises:
          ConfigError: if the sweep has no `cluster` section, or there is no usable kubeconfig.
        """
        return Remote(self._options, self._sweep, self._trials)

    def look(self, *, record: bool = False) -> None:
        """Ask the cluster for the state of all trials.

        With `record`, also write to the trials' folders on this machine how they ended and their results. Then propose
        the next round of a search, if the last one has ended.
        """
        if record:
            self._remote.record()
            while self._grow():
                self._remote.record()
        else:
            self._remote.look()

    def progress(self, trial: Trial) -> Progress:
        """Return the state and history of a trial, as the last call of `look` found them."""
        return self._remote.progress(trial)

    def figures(self, trial: Trial) -> tuple[int, float | None, str]:
        """Return a trial's control steps, its newest mean return, and a note on what could not be found out.

        For a running trial they are read from its pod's log; after each `look` for at most
        `launch.kubernetes.remote.LOGS` trials.
        """
        return self._remote.figures(trial)

    def who(self) -> str:
        """Say which Jobs still have trials to run, and what keeps them from starting pods."""
        return self._remote.who()

    def remarks(self) -> list[str]:
        """Return a line for each trial whose log could not be read, and one on results that are only on the volume."""
        remote = self._remote
        noted = [(trial, remote.notes[trial.key]) for trial in self._trials if trial.key in remote.notes]
        lines = [f"trial {trial.number} {trial.key}: {note}" for trial, note in noted]
        if on_volume := sum(map(remote.is_on_volume_only, self._trials)):
            lines.append(f"{on_volume} results are on the volume only; submit brings them here")
        return lines + ([remote.bucket_problem] if remote.bucket_problem else [])

    def objects(self, pack: int) -> str | None:
        """Return the Kubernetes objects of all trials that are not done, as YAML for `kubectl apply -f -`.

        Args:
          pack: most trials that one pod trains.
        """
        left = [trial for trial in self._trials if folder_of(trial).progress().state != "done"]
        return dump_yaml(*manifests(self._sweep, left, pack=pack))

    def submit(self, options: Namespace) -> None:
        """Send the trials that are neither done nor failed and that no Job has yet."""
        sweep, remote = self._sweep, self._remote
        if options.parallel is not None:
            raise ConfigError(
                f"parallel: {options.parallel} is for --backend local; set parallelism in the sweep's file"
            )
        self.look(record=not options.dry_run)
        name, sent, rung = remote.send(options.dry_run, options.pack)
        counts = Counter(remote.progress(trial).state for trial in self._trials)
        if not options.dry_run:
            remote.tidy()
            self._open_slots()
        if not sent:
            print(f"{sweep.name}: submitted before; no change ({told(counts)})")
            return
        done = "would be sent" if options.dry_run else "sent"
        if remote.takes_turns:
            done += f", {sweep.parallelism} at a time; watch, or another submit, sends the next"
        if home := sum(remote.progress(trial).state == "done" for trial in sent):
            done += f", {home} of them only to bring the results home that are on the volume"
        until = f", until evaluation {rung}; when all are there, submit sends the best on" if rung else ""
        if sweep.search and not until:
            until = "; when all have ended, watch or another submit sends what is proposed next"
        print(f"{sweep.name}: {len(sent)} of {len(self._trials)} trials {done}, as Job {name}{until}")

    def advance(self) -> bool:
        """Record the trials that ended, and return whether there is more to watch.

        Once no Job is left that has trials to run, send the next trials, if there are any: of a search, or of a sweep
        whose trials each need several hosts.

        Raises:
          Unavailable: if the cluster has not answered for `PATIENCE_SECONDS`.
        """
        started, wait = time.monotonic(), FIRST_WAIT
        while True:
            try:
                self.look(record=True)
                self._open_slots()
                sends_next = self._remote.takes_turns or self._search_goes_on()
                return self._remote.goes_on() or (sends_next and self._send_next())
            except Unavailable as error:
                if time.monotonic() - started > PATIENCE_SECONDS:
                    raise
                line = f"{' '.join(str(error).split())}; watch asks again in {wait:.0f} s"
                print(line, file=sys.stderr, flush=True)
            time.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    def _search_goes_on(self) -> bool:
        """Return whether the sweep is a search whose next trials `advance` may send.

        It may if somebody submitted the search (a trial is no longer waiting), and nobody stopped one of its trials.
        """
        states = [self.progress(trial).state for trial in self._trials]
        return self._sweep.search is not None and set(states) != {"waiting"} and "stopped" not in states

    def _send_next(self) -> bool:
        """Send the trials that no Job has yet to the cluster, and print how many; return whether there were any.

        As many share a pod as in the Jobs before. Trials that must wait are left out: for earlier trials to end, or
        for others at the same pause of halving.
        """
        name, sent, _ = self._remote.send(dry_run=False, pack=observation.largest_pack(self._remote.jobs))
        if sent:
            print(f"{self._sweep.name}: {len(sent)} trials sent, as Job {name}")
        return bool(sent)

    def _open_slots(self) -> None:
        if opened := self._remote.open_slots():
            print(f"{self._sweep.name}: {opened} more trials may begin while others wait to be tried again")

    def cancel(self, *, dry_run: bool) -> list[Trial]:
        """Delete the unfinished Jobs, wait until their pods have saved and stopped, and return the trials that ran.

        With `dry_run` only return the trials that run.
        """
        self.look(record=not dry_run)
        if not dry_run and (line := self._remote.cancel()):
            print(line, file=sys.stderr)
        return self._remote.running()

    def log(self, trial: Trial, *, follow: bool) -> str:
        """Return the logs of a trial's pods, oldest first, as one text.

        Raises:
          ConfigError: if the cluster has no pod of the trial that was started, unless `follow` is set: then the text is
            empty.
          Unreadable: if the log of one of the pods cannot be read now.
        """
        return "" if follow and not self._remote.standings[trial.key].pods else self._remote.log(trial)

    def runs_on(self, trial: Trial) -> bool:
        """Look at all pods, and return whether a Job runs the trial or will run it."""
        self._remote.look(most=None)
        return self._remote.standings[trial.key].held
