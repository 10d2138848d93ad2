"""Real trainings that tell trackers, killed in the middle."""

import time

import pytest

from flexrl.track import main as track
from flexrl.tracking import wandb_files
from tests.flexrl import runs, tracked

pytestmark = pytest.mark.slow

SEEDS = (3, 4)
TRACKED = ("--tracking.to", "mlflow", "wandb", "--tracking.project", "walks")


def test_seeds_that_are_killed_and_resumed_are_two_runs_of_one_parent(tmp_path, monkeypatch):
    for name, value in tracked.ALONE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    group, iterations = tmp_path / "group", 200
    sizes = ("--total-steps", str(iterations * tracked.STEPS), "--checkpoint-interval", "7")
    process = runs.start(tmp_path, "group", "--seed", "3", "--num-seeds", "2", *sizes, *TRACKED)
    while not all(has_block(group / f"seed-{seed}") for seed in SEEDS):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)
    runs.kill(process)
    assert min(runs.num_rows(group / f"seed-{seed}") for seed in SEEDS) < iterations
    runs.finish(runs.start(tmp_path, "group", "--resume"))
    track(["group", "--workspace", str(tmp_path)])  # all is there, unless the machine was too busy to tell in time
    found = tracked.mlflow_runs(tmp_path)
    assert set(found) == {"group", "seed-3", "seed-4"}
    for seed in SEEDS:
        run, folder = found[f"seed-{seed}"], group / f"seed-{seed}"
        assert run.data.tags["mlflow.parentRunId"] == found["group"].info.run_id
        assert run.info.status == "FINISHED" and run.data.params["seed"] == str(seed)
        expected = without_timing(tracked.points(tracked.told(folder)))
        assert without_timing(tracked.mlflow_points(tmp_path, run)) == expected
        parts = tracked.wandb_parts(folder)
        assert len(parts) >= 2 and {part.run.run_group for part in parts} == {"group"}
        rows = [row for part in parts for row in part.rows]
        assert without_timing(tracked.points(rows)) == expected
        assert (
            parts[-1].exit_code == 0
            and parts[-1].summary["result/return_mean"] == run.data.metrics["result/return_mean"]
        )


def has_block(folder):
    """Whether W&B has written something of a run; the rest of what it was handed is lost with a kill."""
    return any(path.stat().st_size > 1000 for path in wandb_files.parts(folder))


def without_timing(curves):
    return {name: curve for name, curve in curves.items() if not name.startswith("timing/")}
