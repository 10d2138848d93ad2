"""A dataset that is left in files teaches to the bit what it teaches from memory, and damage is refused by file."""

import dataclasses
import itertools
import json
import shutil

import jax
import numpy as np
import pytest

from algos.common.dataset import DatasetSource
from algos.dt.windows import WindowSource
from envs.worlds.shards import ALONE, Shards
from flexrl.cli.arguments import parse
from flexrl.common.errors import ConfigError
from flexrl.data import row_files
from flexrl.data.dataset_folder import write_dataset
from flexrl.data.flat_dataset import best_episodes
from flexrl.data.row_files import stored_rows
from flexrl.engine.factory import make_engine, make_env
from flexrl.engine.streaming import Stream, StreamedDataset, streamed_dataset
from flexrl.engine.training_data import load_training_data
from flexrl.storage.checkpoint import leaves_of
from flexrl.train import main
from tests.flexrl.episodes import made_up
from tests.flexrl.runs import outcome
from tests.flexrl.training.test_conditioned_runs import episode_of_humanoid_goal

LENGTHS = (40, 7, 1, 23, 16)
LIMIT = ["--algorithm.memory-limit-mb", "0.001"]
DT = ["--algorithm.context-length", "3", "--algorithm.num-layers", "1", "--algorithm.embed-size", "8"]
BC = ["--algorithm.policy-layers", "8"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Five episodes, of which rows are in files of a few each; leave it be."""
    folder = tmp_path_factory.mktemp("streaming") / "data"
    episodes = [episode_of_humanoid_goal(length) for length in LENGTHS]
    write_dataset(folder, episodes, {"dataset_id": "flexrl/made-up/expert-v0"}, {"seed": 0})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_files, "FILE_BYTES", 4000)
        stored_rows(folder)
    assert len(list((folder / "rows").glob("steps-*.bin"))) > 5
    return folder


def flags(folder, algo, *others):
    own = ["--algo", algo, "--env", "humanoid-goal", "--profile", "cpu", "--algorithm.dataset", str(folder)]
    sizes = ["--algorithm.num-updates", "2", "--algorithm.batch-size", "8", *(DT if algo == "dt" else BC)]
    return [*own, *sizes, "--num-evaluations", "1", "--evaluation-episodes", "2", "--no-video", *others]


def learn(arguments, num_iterations=3):
    """The run and its metrics after some iterations."""
    config = parse(arguments).config
    env = make_env(config)
    data = load_training_data(config, env.spec)
    assert data is not None
    engine = make_engine(config, env, data=data.arrays)
    run, metrics = engine.init(seed=0), []
    engine.compile()
    for _ in range(num_iterations):
        run, found = engine.step(run)
        metrics.append(jax.device_get(found))
    return data, leaves_of(run), metrics


@pytest.mark.parametrize(
    ("algo", "others"),
    [
        ("bc", ["--algorithm.best-fraction", "0.5"]),
        ("bc", ["--algorithm.condition", "return"]),
        ("bc", ["--algorithm.condition", "goal", "--algorithm.hindsight.strategy", "future-geometric"]),
        ("dt", []),
        ("dt", ["--algorithm.condition", "goal", "--algorithm.hindsight.strategy", "random"]),
    ],
    ids=["bc best", "bc return", "bc goal", "dt return", "dt goal"],
)
def test_what_is_streamed_teaches_what_is_resident_teaches(folder, algo, others):
    resident, expected, expected_metrics = learn(flags(folder, algo, *others))
    streamed, found, metrics = learn(flags(folder, algo, *others, *LIMIT))
    assert isinstance(streamed.arrays, StreamedDataset) and not isinstance(resident.arrays, StreamedDataset)
    assert streamed.record["num_steps"] == resident.record["num_steps"]
    np.testing.assert_array_equal(streamed.arrays.start, resident.arrays.start)
    assert metrics == expected_metrics
    assert found.keys() == expected.keys()
    for name in found:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


def test_the_next_batch_is_announced_before_an_update_by_keys_that_wait_for_none(folder, monkeypatch):
    """The keys are those that a resident run splits on its device."""
    config = parse(flags(folder, "bc", *LIMIT)).config
    data = load_training_data(config, make_env(config).spec)
    assert data is not None
    engine = make_engine(config, make_env(config), data=data.arrays)
    run, calls, places = engine.init(seed=0), [], set()
    expected, following = [], jax.random.clone(run.key)
    for _ in range(4):
        following, key_sample, key_update = jax.random.split(following, 3)
        expected.append([jax.random.key_data(key).tolist() for key in (key_sample, key_update)])
    announce, update, split = Stream.announce, engine._update_program, jax.random.split

    def announced(self, keys):
        calls.append(("announced", jax.random.key_data(keys).tolist()))
        announce(self, keys)

    def updated(train, batch, hyper, key):
        calls.append(("updated", jax.random.key_data(key).tolist()))
        return update(train, batch, hyper, key)

    def placed(*arguments):
        places.add(jax.config.jax_default_device)
        return split(*arguments)

    monkeypatch.setattr(Stream, "announce", announced)
    monkeypatch.setattr(engine, "_update_program", updated)
    monkeypatch.setattr(jax.random, "split", placed)
    for _ in range(3):
        run, _ = engine.step(run)
    pairs = [[("announced", expected[i + 1][0]), ("updated", expected[i][1])] for i in range(3)]
    assert calls == [("announced", expected[0][0]), *itertools.chain(*pairs)]
    assert places == {jax.devices("cpu")[0]}  # said so, since here every device is a CPU


def test_rows_are_those_of_the_episodes_that_are_kept(folder):
    chosen = best_episodes([episode_of_humanoid_goal(length) for length in LENGTHS], 0.4)
    data, qpos = streamed_dataset(stored_rows(folder), 0.4)
    assert len(chosen) < len(LENGTHS)
    np.testing.assert_array_equal(np.diff(data.start), [episode.length for episode in chosen])
    rows = np.arange(len(data.reward))[::-1]
    for name in ("obs", "goal", "action", "reward", "truncated"):
        expected = np.concatenate([getattr(episode, name)[: episode.length] for episode in chosen])
        np.testing.assert_array_equal(getattr(data, name)[rows], expected[::-1])
    states = np.concatenate([episode.infos["qpos"] for episode in chosen]).astype(np.float32)
    assert qpos is not None and qpos.shape == states.shape
    np.testing.assert_array_equal(qpos[np.arange(len(states))], states)


@pytest.mark.parametrize("fraction", [0.4, 1.0])
def test_statistics_and_returns_are_those_of_the_episodes_that_are_kept(folder, fraction):
    kept = best_episodes([episode_of_humanoid_goal(length) for length in LENGTHS], fraction)
    data, _ = streamed_dataset(stored_rows(folder), fraction)
    obs = np.concatenate([episode.obs[: episode.length] for episode in kept]).astype(np.float64)
    assert data.statistics.count == len(obs)
    np.testing.assert_allclose(data.statistics.mean, obs.mean(axis=0), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(data.statistics.std, obs.std(axis=0), rtol=1e-6)
    to_go = [episode.reward[t:].sum(dtype=np.float64) for episode in kept for t in range(episode.length)]
    np.testing.assert_allclose(data.return_to_go[np.arange(len(obs))], to_go, rtol=1e-6, atol=1e-6)
    assert data.high_return == pytest.approx(max(episode.reward.sum() for episode in kept), rel=1e-6)


def test_devices_share_what_one_would_have_alone(folder):
    data, _ = streamed_dataset(stored_rows(folder), 1.0)
    key = jax.random.key(5)
    alone, shared = (
        Stream(WindowSource(2, 8, 3, shards), data).take(jax.random.clone(key)).windows for shards in (ALONE, Shards(4))
    )
    for a, b in zip(jax.tree.leaves(alone), jax.tree.leaves(shared), strict=True):
        np.testing.assert_array_equal(a, np.concatenate(list(b), axis=1))


def test_several_keys_have_a_batch_each(folder):
    data, _ = streamed_dataset(stored_rows(folder), 1.0)
    stream, keys = Stream(DatasetSource(2, 8), data), jax.random.split(jax.random.key(6), 3)
    stream.announce(jax.random.clone(keys))
    together = stream.take(jax.random.clone(keys)).obs
    for i in range(3):
        np.testing.assert_array_equal(together[i], stream.take(keys[i]).obs)


def test_a_run_that_streams_goes_on_as_if_nothing_had_happened(folder, tmp_path):
    arguments = [*flags(folder, "bc", *LIMIT), "--total-steps", str(6 * 16), "--checkpoint-interval", "2"]
    main([*arguments, "--workspace", str(tmp_path), "--name", "whole"])
    shutil.copytree(tmp_path / "whole", tmp_path / "cut")
    for step in (4, 6):
        shutil.rmtree(tmp_path / "cut" / "checkpoints" / str(step))
    (tmp_path / "cut" / "result.json").unlink()
    main(["--resume", str(tmp_path / "cut")])
    assert outcome(tmp_path / "cut") == outcome(tmp_path / "whole")
    recorded = json.loads((tmp_path / "whole" / "metadata.json").read_text())["data"]
    assert recorded == {"sha256": stored_rows(folder).sha256, "num_episodes": 5, "num_steps": sum(LENGTHS)}


@pytest.mark.parametrize("name", ["steps-00002.bin", "states-00001.bin", "episodes.bin", "rows.json"])
def test_a_missing_and_a_damaged_file_of_rows_are_refused(folder, tmp_path, name):
    shutil.copytree(folder, tmp_path / "data")
    path = tmp_path / "data" / "rows" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"rows/{name}: differs from its SHA-256 .*; delete the folder .*rows, which"):
        stored_rows(tmp_path / "data")
    path.unlink()
    with pytest.raises(ConfigError, match=f"rows/{name}: is missing; delete the folder"):
        stored_rows(tmp_path / "data")


def test_rows_of_a_dataset_that_was_replaced_are_refused(folder, tmp_path):
    write_dataset(tmp_path / "data", [made_up(4, seed=1)], {"dataset_id": "flexrl/made-up/expert-v0"}, {})
    shutil.copytree(folder / "rows", tmp_path / "data" / "rows")
    with pytest.raises(ConfigError, match="rows: was made from another data/main_data.hdf5 than"):
        stored_rows(tmp_path / "data")


def test_what_is_not_in_order_makes_no_rows(tmp_path):
    write_dataset(tmp_path / "data", [made_up(4, seed=1)], {"dataset_id": "flexrl/made-up/expert-v0"}, {})
    path = tmp_path / "data" / "data" / "main_data.hdf5"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ConfigError, match="main_data.hdf5: differs from its SHA-256"):
        stored_rows(tmp_path / "data")
    assert sorted(p.name for p in (tmp_path / "data").iterdir() if "rows" in p.name) == []


def test_without_positions_goals_in_hindsight_are_refused(tmp_path):
    episodes = [dataclasses.replace(episode_of_humanoid_goal(n), infos={}) for n in LENGTHS]
    write_dataset(tmp_path / "data", episodes, {"dataset_id": "flexrl/made-up/expert-v0"}, {})
    config = parse(flags(tmp_path / "data", "bc", "--algorithm.condition", "goal", *LIMIT)).config
    with pytest.raises(ConfigError, match="has no infos named qpos"):
        load_training_data(config, make_env(config).spec)
