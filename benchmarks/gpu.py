"""Runs all benchmarks of a GPU within a time limit, by one command.

    python -m benchmarks.gpu [--minutes 9.5] [--parts parity speed ...] [--plan]

Its parts are the other benchmarks, the most important first, each in a process of its own. When a part ends or its time
is up, its results are added to the results file, so that an interrupted run leaves what it had. A part for which too
little time is left is skipped, and the file says so.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from rich.console import Console

from flexrl.common.errors import exit_codes
from flexrl.storage.provenance import REPOSITORY

STOP_SECONDS = 5.0  # between SIGTERM and SIGKILL
END_SECONDS = 10.0  # kept for writing the results
WORDS = 2000  # last characters that are kept of a failed part's log


@dataclass(frozen=True)
class Part:
    """One benchmark's command.

    Attributes:
      name: name of the part; `--parts` takes whole names, or first words, which several parts may share.
      module: module in `benchmarks`.
      flags: command line of the module.
      least: seconds that must be left for the part to be started.
      most: seconds after which it is stopped.
    """

    name: str
    module: str
    flags: tuple[str, ...]
    least: float
    most: float

    def command(self, out: Path) -> list[str]:
        """Return the command line of the part's process, which writes its results to `out`."""
        return [sys.executable, "-m", f"benchmarks.{self.module}", *self.flags, "--out", str(out)]


def speed(physics: str, num_envs: int, least: float, most: float, *flags: str) -> Part:
    """Return the part that measures physics alone, rollout and training with a number of worlds."""
    chosen = ("--physics", physics, "--num-envs", str(num_envs), "--repeats", "3", "--seconds", "1")
    return Part(f"speed {physics} {num_envs}", "throughput", (*chosen, *flags), least, most)


def time_to_return(env: str) -> Part:
    """Return the part that trains five seeds for three minutes, and evaluates them in fresh episodes."""
    return Part(f"return {env}", "time_to_return", ("--envs", env, "--minutes", "3"), 195, 300)


# Most important first. `least` and `most` are guesses for one H100, on which they were not measured yet.
PARTS = (
    Part("parity", "parity", (), 30, 120),
    speed("mjx-warp", 8192, 60, 240, "--peers"),
    Part("profile", "trace", ("--num-envs", "8192"), 30, 60),
    speed("mjx-warp", 32768, 40, 90),
    Part("seeds", "seeds", ("--num-envs", "1024", "4096"), 40, 90),
    speed("mjx-jax", 8192, 60, 150),
    Part("exchange", "exchange", (), 60, 120),
    speed("mjx-warp", 16384, 40, 90),
    speed("mjx-warp", 4096, 40, 90),
    speed("mjx-warp", 1024, 40, 90),
    time_to_return("humanoid-walk"),
    speed("mjx-jax", 32768, 60, 180),
    speed("mjx-jax", 4096, 60, 150),
    speed("mjx-jax", 1024, 60, 150),
    *(time_to_return(f"dmc-humanoid-{speed}") for speed in ("walk", "stand", "run")),
    Part("tune", "tune", (), 60, 540),
)


@dataclass(frozen=True)
class GpuConfig:
    """What to run.

    Attributes:
      minutes: time limit for all parts together.
      parts: names of the parts to run, or their first words; by default all but `tune`, which fills a run of its own.
      commit: commit of the source, for a copy of it that is no git checkout.
      out: JSON file for the results; by default named after the machine, in benchmarks/results.
      plan: only print the commands of all parts.
    """

    minutes: float = 9.5
    parts: tuple[str, ...] = ()
    commit: str | None = None
    out: Path | None = None
    plan: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError if the minutes are not positive, or a part is unknown."""
        if not 0 < self.minutes < float("inf"):
            raise ValueError(f"--minutes: {self.minutes} must be above 0")
        known = list(dict.fromkeys(part.name.split()[0] for part in PARTS))
        for name in self.parts:
            if name not in known and name not in [part.name for part in PARTS]:
                raise ValueError(f"--parts: {name!r} is unknown; known: {', '.join(known)}")

    def chosen(self) -> list[Part]:
        """Return the parts to run, in order."""
        default = [part for part in PARTS if part.name != "tune"]
        return [part for part in PARTS if {part.name, part.name.split()[0]} & set(self.parts)] or default


def main(config: GpuConfig) -> None:
    """Run the parts that fit into the time; print and write their results."""
    console = Console(highlight=False)
    if config.plan:
        for part in PARTS:
            console.print(f"{part.name}: {' '.join(part.command(Path('FILE'))[1:])}", soft_wrap=True)
        return
    run_parts(config.chosen(), config, time.monotonic() + 60 * config.minutes, console)


def run_parts(parts: Sequence[Part], config: GpuConfig, deadline: float, console: Console) -> None:
    """Run parts one after the other until a deadline on the clock of `time.monotonic`, and write the report.

    Raises:
      ConfigError: see `benchmarks.report.header`.
    """
    from benchmarks.report import header, save
    from flexrl.common.jax_setup import prepare_jax

    prepare_jax()
    report = header(config) | {"parts": []}
    for part in parts:
        left = deadline - time.monotonic() - END_SECONDS
        if left < part.least:
            found: dict[str, Any] = {"name": part.name, "ended": f"left out: {max(left, 0):.0f} s were left"}
        else:
            found = run_part(part, min(left, part.most))
        report["parts"].append(found)
        path = save(report, "gpu", config.out)
        console.print(f"{part.name}: {found['ended']}", markup=False, soft_wrap=True)
    console.print(f"written: {path}", markup=False, soft_wrap=True)


def run_part(part: Part, seconds: float) -> dict[str, Any]:
    """Run a part for at most so many seconds; return its report, as far as it was written, and how it ended."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        out, log = Path(folder) / "out.json", Path(folder) / "log"
        with log.open("w") as file:
            process = subprocess.Popen(
                part.command(out),
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=REPOSITORY,
                env=environment(),
                start_new_session=True,  # a process group, so that its children end with it
            )
            try:
                code = process.wait(max(seconds - STOP_SECONDS, 0))
                ended = "finished" if code == 0 else f"failed with exit status {code}"
            except subprocess.TimeoutExpired:
                ended = f"stopped after {seconds:.0f} s"
            finally:
                stop(process)
        report = json.loads(out.read_text()) if out.exists() else None
        words = log.read_text(errors="replace")[-WORDS:]
    return {
        "name": part.name,
        "command": part.command(Path("FILE"))[1:],
        "ended": ended,
        "seconds": round(time.monotonic() - started, 1),
        "report": report,
        "log": None if ended == "finished" else words,
    }


def environment() -> Mapping[str, str]:
    """Return the environment variables of a part. JAX takes device memory only as needed, for true peaks."""
    return {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", **os.environ}


def stop(process: subprocess.Popen[Any]) -> None:
    """End a process and all processes that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(STOP_SECONDS)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


if __name__ == "__main__":
    os.environ.update(environment())
    with exit_codes():
        main(tyro.cli(GpuConfig, description=__doc__))
