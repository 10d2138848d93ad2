"""A run of the Online Decision Transformer goes on from an offline one, and from its own checkpoints to the bit."""

import json
import shutil

import numpy as np
import pytest

from flexrl.cli.arguments import parse
from flexrl.common.errors import ConfigError
from flexrl.evaluate import EvaluateArguments, evaluate
from flexrl.storage.run_folder import read_config
from flexrl.train import main
from flexrl.training.warm_start import inherit
from tests.flexrl.episodes import record_run
from tests.flexrl.runs import outcome, rows

NUM_ENVS, UNROLL, ITERATIONS, REPLAY = 8, 20, 6, 8 * 1020
BATCH = 2 * 8 * 3  # control steps learnt from in an iteration
SIZES = [
    *("--algo", "dt", "--env", "humanoid-walk", "--profile", "cpu", "--total-steps", str(ITERATIONS * BATCH)),
    *("--algorithm.num-updates", "2", "--algorithm.batch-size", "8", "--algorithm.context-length", "3"),
    *("--algorithm.num-layers", "1", "--algorithm.embed-size", "8", "--algorithm.stochastic"),
    *("--algorithm.average-decay", "0.9"),
    *("--num-evaluations", "1", "--evaluation-episodes", "3", "--checkpoint-interval", "4", "--no-video"),
]
ONLINE = [
    *("--algorithm.online", "--num-envs", str(NUM_ENVS)),
    *("--algorithm.exploration.unroll-length", str(UNROLL), "--algorithm.exploration.replay-steps", str(REPLAY)),
]


@pytest.fixture(scope="module")
def workspace(trained, tmp_path_factory):
    """The dataset `data`, the run `offline` that learnt from it, and `online`, its child; leave them be."""
    workspace = tmp_path_factory.mktemp("online")
    record_run(trained, workspace / "data", 8)
    place = ["--algorithm.dataset", str(workspace / "data"), "--workspace", str(workspace)]
    main([*SIZES, *place, "--name", "offline"])
    main([*SIZES, *ONLINE, *place, "--name", "online", "--parent", "offline:latest"])
    return workspace


def test_it_steps_worlds_and_learns_from_their_episodes(workspace):
    written = rows(workspace / "online" / "metrics.jsonl")
    assert written[-1]["control_steps"] == ITERATIONS * BATCH
    assert written[0]["replay/share"] < written[-1]["replay/share"] < 1
    assert 0 < written[-1]["replay/num_steps"] <= NUM_ENVS * UNROLL * ITERATIONS
    assert written[-1]["update/skipped"] == 0
    for before, now in zip(written, written[1:], strict=False):
        best = max(before["replay/asked_return"] / 2, before["replay/best_return"] or 0)
        assert now["replay/asked_return"] == pytest.approx(2 * best, rel=1e-5)
    metadata = json.loads((workspace / "online" / "metadata.json").read_text())
    assert metadata["parent"]["name"] == "offline" and metadata["data"]["num_episodes"] == 8


def test_it_begins_as_its_parent_acts(workspace):
    taken = inherit(read_config(workspace / "online")).leaves
    parent = outcome(workspace / "offline")["leaves"]
    for name, leaf in taken.items():
        if name.startswith("params.policy."):
            acting = parent[name.replace("params.policy.", "train.average.")]
            assert leaf.tobytes() == acting != parent[f"train.{name}"]


def test_goes_on_as_if_nothing_had_happened(workspace, tmp_path):
    """With the worlds, what the policy remembers of them and the replay, all from the checkpoint."""
    shutil.copytree(workspace / "online", tmp_path / "online")
    shutil.rmtree(tmp_path / "online" / "checkpoints" / str(ITERATIONS))
    (tmp_path / "online" / "result.json").unlink()
    main(["--resume", str(tmp_path / "online")])
    resumed, straight = outcome(tmp_path / "online"), outcome(workspace / "online")
    assert resumed == straight
    obs = np.frombuffer(straight["leaves"]["source.replay.steps.obs"], np.float32).reshape(REPLAY // NUM_ENVS, -1)
    np.testing.assert_array_equal(obs.any(axis=1), np.arange(len(obs)) < UNROLL * ITERATIONS)


def test_a_replay_that_is_too_small_leaves_no_folder(workspace):
    flags = [*SIZES, *ONLINE[:-1], "8159", "--algorithm.dataset", str(workspace / "data")]
    with pytest.raises(SystemExit) as end:
        main([*flags, "--workspace", str(workspace), "--name", "small"])
    assert end.value.code == 65 and not (workspace / "small").exists()


def test_without_a_distribution_it_is_refused():
    with pytest.raises(ConfigError, match="stochastic: False must be true to explore online"):
        parse([*(flag for flag in SIZES if flag != "--algorithm.stochastic"), *ONLINE])


def test_a_return_is_also_said_in_percent_of_references(workspace, capsys):
    arguments = EvaluateArguments(episodes=2, json=True, step="latest", reference_scores=(10.0, 60.0))
    evaluate(str(workspace / "online"), arguments)
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["normalized_score"] == pytest.approx(2 * (report["return_mean"] - 10))
    with pytest.raises(ValueError, match="reference_scores: .* the lower one first"):
        EvaluateArguments(reference_scores=(1.0, 1.0))
