"""Derives the progress of each trial (`launch.plan.states`) from a cluster's Jobs and pods. Pure functions."""

import dataclasses
import signal
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from flexrl.common.types import JsonObject
from launch.attempt import pod_report
from launch.attempt.pod_report import PodReport
from launch.kubernetes.manifests import KEYS, RUNG
from launch.plan import states
from launch.plan.states import Ended, Progress

Object = JsonObject

INDEX = "batch.kubernetes.io/job-completion-index"  # annotation of a pod: its index
JOB = "batch.kubernetes.io/job-name"  # label of a pod: its Job's name
FAILURES_BEFORE = ("batch.kubernetes.io/job-index-failure-count", "batch.kubernetes.io/job-index-ignored-failure-count")
FIRST_BACKOFF, LONGEST_BACKOFF = timedelta(seconds=10), timedelta(minutes=10)  # waits of the Job controller
LATE = timedelta(seconds=10)  # how long after its deadline a deleted pod may stay before its node counts as silent


@dataclass(frozen=True)
class Standing:
    """What the cluster and this machine know about a trial.

    Attributes:
      progress: how far the trial has come.
      report: report of the last of its pods that wrote one.
      job: name of the newest Job that has the trial; None if there is none.
      held: whether that Job still runs or will run the trial; if not, `submit` may send it again.
      pods: names of its pods that were started, oldest first.
      waits_until: when the Job creates the trial's next pod, if the last one failed; else None. Until then the trial
        counts towards the Job's parallelism.
    """

    progress: Progress
    report: PodReport | None = None
    job: str | None = None
    held: bool = False
    pods: tuple[str, ...] = ()
    waits_until: datetime | None = None


def observe(
    records: Mapping[str, Progress],
    jobs: Iterable[Object],
    pods: Iterable[Object],
    retries: int,
    now: datetime,
) -> dict[str, Standing]:
    """Return by key what the cluster and this machine together know about each trial.

    Args:
      records: progress recorded on this machine, by key.
      jobs: the sweep's Jobs.
      pods: the sweep's pods.
      retries: how often a trial that crashed is tried again.
      now: the current time, with time zone.
    """
    at = _by_place(pods)
    found: dict[str, Standing] = {}
    for job in sorted(jobs, key=lambda job: (job["metadata"]["creationTimestamp"], job["metadata"]["name"])):
        view = _JobView(job, retries, now)
        for index, pack in enumerate(keys_by_index(job)):
            for key in pack.split(","):
                if key in records:
                    before = found.get(key, Standing(Progress()))
                    found[key] = view.standing(before, index, at[view.name, index], key)
    return {key: _with_record(record, found.get(key)) for key, record in records.items()}


def keys_by_index(job: Object) -> list[str]:
    """Return for each index of a Job the keys of the trials that its pod trains, in one text separated by commas."""
    return job["metadata"].get("annotations", {}).get(KEYS, "").split()


def largest_pack(jobs: list[Object]) -> int:
    """Return the largest number of trials that a pod of these Jobs trains, at least 1."""
    return max((len(keys.split(",")) for job in jobs for keys in keys_by_index(job)), default=1)


def unfinished(job: Object) -> bool:
    """Return whether a Job still has trials to run."""
    return _condition(job, "Complete") is None and _condition(job, "Failed") is None


def is_leaving(thing: Object) -> bool:
    """Return whether a Job or pod is being deleted."""
    return "deletionTimestamp" in thing["metadata"]


def created(thing: Object) -> datetime:
    """Return when an object was created."""
    return _time(thing["metadata"]["creationTimestamp"])


def node_of(pod: Object) -> str:
    """Return the name of the node that a pod was scheduled on; empty before that."""
    return pod.get("spec", {}).get("nodeName", "")


def unanswered(pod: Object, now: datetime) -> bool:
    """Return whether a deleted pod is still there after its deadline, since its node does not answer."""
    return is_leaving(pod) and now > _time(pod["metadata"]["deletionTimestamp"]) + LATE


def _with_record(record: Progress, found: Standing | None) -> Standing:
    """Return what is known about a trial, from what this machine has recorded and what the cluster shows.

    The progress is the record's in three cases: no Job has the trial; the record says that it is done; or the cluster
    shows a failure and the record has at least as many attempts. It then knows this failure, which the user may have
    cleared since. In all other cases the progress is what the cluster shows, with the record's mean returns at pauses
    added.

    Args:
      record: the trial's progress as recorded on this machine.
      found: what the cluster shows; None if no Job has the trial.
    """
    if found is None or record.state == "done":
        return dataclasses.replace(found or Standing(record), progress=record, held=False)
    if record.rungs:
        rungs = record.rungs | found.progress.rungs
        found = dataclasses.replace(found, progress=dataclasses.replace(found.progress, rungs=rungs))
    if found.progress.state == "failed" and record.attempts >= max(1, found.progress.attempts):
        return dataclasses.replace(found, progress=record)
    return found


def _by_place(pods: Iterable[Object]) -> defaultdict[tuple[str, int], list[Object]]:
    places: defaultdict[tuple[str, int], list[Object]] = defaultdict(list)
    for pod in pods:
        metadata = pod["metadata"]
        places[metadata["labels"].get(JOB, ""), int(metadata.get("annotations", {}).get(INDEX, -1))].append(pod)
    for several in places.values():
        several.sort(key=lambda pod: (pod["metadata"]["creationTimestamp"], int(pod["metadata"]["resourceVersion"])))
    return places


class _JobView:
    """Tells how the trials of one Job stand. The Job's status is parsed once for all its indexes.

    Holds the Job's name, which indexes completed or failed, whether it still has trials to run, and why it waits.
    """

    def __init__(self, job: Object, retries: int, now: datetime) -> None:
        status = job.get("status", {})
        self._now = now
        self.name: str = job["metadata"]["name"]
        self._retries = retries
        self._pauses = RUNG in job["metadata"].get("annotations", {})
        self._done = _indexes(status.get("completedIndexes"))
        self._failed = _indexes(status.get("failedIndexes"))
        self._open = unfinished(job)
        ending = _condition(job, "Failed") or _condition(job, "Complete") or {}
        self._ending = ending.get("message") or ending.get("reason") or "its Job has ended"
        self._waits_for = "the Job is suspended; its queue decides when it begins" if job["spec"].get("suspend") else ""
        self._waits_for = "its Job is being removed" if is_leaving(job) else self._waits_for

    def standing(self, before: Standing, index: int, pods: list[Object], key: str) -> Standing:
        """Return what is known about a trial, once what this Job and its pods tell is added.

        Args:
          before: what is known about the trial from earlier Jobs of the sweep.
          index: index of the trial in this Job.
          pods: pods of this index, oldest first.
          key: the trial's key.
        """
        progress, report = before.progress, before.report
        if progress.state == "failed":  # an earlier Job failed it, and it was sent again
            progress = states.cleared(progress)
        for pod in pods:
            progress, told = _after_pod(progress, pod, key, self._retries, self._now)
            report = told or report
        begun = (pod["metadata"]["name"] for pod in pods if pod.get("status", {}).get("phase") != "Pending")
        names = (*before.pods, *begun)
        held = self._open
        waits_until = None
        if index in self._done:
            progress, held = self._completed(progress, report), False
        elif index in self._failed:
            if progress.state not in ("done", "failed"):  # other trials of the pack may have ended well
                attempts, reason = max(1, progress.attempts), progress.reason or "its pods are gone"
                progress = dataclasses.replace(progress, state="failed", attempts=attempts, reason=reason)
            held = False
        elif not self._open and progress.state not in ("done", "failed"):
            progress = dataclasses.replace(progress, state="stopped", reason=progress.reason or self._ending)
        elif self._waits_for and progress.state != "running":
            progress = dataclasses.replace(progress, reason=self._waits_for)
        elif self._open and pods and pods[-1].get("status", {}).get("phase") == "Failed":
            waits_until = _next_attempt(pods[-1])
            if progress.state in ("waiting", "stopped"):
                progress = self._tried_again(progress, waits_until)
        return Standing(progress, report, self.name, held, names, waits_until)

    def _tried_again(self, progress: Progress, at: datetime) -> Progress:
        """Return the progress of a trial whose pod failed, as waiting for the Job's next pod.

        Args:
          progress: progress after the failed pod.
          at: when the Job creates the next pod.
        """
        seconds = max(0.0, (at - self._now).total_seconds())
        why = f"waits to be tried again, {seconds:.0f} s"
        return dataclasses.replace(progress, state="waiting", reason=f"{why} ({progress.reason})")

    def _completed(self, progress: Progress, report: PodReport | None) -> Progress:
        """Return the progress of a trial whose index of the Job succeeded: done or paused.

        It is paused if the Job pauses its trials after some evaluations and no report says that the trial is done.

        Args:
          progress: progress as far as the pods that were listed tell it. Pods that succeeded are not always listed.
          report: the trial's report; None if no pod that was listed wrote one.
        """
        progress = dataclasses.replace(progress, attempts=max(1, progress.attempts))
        if self._pauses and not (report and report.progress.state == "done"):
            return dataclasses.replace(progress, state="paused")
        return states.found_result(progress)


def _after_pod(
    progress: Progress, pod: Object, key: str, retries: int, now: datetime
) -> tuple[Progress, PodReport | None]:
    """Return a trial's progress with what one pod tells about the trial, and the pod's report if it wrote one.

    Args:
      progress: progress before this pod.
      pod: a pod that trains the trial.
      key: the trial's key.
      retries: how often a trial that crashed is tried again.
      now: the current time, with time zone.
    """
    status = pod.get("status", {})
    phase = status.get("phase")
    if phase == "Running":
        return dataclasses.replace(_begun(progress), reason=_why_leaving(pod, now)), None
    if phase not in ("Succeeded", "Failed"):
        return dataclasses.replace(progress, state="waiting", reason=_why_pending(status)), None
    end = _terminated(status)
    if report := pod_report.decode(end.get("message"), key):
        return report.progress, report
    begun = _begun(progress)
    if phase == "Succeeded":
        return states.found_result(begun), None
    if taken := _condition(pod, "DisruptionTarget"):
        return states.lost(begun, f"its pod was taken away: {taken.get('message') or taken.get('reason')}"), None
    if status.get("reason") or "exitCode" not in end:  # such as Evicted
        return states.lost(begun, f"{status.get('reason', 'lost')}: {status.get('message', 'its pod is gone')}"), None
    line = (end.get("message") or "").strip().rpartition("\n")[2]
    if end.get("reason") == "OOMKilled":
        line = "out of memory; raise resources.memory"
    return states.ended(begun, Ended(_code(end["exitCode"]), False, False, 0.0, line), retries), None


def _begun(progress: Progress) -> Progress:
    return states.begun(progress if progress.state == "stopped" else dataclasses.replace(progress, state="waiting"))


def _why_leaving(pod: Object, now: datetime) -> str:
    if unanswered(pod, now):
        return f"was asked to stop, and its node {node_of(pod)} does not answer"
    return "is asked to save and stop" if is_leaving(pod) else ""


def _why_pending(status: Object) -> str:
    for container in status.get("containerStatuses", []):
        if waiting := container.get("state", {}).get("waiting"):
            return ": ".join(filter(None, (waiting.get("reason"), waiting.get("message"))))
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return ": ".join(filter(None, (condition.get("reason"), condition.get("message"))))
    return "its pod is about to begin"


def _terminated(status: Object) -> Object:
    for container in status.get("containerStatuses", []):
        if end := container.get("state", {}).get("terminated"):
            return end
    return {}


def _code(exit_code: int) -> int:
    """Return an exit code in Python's convention: negative is the signal that killed the process."""
    return 128 - exit_code if exit_code - 128 in signal.valid_signals() else exit_code


def _next_attempt(pod: Object) -> datetime:
    """Return when the Job controller creates the next pod after a failed one. The wait doubles with each failure.

    Failures that `podFailurePolicy` ignores count for the wait, too.
    Source: kubernetes/pkg/controller/job/backoff_utils.go.
    """
    annotations = pod["metadata"].get("annotations", {})
    before = sum(int(annotations.get(name, 0)) for name in FAILURES_BEFORE)
    return _ended_at(pod) + min(LONGEST_BACKOFF, FIRST_BACKOFF * 2**before)


def _ended_at(pod: Object) -> datetime:
    status = pod["status"]
    times = [end["finishedAt"] for end in (_terminated(status),) if end.get("finishedAt")]
    times += [each["lastTransitionTime"] for each in status.get("conditions") or () if "lastTransitionTime" in each]
    return _time(max(times, default=pod["metadata"]["creationTimestamp"]))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _condition(thing: Object, kind: str) -> Object | None:
    conditions = thing.get("status", {}).get("conditions") or ()
    return next((each for each in conditions if each["type"] == kind and each["status"] == "True"), None)


def _indexes(text: str | None) -> set[int]:
    """Return the indexes in a text such as `0-2,5`, which means 0, 1, 2 and 5."""
    ranges = (part.split("-") for part in (text or "").split(",") if part)
    return {index for part in ranges for index in range(int(part[0]), int(part[-1]) + 1)}
