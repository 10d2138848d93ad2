"""A run of the Decision Transformer is like any other: it learns, resumes, is evaluated, exported and drawn."""

import json
import shutil

import numpy as np
import pytest

from flexrl.cli.arguments import default_config, parse
from flexrl.common.errors import ConfigError
from flexrl.data.flat_dataset import returns_of
from flexrl.engine.training_data import load_training_data
from flexrl.evaluate import EvaluateArguments, evaluate
from flexrl.export import ExportArguments, export
from flexrl.policies.playback import load_playback, record
from flexrl.train import main
from flexrl.training.warm_start import inherit
from tests.flexrl.episodes import record_run
from tests.flexrl.runs import outcome, rows

ITERATIONS = 12
BATCH = 5 * 16 * 6  # control steps of an iteration
FLAGS = [
    *("--algo", "dt", "--env", "humanoid-walk", "--profile", "cpu", "--total-steps", str(ITERATIONS * BATCH)),
    *("--algorithm.num-updates", "5", "--algorithm.batch-size", "16", "--algorithm.context-length", "6"),
    *("--algorithm.num-layers", "1", "--algorithm.embed-size", "16", "--algorithm.learning-rate", "3e-3"),
    *("--algorithm.warmup-updates", "5", "--algorithm.dropout", "0.1"),
    *("--num-evaluations", "2", "--evaluation-episodes", "3", "--checkpoint-interval", "4", "--no-video"),
]


@pytest.fixture(scope="module")
def workspace(trained, tmp_path_factory):
    """The dataset `data` of a run's deterministic policy, and the run `dt` that learnt from it; leave them be."""
    workspace = tmp_path_factory.mktemp("dt")
    record_run(trained, workspace / "data", 8)
    main([*FLAGS, "--algorithm.dataset", str(workspace / "data"), "--workspace", str(workspace), "--name", "dt"])
    return workspace


def test_learns_and_counts_the_steps_of_its_windows(workspace):
    written = rows(workspace / "dt" / "metrics.jsonl")
    losses = [row["policy/loss"] for row in written]
    assert losses[-1] < 0.5 * losses[0]
    assert (written[-1]["step"], written[-1]["control_steps"]) == (ITERATIONS, ITERATIONS * BATCH)
    assert written[-1]["update/skipped"] == 0


def test_asks_for_a_high_return_of_its_data_and_can_be_drawn(workspace):
    playback = load_playback(str(workspace / "dt"), "workspace", "latest", "native")
    data = load_training_data(playback.config, playback.env.spec)
    assert data is not None
    np.testing.assert_allclose(playback.policy.target_return, returns_of(data.arrays).max(), rtol=1e-6)
    assert record(playback, num_steps=4, seed=0).shape == (4, playback.env.model.nq)


def test_goes_on_as_if_nothing_had_happened(workspace, tmp_path):
    shutil.copytree(workspace / "dt", tmp_path / "dt")
    for step in (8, 12):
        shutil.rmtree(tmp_path / "dt" / "checkpoints" / str(step))
    (tmp_path / "dt" / "result.json").unlink()
    main(["--resume", str(tmp_path / "dt")])
    assert outcome(tmp_path / "dt") == outcome(workspace / "dt")


def test_is_evaluated_and_exported_like_any_other(workspace, tmp_path, capsys):
    export(str(workspace / "dt"), ExportArguments(tmp_path / "taken", step="latest"))
    capsys.readouterr()
    evaluate(str(tmp_path / "taken"), EvaluateArguments(episodes=2, json=True))
    evaluate(str(workspace / "dt"), EvaluateArguments(episodes=2, json=True, step="latest"))
    taken, run = map(json.loads, capsys.readouterr().out.splitlines())
    assert taken.pop("run") != run.pop("run") and taken == run


def test_begins_from_another_of_its_kind_only(workspace, trained, tmp_path):
    place = ["--workspace", str(tmp_path)]
    child = parse([*FLAGS, *place, "--parent", f"{workspace / 'dt'}:latest"]).config
    assert {"normalizer.mean", "params.policy.embed_obs.kernel"} <= inherit(child).leaves.keys()
    for flags, parent in ((FLAGS, trained / "parent"), (FLAGS[2:], workspace / "dt")):
        flags = [flag for flag in flags if flags is FLAGS or not flag.startswith("--algorithm")]
        with pytest.raises(ConfigError, match="reads 45 observations"):
            inherit(parse([*flags[:6], *place, "--parent", f"{parent}:latest"]).config)


def test_episodes_that_outlast_the_environments_are_refused(workspace):
    config = parse([*FLAGS, "--algorithm.dataset", str(workspace / "data")]).config
    spec = load_playback(str(workspace / "dt"), "workspace", "latest", "native").env.spec
    with pytest.raises(ConfigError, match="control steps, and humanoid-walk ends after 2; choose"):
        load_training_data(config, spec.replace(episode_length=2))


def test_defaults_are_the_papers_on_a_gpu_and_fewer_updates_on_a_cpu():
    papers, ours = (default_config("dt", "Hopper-v5", profile) for profile in ("gpu", "cpu"))
    assert papers.num_iterations * papers.algorithm.num_updates == 100_000
    assert (papers.algorithm.warmup_updates, ours.algorithm.warmup_updates) == (10_000, 1000)
    assert ours.num_iterations * ours.algorithm.num_updates == 10_000
