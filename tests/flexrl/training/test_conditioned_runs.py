"""Runs that learn in hindsight: what they read, and that they train, act and travel like any other."""

import dataclasses

import numpy as np
import pytest

from envs.tasks.humanoid_goal import goal_seen, place_and_heading
from flexrl.cli.arguments import parse
from flexrl.common.errors import ConfigError
from flexrl.data.dataset_folder import write_dataset
from flexrl.data.flat_dataset import achieved, flatten
from flexrl.engine.factory import make_env
from flexrl.engine.training_data import load_training_data
from flexrl.export import ExportArguments, export
from flexrl.policies.playback import load_playback
from flexrl.storage.checkpoint import leaves_of
from flexrl.train import main
from tests.flexrl.episodes import made_up

LENGTHS = (4, 5, 6)
SIZES = {"obs": 63, "goal": 5, "action": 17}
FLAGS = [
    *("--env", "humanoid-goal", "--profile", "cpu", "--algorithm.num-updates", "2", "--algorithm.batch-size", "8"),
    *("--num-evaluations", "1", "--evaluation-episodes", "2", "--no-video"),
]
DT = ["--algorithm.context-length", "3", "--algorithm.num-layers", "1", "--algorithm.embed-size", "8"]


def episode_of_humanoid_goal(length):
    """Random numbers of its sizes."""
    rng = np.random.default_rng(length)
    episode = made_up(length, seed=length)
    rows = {name: len(getattr(episode, name)) for name in SIZES}
    columns = {name: rng.uniform(-1, 1, (rows[name], size)).astype(np.float32) for name, size in SIZES.items()}
    qpos = rng.normal(size=(length + 1, 24))
    qpos[:, 3:7] /= np.linalg.norm(qpos[:, 3:7], axis=1, keepdims=True)
    return dataclasses.replace(episode, **columns, infos={"qpos": qpos})


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    workspace = tmp_path_factory.mktemp("conditioned")
    episodes = [episode_of_humanoid_goal(length) for length in LENGTHS]
    write_dataset(workspace / "data", episodes, {"dataset_id": "flexrl/made-up/expert-v0"}, {"seed": 0})
    return workspace


def flags(workspace, algo, condition):
    own = ["--algo", algo, "--algorithm.condition", condition, "--algorithm.dataset", str(workspace / "data")]
    return [*own, *FLAGS, *(DT if algo == "dt" else []), "--total-steps", "60", "--workspace", str(workspace)]


def spec_of(workspace):
    return make_env(parse(flags(workspace, "bc", "goal")).config).spec


def test_a_state_achieves_its_place_and_heading(workspace):
    """Also the one after an episode's last step; of a heading of 30 degrees, worked by hand."""
    episodes = [episode_of_humanoid_goal(length) for length in LENGTHS]
    found = achieved(episodes, spec_of(workspace).goal_map, "here")
    assert found.shape == (sum(LENGTHS) + len(LENGTHS), 4)
    np.testing.assert_allclose(found[5 + 5, :2], episodes[1].infos["qpos"][5, :2], rtol=1e-6)
    half = np.pi / 12
    here = place_and_heading(np.array([1.0, 2.0, 1.4, np.cos(half), 0, 0, np.sin(half)]))
    np.testing.assert_allclose(here, [1, 2, 3**0.5 / 2, 0.5], atol=1e-5)
    seen = goal_seen(here, np.array([1.0, 5.0, 0.0, 1.0]))  # 3 m away, at 90 degrees, and facing away there
    np.testing.assert_allclose(seen, [0.5, 3**0.5 / 2, 3, 0.5, 3**0.5 / 2], atol=1e-5)


def test_the_record_holds_what_was_read_and_what_was_achieved(workspace):
    spec = spec_of(workspace)
    by_condition = {c: load_training_data(parse(flags(workspace, "bc", c)).config, spec) for c in ("none", "goal")}
    assert by_condition["none"].sha256 != by_condition["goal"].sha256
    assert by_condition["none"].arrays.achieved is None
    plain = leaves_of(flatten([episode_of_humanoid_goal(length) for length in LENGTHS]))
    assert leaves_of(by_condition["goal"].arrays).keys() - plain.keys() == {"return_to_go", "achieved"}


@pytest.mark.parametrize(("algo", "condition"), [("bc", "return"), ("bc", "goal"), ("dt", "goal")])
def test_trains_and_travels(workspace, algo, condition):
    name = f"{algo}-{condition}"
    main([*flags(workspace, algo, condition), "--name", name])
    export(str(workspace / name), ExportArguments(workspace / f"{name}-taken", step="latest"))
    run, taken = (load_playback(str(workspace / n), "", "latest", "native").policy for n in (name, f"{name}-taken"))
    assert leaves_of(run).keys() == leaves_of(taken).keys()
    if condition == "return":
        best = max(episode_of_humanoid_goal(length).reward.sum() for length in LENGTHS)
        np.testing.assert_allclose(taken.asked, [best / 1000], rtol=1e-5)


def test_what_cannot_be_learnt_in_hindsight_is_refused(workspace):
    without = [dataclasses.replace(episode_of_humanoid_goal(n), infos={}) for n in LENGTHS]
    with pytest.raises(ConfigError, match="dataset: here has no infos named qpos"):
        achieved(without, spec_of(workspace).goal_map, "here")
    spec = spec_of(workspace).replace(goal_map=None)
    with pytest.raises(ConfigError, match="condition: goal needs an environment that declares"):
        load_training_data(parse(flags(workspace, "bc", "goal")).config, spec)
