"""A run that imitates other policies."""

import json
from pathlib import Path

import pytest

from flexrl.cli.arguments import parse
from flexrl.common.errors import ConfigError
from flexrl.engine.factory import make_env
from flexrl.train import main
from flexrl.training.teachers import load_teachers
from tests.flexrl import runs

EXPORTED = str(Path(__file__).parents[3] / "pretrained" / "humanoid-skills")


def config_of(tmp_path, *teachers, env="humanoid-skills"):
    flags = ["--env", env, "--workspace", str(tmp_path), "--name", "pupil", "--algorithm.teachers", *teachers]
    return parse([*runs.TINY, *flags]).config


def rows(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_pupil_notes_its_teachers_and_how_far_it_is_from_them(tmp_path):
    flags = ["--env", "humanoid-skills", "--workspace", str(tmp_path), "--name", "pupil"]
    teachers = ["--algorithm.teachers", EXPORTED, f"run={EXPORTED}"]
    main([*runs.TINY, *flags, *teachers])
    assert all(row["policy/teacher_kl"] > 0 for row in rows(tmp_path / "pupil"))
    record = json.loads((tmp_path / "pupil" / "metadata.json").read_text())["data"]
    assert record["teachers"] == teachers[1:] and len(record["sha256"]) == 64


def test_a_run_goes_on_with_its_own_teachers_only(tmp_path):
    config = config_of(tmp_path, EXPORTED)
    teachers = load_teachers(config, make_env(config).spec)
    (tmp_path / "metadata.json").write_text(json.dumps({"data": {"sha256": "0" * 64}}))
    with pytest.raises(ConfigError, match="began with teachers of SHA-256 0000"):
        teachers.require_same(tmp_path)
    (tmp_path / "metadata.json").write_text(json.dumps({"data": teachers.record}))
    teachers.require_same(tmp_path)


@pytest.mark.parametrize(
    ("teachers", "env", "words"),
    [
        (["nowhere"], "humanoid-skills", "nowhere"),
        ([EXPORTED, "jump=nowhere"], "humanoid-skills", "nowhere"),
        ([EXPORTED, f"flying={EXPORTED}"], "humanoid-skills", "'flying' is unknown"),
        ([EXPORTED], "humanoid-walk", "sees 63 observations and 17 numbers of goal"),
    ],
)
def test_a_teacher_that_does_not_fit_is_refused_in_one_line(tmp_path, teachers, env, words):
    config = config_of(tmp_path, *teachers, env=env)
    with pytest.raises(ConfigError, match=f"^teachers: .*{words}") as refused:
        load_teachers(config, make_env(config).spec)
    assert "\n" not in str(refused.value)


def test_a_pupil_with_a_clock_may_have_a_teacher_without_one(tmp_path):
    config = config_of(tmp_path, EXPORTED, "--task.gait-clock")
    worlds = make_env(config)
    teachers = load_teachers(config, worlds.spec).arrays
    assert teachers.familiar_only == (False,)
    assert (worlds.spec.obs_size, teachers.obs_sizes) == (65, (63,))


def test_a_teacher_of_familiar_states_is_of_every_skill(tmp_path):
    config = config_of(tmp_path, EXPORTED, f"familiar={EXPORTED}", f"run={EXPORTED}")
    teachers = load_teachers(config, make_env(config).spec).arrays
    assert teachers.familiar_only == (False, True, False)
    assert [column is None for column in teachers.columns] == [True, True, False]


def test_a_run_without_teachers_loads_none(tmp_path):
    config = parse([*runs.TINY, "--workspace", str(tmp_path), "--name", "alone"]).config
    assert load_teachers(config, make_env(config).spec) is None
