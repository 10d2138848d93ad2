"""A sweep on this machine, as `launch.backend.Backend`."""

from argparse import Namespace
from collections import Counter

from flexrl.common.errors import EXIT_PREEMPTED, EXIT_STORAGE, ConfigError
from flexrl.config.trackers import require_usable
from launch.attempt.trial_folder import folder_of, progress_of_all
from launch.exits import EXIT_FAILED, leave
from launch.local import runner
from launch.local.runner import Runner, StorageFull, submitter, submitting
from launch.plan.halving import has_arrived, next_rung
from launch.plan.states import Progress
from launch.plan.sweep_file import Sweep
from launch.plan.trials import Trial
from launch.show.tables import print_plan


class Local:
    """Trials as processes of this machine; their folders say how far they are."""

    def __init__(self, options: Namespace, sweep: Sweep, trials: list[Trial]) -> None:
        """Nothing is looked at yet."""
        self._sweep, self._trials = sweep, trials
        self._folder = options.workspace / sweep.name
        self._progress: dict[str, Progress] = {}
        self._submitter: int | None = None

    def look(self, *, record: bool = False) -> None:
        """Read the folders."""
        self._submitter = submitter(self._folder)
        self._progress = progress_of_all(self._folder, self._trials)

    def progress(self, trial: Trial) -> Progress:
        """How far a trial is."""
        return self._progress[trial.key]

    def figures(self, trial: Trial) -> tuple[int, float | None, str]:
        """Control steps and newest return, from the trial's folder."""
        return *folder_of(trial).steps_and_return(), ""

    def who(self) -> str:
        """The process that submits."""
        return "nobody submits" if self._submitter is None else f"process {self._submitter} submits"

    def remarks(self) -> list[str]:
        """Nothing: all results are here."""
        return []

    def objects(self, pack: int) -> str | None:
        """None: trials are processes."""
        return None

    def submit(self, options: Namespace) -> None:
        """Run trials until all are done or failed, or it is asked to stop."""
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
                while (rung := self._run_to_next_rung(parallel, options.pack)) is not None:
                    print(f"{sweep.name}: all are past evaluation {rung}; the best go on")
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

    def _run_to_next_rung(self, parallel: int, pack: int) -> int | None:
        """Run what there is before the next rung of the halving; that rung, none where trials went to their end.

        Raises:
          SystemExit: when asked to stop.
        """
        sweep, trials = self._sweep, self._trials
        progress = [folder_of(trial).progress() for trial in trials]
        rung, left = next_rung(sweep.halving, progress)
        todo = [trials[i] for i in sorted(left) if not has_arrived(progress[i], rung)]
        counts = Counter(each.state for each in progress)
        skipped = ", ".join(f"{counts[state]} {state}" for state in ("done", "failed") if counts[state])
        until = f", until evaluation {rung}" if rung else ""
        print(f"{sweep.name}: {len(todo)} of {len(trials)} trials to run{until}" + (f" ({skipped})" if skipped else ""))
        if not Runner(sweep, todo, parallel, pack, rung).run():
            leave("stopped: asked to; submit again to go on", EXIT_PREEMPTED)
        return rung

    def advance(self) -> bool:
        """Look again; there is more to watch while a process submits and not all trials have ended."""
        self.look()
        ended = sum(each.state in ("done", "failed") for each in self._progress.values())
        return self._submitter is not None and ended < len(self._trials)

    def cancel(self, *, dry_run: bool) -> list[Trial]:
        """Ask the trials that run to save and stop, and wait for that."""
        if dry_run:
            return [trial for trial in self._trials if folder_of(trial).is_running()]
        return runner.cancel(self._folder, self._trials)

    def log(self, trial: Trial, *, follow: bool) -> str:
        """The text of `log.txt` in the trial's folder."""
        log = folder_of(trial).log
        if not log.exists():
            if follow:
                return ""
            raise ConfigError(f"trial: {trial.number} has printed nothing yet ({log}); --follow waits for it")
        return log.read_text(encoding="utf-8", errors="replace")

    def runs_on(self, trial: Trial) -> bool:
        """Whether the trial runs, or waits to."""
        return folder_of(trial).progress().state in ("waiting", "running")
