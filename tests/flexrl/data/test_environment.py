"""A dataset teaches runs of the environment that it was recorded in, however that is spelled, and no others unasked."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from envs.types import EnvSpec
from flexrl.cli.arguments import parse
from flexrl.common.errors import ConfigError
from flexrl.data.dataset_folder import read_record, write_dataset
from flexrl.data.environment import recorded_environment
from flexrl.data.minari_metadata import read_metadata
from flexrl.dataset import main as tool
from flexrl.engine.training_data import load_training_data
from flexrl.train import main
from tests.flexrl.episodes import made_up

SPEC = EnvSpec(obs_size=17, action_size=6, goal_size=0, control_period=0.1, episode_length=1000)  # of both
FLAGS = ["--algo", "bc", "--env", "Walker2d-v5", "--profile", "cpu"]
EXAMPLE = Path(__file__).parents[3] / "examples" / "custom_env.py"
FLEXRL = "envs.bridges.gymnasium_out:GymnasiumEnv"


def write(folder, metadata, provenance):
    """Two episodes of the sizes of HalfCheetah-v5 and Walker2d-v5."""
    rng = np.random.default_rng(0)
    episodes = []
    for length in (4, 5):
        obs = rng.normal(size=(length + 1, 17)).astype(np.float32)
        action = rng.uniform(-1, 1, (length, 6)).astype(np.float32)
        episodes.append(
            dataclasses.replace(made_up(length, seed=length, goal_size=0), obs=obs, action=action, infos={})
        )
    write_dataset(folder, episodes, {"dataset_id": "someone/made-up/expert-v0"} | metadata, provenance)
    return folder


def env_spec(env_id, entry_point="gymnasium.envs.mujoco:Env", **arguments):
    return {"env_spec": json.dumps({"id": env_id, "entry_point": entry_point, "kwargs": arguments})}


def loaded(folder, *flags):
    found = load_training_data(parse([*FLAGS, "--algorithm.dataset", str(folder), *flags]).config, SPEC)
    assert found is not None
    return found


SAME = {
    "ours": ({}, {"env": "Walker2d-v5"}),
    "Gymnasium's": (env_spec("Walker2d-v5"), {}),
    "our bridge's": (env_spec("flexrl/Walker2d-v5", FLEXRL, name="Walker2d-v5"), {}),
    "our bridge's without arguments": (env_spec("flexrl/Walker2d-v5"), {}),
    "with a module": (env_spec("flexrl.gym:flexrl/Walker2d-v5"), {}),
}
OTHER = {
    "ours": ({}, {"env": "HalfCheetah-v5"}, "HalfCheetah-v5"),
    "provenance before Gymnasium's": (env_spec("Walker2d-v5"), {"env": "HalfCheetah-v5"}, "HalfCheetah-v5"),
    "Gymnasium's": (env_spec("HalfCheetah-v5"), {"imported": {}}, "HalfCheetah-v5"),
    "another version": (env_spec("Walker2d-v4"), {}, "Walker2d-v4"),
    "our bridge's": (env_spec("flexrl/HumanoidWalk-v0"), {}, "humanoid-walk"),
    "another library's": (env_spec("flexrl/Walker2d-v0", FLEXRL, name="brax:walker2d"), {}, "brax:walker2d"),
}


@pytest.mark.parametrize("kind", SAME)
def test_the_same_environment_is_learnt_from(tmp_path, kind):
    found = loaded(write(tmp_path / "data", *SAME[kind]))
    assert found.environment == "Walker2d-v5" and "names no environment" not in found.summary


@pytest.mark.parametrize("kind", OTHER)
def test_another_environment_of_the_same_sizes_is_refused_unless_it_is_asked_for(tmp_path, kind):
    *recorded, name = OTHER[kind]
    folder = write(tmp_path / "data", *recorded)
    with pytest.raises(
        ConfigError, match=f"was recorded in {name}, and this run is of Walker2d-v5; .*--algorithm.any-env"
    ):
        loaded(folder)
    assert loaded(folder, "--algorithm.any-environment").environment == name


def test_what_is_streamed_is_compared_too(tmp_path):
    folder = write(tmp_path / "data", {}, {"env": "HalfCheetah-v5"})
    with pytest.raises(ConfigError, match="was recorded in HalfCheetah-v5"):
        loaded(folder, "--algorithm.memory-limit-mb", "0.001")


def test_a_dataset_that_names_no_environment_is_learnt_from_with_a_note(tmp_path):
    found = loaded(write(tmp_path / "data", {}, {}))
    assert found.environment is None and "names no environment, so that sizes alone were compared" in found.summary


def test_a_task_in_a_users_file_may_lie_elsewhere(tmp_path):
    task = f"{EXAMPLE}:PoleOnACart"
    found = loaded(write(tmp_path / "data", {}, {"env": "elsewhere/custom_env.py:PoleOnACart"}), "--env", task)
    assert found.environment == "elsewhere/custom_env.py:PoleOnACart"
    with pytest.raises(ConfigError, match="was recorded in custom_env.py:Another"):
        loaded(write(tmp_path / "other", {}, {"env": "custom_env.py:Another"}), "--env", task)


@pytest.mark.parametrize(
    ("damaged", "why"),
    [*((text, ".* is no environment of Gymnasium") for text in ("nothing", "[]", "{}", '{"id": 5}')), (7, "7 must be")],
)
def test_a_record_that_cannot_be_read_is_refused(tmp_path, damaged, why):
    folder = write(tmp_path / "data", {"env_spec": damaged}, {})
    with pytest.raises(ConfigError, match=f"metadata.json: env_spec: {why}"):
        recorded_environment(folder)


def test_imported_and_merged_datasets_name_it_on(tmp_path, capsys):
    for name in ("HalfCheetah-v5", "Walker2d-v5"):
        write(tmp_path / name, env_spec(name), {})
        for file in ("manifest.json", "statistics.json", "provenance.json", "datasheet.html"):
            (tmp_path / name / file).unlink()
        tool(["import", str(tmp_path / name), "--out", str(tmp_path / f"ours-{name}")])
        assert recorded_environment(tmp_path / f"ours-{name}") == name
    shutil.copytree(tmp_path / "ours-Walker2d-v5", tmp_path / "again")
    ours = [str(tmp_path / name) for name in ("ours-Walker2d-v5", "again", "ours-HalfCheetah-v5")]
    tool(["merge", *ours[:2], "--out", str(tmp_path / "merged")])
    assert recorded_environment(tmp_path / "merged") == "Walker2d-v5"
    assert read_metadata(tmp_path / "merged")["env_spec"] == env_spec("Walker2d-v5")["env_spec"]
    assert read_record(tmp_path / "merged", "provenance.json")["env"] == "Walker2d-v5"
    with pytest.raises(SystemExit) as end:
        tool(["merge", *ours[1:], "--out", str(tmp_path / "both")])
    assert end.value.code == 65 and "has env HalfCheetah-v5, and" in capsys.readouterr().err


def test_a_refused_run_ends_with_65_in_one_line_and_leaves_no_folder(tmp_path, capsys):
    folder = write(tmp_path / "data", {}, {"env": "HalfCheetah-v5"})
    with pytest.raises(SystemExit) as end:
        main([*FLAGS, "--algorithm.dataset", str(folder), "--workspace", str(tmp_path), "--name", "run"])
    error = capsys.readouterr().err
    assert end.value.code == 65 and error.count("\n") == 1 and "--algorithm.any-environment" in error
    assert not (tmp_path / "run").exists()
