"""The policies that come with the repository do what their datasheets say."""

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from envs.success import skill_success
from envs.view.gl import can_draw
from flexrl.common.errors import ConfigError
from flexrl.engine.evaluator import Evaluator, final_key
from flexrl.policies.playback import load_playback
from flexrl.policies.skill_evaluation import examine
from flexrl.render import asking_for
from flexrl.storage.run_folder import read_config

PRETRAINED = Path(__file__).parents[3] / "pretrained"
FOLDER, WHOLE, NATURAL = (PRETRAINED / name for name in ("humanoid-skills", "whole-body", "natural-skills"))
G1 = PRETRAINED / "g1-joystick"


@pytest.mark.parametrize("folder", [FOLDER, WHOLE, NATURAL, G1], ids=lambda folder: folder.name)
def test_is_small_and_names_no_place_on_a_machine(folder):
    assert sum(file.stat().st_size for file in folder.iterdir()) < 3e6
    assert read_config(folder).workspace == "workspace"
    values = re.findall(r': "(.*?)"', "".join(file.read_text() for file in sorted(folder.glob("*.json"))))
    assert values and not any(Path(value).is_absolute() for value in values)


@pytest.mark.parametrize(
    ("folder", "skill"),
    [
        *((FOLDER, "walk-forward"), (FOLDER, "turn-left")),
        *((WHOLE, "walk-forward"), (WHOLE, "jump"), (WHOLE, "stand-up")),
        *((NATURAL, "walk-forward"), (NATURAL, "strafe-left"), (NATURAL, "jump"), (NATURAL, "stand-up")),
    ],
)
def test_follows_commands(folder, skill):
    playback = load_playback(
        str(folder), "workspace", "best", "native", num_episodes=8, task=lambda task: asking_for(task, skill)
    )
    episodes = Evaluator(playback.env, 8).episodes(playback.policy, final_key(1))
    least = 0.6 if skill in ("jump", "stand-up") else 0.8  # of 8; both are at 0.92 or more of 48
    assert skill_success(skill, episodes.terminated, episodes.settled, episodes.final).mean() >= least


def test_the_robot_walks_as_it_is_told():
    told = {"forward_velocity": (0.5, 0.5), "sideways_velocity": (0.0, 0.0), "yaw_rate": (0.0, 0.0)}
    playback = load_playback(
        str(G1),
        "workspace",
        "best",
        "native",
        num_episodes=4,
        task=lambda task: dataclasses.replace(task, **told, stand_probability=0.0),
    )
    evaluation = Evaluator(playback.env, 4)(playback.policy, final_key(1))
    assert evaluation["terminated_fraction"] == 0  # 0 of 256, for 20 s
    assert evaluation["velocity_error"] < 0.12  # m/s; 0.07 in 256


@pytest.mark.skipif(not can_draw(), reason="no GL library")
def test_a_video_of_a_skill_needs_no_more_than_its_name(tmp_path, monkeypatch):
    monkeypatch.delenv("MUJOCO_GL", raising=False)  # another test's choice
    small = ["--seconds", "0.1", "--width", "64", "--height", "48"]
    command = [sys.executable, "-m", "flexrl.render", str(FOLDER), "--goal", "walk-forward", *small]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "Warning" not in done.stderr, done.stderr
    assert done.stdout == "humanoid-skills-walk-forward.mp4: 4 frames, 0.1 s\n"
    assert (tmp_path / "humanoid-skills-walk-forward.mp4").stat().st_size > 500


def test_asking_for_what_it_was_not_trained_for_is_refused_by_name():
    task = load_playback(str(FOLDER), "workspace", "best", "native").config.task
    assert asking_for(task, None) is task
    with pytest.raises(ConfigError, match="goal: 'stand-up' is not among the skills"):
        asking_for(task, "stand-up")
    with pytest.raises(ConfigError, match="goal: 'run' is a skill, and this run's task has none"):
        asking_for(object(), "run")


@pytest.mark.slow
def test_an_examination_agrees_with_the_datasheet():
    playback = load_playback(str(FOLDER), "workspace", "best", "native", num_episodes=16)
    three = dataclasses.replace(playback.config.task, skills=("walk-forward", "walk-backward", "run", "run"))
    playback = dataclasses.replace(playback, config=dataclasses.replace(playback.config, task=three))
    report = examine(playback, num_episodes=16, num_transition_episodes=4, seed=0)
    assert len(report["skills"]) == 3
    recorded = json.loads((FOLDER / "skills.json").read_text())["skills"]
    for name, row in report["skills"].items():
        assert row["success"] == pytest.approx(recorded[name]["success"], abs=0.15)
        assert row["velocity_error"] == pytest.approx(recorded[name]["velocity_error"], abs=0.1)
    transitions = report["transitions"]
    assert min(transitions["walk-forward"]["walk-backward"], *transitions["run"].values()) > 0.5
    assert report["switching"]["falls_per_episode"] <= report["switching_with_pushes"]["falls_per_episode"]
