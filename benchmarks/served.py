"""Runs the server of `python -m flexrl.serve` as a process, and headless Chromium, for benchmarks and tests."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium")
# WebGL on the CPU: by what Chromium brings along, or by Mesa (Debian's libegl1 and libgl1-mesa-dri), which is faster.
FLAGS = {
    "swiftshader": ("--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
    "mesa": ("--use-gl=angle", "--use-angle=gl-egl", "--ignore-gpu-blocklist"),
}
Renderer = Literal["swiftshader", "mesa"]


@contextlib.contextmanager
def serving(workspace: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve the pretrained policy, and yield the server's process and the address of its page.

    The process is killed at the end of the `with` block.

    Args:
      workspace: workspace of the server.
      arguments: further arguments of `flexrl.serve`.
    """
    command = [sys.executable, "-m", "flexrl.serve", "pretrained/humanoid-skills", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--workspace", str(workspace), *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("http://"), process.communicate()[1]
        yield process, line.split()[0]
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@contextlib.contextmanager
def browser(renderer: Renderer = "swiftshader") -> Iterator[Any]:
    """Yield Playwright's headless Chromium, which draws WebGL on the CPU.

    `renderer` is what draws: `swiftshader`, which Chromium brings along, or `mesa`, which is faster.
    """
    from playwright.sync_api import sync_playwright  # pyright: ignore[reportMissingImports]

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS[renderer], "--no-sandbox"])
        try:
            yield chromium
        finally:
            chromium.close()
