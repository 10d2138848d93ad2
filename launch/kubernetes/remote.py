"""A sweep's Jobs and pods on a Kubernetes cluster: looks at them, sends trials, and stops them.

The ends and results of trials are written to their folders on this machine, as if they had run here.
"""

import dataclasses
import time
from argparse import Namespace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flexrl.common.errors import ConfigError
from flexrl.common.files import write_json
from flexrl.storage.bucket import BucketDown
from launch.attempt import pod_report
from launch.attempt.training_process import STOP_SECONDS
from launch.attempt.trial_folder import folder_of, progress_of_all
from launch.kubernetes import manifests, observation
from launch.kubernetes.client import Cluster, Object, Unreadable
from launch.kubernetes.objects import selector
from launch.kubernetes.observation import Standing
from launch.plan.halving import has_arrived, rung_of_sweep
from launch.plan.states import Progress
from launch.plan.sweep_file import Sweep
from launch.plan.trials import MAX_TRIALS, Trial

POLL_SECONDS = 0.5
GOOD_ENDS = ("done", "paused")  # states of trials whose pods succeeded; such pods are listed only if needed
MANY = 500  # most new results for which a plain look lists the pods that succeeded
LOGS, LOG_LINES = 30, 40  # a look reads the logs of so many running trials, and so many last lines of each
UNREADABLE_SECONDS = 10.0  # that one look may spend waiting for unreadable logs
WORTH_A_SLOT = timedelta(seconds=5)  # shortest wait of a failed trial for which another trial may use its slot
LEFTOVER_AGE = timedelta(minutes=10)  # age at which an object without an owner is removed: its submit was interrupted
HOME_SECONDS = 600  # how long a finished Job of one trial stays once its result is here: a quota counts Jobs
ON_VOLUME = "its result is on the volume only; submit brings it here"


class Remote:
    """The Jobs and pods of one sweep on a cluster, as the last look found them, and the requests that change them."""

    def __init__(self, options: Namespace, sweep: Sweep, trials: list[Trial]) -> None:
        """Read the kubeconfig. Sends no request.

        Raises:
          ConfigError: if the sweep has no `cluster` section, or there is no usable kubeconfig.
        """
        if sweep.cluster is None:
            raise ConfigError(manifests.NO_CLUSTER)
        if options.namespace:
            sweep = dataclasses.replace(sweep, cluster=dataclasses.replace(sweep.cluster, namespace=options.namespace))
        assert sweep.cluster is not None
        self.sweep, self.trials = sweep, trials
        self._folder: Path = options.workspace / sweep.name
        self._cluster = Cluster(sweep.cluster.namespace, options.context)
        self._selector = selector(sweep)
        self.jobs: list[Object] = []
        self.standings: dict[str, Standing] = {}
        self.bucket_problem = ""  # why the bucket could not be read, in a line
        self.notes: dict[str, str] = {}  # by key: why something about a trial could not be found out
        self._records: dict[str, Progress] = {}
        self._logs_left, self._patience = LOGS, UNREADABLE_SECONDS

    def look(self, most: int | None = MANY) -> None:
        """Ask the cluster for each trial's state, its Job and its pods.

        There may be very many pods that succeeded. They are listed only if trials are done or paused on the cluster
        and this machine has not recorded that yet.

        Args:
          most: if more trials than this are not recorded yet, do not list the pods that succeeded, to save time; None
            to list them always, if there is a Job.
        """
        self._logs_left, self._patience, self.notes = LOGS, UNREADABLE_SECONDS, {}
        self.jobs = self._cluster.jobs(self._selector)
        self._records = progress_of_all(self._folder, self.trials)
        pods = self._cluster.pods(self._selector, succeeded=False) if self.jobs else []
        self._observe(pods)
        ended = [(key, each.progress) for key, each in self.standings.items() if each.progress.state in GOOD_ENDS]
        unknown = sum(self._records[key] != progress for key, progress in ended)
        if self.jobs and (most is None or 0 < unknown <= most):
            self._observe(pods + self._cluster.pods(self._selector, succeeded=True))

    def _observe(self, pods: list[Object]) -> None:
        self.standings = observation.observe(self._records, self.jobs, pods, self.sweep.retries, datetime.now(UTC))

    def record(self) -> None:
        """Ask the cluster how the trials stand, and write ends and results to the trials' folders on this machine."""
        self.look(most=MAX_TRIALS)
        self._look_in_bucket()
        logs: dict[str, dict[str, Object]] = {}  # results in the logs that were read, by pod
        for trial in self.trials:
            if self.progress(trial) != self._records[trial.key]:
                _record(trial, self._with_result(self.standings[trial.key], trial, logs))
        if self.sweep.resources.hosts > 1:
            self._let_go_of_what_is_home()

    def _look_in_bucket(self) -> None:
        """Read the results of trials from the bucket, if the cluster no longer knows them and they are not here.

        A bucket that this machine cannot read is no reason to stop: a pod that is sent again finds the result there.
        """
        assert self.sweep.cluster is not None
        if (address := self.sweep.cluster.workspace) is None:
            return
        from launch.kubernetes.bucket_results import reports_in_bucket  # imported late: needs Google's library

        unknown = [trial for trial in self.trials if self._is_unknown(trial)]
        try:
            found = reports_in_bucket(address, unknown) if unknown else {}
        except (ConfigError, BucketDown) as error:
            self.bucket_problem = str(error)
            return
        for key, report in found.items():
            standing = dataclasses.replace(self.standings[key], progress=report.progress, report=report, held=False)
            self.standings[key] = standing

    def _is_unknown(self, trial: Trial) -> bool:
        """Return whether only a bucket can tell a trial's result: no Job works on it, and its result is not here."""
        standing = self.standings[trial.key]
        over = self.is_on_volume_only(trial) if standing.job else standing.progress.state != "failed"
        return over and self._records[trial.key].state != "done"

    def _let_go_of_what_is_home(self) -> None:
        """Have the cluster remove finished Jobs after `HOME_SECONDS`, if their results are on this machine.

        Used when several hosts train each trial: every trial then has a Job of its own, and finished Jobs would use up
        the namespace's quota of Jobs.
        """
        have_results = {trial.key for trial in self.trials if folder_of(trial).result()}
        for job in self.jobs:
            stays = job["spec"].get("ttlSecondsAfterFinished", HOME_SECONDS) > HOME_SECONDS
            if stays and not observation.unfinished(job) and set(observation.keys_by_index(job)) <= have_results:
                self._cluster.set_keep_seconds(job, HOME_SECONDS)

    def _with_result(self, standing: Standing, trial: Trial, logs: dict[str, dict[str, Object]]) -> Standing:
        """Return what is known about a trial, with its result from a pod's log if that is still missing.

        A termination message, in which a pod reports, may have no room for the result of a trial that is done.

        Args:
          standing: what is known about the trial.
          trial: the trial.
          logs: results by trial key, for each pod whose log was read before; those of logs read now are added.
        """
        report = standing.report
        if not _is_done(standing) or not report or report.result or folder_of(trial).result():
            return standing
        for pod in reversed(standing.pods):
            if pod not in logs:
                logs[pod] = pod_report.results(self._log(pod, manifests.MAX_PACK, trial))
            if trial.key in logs[pod]:
                return dataclasses.replace(standing, report=dataclasses.replace(report, result=logs[pod][trial.key]))
        return standing

    def progress(self, trial: Trial) -> Progress:
        """Return the state and history of a trial, as the last call of `look` found them."""
        return self.standings[trial.key].progress

    def _log(self, pod: str, lines: int, trial: Trial) -> str:
        """Return the last lines of a pod's log. If it cannot be read, return '' and leave a note on the trial."""
        if self._patience <= 0:
            self.notes[trial.key] = "its log was not asked for: others could not be read"
            return ""
        started = time.monotonic()
        try:
            return self._cluster.log(pod, lines)
        except Unreadable as error:
            self._patience -= time.monotonic() - started
            self.notes[trial.key] = str(error)
            return ""

    def figures(self, trial: Trial) -> tuple[int, float | None, str]:
        """Return a trial's control steps, its newest mean return, and a note on what could not be found out.

        For a running trial they are read from its pod's log; after each `look` for at most `LOGS` trials.
        """
        standing = self.standings[trial.key]
        if standing.progress.state == "running" and standing.pods and self._logs_left > 0:
            self._logs_left -= 1
            found = pod_report.last_line(self._log(standing.pods[-1], LOG_LINES, trial), trial.key)
            if found[0]:
                return *found, ""
        note = self.notes.get(trial.key, "")
        if standing.report:
            return standing.report.steps, standing.report.mean_return, note
        if not _is_done(standing):
            return 0, None, note
        result = folder_of(trial).result()
        return (result["steps"], result["return_mean"], note) if result else (0, None, ON_VOLUME)

    def who(self) -> str:
        """Say which Jobs still have trials to run, and what keeps them from starting pods."""
        names = [job["metadata"]["name"] for job in self.jobs if observation.unfinished(job)]
        if not names:
            return "no Job goes on"
        short = {each.job for each in self.standings.values() if each.held and each.progress.state == "waiting"}
        warnings = self._cluster.warnings() if short & set(names) else {}
        told = [f"; {name}: {warnings[name]}" for name in names if name in short and name in warnings]
        return f"Job {', '.join(names)} goes on{''.join(told)}"

    def goes_on(self) -> bool:
        """Return whether a Job still has trials to run."""
        return any(map(observation.unfinished, self.jobs))

    def send(self, dry_run: bool, pack: int) -> tuple[str, list[Trial], int | None]:
        """Create the Jobs, and the objects that these need, of all trials that may run now and that no Job has yet.

        With halving, trials that wait at a rung (a number of evaluations after which trials pause) are not sent again
        before the others have come as far. A trial that is done is sent if only the cluster's volume has its result.

        Args:
          dry_run: let the cluster check the objects, but create nothing.
          pack: most trials in one pod.

        Returns:
          Names of the Jobs, the trials that were sent, and the rung, the number of evaluations after which they pause
          (None if they run to their end).
        """
        progress = [self.progress(trial) for trial in self.trials]
        rung, left = rung_of_sweep(self.sweep, progress)
        left = {i for i in left if not has_arrived(progress[i], rung)}
        left |= {i for i, trial in enumerate(self.trials) if self.is_on_volume_only(trial)}
        todo = [trial for trial in (self.trials[i] for i in sorted(left)) if not self.standings[trial.key].held]
        todo = todo[: self._room_for_hosts()]
        if not todo:
            return "", [], rung
        cleared = {trial.key: self.progress(trial).attempts for trial in todo if self._was_cleared(trial)}
        objects = manifests.manifests(self.sweep, todo, cleared, self._jobs_before(todo), pack, rung)
        names, waiting = [], []
        for each in objects:  # each Job comes after the objects that it needs
            applied = self._cluster.apply(each, dry_run)
            if each["kind"] != "Job":
                waiting.append(each)
                continue
            names.append(each["metadata"]["name"])
            for owned in waiting if not dry_run else ():
                if manifests.is_used(owned, each):
                    self._cluster.own(owned, applied)
        return ", ".join(names), todo, rung

    @property
    def takes_turns(self) -> bool:
        """Whether trials are sent a few at a time, since each needs several pods and no queue starts these together."""
        return self.sweep.resources.hosts > 1 and not (self.sweep.cluster and self.sweep.cluster.queue)

    def _room_for_hosts(self) -> int | None:
        """Return how many more trials may be sent now; None if there is no limit.

        With more trials of several hosts than fit, the pods of two trials could wait for each other's machines forever.
        """
        if not self.takes_turns:
            return None
        return max(0, self.sweep.parallelism - sum(map(observation.unfinished, self.jobs)))

    def is_on_volume_only(self, trial: Trial) -> bool:
        """Return whether a trial is done, but its result is only on the cluster's volume: its pod is gone.

        A new pod of the trial finds the result there, and reports it.
        """
        standing = self.standings[trial.key]
        known = folder_of(trial).result() or (standing.report and standing.report.result)
        return _is_done(standing) and not known

    def open_slots(self) -> int:
        """Let other trials of a Job run while failed ones wait for their next attempt; return how many more may run.

        A failed trial counts towards the Job's parallelism while it waits. So the parallelism is raised by the number
        of such trials, to at most twice the planned value, and lowered again later.

        Jobs in a queue stay as they are, since the queue would restart a Job that was changed. So do Jobs whose trials
        need several hosts.
        """
        opened = 0
        if self.sweep.cluster and self.sweep.cluster.queue or self.sweep.resources.hosts > 1:
            return opened
        soon = datetime.now(UTC) + WORTH_A_SLOT
        for job in self.jobs:
            if not observation.unfinished(job) or observation.is_leaving(job):
                continue
            mine = [each for each in self.standings.values() if each.job == job["metadata"]["name"]]
            waiting = sum(each.waits_until is not None and each.waits_until > soon for each in mine)
            limit = min(self.sweep.parallelism, job["spec"]["completions"])
            wanted = max(min(limit + waiting, 2 * limit), job.get("status", {}).get("active", 0))
            if wanted != job["spec"]["parallelism"]:
                self._cluster.set_parallelism(job, wanted)
                opened += max(0, wanted - job["spec"]["parallelism"])
        return opened

    def tidy(self) -> None:
        """Make Jobs own the ConfigMaps and Services that an interrupted submit left without an owner.

        Remove those that no Job uses, once they are older than `LEFTOVER_AGE`.
        """
        before = datetime.now(UTC) - LEFTOVER_AGE
        for each in self._cluster.owned(self._selector):
            if each["metadata"].get("ownerReferences"):
                continue
            if users := [job for job in self.jobs if manifests.is_used(each, job)]:
                self._cluster.own(each, users[-1])
            elif observation.created(each) < before:
                self._cluster.remove(each)

    def _was_cleared(self, trial: Trial) -> bool:
        progress = self.progress(trial)
        return progress.state == "waiting" and progress.attempts > 0

    def _jobs_before(self, trials: list[Trial]) -> str:
        return " ".join(sorted({self.standings[trial.key].job or "" for trial in trials} - {""}))

    def log(self, trial: Trial) -> str:
        """Return the logs of a trial's pods, oldest first, as one text.

        Raises:
          ConfigError: if the cluster has no pod of the trial that was started.
          Unreadable: if the log of one of the pods cannot be read now.
        """
        standing = self.standings[trial.key]
        if not standing.pods:
            reason = standing.progress.reason or standing.progress.state
            raise ConfigError(f"trial: {trial.number} has printed nothing that the cluster still has ({reason})")
        return "".join(map(self._cluster.log, standing.pods))

    def running(self) -> list[Trial]:
        """Return the trials that run now."""
        return [trial for trial in self.trials if self.progress(trial).state == "running"]

    def cancel(self) -> str:
        """Delete the unfinished Jobs, and wait until their pods have saved and ended.

        Returns:
          A line about pods on nodes that do not answer, else an empty text.

        Raises:
          TimeoutError: if the pods do not end.
        """
        ran = self.running()
        leaving = {job["metadata"]["uid"]: job for job in self.jobs if observation.unfinished(job)}
        for job in leaving.values():
            self._cluster.delete(job)
        silent = self._wait_for_end(leaving)
        for trial in ran:
            _write(trial, dataclasses.replace(self.progress(trial), state="stopped", reason="cancelled"))
        self.tidy()
        return silent

    def _wait_for_end(self, leaving: dict[str, Object]) -> str:
        """Wait until the Jobs are gone, or only pods on silent nodes are left; return a line about these, or ''."""
        names = ", ".join(job["metadata"]["name"] for job in leaving.values())
        deadline = time.monotonic() + 2 * STOP_SECONDS
        while left := leaving.keys() & {job["metadata"]["uid"] for job in self._cluster.jobs(self._selector)}:
            pods = self._cluster.pods(self._selector, succeeded=False)
            theirs = [pod for pod in pods if {each["uid"] for each in pod["metadata"]["ownerReferences"]} & left]
            now = datetime.now(UTC)
            if theirs and all(observation.unanswered(pod, now) for pod in theirs):
                found = ", ".join(f"{pod['metadata']['name']} on {observation.node_of(pod)}" for pod in theirs)
                return (
                    f"Job {names}: its last pods are on nodes that do not answer ({found}); they go when the node is "
                    "back or removed. If it is gone for good: kubectl delete pod NAME --force"
                )
            if time.monotonic() > deadline:
                raise TimeoutError(f"Job {names}: goes on, {2 * STOP_SECONDS:.0f} s after it was asked to stop")
            time.sleep(POLL_SECONDS)
        return ""


def _is_done(standing: Standing) -> bool:
    return standing.progress.state == "done"


def _record(trial: Trial, standing: Standing) -> None:
    """Write to a trial's folder on this machine how the trial ended, and its result if a pod reported it.

    Writes nothing about a trial that goes on, and does not write that a trial is done while its result is missing.
    """
    folder, report = folder_of(trial), standing.report
    if _is_done(standing) and report and report.result and folder.result() is None:
        folder.prepare(trial)
        write_json(trial.folder / "result.json", report.result)
    if standing.progress.state in ("failed", "paused") or (_is_done(standing) and folder.result() is not None):
        _write(trial, standing.progress)


def _write(trial: Trial, progress: Progress) -> None:
    """Write a trial's progress, unless it is known already or a pod works in this very folder (on a shared volume)."""
    folder = folder_of(trial)
    if not folder.is_running() and folder.recorded() != progress:
        folder.prepare(trial)
        folder.write(progress)
