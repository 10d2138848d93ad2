"""Everything that is to be known of one GPU, by one command that ends in time.

    python -m benchmarks.gpu [--minutes 9.5] [--parts parity speed ...] [--plan]

Its parts are the other benchmarks, each in a process of its own, in the order of what matters most. What a part wrote
is taken over when it ends or its time is up, and the file is written after each: an interrupted run leaves what it had.
A part for which too little time is left is left out, and the file says so.
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
END_SECONDS = 10.0  # kept back for writing
WORDS = 2000  # of a failed part's log


@dataclass(frozen=True)
class Part:
    """One benchmark's command.

    Attributes:
      name: of the part; `--parts` chooses by it, or by its first word, which others may have too.
      module: of benchmarks.
      flags: its command line.
      least: seconds below which it is not worth beginning.
      most: seconds after which it is stopped.
    """

    name: str
    module: str
    flags: tuple[str, ...]
    least: float
    most: float

    def command(self, out: Path) -> list[str]:
        """Its process."""
        return [sys.executable, "-m", f"benchmarks.{self.module}", *self.flags, "--out", str(out)]


def speed(physics: str, num_envs: int, least: float, most: float, *flags: str) -> Part:
    """Physics alone, rollout and training at a size."""
    chosen = ("--physics", physics, "--num-envs", str(num_envs), "--repeats", "3", "--seconds", "1")
    return Part(f"speed {physics} {num_envs}", "throughput", (*chosen, *flags), least, most)


def time_to_return(env: str) -> Part:
    """Five seeds of an environment, for three minutes, and fresh episodes of what they had reached."""
    return Part(f"return {env}", "time_to_return", ("--envs", env, "--minutes", "3"), 195, 300)


# What matters most first. `least` and `most` are guesses for one H100, until one has been measured.
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
      minutes: for everything.
      parts: names of the parts to run, or their first words; all when none is given, but `tune`, which fills a run of
        its own.
      commit: of the source, where this is no checkout of it.
      out: JSON file for the results; by default named after the machine, in benchmarks/results.
      plan: name the parts and end.
    """

    minutes: float = 9.5
    parts: tuple[str, ...] = ()
    commit: str | None = None
    out: Path | None = None
    plan: bool = False

    def __post_init__(self) -> None:
        """Refuse parts that there are not."""
        if not 0 < self.minutes < float("inf"):
            raise ValueError(f"--minutes: {self.minutes} must be above 0")
        known = list(dict.fromkeys(part.name.split()[0] for part in PARTS))
        for name in self.parts:
            if name not in known and name not in [part.name for part in PARTS]:
                raise ValueError(f"--parts: {name!r} is unknown; known: {', '.join(known)}")

    def chosen(self) -> list[Part]:
        """The parts to run, in order."""
        default = [part for part in PARTS if part.name != "tune"]
        return [part for part in PARTS if {part.name, part.name.split()[0]} & set(self.parts)] or default


def main(config: GpuConfig) -> None:
    """Run the parts that fit, print and write."""
    console = Console(highlight=False)
    if config.plan:
        for part in PARTS:
            console.print(f"{part.name}: {' '.join(part.command(Path('FILE'))[1:])}", soft_wrap=True)
        return
    run_parts(config.chosen(), config, time.monotonic() + 60 * config.minutes, console)


def run_parts(parts: Sequence[Part], config: GpuConfig, deadline: float, console: Console) -> None:
    """One after the other until the deadline, on the clock of `time.monotonic`; see `benchmarks.report.header`."""
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
    """A part's report, or what there is of it when its time is up, and how it ended."""
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
                start_new_session=True,  # so that what it has started ends with it
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
    """Of a part: the device's memory is taken as it is needed, so that its peak says what was, and peers find room."""
    return {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", **os.environ}


def stop(process: subprocess.Popen[Any]) -> None:
    """End a process and all that it has started."""
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
