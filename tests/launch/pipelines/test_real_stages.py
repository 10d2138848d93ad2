"""A cheap pipeline of real stages, killed at random moments."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from launch.pipelines.stage_folder import stage_folder
from tests.flexrl import runs
from tests.launch.sweeps import TINY

STAGES = {
    "walk": {"train": {**TINY, "total_steps": 4800}},
    "data": {"command": ["flexrl.collect", "<walk>", "--tier", "expert", "--episodes", 8, "--out", "<out>"]},
    "clone": {
        "train": {
            **{"algo": "bc", "env": "humanoid-walk", "total_steps": 25_600, "num_evaluations": 2},
            **{"evaluation_episodes": 4, "checkpoint_interval": 1, "video": False, "num_envs": 8},
            "algorithm": {"dataset": "<data>", "policy_layers": [8], "num_updates": 10, "batch_size": 64},
        }
    },
    "policy": {"command": ["flexrl.export", "<clone>", "--out", "<out>"]},
}


def start(path, workspace):
    arguments = [sys.executable, "-m", "launch.pipeline", "run", str(path), "--workspace", str(workspace)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)


def outcome(stages):
    """What the stages leave behind, without times and places."""
    data = json.loads((stages["data"].output / "manifest.json").read_text())["files"]
    return {
        "walk": runs.outcome(stages["walk"].folder),
        "data": {name: digest for name, digest in data.items() if "provenance" not in name and "sheet" not in name},
        "clone": runs.outcome(stages["clone"].folder),
        "policy": (stages["policy"].output / "policy.npz").read_bytes(),
    }


@pytest.mark.slow
def test_a_pipeline_that_is_killed_at_random_moments_ends_as_if_undisturbed(tmp_path, write, stages_of, command):
    path, stages = write(STAGES), stages_of(STAGES)
    began = time.monotonic()
    runs.finish(start(path, tmp_path / "workspace"))
    seconds = time.monotonic() - began
    expected = outcome(stages)
    (tmp_path / "workspace").rename(tmp_path / "undisturbed")

    moments = sorted(random.Random(seed).uniform(0.05, 0.6) * seconds for seed in range(3))
    kills = 0
    for moment in moments:
        process = start(path, tmp_path / "workspace")
        try:
            _, error = process.communicate(timeout=moment)
            assert process.returncode == 0, error  # it was done before its moment came
        except subprocess.TimeoutExpired:
            running = [stage for stage in stages.values() if stage_folder(stage).is_running()]
            process.kill()
            process.communicate()
            kills += 1
            for stage in running if kills < 3 else ():  # kill the stage, too; the last time it outlives its launcher
                os.kill(stage_folder(stage).process(), signal.SIGKILL)
    assert kills > 0
    runs.finish(start(path, tmp_path / "workspace"))
    assert outcome(stages) == expected
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "workspace").rglob("*") if file.is_file()}
    code, out, _ = command("run")
    assert code == 0 and out.count("done before") == len(STAGES)
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "workspace").rglob("*") if file.is_file()} == before
