"""A run goes on on other physics than it began with, and its policy is as good there."""

import json
import os
import subprocess
import sys
import time

import jax
import pytest

from benchmarks.exchange import ON_CPU, POLICY, agreement
from flexrl.cli.arguments import parse
from flexrl.common.errors import ConfigError
from flexrl.storage.run_folder import RunFolder, read_config
from tests.flexrl import runs

DEVICE = "mjx-warp"  # of a GPU where there is one, else on the CPU
LONG = ["--total-steps", "1000000", "--num-evaluations", "1"]


@pytest.fixture
def stored(tmp_path):
    config = parse([*runs.TINY, "--workspace", str(tmp_path), "--name", "run", "--physics", "native"]).config
    RunFolder(config.folder).start(config, [])
    return config.folder


def test_a_run_may_be_resumed_on_other_physics_which_it_remembers(stored):
    moved = parse(["--resume", str(stored), "--physics", "mjx-warp"]).config
    assert (moved.physics, parse(["--resume", str(stored)]).config.physics) == ("mjx-warp", "native")
    folder = RunFolder(stored)
    folder.move(moved)
    folder.move(moved)
    assert read_config(stored).physics == "mjx-warp"
    (move,) = json.loads((stored / "metadata.json").read_text())["moves"]
    assert (move["from"], move["to"]) == ("native", "mjx-warp")


def test_auto_is_this_machines_physics(stored):
    RunFolder(stored).move(parse(["--resume", str(stored), "--physics", "mjx-warp"]).config)
    assert parse(["--resume", str(stored), "--physics", "auto"]).config.physics == "native"


def test_physics_that_there_is_not_is_refused(stored):
    with pytest.raises(ConfigError, match="physics: 'bullet' is unknown"):
        parse(["--resume", str(stored), "--physics", "bullet"])


@pytest.mark.slow
def test_a_run_goes_to_other_physics_and_comes_back(tmp_path):
    for flags in (
        [*LONG, "--physics", "native"],
        ["--resume", "--physics", DEVICE],
        ["--resume", "--physics", "native"],
    ):
        rows_before = runs.num_rows(tmp_path / "run")
        process = runs.start(tmp_path, "run", *flags)
        while runs.num_rows(tmp_path / "run") < rows_before + 3 and process.poll() is None:
            time.sleep(0.2)
        process.terminate()
        out, err = process.communicate()
        assert process.returncode == 75, out + err
    steps = [row["step"] for row in runs.rows(tmp_path / "run" / "metrics.jsonl")]
    assert steps == list(range(1, len(steps) + 1)) and len(steps) >= 9
    moves = json.loads((tmp_path / "run" / "metadata.json").read_text())["moves"]
    assert [(move["from"], move["to"]) for move in moves] == [("native", DEVICE), (DEVICE, "native")]


@pytest.mark.slow
def test_a_policy_is_as_good_on_the_device_as_on_native_physics():
    def evaluation(physics, environment):
        command = [sys.executable, "-m", "flexrl.evaluate", POLICY, "--physics", physics, "--episodes", "16", "--json"]
        done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    device = {} if jax.default_backend() == "gpu" else ON_CPU
    found = agreement(evaluation(DEVICE, device), evaluation("native", ON_CPU))
    assert found["agree"], found
