"""The `launch.backend.Backend` that runs a sweep on this machine."""

from argparse import Namespace
from collections import Counter

from flexrl.common.errors import EXIT_PREEMPTED, EXIT_STORAGE, ConfigError
from flexrl.config.trackers import require_usable
from launch.attempt.trial_folder import folder_of, progress_of_all
from launch.backend import Grow, never
from launch.exits import EXIT_FAILED, leave
from launch.local import runner
from launch.local.runner import Runner, StorageFull, submitter, submitting
from launch.plan.halving import has_arrived, rung_of_sweep
from launch.plan.states import Progress
from launch.plan.sweep_file import Sweep
from launch.plan.trials import Trial
from launch.show.tables import print_plan, print_search


class Local:
    """Runs trials as processes of this machine, and reads their progress from their folders."""

    def __init__(self, options: Namespace, sweep: Sweep, trials: list[Trial], grow: Grow = never) -> None:
        """Keep the arguments. Reads no folder.

        Args:
          options: parsed command line; its `workspace` holds the sweep's folder.
          sweep: the sweep.
          trials: the sweep's trials; in a search, those that were proposed so far.
          grow: appends the next round of a search to `trials` if the last one has ended; returns whether it did.
        """
        self._sweep, self._trials, self._grow = sweep, trials, grow
        self._folder = options.workspace / sweep.name
        self._progress: dict[str, Progress] = {}
        self._submitter: int | None = None

    def look(self, *, record: bool = False) -> None:
        """Read the trials' progress from their folders, and find out which process runs `submit`.

        In a search, first add the next trials if all trials so far have ended. `record` changes nothing: the folders
        are on this machine already.
        """
        self._submitter = submitter(self._folder)
        while self._grow():
            pass
        self._progress = progress_of_all(self._folder, self._trials)

    def progress(self, trial: Trial) -> Progress:
        """Return the state and history of a trial, as the last call of `look` found them."""
        return self._progress[trial.key]

    def figures(self, trial: Trial) -> tuple[int, float | None, str]:
        """Return control steps and newest mean return from the trial's folder; the note is empty."""
        return *folder_of(trial).steps_and_return(), ""

    def who(self) -> str:
        """Say which process runs `submit`."""
        return "nobody submits" if self._submitter is None else f"process {self._submitter} submits"

    def remarks(self) -> list[str]:
        """Return no lines: all results are on this machine."""
        return []

    def objects(self, pack: int) -> str | None:
        """Return None: trials are processes, not objects of a cluster."""
        return None

    def submit(self, options: Namespace) -> None:
        """Run the trials until all have ended or the user asks to stop. With `--dry-run` only print the plan.

        A trial has ended if it is done, has failed, or is paused for good because halving went on with better ones.

        Raises:
          SystemExit: with an exit code, if trials failed, the disk is full or the user asked to stop.
          ConfigError: if the options or the sweep's resources do not suit one machine.
        """
        sweep, trials = self._sweep, self._trials
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
        with submitting(self._folder):
            try:
                self._run_all(parallel, options.pack)
            except StorageFull as error:
                leave(f"error: the disk is full; free space, then submit again ({error})", EXIT_STORAGE)
        counts = Counter(folder_of(trial).progress().state for trial in trials)
        if counts["failed"]:
            leave(f"{counts['failed']} of {len(trials)} trials failed; status says why, retry clears them", EXIT_FAILED)
        if counts["paused"]:
            print(
                f"{sweep.name}: {counts['done']} trials are done, halving left {counts['paused']} behind; see results"
            )
        else:
            print(f"{sweep.name}: all {len(trials)} trials are done; results collates them")

    def _run_all(self, parallel: int, pack: int) -> None:
        """Run the trials to their end, in a search round after round, with pauses (rungs) if the sweep has halving.

        At a rung, a number of evaluations, all trials pause, and only the best go on.

        Raises:
          SystemExit: if the user asked to stop.
        """
        while True:
            if (rung := self._run_to_next_rung(parallel, pack)) is not None:
                print(f"{self._sweep.name}: all are past evaluation {rung}; the best go on")
                continue
            goes_on = self._grow()
            print_search(self._sweep, self._trials)
            if not goes_on:
                return

    def _run_to_next_rung(self, parallel: int, pack: int) -> int | None:
        """Run the trials to the next rung, the number of evaluations after which they pause, and return it.

        Return None if the trials ran to their end.

        Raises:
          SystemExit: if the user asked to stop.
        """
        sweep, trials = self._sweep, self._trials
        progress = [folder_of(trial).progress() for trial in trials]
        rung, left = rung_of_sweep(sweep, progress)
        todo = [trials[i] for i in sorted(left) if not has_arrived(progress[i], rung)]
        counts = Counter(each.state for each in progress)
        skipped = ", ".join(f"{counts[state]} {state}" for state in ("done", "failed") if counts[state])
        until = f", until evaluation {rung}" if rung else ""
        print(f"{sweep.name}: {len(todo)} of {len(trials)} trials to run{until}" + (f" ({skipped})" if skipped else ""))
        if not Runner(sweep, todo, parallel, pack, rung).run():
            leave("stopped: asked to; submit again to go on", EXIT_PREEMPTED)
        return rung

    def advance(self) -> bool:
        """Look again; return whether a process runs `submit` and trials are left that are neither done nor failed."""
        self.look()
        ended = sum(each.state in ("done", "failed") for each in self._progress.values())
        return self._submitter is not None and ended < len(self._trials)

    def cancel(self, *, dry_run: bool) -> list[Trial]:
        """Ask the running trials to save and stop, wait for that, and return them; with `dry_run` only return them."""
        if dry_run:
            return [trial for trial in self._trials if folder_of(trial).is_running()]
        return runner.cancel(self._folder, self._trials)

    def log(self, trial: Trial, *, follow: bool) -> str:
        """Return the text of `log.txt` in the trial's folder.

        Raises:
          ConfigError: if there is no such file yet, unless `follow` is set: then the text is empty.
        """
        log = folder_of(trial).log
        if not log.exists():
            if follow:
                return ""
            raise ConfigError(f"trial: {trial.number} has printed nothing yet ({log}); --follow waits for it")
        return log.read_text(encoding="utf-8", errors="replace")

    def runs_on(self, trial: Trial) -> bool:
        """Return whether the trial runs or waits to run."""
        return folder_of(trial).progress().state in ("waiting", "running")
