"""The command that carries an instruction out, from its words to a clip, in a process of its own."""

import re
import subprocess
import sys
from pathlib import Path

import imageio.v2 as imageio
import pytest

from envs.view.gl import choose_gl

ROOT = Path(__file__).parents[2]


def instructed(words, clip):
    """How the command ends that carries words out and draws a clip."""
    command = [sys.executable, "-m", "flexrl.instruct", "pretrained/humanoid-skills", words, "--out", str(clip)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)


@pytest.mark.slow
def test_an_instruction_becomes_a_plan_a_report_and_a_clip(tmp_path):
    choose_gl()
    clip = tmp_path / "clip.mp4"
    words = "walk forward two metres, then turn left"
    ended = instructed(words, clip)
    assert ended.returncode == 0, ended.stderr
    plan, done = ended.stdout.split(f"{words}: carried out")
    assert "2 metres" in plan and re.search(r"walk-forward.*\n(?:.*\n)*?.*turn-left", plan)
    metres = re.search(r"walk-forward\s+2\.00 m\s+(\d+\.\d+) m", done)
    degrees = re.search(r"turn-left\s+90 degrees\s+(\d+) degrees", done)
    assert metres and abs(float(metres[1]) - 2) <= 0.3, done
    assert degrees and abs(float(degrees[1]) - 90) <= 15, done
    frames = int(re.search(rf"{re.escape(str(clip))}: (\d+) frames, ", ended.stderr)[1])
    with imageio.get_reader(clip) as reader:
        images = [image for image in reader]
    assert len(images) == frames > 30
    assert images[0].shape == (360, 480, 3)
    assert (images[0] != images[-1]).any()  # the body has moved


@pytest.mark.slow
def test_what_cannot_be_done_is_refused_and_draws_nothing(tmp_path):
    clip = tmp_path / "clip.mp4"
    command = [
        sys.executable,
        "-m",
        "flexrl.instruct",
        "pretrained/humanoid-skills",
        "do a cartwheel",
        "--out",
        str(clip),
    ]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert ended.returncode == 1
    assert "is refused" in ended.stderr and "cartwheel" in ended.stderr
    assert not clip.exists()
