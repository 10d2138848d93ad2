"""The video that a training ends with."""

import json
import sys

from flexrl.render import caption_of
from flexrl.training.final_video import draw_video


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
