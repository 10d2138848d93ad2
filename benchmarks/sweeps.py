"""Measures how long the commands of `launch.sweep` take for a sweep with thousands of trials (trainings).

    python -m benchmarks.sweeps

The cluster is the imitation of the Kubernetes API in `tests/launch/kube/`, served by this process. Its pods run no
program: each reports a result as soon as it has begun. Each command is a process of its own, so its time includes
Python's start and all imports.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from benchmarks.measure import summary
from benchmarks.report import header, save
from flexrl.common.errors import exit_codes
from flexrl.common.tables import print_table
from launch.attempt import pod_report
from launch.kubernetes.observation import INDEX, JOB, keys_by_index
from launch.plan.states import Progress
from tests.launch import sweeps
from tests.launch.kube.controller import Controller
from tests.launch.kube.node import DISRUPTED, Node
from tests.launch.kube.server import KubeServer
from tests.launch.kube.store import Key, Object, now

ASKED = {"plan": 5.0, "status": 2.0}  # s at most, for ten thousand trials
PARALLELISM = 100
POINTS = 200  # of the axes besides the seed
TAKEN_AWAY = 50  # the first pod of every index that this divides is evicted


@dataclass(frozen=True)
class SweepsConfig:
    """What to measure.

    Attributes:
      seeds: seeds of each of the sweep's 200 points (choices of settings); 50 give ten thousand trials (trainings).
      repeats: how often each command is run that leaves the sweep as it is.
      out: JSON file for the results; by default named after the machine, in benchmarks/results.
    """

    seeds: int = 50
    repeats: int = 5
    out: Path | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if a number is below 1."""
        if min(self.seeds, self.repeats) < 1:
            raise ValueError(f"seeds: {self.seeds} and repeats: {self.repeats} must be at least 1")


class ReportingNode(Node):
    """Imitates a Kubernetes node. Its pods run no program: they begin at one step and report a result at the next.

    Attributes:
      holds: whether running pods go on instead of ending at the next step.
    """

    holds = False

    def step(self) -> None:
        """Begin the pods that wait, and end those that run. If the attribute `holds` is true, running pods go on."""
        pods = [(key, pod) for key, pod in self._store.objects.items() if key[0] == "pods"]
        for key, pod in pods:
            if pod["status"]["phase"] == "Pending":
                self._begin(key, pod)
            elif pod["status"]["phase"] == "Running" and not self.holds:
                self._end(key, pod)

    def _begin(self, key: Key, pod: Object) -> None:
        number, trial = self._trial(key, pod)
        log = self._server.logs[key[2]] = self._folder / key[2]
        log.write_text(pod_report.line(number, trial, 480, 2.5) + "\n")
        self._store.update(key, phase="Running", startTime=now(), conditions=[])

    def _end(self, key: Key, pod: Object) -> None:
        number, trial = self._trial(key, pod)
        if number % TAKEN_AWAY == 0 and key[2] in self._first_of(pod):
            return self._store.update(key, phase="Failed", conditions=[DISRUPTED], containerStatuses=[_ended(1, "")])
        result = {"config_hash": trial, "return_mean": float(number), "steps": 960}
        report = pod_report.PodReport(trial, Progress("done", attempts=1, seconds=60.0), 960, float(number), result)
        self._store.update(key, phase="Succeeded", containerStatuses=[_ended(0, pod_report.encode([report]))])

    def _trial(self, key: Key, pod: Object) -> tuple[int, str]:
        """Return the number, counted from 1, and the key of the trial (one training of the sweep) that a pod runs."""
        metadata = pod["metadata"]
        job, index = self._store.objects["jobs", key[1], metadata["labels"][JOB]], int(metadata["annotations"][INDEX])
        return index + 1, keys_by_index(job)[index]

    def _first_of(self, pod: Object) -> set[str]:
        """Return a set with the pod's name if no earlier pod had the same index in its Job, else an empty set."""
        annotations = pod["metadata"]["annotations"]
        before = int(annotations["batch.kubernetes.io/job-index-ignored-failure-count"])
        return set() if before else {pod["metadata"]["name"]}


def _ended(code: int, message: str) -> Object:
    return {"name": "trial", "state": {"terminated": {"exitCode": code, "message": message, "finishedAt": now()}}}


class Commands:
    """Runs commands of `launch.sweep`, such as `plan` and `submit`, on one sweep, and times them.

    Attributes:
      num_trials: number of trials (trainings) of the sweep.
    """

    def __init__(self, folder: Path, server: KubeServer, seeds: int) -> None:
        """Write a sweep's file, with `seeds` seeds of each point, for the imitated cluster. Runs nothing."""
        axes = {"algorithm.learning_rate": [i * 1e-5 for i in range(1, 1 + POINTS // 2)], "num_envs": [8, 16]}
        cluster = {"image": "registry.example/flexrl@sha256:0", "volume_claim": "workspace"}
        sweep = sweeps.write(folder, grid=axes, seeds=seeds, cluster=cluster, parallelism=PARALLELISM)
        self._place = [str(sweep), "--workspace", str(folder / "workspace"), "--backend", "kubernetes"]
        self._cache = folder / "cache"
        self._environment = {
            **os.environ,
            "KUBECONFIG": str(server.kubeconfig(folder / "kubeconfig")),
            "XDG_CACHE_HOME": str(self._cache),
        }
        self.num_trials = POINTS * seeds

    def forget_plans(self) -> None:
        """Delete the plans that `launch.sweep` has cached, so that the next command plans anew."""
        shutil.rmtree(self._cache, ignore_errors=True)

    def run(self, name: str, says: str) -> tuple[float, float]:
        """Run a command; return its seconds by the clock and its seconds of processor time.

        Args:
          name: the command of `launch.sweep`.
          says: text that the command must print.

        Raises:
          RuntimeError: if it fails or does not print the text.
        """
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        ran = subprocess.run(
            [sys.executable, "-m", "launch.sweep", name, *self._place],
            env=self._environment,
            capture_output=True,
            text=True,
        )
        seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        if ran.returncode or says not in ran.stdout:
            raise RuntimeError(f"{name} ended with {ran.returncode} and did not print {says!r}: {ran.stderr[-500:]}")
        return seconds, sum(getattr(after, name) - getattr(before, name) for name in ("ru_utime", "ru_stime"))


def main(config: SweepsConfig) -> None:
    """Measure each command of `launch.sweep` at several stages of a sweep; print and write how long it takes."""
    report = header(config)
    with tempfile.TemporaryDirectory() as name, KubeServer().serving() as server:
        folder = Path(name)
        commands = Commands(folder, server, config.seeds)
        report |= {"num_trials": commands.num_trials, "parallelism": PARALLELISM}
        report["results"] = measured(config, commands, server, ReportingNode(server, folder / "node"))
    report["load_average_after"] = os.getloadavg()
    columns = ["command", "the sweep", "s, median", "least", "most", "of processor time", "asked for"]
    rows = [
        [
            each["command"],
            each["sweep"],
            *(f"{each['seconds'][key]:.2f}" for key in ("median", "min", "max")),
            f"{each['processor_seconds']['median']:.2f}",
            f"at most {ASKED[each['command']]:g}" if each["command"] in ASKED else "",
        ]
        for each in report["results"]
    ]
    print_table(columns, rows)
    print(f"written: {save(report, 'sweeps', config.out)}")


def measured(config: SweepsConfig, commands: Commands, server: KubeServer, node: ReportingNode) -> list[dict[str, Any]]:
    """Run each command at several stages of one sweep, from planning to the results.

    Returns:
      For each command and stage: `command`, `sweep` (the stage), and summaries of `seconds` and `processor_seconds`.
    """
    results: list[dict[str, Any]] = []
    controller, num = Controller(server, node), commands.num_trials

    def measure(
        command: str, sweep: str, says: str, prepare: Callable[[], None] | None = None, once: bool = False
    ) -> None:
        times: list[tuple[float, float]] = []
        for _ in range(1 if once else config.repeats):
            if prepare:
                prepare()
            times.append(commands.run(command, says))
        seconds, processor = (list(each) for each in zip(*times, strict=True))
        found = {"seconds": summary(seconds), "processor_seconds": summary(processor)}
        results.append({"command": command, "sweep": sweep, **found})
        print(f"{command}, {sweep}: {json.dumps(found)}", file=sys.stderr, flush=True)

    measure("plan", "new, nothing cached", f"{num:,} trials", commands.forget_plans)
    measure("plan", "planned before", f"{num:,} trials")
    measure("submit", "new", f"{num} of {num} trials sent", once=True)
    measure("status", "no pod has begun", f"{num:,} waiting")
    while _num_done(server) < num // 2:
        controller.step()
    node.holds = True
    controller.step()
    controller.step()
    done, running = _num_done(server), min(PARALLELISM, num - _num_done(server))
    measure("status", f"{done:,} trials done, {running} run", f"{done:,} done, {running} running")
    node.holds = False
    while _num_done(server) < num:
        controller.step()
    measure("status", "all done, no result here yet", f"{num:,} done; no Job goes on")
    measure("results", "all done, no result here yet", f"{num} of {num} trials have a result", once=True)
    measure("status", "all results here", f"{num:,} done; no Job goes on")
    return results


def _num_done(server: KubeServer) -> int:
    return sum(pod["status"]["phase"] == "Succeeded" for key, pod in server.store.objects.items() if key[0] == "pods")


if __name__ == "__main__":
    with exit_codes():
        main(tyro.cli(SweepsConfig, description=__doc__))
