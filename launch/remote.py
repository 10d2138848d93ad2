"""A sweep on a Kubernetes cluster: the commands of `launch.sweep`, as `launch.local` is for this machine.

What the cluster says of trials that ended is recorded in their folders here, as if they had run here.
"""

import contextlib
import dataclasses
import time
from argparse import Namespace
from pathlib import Path

from flexrl.errors import ConfigError
from flexrl.files import write_json
from launch import manifests, observation, pod_report
from launch.attempt import STOP_SECONDS
from launch.cluster import Cluster, Object
from launch.halving import has_arrived, next_rung
from launch.observation import Standing
from launch.states import Progress
from launch.sweep_file import Sweep
from launch.trial_folder import folder_of, progress_of_all
from launch.trials import MAX_TRIALS, Trial

POLL_SECONDS = 0.5
GOOD_ENDS = ("done", "paused")  # of pods that a look brings along only where they tell something new
MANY = 500  # results that a look does not bring along
LOGS, LOG_LINES = 30, 40  # running trials whose steps are looked for, in so many last lines


class Remote:
    """One sweep on one cluster."""

    def __init__(self, options: Namespace, sweep: Sweep, trials: list[Trial]) -> None:
        """Nothing is sent yet.

        Raises:
          ConfigError: if the sweep does not say where it runs, or the cluster is not known.
        """
        if sweep.cluster is None:
            raise ConfigError("cluster: is missing; a sweep on Kubernetes needs cluster.image and cluster.volume_claim")
        if options.namespace:
            sweep = dataclasses.replace(sweep, cluster=dataclasses.replace(sweep.cluster, namespace=options.namespace))
        assert sweep.cluster is not None
        self.sweep, self.trials = sweep, trials
        self._folder: Path = options.workspace / sweep.name
        self._cluster = Cluster(sweep.cluster.namespace, options.context)
        self._selector = manifests.selector(sweep)
        self.jobs: list[Object] = []
        self.standings: dict[str, Standing] = {}
        self._records: dict[str, Progress] = {}
        self._logs_left = LOGS

    def look(self, most: int | None = MANY) -> None:
        """Ask the cluster where each trial stands.

        Args:
          most: results not known here yet that may be brought along; `None` looks at every pod, whatever is known.
        """
        self._logs_left = LOGS
        self.jobs = self._cluster.jobs(self._selector)
        self._records = progress_of_all(self._folder, self.trials)
        config_maps = self._cluster.config_maps(self._selector) if self.jobs else []
        pods = self._cluster.pods(self._selector, succeeded=False) if self.jobs else []
        self._observe(config_maps, pods)
        ended = [(key, each.progress) for key, each in self.standings.items() if each.progress.state in GOOD_ENDS]
        unknown = sum(self._records[key] != progress for key, progress in ended)
        if self.jobs and (most is None or 0 < unknown <= most):
            self._observe(config_maps, pods + self._cluster.pods(self._selector, succeeded=True))

    def _observe(self, config_maps: list[Object], pods: list[Object]) -> None:
        retries = self.sweep.retries
        self.standings = observation.observe(self._records, self.jobs, config_maps, pods, retries)

    def record(self) -> None:
        """Look, and write down what ended and is not known here yet."""
        self.look(most=MAX_TRIALS)
        logs: dict[str, dict[str, Object]] = {}  # results in them, by pod
        for trial in self.trials:
            if self.progress(trial) != self._records[trial.key]:
                _record(trial, self._with_result(self.standings[trial.key], trial, logs))

    def _with_result(self, standing: Standing, trial: Trial, logs: dict[str, dict[str, Object]]) -> Standing:
        """With the result that a termination message had no room for, and the pod's log has."""
        report = standing.report
        if not _is_done(standing) or not report or report.result or folder_of(trial).result():
            return standing
        for pod in reversed(standing.pods):
            if pod not in logs:
                logs[pod] = pod_report.results(self._cluster.log(pod, manifests.MAX_PACK))
            if trial.key in logs[pod]:
                return dataclasses.replace(standing, report=dataclasses.replace(report, result=logs[pod][trial.key]))
        return standing

    def progress(self, trial: Trial) -> Progress:
        """How far a trial is."""
        return self.standings[trial.key].progress

    def figures(self, trial: Trial) -> tuple[int, float | None]:
        """Control steps and the newest return; of a few running trials, from the end of their logs."""
        standing = self.standings[trial.key]
        if standing.progress.state == "running" and standing.pods and self._logs_left > 0:
            self._logs_left -= 1
            with contextlib.suppress(ConfigError):  # its pod has just gone
                found = pod_report.last_line(self._cluster.log(standing.pods[-1], LOG_LINES), trial.key)
                if found[0]:
                    return found
        if standing.report:
            return standing.report.steps, standing.report.mean_return
        result = folder_of(trial).result() if standing.progress.state == "done" else None
        return (result["steps"], result["return_mean"]) if result else (0, None)

    def who(self) -> str:
        """Which Jobs go on, and what keeps them from beginning pods."""
        names = [job["metadata"]["name"] for job in self.jobs if observation.unfinished(job)]
        if not names:
            return "no Job goes on"
        waiting = [name for name in names if not self._has_pods(name)]
        warnings = [f"; {name}: {text}" for name in waiting for text in self._cluster.warnings(name)[-1:]]
        return f"Job {', '.join(names)} goes on{''.join(warnings)}"

    def _has_pods(self, job: str) -> bool:
        return any(standing.job == job and standing.progress.state == "running" for standing in self.standings.values())

    def goes_on(self) -> bool:
        """Whether a Job has trials left."""
        return any(map(observation.unfinished, self.jobs))

    def send(self, dry_run: bool, pack: int) -> tuple[str, list[Trial], int | None]:
        """Apply what has something to do before the next rung and no Job yet; its name, trials and rung."""
        progress = [self.progress(trial) for trial in self.trials]
        rung, left = next_rung(self.sweep.halving, progress)
        left = [i for i in sorted(left) if not has_arrived(progress[i], rung)]
        todo = [trial for trial in (self.trials[i] for i in left) if not self.standings[trial.key].held]
        if not todo:
            return "", [], rung
        cleared = {trial.key: self.progress(trial).attempts for trial in todo if self._was_cleared(trial)}
        objects = manifests.manifests(self.sweep, todo, cleared, self._jobs_before(todo), pack, rung)
        names, waiting = [], []
        for each in objects:  # a Job comes after what it needs
            applied = self._cluster.apply(each, dry_run)
            if each["kind"] != "Job":
                waiting.append(each)
                continue
            names.append(each["metadata"]["name"])
            for owned in waiting if not dry_run else ():
                if manifests.is_used(owned, each):
                    self._cluster.own(owned, applied)
        return ", ".join(names), todo, rung

    def _was_cleared(self, trial: Trial) -> bool:
        progress = self.progress(trial)
        return progress.state == "waiting" and progress.attempts > 0

    def _jobs_before(self, trials: list[Trial]) -> str:
        return " ".join(sorted({self.standings[trial.key].job or "" for trial in trials} - {""}))

    def log(self, trial: Trial) -> str:
        """What a trial's pods printed.

        Raises:
          ConfigError: if none did.
        """
        standing = self.standings[trial.key]
        if not standing.pods:
            reason = standing.progress.reason or standing.progress.state
            raise ConfigError(f"trial: {trial.number} has printed nothing that the cluster still has ({reason})")
        return "".join(map(self._cluster.log, standing.pods))

    def running(self) -> list[Trial]:
        """Trials that run now."""
        return [trial for trial in self.trials if self.progress(trial).state == "running"]

    def cancel(self) -> None:
        """Remove the Jobs that go on, and wait until their pods have saved and ended.

        Raises:
          TimeoutError: if they do not end.
        """
        ran = self.running()
        leaving = {job["metadata"]["uid"]: job for job in self.jobs if observation.unfinished(job)}
        for job in leaving.values():
            self._cluster.delete(job)
        deadline = time.monotonic() + 2 * STOP_SECONDS
        while leaving.keys() & {job["metadata"]["uid"] for job in self._cluster.jobs(self._selector)}:
            if time.monotonic() > deadline:
                names = ", ".join(job["metadata"]["name"] for job in leaving.values())
                raise TimeoutError(f"Job {names}: goes on, {2 * STOP_SECONDS:.0f} s after it was asked to stop")
            time.sleep(POLL_SECONDS)
        for trial in ran:
            _write(trial, dataclasses.replace(self.progress(trial), state="stopped", reason="cancelled"))


def _is_done(standing: Standing) -> bool:
    return standing.progress.state == "done"


def _record(trial: Trial, standing: Standing) -> None:
    """Write down an end, with the result where there is one."""
    folder, report = folder_of(trial), standing.report
    if _is_done(standing) and report and report.result and folder.result() is None:
        folder.prepare(trial)
        write_json(trial.folder / "result.json", report.result)
    if standing.progress.state in ("failed", "paused") or (_is_done(standing) and folder.result() is not None):
        _write(trial, standing.progress)


def _write(trial: Trial, progress: Progress) -> None:
    """Record how far a trial came, unless it was known, or its folder is the very one that a pod is working in."""
    folder = folder_of(trial)
    if not folder.is_running() and folder.recorded() != progress:
        folder.prepare(trial)
        folder.write(progress)
