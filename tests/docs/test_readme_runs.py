"""The README's commands work one after the other, with the words that stand there and less training."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request
from pathlib import Path

import pytest

from tests.docs.test_pages import ROOT, lines_of_code

README = ROOT / "README.md"
SHORTER = ["--total-steps", "20000", "--num-evaluations", "1"]
LEFT_OUT = {  # what a command contains, and why it is left out
    "make test": "would run this test",
    "make lint": "a check of its own",
    "make k8s-check": "a check of its own",
    "make terraform-check": "a check of its own",
    "make image-check": "a check of its own",
    "make peers": "installs gigabytes",
    "make browser": "installs what the tests of the page use",
    "make bench": "takes minutes; tests/benchmarks runs its parts",
    "make gke-up": "needs an account",
    "--from-terraform": "needs a cluster",
    "launch.pipeline": "tests/launch/pipelines runs it",
}

pytestmark = pytest.mark.slow


def test_the_commands_of_the_readme_work_one_after_the_other(tmp_path):
    commands = [line for line in lines_of_code(README) if line.startswith((".venv/bin/", "make "))]
    assert all(any(part in command for command in commands) for part in LEFT_OUT)
    checkout(tmp_path)
    for command in commands:
        if command == "make talk":
            page_answers(tmp_path)
        elif not any(part in command for part in LEFT_OUT):
            done = run(shortened(command), tmp_path)
            assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    assert {"clip.mp4", "slower.mp4", "compare.png", "walks"} <= {path.name for path in tmp_path.iterdir()}
    assert {"first", "slower", "seeds", "rates", "humanoid-rate"} <= {
        p.name for p in (tmp_path / "workspace").iterdir()
    }


def test_the_program_of_the_readme_works(tmp_path):
    checkout(tmp_path)
    program = re.search(r"^    import flexrl\n(?:    .*\n)+", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert program
    told = "print('upright:', not terminated)"
    done = run([sys.executable, "-c", textwrap.dedent(program[0]) + told], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("upright: True\n")


def checkout(folder: Path) -> None:
    """Give a folder what the commands read in a checkout: sweeps with less training, the rest as it is."""
    for name in (".venv", "Makefile", "pretrained"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "examples", folder / "examples")
    for sweep in (folder / "examples").glob("humanoid_s[we][ea]*.yaml"):
        text = sweep.read_text(encoding="utf-8")
        assert "total_steps: 300_000" in text
        sweep.write_text(text.replace("total_steps: 300_000", "total_steps: 20_000"), encoding="utf-8")


def shortened(command: str) -> list[str]:
    """Return a command's words. Trainings get flags that shorten them, and `make` installs nothing."""
    words = shlex.split(command)
    if words[0] == "make":
        return ["make", "--old-file=setup", *words[1:], f"ARGS={' '.join(SHORTER)}"]
    is_training = "flexrl.train" in words and "--resume" not in words
    return [str(ROOT / words[0]), *words[1:], *(SHORTER if is_training else [])]


def run(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=900)


def page_answers(folder: Path) -> None:
    """Start `make talk`, wait until its page answers, and stop it as Ctrl-C would."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["make", "--old-file=setup", "talk", f"ARGS=--port {port}"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(words, cwd=folder, env=environment, start_new_session=True)
    try:
        for _ in range(600):
            assert server.poll() is None
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as page:
                    assert b"<html" in page.read()
                return
            except OSError:  # it still starts
                time.sleep(0.5)
        raise AssertionError("no page within 5 minutes")
    finally:
        os.killpg(server.pid, signal.SIGINT)
        server.wait(60)
