"""Datasets merged, imported and exported keep every number."""

import dataclasses
import json
import re

import gymnasium
import jax
import minari
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from minari.serialization import serialize_space

from envs.physics import PhysicsOptions
from envs.registry import make_env
from envs.tasks.gymnasium_v5 import HumanoidV5
from flexrl.data.dataset_folder import read_dataset, read_record, write_dataset
from flexrl.data.minari_format import write_minari
from flexrl.data.minari_metadata import METADATA, read_metadata
from flexrl.dataset import main
from tests.flexrl.episodes import made_up, write_made_up
from tests.flexrl.test_dataset import assert_same


def refusal(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main([*map(str, arguments)])
    assert end.value.code == 65
    return capsys.readouterr().err


@pytest.mark.parametrize("goal_size", [0, 2])
def test_a_parquet_file_gives_everything_back(tmp_path, goal_size):
    write_made_up(tmp_path / "a", goal_size=goal_size)
    main(["export", str(tmp_path / "a"), "--out", str(tmp_path / "a.parquet")])
    main(["import", str(tmp_path / "a.parquet"), "--out", str(tmp_path / "b")])
    a, b = read_dataset(tmp_path / "a"), read_dataset(tmp_path / "b")
    for found, expected in zip(b, a, strict=True):
        assert_same(found, expected)
        assert found.options == expected.options
    assert read_metadata(tmp_path / "a") == read_metadata(tmp_path / "b")
    assert read_record(tmp_path / "b", "statistics.json") == read_record(tmp_path / "a", "statistics.json")
    assert read_record(tmp_path / "b", "provenance.json")["seed"] == 0


def test_others_read_the_parquet_file_by_its_columns(tmp_path):
    first, *_ = write_made_up(tmp_path / "a")
    main(["export", str(tmp_path / "a"), "--out", str(tmp_path / "a.parquet")])
    rows = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert [row["episode"] for row in rows] == [0] * 5 + [1] * 6 + [2] * 7
    np.testing.assert_array_equal(np.float32(rows[3]["observation"]), first.obs[3])
    np.testing.assert_array_equal(np.float32(rows[3]["action"]), first.action[3])
    assert rows[3]["truncated"] and rows[4]["action"] is None and rows[4]["reward"] is None


def rewritten(source, out, changed=lambda table: table, noted=lambda noted: None):
    """A copy of a file that was exported, with other columns or notes."""
    table = pq.read_table(source)
    content = json.loads(table.schema.metadata[b"flexrl"])
    noted(content)
    groups = pq.ParquetFile(source).metadata
    lengths = [groups.row_group(i).num_rows for i in range(groups.num_row_groups)]
    table = changed(table).replace_schema_metadata({"flexrl": json.dumps(content)})
    with pq.ParquetWriter(out, table.schema) as writer:
        for begin, length in zip(np.cumsum([0, *lengths]), lengths, strict=False):
            writer.write_table(table.slice(begin, length))
    return out


def with_number(name, row, number):
    """A change of one number, or of the first one of a vector."""

    def changed(table):
        values = table.column(name).to_pylist()
        values[row] = [number, *values[row][1:]] if isinstance(values[row], list) else number
        place, kind = table.column_names.index(name), table.schema.field(name).type
        return table.set_column(place, table.schema.field(name), pa.array(values, kind))

    return changed


@pytest.mark.parametrize("name", ["observation", "desired_goal", "action", "reward", "infos.qpos"])
def test_a_number_that_changed_in_a_parquet_file_is_refused(tmp_path, capsys, name):
    write_made_up(tmp_path / "a")
    main(["export", str(tmp_path / "a"), "--out", str(tmp_path / "a.parquet")])
    changed = rewritten(tmp_path / "a.parquet", tmp_path / "changed.parquet", with_number(name, 7, 0.25))
    error = refusal(capsys, "import", changed, "--out", tmp_path / "b")
    assert "changed.parquet: episode 1 differs from its SHA-256; export the dataset anew" in error
    same = rewritten(tmp_path / "a.parquet", tmp_path / "same.parquet")
    main(["import", str(same), "--out", str(tmp_path / "b")])


@pytest.mark.parametrize("name", ["metadata", "provenance", "options", "seeds", "sha256", "seal"])
def test_a_note_that_changed_in_a_parquet_file_is_refused(tmp_path, capsys, name):
    write_made_up(tmp_path / "a")
    main(["export", str(tmp_path / "a"), "--out", str(tmp_path / "a.parquet")])

    def change(noted):
        if isinstance(noted[name], dict):
            noted[name]["seed"] = 77
        else:
            noted[name] = noted[name][::-1]
            noted[name] = [7, *noted[name][1:]] if name == "seeds" else noted[name]
        if name == "options":
            noted[name][0]["step"] = 8

    changed = rewritten(tmp_path / "a.parquet", tmp_path / "changed.parquet", noted=change)
    error = refusal(capsys, "import", changed, "--out", tmp_path / "b")
    assert "changed.parquet: its notes differ from their SHA-256" in error


def test_a_parquet_file_of_before_there_were_checksums_is_imported_with_a_note(tmp_path, capsys):
    episodes = write_made_up(tmp_path / "a")
    main(["export", str(tmp_path / "a"), "--out", str(tmp_path / "a.parquet")])

    def change(noted):
        for name in ("seeds", "sha256", "seal"):
            del noted[name]

    old = rewritten(tmp_path / "a.parquet", tmp_path / "old.parquet", noted=change)
    main(["import", str(old), "--out", str(tmp_path / "b")])
    assert "old.parquet: has no SHA-256, so its numbers cannot be verified" in capsys.readouterr().err
    for found, expected in zip(read_dataset(tmp_path / "b"), episodes, strict=True):
        assert_same(found, expected)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (with_number("action", 6, 1.5), "episode 1: actions is 1.5 at row 1, number 0, outside its bounds"),
        (with_number("reward", 6, None), "episode 1: rewards is not finite at row 1"),
        (lambda t: t.drop_columns(["terminated"]), "holds no dataset that flexrl.dataset exported .KeyError"),
        (
            lambda t: t.drop_columns(["terminated"]).append_column("terminated", pa.array([0.0] * len(t))),
            "terminations is of type float64, and must be true or false",
        ),
    ],
    ids=["action", "no reward", "no flags", "flags"],
)
def test_a_parquet_file_that_is_not_in_order_is_refused(tmp_path, capsys, change, reason):
    write_made_up(tmp_path / "a")
    main(["export", str(tmp_path / "a"), "--out", str(tmp_path / "a.parquet")])
    broken = rewritten(tmp_path / "a.parquet", tmp_path / "broken.parquet", change)
    error = refusal(capsys, "import", broken, "--out", tmp_path / "b")
    assert re.search(rf"broken.parquet: .*{reason}", error) and error.count("\n") == 1


def test_minaris_folder_is_imported_with_a_manifest(tmp_path, capsys):
    write_made_up(tmp_path / "a")
    for name in ("manifest.json", "statistics.json", "provenance.json", "datasheet.html"):
        (tmp_path / "a" / name).unlink()
    main(["import", str(tmp_path / "a"), "--out", str(tmp_path / "b")])
    main(["verify", str(tmp_path / "b")])
    assert "3 episodes and 15 steps are in order" in capsys.readouterr().out
    assert set(read_record(tmp_path / "b", "provenance.json")["imported"]) == {
        "data/main_data.hdf5",
        "data/metadata.json",
    }


def humanoid_of_gymnasium(monkeypatch, root):
    """A dataset of two short episodes, as Minari records them: actions are from -0.4 to 0.4."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(root))
    env = minari.DataCollector(gymnasium.make("Humanoid-v5", max_episode_steps=5))
    for seed in (1, 2):
        env.reset(seed=seed)
        env.action_space.seed(seed)
        for _ in range(5):
            env.step(env.action_space.sample())
    return env.create_dataset("mujoco/humanoid/few-v0"), root / "mujoco" / "humanoid" / "few-v0"


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_actions_of_a_models_own_range_are_rescaled_from_the_recorded_one(tmp_path, monkeypatch, capsys):
    """Ours bring the recorded controls about, and the environment that Minari recovers takes ours."""
    theirs, folder = humanoid_of_gymnasium(monkeypatch, tmp_path)
    out = tmp_path / "ours"
    assert "action_space: Box(-0.4, 0.4" in (error := refusal(capsys, "import", folder, "--out", out))
    assert "--rescale-actions" in error
    main(["import", str(folder), "--out", str(out), "--rescale-actions"])
    ours, task = read_dataset(out), make_env("Humanoid-v5", HumanoidV5.Config(), PhysicsOptions("native"))
    for found, recorded in zip(ours, theirs, strict=True):
        assert found.action.dtype == np.float32 and 0.8 < np.abs(found.action).max() <= 1
        np.testing.assert_allclose(found.action, recorded.actions / np.float32(0.4), rtol=1e-6)
        np.testing.assert_allclose(jax.vmap(task.control)(found.action), recorded.actions, atol=1e-7)
        np.testing.assert_array_equal(found.obs, recorded.observations)
    provenance = read_record(out, "provenance.json")
    assert provenance["env"] == "Humanoid-v5"
    assert provenance["rescaled_actions_from"]["low"] == pytest.approx([-0.4] * 17)
    recovered = minari.MinariDataset(out / "data").recover_environment()
    assert recovered.action_space == gymnasium.spaces.Box(-1, 1, (17,), np.float32)
    np.testing.assert_array_equal(recovered.reset(seed=ours[0].seed)[0], ours[0].obs[0])
    for action, obs in zip(ours[0].action, ours[0].obs[1:], strict=True):
        np.testing.assert_allclose(recovered.step(action)[0], obs, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("low", "high", "action", "expected"),
    [([-2, 0], [2, 10], [1, 2.5], [0.5, -0.5]), ([-1, -1], [1, 1], [0.3, -1], [0.3, -1])],
)
def test_each_number_of_an_action_is_rescaled_by_its_own_range(tmp_path, low, high, action, expected):
    write_with_action_space(tmp_path / "a", low, high, action)
    main(["import", str(tmp_path / "a"), "--out", str(tmp_path / "b"), "--rescale-actions"])
    np.testing.assert_allclose(read_dataset(tmp_path / "b")[0].action, [expected] * 4, rtol=1e-6)
    assert ("rescaled_actions_from" in read_record(tmp_path / "b", "provenance.json")) == (low[0] != -1)


@pytest.mark.parametrize(
    ("low", "high", "action", "reason"),
    [
        ([-2, 0], [2, 10], [1, 10.5], "actions is 10.5 at row 0, number 1, outside its bounds .0, 10."),
        ([-2, 0], [2, 10], [-2.01, 1], "actions is -2.01 at row 0, number 0, outside its bounds .-2, 2."),
        ([-2, -np.inf], [2, 10], [0, 0], "action_space: .* has no finite range"),
        ([-2, 10], [2, 10], [0, 10], "action_space: .* has no finite range"),
    ],
)
def test_actions_that_cannot_be_rescaled_are_refused(tmp_path, capsys, low, high, action, reason):
    write_with_action_space(tmp_path / "a", low, high, action)
    error = refusal(capsys, "import", tmp_path / "a", "--out", tmp_path / "b", "--rescale-actions")
    assert re.search(reason, error) and error.count("\n") == 1 and not (tmp_path / "b").exists()


def write_with_action_space(folder, low, high, action):
    """Minari's folder of an episode of four steps of one action."""
    folder.mkdir()
    write_minari(folder, [dataclasses.replace(made_up(4, seed=1), action=np.array([action] * 4, np.float32))], {})
    metadata = json.loads((folder / METADATA).read_text())
    space = gymnasium.spaces.Box(np.array(low, np.float32), np.array(high, np.float32))
    (folder / METADATA).write_text(json.dumps(metadata | {"action_space": serialize_space(space)}))


@pytest.mark.parametrize("name", ["env_spec", "eval_env_spec"])
def test_an_environment_that_gymnasium_did_not_write_is_refused(tmp_path, capsys, name):
    write_with_action_space(tmp_path / "a", [-2, 0], [2, 10], [1, 2.5])
    metadata = json.loads((tmp_path / "a" / METADATA).read_text())
    (tmp_path / "a" / METADATA).write_text(json.dumps(metadata | {name: "Hopper"}))
    error = refusal(capsys, "import", tmp_path / "a", "--out", tmp_path / "b", "--rescale-actions")
    assert f"metadata.json: {name}: 'Hopper' is no environment of Gymnasium" in error


def test_episodes_of_several_are_merged_in_order(tmp_path):
    one = write_made_up(tmp_path / "one")
    two = [made_up(7, seed=9)]
    write_dataset(tmp_path / "two", two, {"dataset_id": "flexrl/made-up/medium-v0"}, {"tier": "medium"})
    main(["merge", str(tmp_path / "one"), str(tmp_path / "two"), "--out", str(tmp_path / "both")])
    for found, expected in zip(read_dataset(tmp_path / "both"), one + two, strict=True):
        assert_same(found, expected)
    provenance = read_record(tmp_path / "both", "provenance.json")
    assert provenance["tier"] == "one-medium"
    assert [source["folder"] for source in provenance["merged"]] == ["one", "two"]
    assert read_record(tmp_path / "both", "statistics.json")["num_steps"] == 22


def test_what_cannot_be_merged_is_refused(tmp_path, capsys):
    write_made_up(tmp_path / "a")
    write_made_up(tmp_path / "b", goal_size=0)
    out = ["--out", tmp_path / "c"]
    assert "must be two or more different datasets" in refusal(capsys, "merge", tmp_path / "a", tmp_path / "a", *out)
    assert f"{tmp_path / 'b'} has sizes" in refusal(capsys, "merge", tmp_path / "a", tmp_path / "b", *out)
    write_dataset(tmp_path / "d", [made_up(3, seed=1)], {}, {"env": "other"})
    assert "has env other" in refusal(capsys, "merge", tmp_path / "a", tmp_path / "d", *out)
    assert not (tmp_path / "c").exists()


def test_what_cannot_be_exchanged_is_refused(tmp_path, capsys):
    write_made_up(tmp_path / "a")
    assert "must end in .parquet" in refusal(capsys, "export", tmp_path / "a", "--out", tmp_path / "a.csv")
    (tmp_path / "x.parquet").write_bytes(b"PAR1 nothing")
    assert "x.parquet: holds no dataset" in refusal(capsys, "import", tmp_path / "x.parquet", "--out", tmp_path / "b")
    main(["export", str(tmp_path / "a"), "--out", str(tmp_path / "a.parquet")])
    table = pq.read_table(tmp_path / "a.parquet")
    pq.write_table(table.replace_schema_metadata({}), tmp_path / "bare.parquet")
    assert "holds no dataset" in refusal(capsys, "import", tmp_path / "bare.parquet", "--out", tmp_path / "b")
    rewards = table.column("reward").to_pylist()
    rewards[6] = float("nan")
    broken = table.set_column(table.column_names.index("reward"), "reward", [rewards])
    with pq.ParquetWriter(tmp_path / "nan.parquet", table.schema) as writer:
        for begin, length in ((0, 5), (5, 6), (11, 7)):
            writer.write_table(broken.slice(begin, length).cast(table.schema))
    error = refusal(capsys, "import", tmp_path / "nan.parquet", "--out", tmp_path / "b")
    assert "nan.parquet: episode 1: rewards is not finite at row 1" in error
    assert json.loads(table.schema.metadata[b"flexrl"])["provenance"] == {"seed": 0}


def test_a_parquet_file_is_not_rescaled(tmp_path, capsys):
    (tmp_path / "a.parquet").write_bytes(b"")
    error = refusal(capsys, "import", tmp_path / "a.parquet", "--out", tmp_path / "b", "--rescale-actions")
    assert "rescale_actions: " in error and "leave it out" in error
