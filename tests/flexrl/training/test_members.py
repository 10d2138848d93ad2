"""Runs of their own folders in one program: each ends as it would alone, whatever became of the others before."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from flexrl.cli.arguments import parse
from flexrl.config.run_config import encode
from flexrl.storage.checkpoint import Checkpoints
from flexrl.train import main
from flexrl.training.members import program_of, together
from tests.flexrl.runs import ITERATIONS, TINY, outcome

RATES = (1e-3, 1e-4)


def config(workspace, name, *flags):
    return parse([*TINY, "--workspace", str(workspace), "--name", name, *flags]).config


def flags(i):
    """Of the i-th run."""
    return ["--seed", str(5 + i), "--algorithm.learning-rate", str(RATES[i % 2])]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Three runs, one after the other."""
    workspace = tmp_path_factory.mktemp("alone")
    for i in range(3):
        main([*TINY, "--workspace", str(workspace), "--name", f"run-{i}", *flags(i)])
    return workspace


def write(workspace, i):
    """The config file of the i-th run."""
    path = workspace / f"{i}.json"
    path.write_text(json.dumps(encode(config(workspace, f"run-{i}", *flags(i)))))
    return str(path)


def test_members_end_as_they_would_alone_to_the_bit(alone, tmp_path):
    main(["--members", *(write(tmp_path, i) for i in range(3))])
    for i in range(3):
        assert outcome(tmp_path / f"run-{i}") == outcome(alone / f"run-{i}")


def cut(run, iteration):
    """A run as if it had been killed after an iteration."""
    checkpoints = Checkpoints(run)
    for step in checkpoints.steps():
        if step > iteration:
            shutil.rmtree(run / "checkpoints" / str(step))
    (run / "result.json").unlink()


def test_members_go_on_from_where_each_stands(alone, tmp_path, capsys):
    """One is a save ahead of another, a third has not begun."""
    for i in (0, 1):
        shutil.copytree(alone / f"run-{i}", tmp_path / f"run-{i}")
    cut(tmp_path / "run-0", ITERATIONS)
    cut(tmp_path / "run-1", ITERATIONS - 1)
    main(["--members", *(write(tmp_path, i) for i in range(3))])
    out = capsys.readouterr().out
    assert f"run-1, {tmp_path}/run-0: ppo" in out and f"goes on after iteration {ITERATIONS - 1}" in out
    for i in range(3):
        assert outcome(tmp_path / f"run-{i}") == outcome(alone / f"run-{i}")


def test_runs_that_are_far_apart_are_trained_one_after_the_other(tmp_path):
    configs = [config(tmp_path, f"run-{i}", "--checkpoint-interval", "5") for i in range(5)]
    saved = [(), (5,), (10, 15), (15, 20), (15,)]
    for each, steps in zip(configs, saved, strict=True):
        checkpoints = Checkpoints(each.folder)
        for step in steps:
            checkpoints.save(step, {"x": np.zeros(1)})
        checkpoints.wait()
    groups = [[each.name for each in group] for group in together(configs)]
    assert groups == [["run-0", "run-1"], ["run-2", "run-4", "run-3"]]


def test_a_program_is_told_by_what_shapes_it(tmp_path):
    def program(*more):
        return program_of(config(tmp_path, "any", *more))

    same = program()
    assert program("--seed", "7", "--algorithm.learning-rate", "1e-2", "--algorithm.discount", "0.9") == same
    assert program("--algorithm.final-learning-rate", "1e-5") == same  # the preset has another
    others = [
        ["--num-envs", "16"],
        ["--algorithm.final-learning-rate", "None"],
        ["--algorithm.num-epochs", "3"],
        ["--algorithm.value-clip", "0.2"],
        ["--env", "Hopper-v5"],
        ["--total-steps", "320"],
    ]
    assert len({same, *(program(*more) for more in others)}) == 1 + len(others)
    assert program("--early-stop.patience", "3") is None


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["0", "wide"], "run-0 are not of one program; they may differ in seed and clip_ratio"),
        (["0", "nameless"], "names no run"),
        (["0", "--algo", "ppo"], "--members goes by its files only; leave out --algo"),
        (["0", "missing"], "missing: cannot be read"),
        (["0", "0"], "is training in this folder"),
    ],
)
def test_what_cannot_be_trained_together_is_refused(tmp_path, capsys, arguments, named):
    content = json.loads(Path(write(tmp_path, 0)).read_text())
    (tmp_path / "wide").write_text(json.dumps({**content, "name": "wide", "num_envs": 16}))
    (tmp_path / "nameless").write_text(json.dumps({**content, "name": None}))
    files = [tmp_path / "0.json" if each == "0" else tmp_path / each for each in arguments]
    places = [
        each if each.startswith("--") or each == "ppo" else str(file)
        for each, file in zip(arguments, files, strict=True)
    ]
    with pytest.raises(SystemExit) as end:
        main(["--members", *places])
    assert end.value.code == 65 and named in capsys.readouterr().err
