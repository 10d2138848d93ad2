"""`flexrl.fit`: a run that Python trains is the command line's, is not trained again, and is saved when interrupted."""

import os
import signal
import threading

import numpy as np
import pytest

import flexrl
from flexrl.cli.arguments import parse
from flexrl.cli.fitting import Run
from flexrl.common.errors import ConfigError
from flexrl.storage.run_folder import RunFolder
from tests.flexrl.runs import ITERATIONS, TINY, finish, num_rows, outcome, start

FIELDS = {
    **{"num_envs": 8, "total_steps": ITERATIONS * 8 * 4, "profile": "cpu", "num_evaluations": 3, "video": False},
    **{"evaluation_episodes": 4, "checkpoint_interval": 1},
    "algorithm": {
        **{"unroll_length": 4, "num_minibatches": 2, "num_epochs": 2, "policy_layers": [8], "value_layers": [8]},
    },
}


def test_what_cannot_be_trained_is_refused_by_its_name(tmp_path):
    for fields, message in (
        ({"num_envs": 0}, "num_envs: 0 must be at least 1"),
        ({"numenvs": 8}, "numenvs.*did you mean 'num_envs'"),
        ({"env": "humanoid-wolk"}, "env: 'humanoid-wolk' is unknown; did you mean"),
        ({"profile": "tpu"}, "^profile: 'tpu' is unknown; choose one of cpu, gpu$"),
        ({"total_steps": "many"}, "total_steps"),
    ):
        with pytest.raises(ConfigError, match=message):
            flexrl.fit(workspace=str(tmp_path), **fields)
    with pytest.raises(ConfigError, match="nowhere.yaml"):
        flexrl.fit(tmp_path / "nowhere.yaml")
    assert not list(tmp_path.iterdir())


def test_a_folder_with_another_config_is_left_alone(tmp_path):
    flags = [*TINY, "--workspace", str(tmp_path), "--name", "run"]
    RunFolder(tmp_path / "run").start(parse(flags).config, [])
    before = (tmp_path / "run" / "config.yaml").read_bytes()
    with pytest.raises(ConfigError, match="name: .*run holds a run with another config; choose another name"):
        flexrl.fit(FIELDS, workspace=str(tmp_path), name="run", seed=5)
    assert (tmp_path / "run" / "config.yaml").read_bytes() == before


def test_runs_of_several_seeds_are_asked_one_by_one(tmp_path):
    config = parse([*TINY, "--workspace", str(tmp_path), "--name", "both", "--num-seeds", "2"]).config
    run = Run(config.folder, config)
    assert [(member.folder.name, member.config.seed) for member in run.members] == [("seed-0", 0), ("seed-1", 1)]
    assert run.members[0].members == [run.members[0]] and run.members[0].result is None
    for asked in (lambda: run.result, lambda: run.metrics, lambda: run.evaluations, run.policy):
        with pytest.raises(ConfigError, match=r"both holds 2 runs; take one of them, as members\[0\]"):
            asked()


@pytest.mark.slow
def test_python_and_the_command_line_train_the_same_run_once(tmp_path, capsys):
    run = flexrl.fit(FIELDS, workspace=str(tmp_path), name="fitted")
    finish(start(tmp_path, "typed"))
    assert outcome(tmp_path / "fitted") == outcome(tmp_path / "typed")
    assert run.folder == tmp_path / "fitted" and run.result is not None and run.result["iterations"] == ITERATIONS
    assert len(run.metrics) == ITERATIONS and [row["step"] for row in run.evaluations] == [10, 20, 30]
    policy = run.policy()
    assert policy(np.zeros(policy.spec.obs_size)).shape == (policy.spec.action_size,)
    before = {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert flexrl.fit(FIELDS, workspace=str(tmp_path), name="fitted") == run
    assert "is finished after 960 control steps" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()} == before


@pytest.mark.slow
def test_an_interrupted_fit_returns_and_goes_on_when_called_again(tmp_path, capsys):
    finish(start(tmp_path, "typed"))
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    folder = tmp_path / "fitted"

    def interrupt():
        while num_rows(folder) < 3:
            threading.Event().wait(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    run = flexrl.fit(FIELDS, workspace=str(tmp_path), name="fitted")
    assert run.result is None and 3 <= num_rows(folder) < ITERATIONS
    assert "stopped: asked to; go on by" in capsys.readouterr().out
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert flexrl.fit(FIELDS, workspace=str(tmp_path), name="fitted").result is not None
    assert outcome(folder) == outcome(tmp_path / "typed")
