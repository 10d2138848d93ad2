"""Videos: what is commanded in them, their captions, and the process that draws the one that a training ends with."""

import json
import sys

import numpy as np
import pytest

from envs.view.gl import can_draw
from flexrl.common.errors import ConfigError
from flexrl.render import RenderArguments, caption_of, render
from flexrl.training.final_video import draw_video

BLACK = np.zeros((48, 64, 3), np.uint8)


def test_the_process_that_draws_a_video_leaves_the_accelerator_to_the_training(tmp_path, monkeypatch, capsys):
    program = tmp_path / "python"
    tells = "import json, os, sys\nprint(json.dumps([os.environ.get('JAX_PLATFORMS'), sys.argv[1:]]))\n"
    program.write_text(f"#!{sys.executable}\n{tells}")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setenv("MUJOCO_GL", "")
    monkeypatch.setattr("envs.view.gl.ctypes.util.find_library", lambda name: name)
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    draw_video(tmp_path / "run")
    platforms, arguments = json.loads(capsys.readouterr().out)
    assert platforms == "cpu"
    assert arguments[:3] == ["-m", "flexrl.render", str(tmp_path / "run")]


def test_the_caption_says_the_skill_and_its_command():
    assert (
        caption_of("humanoid-skills", "walk-forward-left") == "walk-forward-left, 0.6 m/s forward, 0.4 m/s to the left"
    )
    assert caption_of("humanoid-skills", "jump") == "jump" and caption_of("humanoid-walk", None) == "humanoid-walk"


@pytest.mark.skipif(not can_draw(), reason="no GL library")
def test_a_field_of_the_task_that_is_wrong_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("MUJOCO_GL", raising=False)  # another test's choice
    out = tmp_path / "clip.mp4"
    for field, told in (("speed=1", "speed"), ("support=1", "support: 1.0 is for training only")):
        with pytest.raises(ConfigError, match=told):
            render("pretrained/g1-joystick", RenderArguments(out=out, task=(field,)))
    assert not out.exists()


@pytest.mark.skipif(not can_draw(), reason="no GL library")
def test_a_robot_is_drawn_as_it_walks_at_the_velocity_that_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.delenv("MUJOCO_GL", raising=False)  # another test's choice
    drawn = []
    monkeypatch.setattr("envs.view.drawing.draw", lambda model, qpos, *size: drawn.append(qpos) or [BLACK] * len(qpos))
    told = ("sideways_velocity=[0,0]", "yaw_rate=[0,0]", "stand_probability=0")
    for speed in ("0.2", "0.8"):
        task = (f"forward_velocity=[{speed},{speed}]", *told)
        render("pretrained/g1-joystick", RenderArguments(out=tmp_path / "clip.mp4", seconds=3, task=task))
    slow, fast = (np.linalg.norm(qpos[-1, :2] - qpos[0, :2]) for qpos in drawn)
    assert slow == pytest.approx(0.6, abs=0.3) and fast == pytest.approx(2.4, abs=0.5)  # m in 3 s
