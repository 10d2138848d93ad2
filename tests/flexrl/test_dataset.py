"""Datasets on the disk: Minari reads ours, we read Minari's, and what is not in order is refused by file and reason."""

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import gymnasium
import h5py
import minari
import numpy as np
import pytest
from minari.data_collector import EpisodeBuffer

from flexrl.common.errors import ConfigError
from flexrl.common.manifest import write_folder_manifest
from flexrl.data.dataset_folder import read_dataset, verify_dataset, write_dataset
from flexrl.data.minari_format import ARRAYS
from flexrl.data.minari_metadata import METADATA, read_metadata
from flexrl.dataset import main
from tests.flexrl.episodes import made_up, write_made_up

ARRAYS_OF_A_STEP = ("action", "reward", "terminated", "truncated")


@pytest.fixture
def folder(tmp_path):
    write_made_up(tmp_path / "made-up")
    return tmp_path / "made-up"


def assert_same(found, expected):
    for name in ("obs", "goal", *ARRAYS_OF_A_STEP):
        a, b = getattr(found, name), getattr(expected, name)
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    for name, array in expected.infos.items():
        np.testing.assert_array_equal(found.infos[name], array)


@pytest.mark.parametrize("goal_size", [0, 2])
def test_what_is_written_is_read_again(tmp_path, goal_size):
    written = write_made_up(tmp_path / "made-up", goal_size=goal_size)
    read = read_dataset(tmp_path / "made-up")
    assert len(read) == len(written)
    for found, expected in zip(read, written, strict=True):
        assert_same(found, expected)
        assert found.options == expected.options


def test_a_folder_may_be_named_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written = write_made_up(Path("made-up"))
    assert len(read_dataset(Path("made-up"))) == len(written)


def test_minari_loads_ours_by_its_id(tmp_path, monkeypatch):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    written = write_made_up(tmp_path / "flexrl" / "made-up" / "expert-v0")
    dataset = minari.load_dataset("flexrl/made-up/expert-v0")
    assert list(minari.list_local_datasets()) == ["flexrl/made-up/expert-v0"]
    assert (dataset.total_episodes, dataset.total_steps) == (3, 15)
    assert dataset.action_space == gymnasium.spaces.Box(-1, 1, (2,), np.float32)
    assert dataset.observation_space["desired_goal"].shape == (2,)
    for found, expected in zip(dataset.iterate_episodes(), written, strict=True):
        np.testing.assert_array_equal(found.observations["observation"], expected.obs)
        np.testing.assert_array_equal(found.observations["desired_goal"], expected.goal)
        np.testing.assert_array_equal(found.actions, expected.action)
        np.testing.assert_array_equal(found.rewards, expected.reward)
        np.testing.assert_array_equal(found.terminations, expected.terminated)
        np.testing.assert_array_equal(found.truncations, expected.truncated)
        np.testing.assert_array_equal(found.infos["qpos"], expected.infos["qpos"])


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("goal_size", [0, 2])
def test_what_minari_writes_is_read(tmp_path, monkeypatch, goal_size):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    episodes = [made_up(n, seed=n, goal_size=goal_size) for n in (3, 2)]
    box = gymnasium.spaces.Box(-np.inf, np.inf, (3,), np.float32)
    goal = gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float32)
    minari.create_dataset_from_buffers(
        "theirs/simple-v0",
        [
            EpisodeBuffer(
                observations={"observation": e.obs, "desired_goal": e.goal} if goal_size else e.obs,
                actions=e.action,
                rewards=e.reward,
                terminations=e.terminated,
                truncations=e.truncated,
                infos=e.infos,
            )
            for e in episodes
        ],
        observation_space=gymnasium.spaces.Dict(observation=box, desired_goal=goal) if goal_size else box,
        action_space=gymnasium.spaces.Box(-1, 1, (2,), np.float32),
    )
    for found, expected in zip(read_dataset(tmp_path / "theirs" / "simple-v0"), episodes, strict=True):
        assert_same(found, expected)


def test_an_intact_dataset_is_verified(folder):
    assert verify_dataset(folder) == f"{folder}: 5 files, 3 episodes and 15 steps are in order"


@pytest.mark.parametrize("name", [ARRAYS, METADATA, "statistics.json", "provenance.json"])
def test_a_flipped_byte_and_a_missing_file_are_refused(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ConfigError, match=f"{name}: differs from its SHA-256"):
        verify_dataset(folder)
    (folder / name).unlink()
    with pytest.raises(ConfigError, match=f"{name}: is missing"):
        read_dataset(folder)


def test_a_changed_or_missing_manifest_is_refused(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"].pop(ARRAYS)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ConfigError, match="manifest.json: was changed"):
        verify_dataset(folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(ConfigError, match="manifest.json: is missing"):
        verify_dataset(folder)


def replace(group, name, value):
    del group[name]
    group[name] = value


BROKEN = {
    "actions has shape": lambda e: replace(e, "actions", np.zeros((5, 3), np.float32)),
    "rewards has shape": lambda e: replace(e, "rewards", np.zeros((5, 1), np.float32)),
    "observations has shape": lambda e: replace(e["observations"], "observation", np.zeros((5, 3), np.float32)),
    "desired_goal has shape": lambda e: replace(e["observations"], "desired_goal", np.zeros((6, 1), np.float32)),
    "is empty": lambda e: replace(e, "rewards", np.zeros(0, np.float32)),
    "actions is not finite at row 2": lambda e: e["actions"].__setitem__((2, 1), np.nan),
    "rewards is not finite at row 4": lambda e: e["rewards"].__setitem__(4, np.inf),
    "observations is not finite at row 5": lambda e: e["observations/observation"].__setitem__((5, 0), np.nan),
    "qpos is not finite at row 0": lambda e: e["infos/qpos"].__setitem__((0, 0), np.nan),
    "terminations is true at step 1": lambda e: e["terminations"].__setitem__(1, True),
    "terminations has shape": lambda e: replace(e, "terminations", np.zeros(0, bool)),
    "truncations has shape": lambda e: replace(e, "truncations", np.zeros((5, 1), bool)),
    "terminations is of type float32, and must be true or false": lambda e: replace(
        e, "terminations", np.array([0, 0, 0, 0, 0.5], np.float32)
    ),
    "truncations is of type uint8, and must be true or false": lambda e: replace(
        e, "truncations", np.zeros(5, np.uint8)
    ),
    "rewards is of type .* must be numbers": lambda e: replace(e, "rewards", ["1.5"] * 5),
    "rewards is of type bool, and must be numbers": lambda e: replace(e, "rewards", np.zeros(5, bool)),
    "actions is of type .*S4, and must be numbers": lambda e: replace(e, "actions", np.full((5, 2), b"left")),
    "observations is of type complex64": lambda e: replace(
        e["observations"], "observation", np.zeros((6, 3), np.complex64)
    ),
    "actions is 1.5 at row 3, number 1, outside its bounds .-1, 1.; clip": lambda e: e["actions"].__setitem__(
        (3, 1), 1.5
    ),
    "actions is -2 at row 0": lambda e: replace(e, "actions", np.full((5, 2), -2)),
    "cannot be read": lambda e: e.__delitem__("actions"),
    "cannot be read .*scalar": lambda e: replace(e, "rewards", 1.0),
    "cannot be read .*desired_goal": lambda e: e["observations"].__delitem__("desired_goal"),
    "cannot be read .*AssertionError": lambda e: replace(e, "observations", np.zeros((6, 3), np.float32)),
    "cannot be read .*invalid literal": lambda e: e.attrs.__setitem__("seed", "first"),
}


def refusal(folder, capsys):
    """The one line in which `verify` says what is wrong."""
    with pytest.raises(SystemExit) as end:
        main(["verify", str(folder)])
    error = capsys.readouterr().err
    assert end.value.code == 65 and error.startswith("error: ") and error.count("\n") == 1
    return error


@pytest.mark.parametrize("reason", BROKEN)
def test_sealed_nonsense_is_refused_by_episode(folder, capsys, reason):
    with h5py.File(folder / ARRAYS, "a") as file:
        BROKEN[reason](file["episode_1"])
    write_folder_manifest(folder)
    assert re.search(rf"main_data.hdf5: episode_1: .*{reason}", refusal(folder, capsys))


def test_an_end_that_is_terminated_and_truncated_counts_as_terminated_and_is_told_once(folder, capsys):
    with h5py.File(folder / ARRAYS, "a") as file:
        file["episode_0/terminations"][3] = True
        file["episode_1/truncations"][4] = True
    write_folder_manifest(folder)
    episodes = read_dataset(folder)
    assert [(e.terminated[-1], e.truncated[-1]) for e in episodes] == [(True, False), (True, False), (False, True)]
    told = capsys.readouterr().err
    assert told == f"{folder / ARRAYS}: 2 episodes ended terminated and truncated at once; taken as terminated\n"


def test_infos_without_a_row_of_numbers_for_each_observation_are_left_out(folder):
    with h5py.File(folder / ARRAYS, "a") as file:
        infos = file["episode_1/infos"]
        infos["steps"], infos["name"], infos["code"] = np.zeros(5), ["text"] * 6, 7
        infos["falls"] = np.arange(6) > 4
    write_folder_manifest(folder)
    found = read_dataset(folder)[1].infos
    assert set(found) == {"qpos", "qvel", "falls"} and found["falls"].tolist() == [False] * 5 + [True]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_gymnasium_records_through_minari_is_read_with_its_seeds_and_ends(tmp_path, monkeypatch, capsys):
    """A pole that is let be until the time limit, and one that is pushed so that it falls at the same step."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    pole = gymnasium.make("InvertedPendulum-v5", max_episode_steps=3)
    env = minari.DataCollector(gymnasium.wrappers.RescaleAction(pole, -1.0, 1.0))
    for seed, push in ((11, 0.0), (12, 1.0)):
        env.reset(seed=seed)
        for _ in range(3):
            env.step(np.array([push], np.float32))
    theirs = env.create_dataset("theirs/pole-v0")
    assert [(e.terminations[-1], e.truncations[-1]) for e in theirs] == [(False, True), (True, True)]
    found = read_dataset(tmp_path / "theirs" / "pole-v0")
    assert [(e.seed, e.terminated[-1], e.truncated[-1]) for e in found] == [(11, False, True), (12, True, False)]
    assert "1 episodes ended terminated and truncated at once" in capsys.readouterr().err


@pytest.mark.parametrize("seed", [None, 2**31])
def test_a_seed_goes_with_its_episode(tmp_path, seed):
    episodes = [dataclasses.replace(made_up(4, seed=1), seed=seed), made_up(3, seed=2)]
    write_dataset(tmp_path / "a", episodes, {"dataset_id": "flexrl/made-up/expert-v0"}, {})
    main(["import", str(tmp_path / "a"), "--out", str(tmp_path / "b")])
    main(["export", str(tmp_path / "b"), "--out", str(tmp_path / "b.parquet")])
    main(["import", str(tmp_path / "b.parquet"), "--out", str(tmp_path / "c")])
    assert [episode.seed for episode in read_dataset(tmp_path / "c")] == [seed, None]


def change_metadata(folder, **fields):
    path = folder / METADATA
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    write_folder_manifest(folder)


def box(low, high, *shape):
    return json.dumps(
        {
            "type": "Box",
            "dtype": "float32",
            "shape": shape,
            "low": np.full(shape, low).tolist(),
            "high": np.full(shape, high).tolist(),
        }
    )


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"total_episodes": 0}, "total_episodes: 0 must be a number of at least 1; the dataset is empty"),
        ({"total_episodes": 4}, "episode_3: cannot be read"),
        ({"action_space": box(-0.4, 0.4, 2)}, "action_space: .*from -1 to 1, .*--rescale-actions"),
        ({"action_space": box(-1, 1, 2, 1)}, "action_space: .* must be a vector"),
        ({"observation_space": box(-1, 1, 3, 3)}, "observation_space: .* must be a vector"),
        ({"action_space": "{}"}, "no dataset of Minari can be read"),
        ({"action_space": 5}, "no dataset of Minari can be read"),
        ({"observation_space": '{"type": "Unknown"}'}, "no dataset of Minari can be read"),
        ({"data_format": "csv"}, "no dataset of Minari can be read"),
        ({"data_format": None}, "no dataset of Minari can be read"),
        ({"total_episodes": "3"}, "metadata.json: total_episodes: '3' must be a number"),
        ({"total_episodes": 2.5}, "metadata.json: total_episodes: 2.5 must be"),
        ({"total_episodes": -1}, "metadata.json: total_episodes: -1 must be"),
        ({"dataset_id": 5}, "metadata.json: dataset_id: 5 must be a text"),
        ({"algorithm_name": ["ppo"]}, "metadata.json: algorithm_name: .*must be a text"),
        ({"author": 5}, "metadata.json: author: 5 must be a list of texts"),
        ({"author_email": [5]}, "metadata.json: author_email: .* must be a list of texts"),
        ({"env_spec": {}}, "metadata.json: env_spec: {} must be a text"),
    ],
)
def test_metadata_that_does_not_fit_is_refused(folder, capsys, fields, reason):
    change_metadata(folder, **fields)
    assert re.search(reason, refusal(folder, capsys))


@pytest.mark.parametrize("content", ["", "[]", "5", '{"total_episodes": 3}', "\x00"])
def test_damaged_metadata_is_refused(folder, capsys, content):
    (folder / METADATA).write_text(content)
    write_folder_manifest(folder)
    assert "metadata.json: " in refusal(folder, capsys)


def test_one_author_is_an_author(folder):
    change_metadata(folder, author="One Author")
    main(["import", str(folder), "--out", str(folder.with_name("b"))])
    assert read_metadata(folder.with_name("b"))["author"] == ["One Author"]


def test_nothing_is_not_written_and_nothing_is_overwritten(folder):
    with pytest.raises(ConfigError, match="so nothing is written"):
        write_dataset(folder.with_name("empty"), [], {}, {})
    with pytest.raises(ConfigError, match="is there already"):
        write_made_up(folder)
    with pytest.raises(ConfigError, match="holds no dataset"):
        read_dataset(folder.with_name("nowhere"))


def test_the_tool_prints_and_refuses_with_exit_code_65(folder):
    def tool(*arguments):
        command = [sys.executable, "-m", "flexrl.dataset", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=100)

    printed = tool("info", str(folder))
    assert printed.returncode == 0 and "3 episodes, 15 steps; 1 episodes terminated" in printed.stdout, printed.stderr
    assert json.loads(tool("info", str(folder), "--json").stdout)["statistics"]["num_steps"] == 15
    assert "are in order" in tool("verify", str(folder)).stdout
    (folder / ARRAYS).unlink()
    refused = tool("verify", str(folder))
    told = [line for line in refused.stderr.splitlines() if not line.endswith(" ...")]  # what it does, if that is slow
    assert refused.returncode == 65 and len(told) == 1 and "is missing" in told[0]
