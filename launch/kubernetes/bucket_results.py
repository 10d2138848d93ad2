"""Reads results of trials from a bucket, for when the cluster has removed the pods and with them their reports."""

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from flexrl.common.decoding import decode_as
from flexrl.common.types import JsonObject
from flexrl.storage.bucket import Bucket
from flexrl.storage.mirror import read_file
from launch.attempt.pod_report import PodReport
from launch.plan import states
from launch.plan.states import Progress
from launch.plan.trials import Trial

THREADS = 16  # requests at a time


def reports_in_bucket(address: str, trials: Iterable[Trial]) -> dict[str, PodReport]:
    """Read from a bucket how trials ended; return a report by trial key for each trial that has a result there.

    Args:
      address: the sweep's workspace, `gs://BUCKET/PATH`.
      trials: trials of one sweep.

    Raises:
      BucketDown: if the bucket does not answer.
      ConfigError: if it cannot be read.
    """
    bucket, trials = Bucket(address), list(trials)
    there = set(bucket.folders(trials[0].folder.parent.name)) if trials else set()
    with ThreadPoolExecutor(THREADS) as pool:
        found = pool.map(lambda trial: _report(bucket, trial), (each for each in trials if each.key in there))
        return {report.key: report for report in found if report is not None}


def _report(bucket: Bucket, trial: Trial) -> PodReport | None:
    run = f"{trial.folder.parent.name}/{trial.key}"
    result = _json(read_file(bucket, run, "result.json"))
    if result is None or result.get("config_hash") != trial.config_hash:
        return None
    recorded = _json(read_file(bucket, run, "progress.json"))
    progress = decode_as(Progress, recorded or {}, f"{bucket.address}/{run}/progress.json")
    return PodReport(trial.key, states.found_result(progress), result["steps"], result["return_mean"], result)


def _json(content: bytes | None) -> JsonObject | None:
    return None if content is None else json.loads(content)
