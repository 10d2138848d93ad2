"""Of several runs in one program one may diverge: it ends with its line and a good checkpoint, and the others go on."""

import json

import jax
import numpy as np
import pytest

from flexrl.cli.arguments import parse
from flexrl.common.errors import ConfigError
from flexrl.config.run_config import encode
from flexrl.engine.factory import make_algorithm, make_env, policy_template
from flexrl.storage.checkpoint import Checkpoints
from flexrl.storage.divergence import divergence
from flexrl.storage.run_folder import read_config
from flexrl.storage.run_view import read_run
from flexrl.train import main
from flexrl.training import trainer
from tests.flexrl.runs import ITERATIONS, TINY, num_rows, outcome

pytestmark = pytest.mark.usefixtures("mujoco_log_elsewhere")  # which is told of the actions of networks that overflow

GOOD, BAD = "1e-3", "1e30"  # learning rates
FLAGS = [*TINY, "--max-skipped-updates", "10"]
GROUP = [*FLAGS, "--name", "group", "--vary", f"learning-rate={BAD},{GOOD}"]
NAMES = {GOOD: "learning_rate-0.001-seed-0", BAD: "learning_rate-1e30-seed-0"}


def ended(*arguments):
    """The exit code of a training."""
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    return end.value.code


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The run that does not diverge."""
    workspace = tmp_path_factory.mktemp("alone")
    main([*FLAGS, "--workspace", str(workspace), "--name", "run", "--algorithm.learning-rate", GOOD])
    return workspace / "run"


def members(workspace):
    return workspace / "group" / NAMES[GOOD], workspace / "group" / NAMES[BAD]


def assert_diverged(run):
    assert f"{run}: 11 updates in a row were not finite (max_skipped_updates 10)" in divergence(run)
    assert num_rows(run) < ITERATIONS and not (run / "result.json").exists()
    assert read_run(run).state == "diverged"
    config = read_config(run)
    _, restored = Checkpoints(run).restore(policy_template(make_algorithm(config, make_env(config))))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(restored))


def test_the_others_end_as_they_would_alone_and_the_exit_code_tells_of_it(alone, tmp_path, capsys):
    good, bad = members(tmp_path)
    assert ended(*GROUP, "--workspace", str(tmp_path)) == 70
    first, *_, last = capsys.readouterr().err.splitlines()
    assert f"diverged: {bad}: " in first and first.endswith("The others go on")
    assert last.startswith(f"diverged: {bad}: ") and str(good) not in last
    assert outcome(good) == outcome(alone)
    assert_diverged(bad)

    (good / "result.json").unlink()
    rows = num_rows(bad)
    assert ended("--resume", str(good.parent)) == 70
    assert f"It was left out; --resume {bad} goes on with it" in capsys.readouterr().err
    assert outcome(good) == outcome(alone) and num_rows(bad) == rows

    checkpoints = Checkpoints(bad).steps()
    assert ended("--resume", str(bad)) == 70  # which asks for it: it is trained, and diverges again
    assert "It was left out" not in capsys.readouterr().err
    assert num_rows(bad) == rows and Checkpoints(bad).steps() == checkpoints
    assert_diverged(bad)


def test_a_batch_goes_on_without_the_one_that_diverged(tmp_path, monkeypatch):
    """As on an accelerator, where all are computed to the end together."""
    monkeypatch.setattr(trainer, "batch_size", lambda num_members: num_members)
    with jax.debug_key_reuse(False):  # it takes the keys that vmap moves along for used ones
        assert ended(*GROUP, "--workspace", str(tmp_path)) == 70
    good, bad = members(tmp_path)
    assert_diverged(bad)
    assert num_rows(good) == json.loads((good / "result.json").read_text())["iterations"] == ITERATIONS
    assert Checkpoints(good).steps()[-1] == ITERATIONS and divergence(good) is None


def test_a_pack_goes_on_without_the_one_that_diverged(alone, tmp_path, capsys):
    files = []
    for name, rate in (("run", GOOD), ("bad", BAD)):
        place = ["--workspace", str(tmp_path), "--name", name]
        files.append(tmp_path / f"{name}.json")
        files[-1].write_text(json.dumps(encode(parse([*FLAGS, *place, "--algorithm.learning-rate", rate]).config)))
    for _ in range(2):  # the second time nothing is left to do
        assert ended("--members", *map(str, files)) == 70
        last = capsys.readouterr().err.splitlines()[-1]
        assert f"{tmp_path / 'bad'}: " in last and f"{tmp_path / 'run'}: " not in last
        assert outcome(tmp_path / "run") == outcome(alone)
        assert_diverged(tmp_path / "bad")


def test_a_damaged_note_is_refused_by_name(tmp_path):
    (tmp_path / "diverged.json").write_text("{")
    with pytest.raises(ConfigError, match="diverged.json: is damaged; delete it"):
        divergence(tmp_path)
