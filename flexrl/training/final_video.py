"""Draw the video at the end of a training."""

import os
import subprocess
import sys
from pathlib import Path

from envs.view.gl import choose_gl
from flexrl.common.errors import ConfigError


def draw_video(run: Path) -> None:
    """Draw a short video of a finished run in a process of its own. If that fails, print one line that says why.

    The process computes on the CPU, because the training still holds most of an accelerator's memory.
    """
    try:
        choose_gl()
    except ConfigError as error:
        print(f"no video: {error}")
        return
    out = run / "videos" / "final.mp4"
    command = [sys.executable, "-m", "flexrl.render", str(run), "--out", str(out), "--step", "latest", "--seconds", "4"]
    done = subprocess.run(command, env=os.environ | {"JAX_PLATFORMS": "cpu"}, capture_output=True, text=True)
    print(done.stdout.strip() if done.returncode == 0 else f"no video: {done.stderr.strip()}")
