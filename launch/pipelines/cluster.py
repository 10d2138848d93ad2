"""The stages of a pipeline as Jobs on a Kubernetes cluster.

A stage's Job is created once the stages that it needs are done. Which stages are done is read off their Jobs and pods.
If the cluster has removed a Job since, it is created again; its pod finds the stage's output on the volume, and ends.
"""

import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from flexrl.common.errors import ConfigError
from launch.kubernetes import observation
from launch.kubernetes.client import Cluster, Unavailable
from launch.kubernetes.manifests import AFTER, KEYS, command_job
from launch.kubernetes.objects import Manifest, selector
from launch.kubernetes.observation import Standing
from launch.pipelines.stages import Stage
from launch.pipelines.tables import print_status
from launch.plan import sweep_file
from launch.plan.states import Progress
from launch.plan.sweep_file import VOLUME, Sweep

WAIT_SECONDS = 5.0  # between two looks at the cluster
PATIENCE_SECONDS = 900.0  # how long to wait for a cluster that does not answer
IMAGE_FOLDER = "/home/flexrl"  # of the image: holds `pretrained/` and `examples/`, which stages may name
MODULE = "launch.stage"


class StageJobs:
    """The Kubernetes Jobs of one pipeline, each of which runs one stage."""

    def __init__(self, stages: Sequence[Stage], sweeps: Mapping[str, Sweep], context: str | None) -> None:
        """Read the kubeconfig. Sends no request.

        Args:
          stages: the stages in their order.
          sweeps: by stage name, a `Sweep` that holds the stage's cluster, resources and retries.
          context: context of the kubeconfig; None for its current one.

        Raises:
          ConfigError: if there is no usable kubeconfig.
        """
        self._stages, self._sweeps = stages, sweeps
        any_sweep = sweeps[stages[0].name]
        self._retries, self._selector = any_sweep.retries, selector(any_sweep)
        self._cluster = Cluster(require_cluster(any_sweep).namespace, context)
        self._standings: dict[str, Standing] = {}

    def look(self) -> None:
        """Ask the cluster for the state of each stage, and keep the answers for the other methods."""
        jobs = self._cluster.jobs(self._selector)
        pods = [pod for done in (False, True) for pod in self._cluster.pods(self._selector, done)] if jobs else []
        records = {stage.key: Progress() for stage in self._stages}
        self._standings = observation.observe(records, jobs, pods, self._retries, datetime.now(UTC))

    def submit(self, *, dry_run: bool) -> None:
        """Ask the cluster how the stages stand, and create the Job of each stage that can begin now.

        These are the stages that are not done, that no Job runs, and whose inputs are done. A stage that failed is
        among them.

        With `dry_run` the cluster only checks the Jobs, and creates none.
        """
        self.look()
        self._send([stage for stage in self._stages if self._may_begin(stage)], dry_run)

    def wait(self) -> None:
        """Create the Job of each stage once the stages that it needs are done, until all are done or one has failed.

        If one has failed, no more Jobs are created, and those that run are waited for.

        Raises:
          Unavailable: if the cluster has not answered for `PATIENCE_SECONDS`.
        """
        answered = time.monotonic()
        while True:
            try:
                self.look()
                states = [self._progress(stage).state for stage in self._stages]
                held = any(self._standings[stage.key].held for stage in self._stages)
                fresh = [x for x in self._stages if self._may_begin(x) and self._progress(x).state != "failed"]
                if "failed" in states and not held:
                    return
                if "failed" not in states:
                    self._send(fresh, dry_run=False)
                if not fresh and not held:
                    return
                answered = time.monotonic()
            except Unavailable as error:
                if time.monotonic() - answered > PATIENCE_SECONDS:
                    raise
                print(f"{' '.join(str(error).split())}; asks again", file=sys.stderr, flush=True)
            time.sleep(WAIT_SECONDS)

    def print_status(self) -> list[str]:
        """Print the state of each stage as of the last look, and return the names of those that failed."""
        progress = [self._progress(stage) for stage in self._stages]
        print_status(self._stages, progress)
        return [stage.name for stage, each in zip(self._stages, progress, strict=True) if each.state == "failed"]

    def _progress(self, stage: Stage) -> Progress:
        return self._standings[stage.key].progress

    def _may_begin(self, stage: Stage) -> bool:
        """Return whether a stage can be sent: it is not done, no Job runs it, and all stages that it needs are done."""
        needed = [self._progress(other).state for other in self._stages if other.name in stage.inputs]
        standing = self._standings[stage.key]
        return standing.progress.state != "done" and not standing.held and set(needed) <= {"done"}

    def _send(self, stages: Sequence[Stage], dry_run: bool) -> None:
        for stage in stages:
            job = stage_job(stage, self._sweeps[stage.name], self._standings[stage.key].job or "")
            self._cluster.apply(job, dry_run)
            done = "would be sent" if dry_run else "sent"
            print(f"{stage.name} {stage.key}: {done} as Job {job['metadata']['name']}", flush=True)
        if stages and not dry_run:
            self.look()


def require_cluster(sweep: Sweep) -> sweep_file.Cluster:
    """Return where a pipeline's stages run on Kubernetes: the `cluster` section of its file.

    Raises:
      ConfigError: if the file has no such section.
    """
    if sweep.cluster is None:
        raise ConfigError("cluster: is missing; a pipeline on Kubernetes needs cluster.image and cluster.volume_claim")
    return sweep.cluster


def stage_job(stage: Stage, sweep: Sweep, after: str = "") -> Manifest:
    """Return the Job of a stage.

    Args:
      stage: the stage.
      sweep: cluster, resources and retries of the stage.
      after: name of an earlier Job of this stage, if there is one; with it the new Job gets another name.
    """
    annotations = {KEYS: stage.key} | ({AFTER: after} if after else {})
    command = [MODULE, stage.at(str(VOLUME)).text()]
    job = command_job(sweep, f"{stage.pipeline}-{stage.name}", command, annotations)
    job["spec"]["template"]["spec"]["containers"][0]["workingDir"] = IMAGE_FOLDER
    return job
