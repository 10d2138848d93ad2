"""What MLflow's store and W&B's offline files hold, read back; and rows written without training."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from flexrl.config.run_config import decode
from flexrl.reporting.progress import Reporter
from flexrl.storage.rows import read_rows, scalars
from flexrl.storage.run_folder import RunFolder
from flexrl.storage.schedule import Schedule
from flexrl.tracking import wandb_files
from flexrl.tracking.run_facts import in_order

ALONE = {"MLFLOW_DISABLE_TELEMETRY": "true", "WANDB_MODE": "offline", "WANDB_ERROR_REPORTING": "false"}
NUM_ITERATIONS, STEPS = 30, 32  # iterations, and control steps in each
EVALUATED = (10, 20, 30)
EVALUATION = {"return_std": 1.0, "return_interval": 1.0, "episode_length_mean": 100.0}


def config(workspace: Path, name: str, to=("mlflow", "wandb"), **fields):
    """A run whose rows `write` writes."""
    content = {"algorithm": {"unroll_length": 4, "num_minibatches": 2}, "task": {}, "profile": "cpu", "num_envs": 8}
    tracking = {"to": list(to), "project": "walks"}
    place = {"workspace": str(workspace), "name": name, "tracking": tracking}
    sizes = {"total_steps": NUM_ITERATIONS * STEPS, "num_evaluations": 3}
    return decode(content | sizes | place | fields, "test")


def write(run, first: int, last: int, ended: str, noise: float = 0.0) -> None:
    """Go on with a run, or begin it, from iteration `first` to `last`."""
    folder = run.folder
    if not (folder / "config.yaml").exists():
        RunFolder(folder).start(run, [])
    schedule = Schedule.of(run)
    reporter = Reporter(schedule, first - 1, shows_progress=False)
    for i in range(first, last + 1):
        reporter.iteration(i, {"episode/return": np.float32(i + noise), "policy/loss": np.float32(np.nan)})
        if schedule.evaluates_after(i):
            reporter.evaluation(i, {"return_mean": i + noise, **EVALUATION}, 0.25)
    if ended == "finished":
        (folder / "result.json").write_text(json.dumps({"return_mean": 30.0, "stopped_early": None}))
    reporter.end(ended)
    reporter.close()


def told(folder: Path) -> list[tuple[int, dict[str, float]]]:
    """What trackers should have: control steps and numbers of each row of a run's folder, in order."""
    files = (folder / "metrics.jsonl", folder / "evaluations.jsonl")
    return [(row["control_steps"], scalars(row)) for row in in_order(*map(read_rows, files))]


def points(rows: list[tuple[int, dict[str, float]]]) -> dict[str, list[tuple[int, float]]]:
    """Rows as curves: steps and values by name."""
    curves: dict[str, list[tuple[int, float]]] = {}
    for step, values in rows:
        for name, value in values.items():
            curves.setdefault(name, []).append((step, value))
    return curves


def client(workspace: Path) -> MlflowClient:
    """Of the store in a workspace."""
    assert (workspace / "mlflow.db").exists()
    return MlflowClient(f"sqlite:///{workspace}/mlflow.db")


def mlflow_runs(workspace: Path, project: str = "walks") -> dict[str, Run]:
    """All runs of an experiment, by name; names must not be twice there."""
    experiment = client(workspace).get_experiment_by_name(project)
    found = client(workspace).search_runs([experiment.experiment_id])
    runs = {run.info.run_name: run for run in found}
    assert len(runs) == len(found)
    return runs


def mlflow_points(workspace: Path, run: Run) -> dict[str, list[tuple[int, float]]]:
    """Curves of a run, without its result."""
    histories = {name: client(workspace).get_metric_history(run.info.run_id, name) for name in run.data.metrics}
    return {
        name: sorted((each.step, each.value) for each in history)
        for name, history in histories.items()
        if not name.startswith("result/")
    }


@dataclass
class Part:
    """One attempt at a run, as W&B keeps it offline."""

    run: object = None
    rows: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    summary: dict = field(default_factory=dict)
    exit_code: int | None = None


def wandb_parts(folder: Path) -> list[Part]:
    """A run's attempts, oldest first."""
    return [_part(path) for path in wandb_files.parts(folder)]


def _part(path: Path) -> Part:
    part = Part()
    for record in wandb_files.records(path):
        kind = record.WhichOneof("record_type")
        if kind == "run":
            part.run = record.run
        if kind == "history":
            items = {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
            part.numbers.append(int(record.history.step.num))
            step = items.pop("control_steps", None)
            own = {k: v for k, v in items.items() if not k.startswith(("_", "videos/"))}
            numbers = {k: v for k, v in own.items() if isinstance(v, int | float)}
            if step is not None:
                part.rows.append((step, numbers))
        if kind == "summary":
            part.summary |= {item.key: json.loads(item.value_json) for item in record.summary.update if item.key}
        if kind == "exit":
            part.exit_code = record.exit.exit_code
    return part
