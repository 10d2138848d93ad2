"""An imitation of Kubernetes' Job controller and garbage collector: creates the pods of Jobs, and counts their ends."""

import contextlib
import copy
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tests.launch.kube.node import Node
from tests.launch.kube.server import KubeServer
from tests.launch.kube.store import Key, Object, now

INDEX = "batch.kubernetes.io/job-completion-index"
JOB = "batch.kubernetes.io/job-name"
STEP_SECONDS = 0.02
FAILURES, IGNORED = "batch.kubernetes.io/job-index-failure-count", "batch.kubernetes.io/job-index-ignored-failure-count"
LONGEST_BACKOFF = 600.0


class Controller:
    """Creates pods for each index of each Job until the index is done or failed."""

    def __init__(self, server: KubeServer, node: Node) -> None:
        self._server, self._store, self.node = server, server.store, node
        self._made = 0
        self._counted: set[str] = set()  # uids of pods whose end was counted
        self._failures: defaultdict[tuple[str, int], int] = defaultdict(int)
        self._ignored: defaultdict[tuple[str, int], int] = defaultdict(int)
        self._not_before: defaultdict[tuple[str, int], float] = defaultdict(float)  # when an index gets its next pod
        self.first_backoff = 0.0  # seconds after an index's first failure; a real controller waits ten
        self._endings: dict[str, tuple[str, str, str]] = {}  # of Jobs whose last pods still run, by the Job's uid
        self.quota: str | None = None  # if set, no pod is created, and events give this reason

    @contextlib.contextmanager
    def running(self) -> Iterator["Controller"]:
        """Look after Jobs in a thread until the `with` block ends; then kill all processes."""
        leaving = threading.Event()

        def loop() -> None:
            while not leaving.wait(STEP_SECONDS):
                self.step()

        thread = threading.Thread(target=loop, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            leaving.set()
            thread.join()
            self.node.kill_all()

    def step(self) -> None:
        """Update the node, all Jobs and all pods once."""
        with self._store.changed:
            self.node.step()
            jobs = [(key, thing) for key, thing in self._store.objects.items() if key[0] == "jobs"]
            for key, job in jobs:
                self._job(key, copy.deepcopy(job))
            self._collect({job["metadata"]["uid"] for _, job in jobs})

    def collect_finished_pods(self) -> None:
        """Remove pods that ended, as the garbage collector does soon after their node has gone."""
        with self._store.changed:
            for key, pod in list(self._store.objects.items()):
                if key[0] == "pods" and pod["status"]["phase"] in ("Succeeded", "Failed"):
                    self._store.remove(key)

    def _pods(self, job: Object) -> dict[Key, Object]:
        return {
            key: pod
            for key, pod in self._store.objects.items()
            if key[0] == "pods" and pod["metadata"]["ownerReferences"][0]["uid"] == job["metadata"]["uid"]
        }

    def _collect(self, uids: set[str]) -> None:
        for key, pod in list(self._store.objects.items()):
            if key[0] != "pods":
                continue
            orphan = pod["metadata"]["ownerReferences"][0]["uid"] not in uids
            if orphan or "deletionTimestamp" in pod["metadata"]:
                self._let_go(key, pod)

    def _let_go(self, key: Key, pod: Object) -> None:
        if pod["status"]["phase"] == "Running":
            if "deletionTimestamp" not in pod["metadata"]:
                self._store.put(key, {**pod, "metadata": pod["metadata"] | {"deletionTimestamp": now()}})
            self.node.stop(key[2])
        else:
            self.node.forget(key[2])
            self._store.remove(key)

    def _job(self, key: Key, job: Object) -> None:
        pods = self._pods(job)
        if "deletionTimestamp" in job["metadata"]:
            for name, pod in pods.items():
                self._let_go(name, pod)
            if not pods:
                self._store.remove(key)
            return
        status = copy.deepcopy(job.get("status") or {"completedIndexes": "", "failedIndexes": ""})
        if any(each["type"] in ("Complete", "Failed") for each in status.get("conditions", [])):
            return
        done, failed = _indexes(status["completedIndexes"]), _indexes(status["failedIndexes"])
        self._count(job, pods, done, failed)
        ending = self._endings.get(job["metadata"]["uid"])
        active = {_index(pod): name for name, pod in pods.items() if pod["status"]["phase"] in ("Pending", "Running")}
        spec = job["spec"]
        if len(done) + len(failed) == spec["completions"] and not ending:
            ending = ("Failed", "FailedIndexes", "Job has failed indexes") if failed else ("Complete", "", "")
        for rule in spec.get("successPolicy", {}).get("rules", []):
            if not ending and _indexes(rule["succeededIndexes"]) <= done:
                ending = self._endings[job["metadata"]["uid"]] = ("Complete", "SuccessPolicy", "")
        if not ending and len(failed) > spec["maxFailedIndexes"]:
            ending = self._endings[job["metadata"]["uid"]] = ("Failed", "MaxFailedIndexesExceeded", "")
        if ending or spec.get("suspend"):
            for name in active.values():
                self._let_go(name, pods[name])
        else:
            self._begin(job, set(range(spec["completions"])) - done - failed - active.keys(), len(active))
        status |= {"active": len(active), "completedIndexes": _ranges(done), "failedIndexes": _ranges(failed)}
        suspended = {"type": "Suspended", "status": str(bool(spec.get("suspend"))), "reason": "JobSuspended"}
        status["conditions"] = [suspended] if "suspend" in spec else []
        if ending and not active:
            kind, reason, message = ending
            status["conditions"].append({"type": kind, "status": "True", "reason": reason, "message": message})
        self._store.update(key, **status)

    def _count(self, job: Object, pods: dict[Key, Object], done: set[int], failed: set[int]) -> None:
        """Count the pods that ended since the last call as done or failed indexes."""
        spec = job["spec"]
        for pod in pods.values():
            uid, index = pod["metadata"]["uid"], _index(pod)
            if uid in self._counted or pod["status"]["phase"] not in ("Succeeded", "Failed"):
                continue
            self._counted.add(uid)
            if pod["status"]["phase"] == "Succeeded":
                done.add(index)
                continue
            action = _action(spec["podFailurePolicy"]["rules"], pod["status"])
            place = (job["metadata"]["uid"], index)
            wait = self.first_backoff * 2 ** (self._failures[place] + self._ignored[place])
            self._not_before[place] = time.monotonic() + min(wait, LONGEST_BACKOFF)
            self._failures[place] += action == "Count"
            self._ignored[place] += action == "Ignore"
            if action == "FailIndex" or self._failures[place] > spec["backoffLimitPerIndex"]:
                failed.add(index)
            if action == "FailJob":
                message = f"Container trial for pod {pod['metadata']['name']} failed"
                self._endings[job["metadata"]["uid"]] = ("Failed", "PodFailurePolicy", message)

    def _begin(self, job: Object, indexes: set[int], active: int) -> None:
        if self.quota and indexes:
            key = ("events", job["metadata"]["namespace"], f"{job['metadata']['name']}.quota")
            involved = {"kind": "Job", "name": job["metadata"]["name"]}
            event = {"type": "Warning", "reason": "FailedCreate", "message": self.quota, "involvedObject": involved}
            self._store.put(key, {"metadata": {"name": key[2], "namespace": key[1]}, **event})
            return
        for index in sorted(indexes)[: max(0, job["spec"]["parallelism"] - active)]:
            place = (job["metadata"]["uid"], index)
            if time.monotonic() < self._not_before[place]:
                continue  # no later index gets its turn
            self._made += 1
            name = f"{job['metadata']['name']}-{index}-{self._made:05d}"
            template, owner = job["spec"]["template"], job["metadata"]
            pod = {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "name": name,
                    "namespace": owner["namespace"],
                    "labels": {**template["metadata"]["labels"], JOB: owner["name"]},
                    "annotations": {
                        INDEX: str(index),
                        FAILURES: str(self._failures[place]),
                        IGNORED: str(self._ignored[place]),
                    },
                    "ownerReferences": [{"kind": "Job", "name": owner["name"], "uid": owner["uid"]}],
                },
                "spec": copy.deepcopy(template["spec"]),
                "status": {"phase": "Pending", "conditions": []},
            }
            self._store.put(("pods", owner["namespace"], name), pod)


def _index(pod: Object) -> int:
    return int(pod["metadata"]["annotations"][INDEX])


def _action(rules: list[Object], status: Object) -> str:
    """Return the action of the first rule that matches a failed pod; `Count` if none does."""
    conditions = {each["type"] for each in status.get("conditions", []) if each["status"] == "True"}
    code: Any = status["containerStatuses"][0]["state"]["terminated"]["exitCode"]
    for rule in rules:
        if any(each["type"] in conditions for each in rule.get("onPodConditions", [])):
            return rule["action"]
        if code in rule.get("onExitCodes", {"values": []})["values"]:
            return rule["action"]
    return "Count"


def _indexes(text: str) -> set[int]:
    ranges = [[int(end) for end in part.split("-")] for part in text.split(",") if part]
    return {index for ends in ranges for index in range(ends[0], ends[-1] + 1)}


def _ranges(indexes: set[int]) -> str:
    """Return a set of indexes as text: 0, 1, 2 and 5 give `0-2,5`."""
    runs: list[list[int]] = []
    for index in sorted(indexes):
        if runs and runs[-1][-1] == index - 1:
            runs[-1] = [runs[-1][0], index]
        else:
            runs.append([index])
    return ",".join("-".join(map(str, run)) for run in runs)
