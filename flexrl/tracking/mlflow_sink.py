"""Send a run's rows to MLflow.

A row holds the numbers of one iteration or evaluation. A run is found again by a tag, and MLflow is asked which rows it
has. So each row is there once, whichever process sends it.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flexrl.common.nested import flat
from flexrl.tracking.run_facts import TrackedRow, TrackedRun
from flexrl.tracking.sender import Ended

if TYPE_CHECKING:
    from mlflow.entities import Metric, Param, Run
    from mlflow.tracking import MlflowClient

SERVER = "MLFLOW_TRACKING_URI"
KEY = "flexrl.key"  # tag by which a run or a group is found again
# The metric that is sent last of each row of an iteration (False) or an evaluation (True). If MLflow has it, MLflow has
# the whole row.
LAST = {False: "timing/seconds", True: "timing/evaluation_seconds"}
MAX_METRICS, MAX_PARAMS, MAX_VALUE = 1000, 100, 6000  # limits of one request, and of a parameter's characters
STATUS = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}
ENVIRONMENT = {  # `Delivery` repeats failed requests itself, so that MLflow does not print a line for each
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_DISABLE_TELEMETRY": "true",  # users may set it to false, to send usage data to MLflow's makers
}


class MlflowTracker:
    """Sends a run to an MLflow experiment. If the run is in a group, a run of the group's name is its parent in MLflow.

    The times that MLflow shows count training and evaluations alone, without interruptions of the run.
    """

    name = "mlflow"

    def __init__(self, run: TrackedRun) -> None:
        """Keep the run, whose rows are to be sent. MLflow is first contacted by `begin`."""
        self._run = run
        self._client: MlflowClient
        self._id = ""
        self._had: dict[bool, int] = {}  # by the keys of LAST: control steps of the newest row that MLflow has
        self._last: TrackedRow | None = None

    def begin(self) -> None:
        """Find or create the run in MLflow, with its experiment and, if it is in a group, the parent run of the group.

        Then send the config, and ask which rows of the run's metrics MLflow has already.
        """
        with self._run.alone_in_group():
            self._client = _client(self._run)
            experiment = self._experiment()
            parent = self._parent(experiment) if self._run.group else None
            found = self._find(experiment, self._run.key) or self._make(experiment, parent)
        self._id = found.info.run_id
        there = found.data.params
        new = [each for each in self._parameters() if each.key not in there]
        for start in range(0, len(new), MAX_PARAMS):
            self._client.log_batch(self._id, params=new[start : start + MAX_PARAMS])
        changed = {each.key: each.value for each in self._parameters() if there.get(each.key, each.value) != each.value}
        # MLflow does not let a parameter change, so that new values become tags.
        tags = self._run.tags | {f"changed.{name}": value for name, value in changed.items()}
        for name in tags if changed else ():
            self._client.set_tag(self._id, name, tags[name])
        self._client.log_artifact(self._id, str(self._run.config_file))
        has_all = found.info.status == STATUS["finished"] and self._run.result  # gone if total_steps was raised
        if found.info.status != "RUNNING" and not has_all:
            self._client.update_run(self._id, status="RUNNING")
        self._had = {kind: self._last_step(name) for kind, name in LAST.items()}

    def send(self, rows: Sequence[TrackedRow]) -> None:
        """Send those of the rows that MLflow does not have."""
        new = [row for row in rows if row.control_steps > self._had[row.is_evaluation]]
        for batch in _requests([self._metrics(row) for row in new]):
            self._client.log_batch(self._id, metrics=batch)
        self._last = rows[-1]

    def end(self, ended: Ended) -> None:
        """Set the run's status. If the run finished, send its result and its videos first."""
        if ended == "finished" and self._last is not None:
            self._client.log_batch(self._id, metrics=self._points(self._run.result, self._last))
            self._client.log_artifact(self._id, str(self._run.result_file))
            for video in self._run.videos:
                self._client.log_artifact(self._id, str(video), "videos")
        seconds = self._last.seconds if self._last else 0.0
        self._client.set_terminated(self._id, STATUS[ended], self._time(seconds))

    def _experiment(self) -> str:
        project = self._run.project
        if found := self._client.get_experiment_by_name(project):
            return found.experiment_id
        artifacts = None if SERVER in os.environ else (self._run.workspace / "mlartifacts" / project).as_uri()
        return self._client.create_experiment(project, artifact_location=artifacts)

    def _parent(self, experiment: str) -> str:
        """Find or create MLflow's run for the group, and return its id. The run trains nothing; it is ended at once."""
        key = self._run.group_key
        if found := self._find(experiment, key):
            return found.info.run_id
        made = self._client.create_run(experiment, run_name=self._run.group, tags={KEY: key})
        self._client.set_terminated(made.info.run_id)
        return made.info.run_id

    def _find(self, experiment: str, key: str) -> "Run | None":
        found = self._client.search_runs([experiment], f"tags.`{KEY}` = '{key}'", max_results=1)
        return found[0] if found else None

    def _make(self, experiment: str, parent: str | None) -> "Run":
        tags = self._run.tags | {KEY: self._run.key} | ({"mlflow.parentRunId": parent} if parent else {})
        if "commit" in tags:
            tags["mlflow.source.git.commit"] = tags["commit"]
        return self._client.create_run(experiment, self._time(0.0), tags, self._run.name)

    def _parameters(self) -> Iterator["Param"]:
        from mlflow.entities import Param

        for name, value in flat(self._run.config).items():
            yield Param(name, str(value)[:MAX_VALUE])

    def _last_step(self, metric: str) -> int:
        history = self._client.get_metric_history(self._id, metric)
        return max((each.step for each in history), default=-1)

    def _metrics(self, row: TrackedRow) -> list["Metric"]:
        """Return a row's numbers as MLflow's metrics, in the order in which they are sent.

        The last one is how long the iteration or evaluation took, which every row holds. If MLflow has that metric,
        it has the whole row.
        """
        last = LAST[row.is_evaluation]
        return self._points(
            {name: value for name, value in row.values.items() if name != last} | {last: row.values[last]}, row
        )

    def _points(self, values: dict[str, float], row: TrackedRow) -> list["Metric"]:
        from mlflow.entities import Metric

        time = self._time(row.seconds)
        return [Metric(name, value, time, row.control_steps) for name, value in values.items()]

    def _time(self, seconds: float) -> int:
        return round(1000 * (self._run.started + seconds))


def _client(run: TrackedRun) -> "MlflowClient":
    """Return a client of the server, or of the database in the workspace, which is created if it does not exist."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from mlflow.tracking import MlflowClient

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return MlflowClient(os.environ.get(SERVER) or _local_store(run.workspace))


def _local_store(workspace: Path) -> str:
    """Return the address of the database in a workspace, and create it if it does not exist.

    It is created under another name and renamed, because MLflow cannot open a database that a killed process left
    unfinished.
    """
    from mlflow.tracking import MlflowClient

    store = workspace / "mlflow.db"
    if not store.exists():
        for left in workspace.glob(f"{store.name}.tmp*"):
            left.unlink()
        MlflowClient(f"sqlite:///{store}.tmp")
        os.replace(f"{store}.tmp", store)
    return f"sqlite:///{store}"


def _requests(rows: list[list["Metric"]]) -> Iterator[list["Metric"]]:
    """Yield the metrics of rows in batches of at most MAX_METRICS. A row is split only if it alone is larger."""
    batch: list[Metric] = []
    for row in rows:
        if batch and len(batch) + len(row) > MAX_METRICS:
            yield batch
            batch = []
        batch += row
        while len(batch) > MAX_METRICS:
            yield batch[:MAX_METRICS]
            batch = batch[MAX_METRICS:]
    if batch:
        yield batch
