"""A run keeps the user's MJCF that it trains, and is read from that copy when the original has changed or is gone."""

import shutil
from pathlib import Path

import pytest

from envs.registry import env_type
from flexrl.cli.arguments import default_config, resolved
from flexrl.common.errors import ConfigError
from flexrl.config.run_config import encode, without_places
from flexrl.storage.run_folder import RunFolder, read_config, read_metadata
from flexrl.storage.run_model import copy_model, keep_model, kept_model
from tests.envs.robots.own_robots import quadruped, written

LOOKS = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n"


@pytest.fixture
def robot(tmp_path):
    (tmp_path / "robots" / "mine").mkdir(parents=True)
    (tmp_path / "robots" / "looks").mkdir()
    (tmp_path / "robots" / "looks" / "ball.obj").write_text(LOOKS)
    mesh = '<asset><mesh name="m" file="../looks/ball.obj"/></asset>'
    return written(tmp_path / "robots" / "mine", quadruped(extra=mesh))


def started(robot, tmp_path):
    config = resolved(default_config("ppo", robot, "cpu"))
    folder = RunFolder(tmp_path / "run")
    folder.start(config, [])
    folder.close()
    return config, tmp_path / "run"


def test_the_kept_model_outlives_the_original(robot, tmp_path):
    config, run = started(robot, tmp_path)
    shutil.rmtree(tmp_path / "robots")
    moved = run.rename(tmp_path / "moved")
    found = read_config(moved)
    assert found.env == str(moved / "model" / "mine" / "my_robot.xml")
    assert found.hash() == config.hash() and found.env_name == "my_robot.xml"
    assert env_type(found.env)(found.task, _native()).model.nmesh == 1
    record = read_metadata(moved)["model"]
    assert sorted(record["files"]) == ["looks/ball.obj", "mine/my_robot.xml"]


def test_the_record_changes_with_the_content_of_any_file(robot, tmp_path):
    first = keep_model(robot, tmp_path / "a")
    assert keep_model(robot, tmp_path / "b") == first
    (tmp_path / "robots" / "looks" / "ball.obj").write_text(LOOKS.replace("0 0 1", "0 0 2"))
    again = keep_model(robot, tmp_path / "b")
    assert first and again and first["sha256"] != again["sha256"]


def test_other_environments_keep_nothing(tmp_path):
    assert keep_model("humanoid-walk", tmp_path) is None and not list(tmp_path.iterdir())
    assert kept_model(tmp_path) is None


def test_what_is_published_holds_the_model_and_no_path_to_it(robot, tmp_path):
    config, run = started(robot, tmp_path)
    (tmp_path / "exported").mkdir()
    copy_model(run, tmp_path / "exported")
    assert encode(without_places(config))["env"] == "my_robot.xml"
    assert kept_model(tmp_path / "exported") == str(tmp_path / "exported" / "model" / "mine" / "my_robot.xml")


def test_a_model_that_a_copy_would_break_is_refused(tmp_path):
    (tmp_path / "ball.obj").write_text(LOOKS)
    # The compiler's folder is absolute, so that the copy would read files outside of the run's folder.
    extra = f'<compiler meshdir="{tmp_path / "robots"}"/><asset><mesh name="m" file="ball.obj"/></asset>'
    (tmp_path / "robots").mkdir()
    shutil.move(tmp_path / "ball.obj", tmp_path / "robots" / "ball.obj")
    path = written(tmp_path, quadruped(extra=extra))
    with pytest.raises(ConfigError, match=r"^env: .*my_robot.xml: <compiler meshdir=.*> is an absolute path; name"):
        keep_model(path, tmp_path / "run")


def test_runs_are_named_after_the_file(robot, tmp_path):
    other = Path(robot).rename(Path(robot).with_name("my robot 2.xml"))
    assert resolved(default_config("ppo", str(other), "cpu")).name == "my-robot-2-ppo-seed0"


def _native():
    from envs.physics import PhysicsOptions

    return PhysicsOptions("native")
