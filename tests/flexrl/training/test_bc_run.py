"""A run of behavior cloning is like any other: it learns, resumes, is evaluated, exported, and can be a parent."""

import json
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest

from envs.types import Observation
from flexrl.cli.arguments import parse
from flexrl.data.dataset_folder import read_dataset
from flexrl.data.flat_dataset import best_episodes, flatten
from flexrl.evaluate import EvaluateArguments, evaluate
from flexrl.export import ExportArguments, export
from flexrl.policies.playback import load_playback
from flexrl.storage.checkpoint import leaves_of
from flexrl.storage.policy_file import digest
from flexrl.storage.run_folder import read_config
from flexrl.train import main
from flexrl.training.warm_start import inherit
from tests.flexrl.episodes import PRETRAINED, made_up, record_run
from tests.flexrl.runs import outcome, rows

ITERATIONS = 30
NUM_EPISODES = 40
BATCH = 40 * 256  # control steps of an iteration
FLAGS = [
    *("--algo", "bc", "--env", "humanoid-walk", "--profile", "cpu", "--total-steps", str(ITERATIONS * BATCH)),
    *("--algorithm.num-updates", "40", "--algorithm.policy-layers", "64", "64", "--algorithm.learning-rate", "3e-3"),
    *("--num-evaluations", "2", "--evaluation-episodes", "2", "--checkpoint-interval", "10", "--no-video"),
]


@pytest.fixture(scope="module")
def workspace(trained, tmp_path_factory):
    """The dataset `data` of a run's deterministic policy, and the run `clone` that learnt from it; leave them be."""
    workspace = tmp_path_factory.mktemp("bc")
    record_run(trained, workspace / "data", NUM_EPISODES)
    main([*FLAGS, "--algorithm.dataset", str(workspace / "data"), "--workspace", str(workspace), "--name", "clone"])
    return workspace


def test_acts_as_the_expert_on_its_data(trained, workspace):
    data = flatten(read_dataset(workspace / "data"))
    observation = Observation(data.obs, data.goal, data.reward, np.zeros(len(data.reward), bool))

    def actions(run):
        policy = load_playback(str(run), "workspace", "latest", "native").policy
        return np.asarray(policy.act(policy.init_carry(len(data.reward)), observation, jax.random.key(0))[1])

    theirs, ours = actions(trained / "parent"), actions(workspace / "clone")
    np.testing.assert_allclose(theirs, data.action, atol=1e-4)
    losses = [row["policy/loss"] for row in rows(workspace / "clone" / "metrics.jsonl")]
    assert losses[-1] < 0.01 * losses[0]
    assert np.abs(ours - theirs).mean() < 0.05 * np.abs(theirs).mean()


def test_rows_count_steps_learnt_from_and_the_record_holds_the_datas_hash(workspace):
    last = rows(workspace / "clone" / "metrics.jsonl")[-1]
    assert (last["step"], last["control_steps"]) == (ITERATIONS, ITERATIONS * BATCH)
    assert last["update/skipped"] == 0
    recorded = json.loads((workspace / "clone" / "metadata.json").read_text())["data"]
    data = flatten(read_dataset(workspace / "data"))
    assert recorded == {"sha256": digest(leaves_of(data)), "num_episodes": NUM_EPISODES, "num_steps": len(data.reward)}
    newest = workspace / "clone" / "checkpoints" / str(ITERATIONS) / "manifest.json"
    saved = {name.split(".")[0] for name in json.loads(newest.read_text())["leaves"]}
    assert saved == {"train", "hyper", "key", "step"}


def test_goes_on_as_if_nothing_had_happened(workspace, tmp_path):
    shutil.copytree(workspace / "clone", tmp_path / "clone")
    for step in (20, 30):
        shutil.rmtree(tmp_path / "clone" / "checkpoints" / str(step))
    (tmp_path / "clone" / "result.json").unlink()
    main(["--resume", str(tmp_path / "clone")])
    assert outcome(tmp_path / "clone") == outcome(workspace / "clone")


def test_does_not_go_on_with_other_data(trained, workspace, tmp_path, capsys):
    shutil.copytree(workspace / "clone", tmp_path / "clone")
    (tmp_path / "clone" / "result.json").unlink()
    config = tmp_path / "clone" / "config.yaml"
    config.write_text(config.read_text().replace(str(workspace / "data"), str(tmp_path / "other")))
    record_run(trained, tmp_path / "other", 2)
    with pytest.raises(SystemExit) as end:
        main(["--resume", str(tmp_path / "clone")])
    assert end.value.code == 65 and "began with" in capsys.readouterr().err


def test_is_evaluated_and_exported_like_any_other_and_names_no_place(workspace, tmp_path, capsys):
    export(str(workspace / "clone"), ExportArguments(tmp_path / "taken", step="latest"))
    config = read_config(tmp_path / "taken")
    assert (config.algorithm.dataset, config.workspace) == ("data", "workspace")
    assert json.loads((tmp_path / "taken" / "export.json").read_text())["data"]["num_episodes"] == NUM_EPISODES
    capsys.readouterr()
    evaluate(str(tmp_path / "taken"), EvaluateArguments(episodes=2, json=True))
    evaluate(str(workspace / "clone"), EvaluateArguments(episodes=2, json=True, step="latest"))
    taken, run = map(json.loads, capsys.readouterr().out.splitlines())
    assert taken.pop("run") != run.pop("run") and taken == run


def test_is_a_parent_of_ppo_and_a_child(workspace, tmp_path):
    place = ["--profile", "cpu", "--workspace", str(tmp_path)]
    ppo = [
        *place,
        "--env",
        "humanoid-walk",
        "--algorithm.policy-layers",
        "64",
        "64",
        "--parent",
        f"{workspace / 'clone'}:latest",
    ]
    inheritance = inherit(parse(ppo).config)
    assert "normalizer.mean" in inheritance.leaves
    assert all(name.startswith("params.value.") for name in inheritance.fresh)
    cloning = [*place, "--algo", "bc", "--env", "humanoid-skills", "--algorithm.symmetric", "--parent", str(PRETRAINED)]
    assert "normalizer.mean" in inherit(parse(cloning).config).leaves


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        ([], "dataset: bc learns from a dataset; name its folder by --algorithm.dataset"),
        (["--algorithm.dataset", "nowhere"], "dataset: nowhere holds no dataset"),
        (
            ["--algorithm.dataset", "DATA", "--env", "humanoid-skills"],
            "has observations of 45 numbers, and humanoid-skills",
        ),
        (["--algorithm.dataset", "DATA", "--algorithm.best-fraction", "2"], "best_fraction: 2.0 must be above 0"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(workspace, tmp_path, capsys, flags, reason):
    flags = [str(workspace / "data") if flag == "DATA" else flag for flag in flags]
    with pytest.raises(SystemExit) as end:
        main([*FLAGS, *flags, "--workspace", str(tmp_path), "--name", "refused"])
    assert end.value.code == 65 and reason in capsys.readouterr().err
    assert not Path(tmp_path / "refused").exists()


def test_the_best_episodes_hold_at_most_the_fraction_asked_for():
    episodes = [made_up(length, seed) for seed, length in enumerate((10, 40, 20, 30))]
    ranked = sorted(episodes, key=lambda episode: -episode.reward.sum())
    for fraction in (0.05, 0.1, 0.3, 0.5, 0.75, 1.0):
        kept = best_episodes(episodes, fraction)
        assert {id(e) for e in kept} == {id(e) for e in ranked[: len(kept)]}
        assert sum(e.length for e in kept) <= 100 * fraction or len(kept) == 1
        more = ranked[: len(kept) + 1]
        assert len(kept) == 4 or sum(e.length for e in more) > 100 * fraction
    assert best_episodes(episodes, 1.0) == episodes
