"""Runs all benchmarks of a GPU within a time limit, by one command.

    python -m benchmarks.gpu [--minutes 9.5] [--parts parity speed ...] [--plan]
    python -m benchmarks.gpu --rehearse

Its parts are the other benchmarks (`benchmarks/gpu_parts.py`), the most important first, each in a process of its own.
When a part ends or its time is up, its results are added to the results file, so that an interrupted run leaves what it
had. A part for which too little time is left is skipped, and the file says so.

A rehearsal runs all parts at toy size on the CPU, to find what would fail on a GPU for another reason than the GPU. It
fails if a part does. Its numbers mean nothing: the file says `rehearsal: true`, and never lies in benchmarks/results.
"""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tyro
from rich.console import Console

from benchmarks.gpu_parts import PARTS, Part
from flexrl.common.errors import ConfigError, Preempted, exit_codes
from flexrl.storage.provenance import REPOSITORY

STOP_SECONDS = 5.0  # between SIGTERM and SIGKILL
END_SECONDS = 10.0  # kept for writing the results
WORDS = 2000  # last characters that are kept of a failed part's log
DEVICE_MINUTES, REHEARSAL_MINUTES = 9.5, 60.0
REHEARSED = REPOSITORY / "workspace/gpu-rehearsal.json"


@dataclass(frozen=True)
class GpuConfig:
    """Which benchmarks (parts) to run, and for how long.

    Attributes:
      minutes: time limit for all parts together; by default 9.5, and 60 for a rehearsal.
      parts: names of the parts to run, or their first words; by default all but `tune`, which alone needs nearly the
        whole time limit. A rehearsal runs `tune`, too.
      commit: commit of the source, for a copy of it that is no git checkout.
      out: JSON file for the results; by default named after parts and machine, in benchmarks/results; of a
        rehearsal workspace/gpu-rehearsal.json.
      plan: only print the commands of all parts.
      rehearse: run every part at toy size on the CPU.
    """

    minutes: float | None = None
    parts: tuple[str, ...] = ()
    commit: str | None = None
    out: Path | None = None
    plan: bool = False
    rehearse: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError if the minutes are not positive, or a part is unknown."""
        if self.minutes is not None and not 0 < self.minutes < float("inf"):
            raise ValueError(f"--minutes: {self.minutes} must be above 0")
        known = list(dict.fromkeys(part.name.split()[0] for part in PARTS))
        for name in self.parts:
            if name not in known and name not in [part.name for part in PARTS]:
                raise ValueError(f"--parts: {name!r} is unknown; known: {', '.join(known)}")

    def chosen(self) -> list[Part]:
        """Return the benchmarks (parts) to run, most important first; in a rehearsal with command lines of toy size."""
        default = [part for part in PARTS if self.rehearse or part.name != "tune"]
        named = [part for part in PARTS if {part.name, part.name.split()[0]} & set(self.parts)]
        return [part.rehearsed() if self.rehearse else part for part in named or default]

    @property
    def name(self) -> str:
        """Start of the results file's name. It names the chosen parts, so that other parts do not overwrite it."""
        return "-".join(["gpu", *(part.replace(" ", "-") for part in self.parts)])

    @property
    def seconds(self) -> float:
        """Time limit for all parts together."""
        return 60 * (self.minutes or (REHEARSAL_MINUTES if self.rehearse else DEVICE_MINUTES))


def main(config: GpuConfig) -> None:
    """Run the benchmarks that fit into the time limit; write their results. With `plan`, only print the commands."""
    console = Console(highlight=False)
    if config.plan:
        for part in [part.rehearsed() if config.rehearse else part for part in PARTS]:
            console.print(f"{part.name}: {' '.join(part.command(Path('FILE'))[1:])}", soft_wrap=True)
        return
    if config.rehearse:
        os.environ.update(on_cpu())  # before JAX is imported, here and in the parts
        config = replace(config, out=config.out or REHEARSED)
    run_parts(config.chosen(), config, time.monotonic() + config.seconds, console)


def run_parts(parts: Sequence[Part], config: GpuConfig, deadline: float, console: Console) -> None:
    """Run benchmarks (parts) one after the other until a deadline on the clock of `time.monotonic`; write results.

    All results are written after each part. SIGTERM and Ctrl-C cut the part that runs: what it had written is kept.

    Raises:
      ConfigError: if the results would be written to benchmarks/results, but the source is not that of a known commit,
        or this is a rehearsal.
      Preempted: after a signal.
      SystemExit: if this is a rehearsal (toy sizes on the CPU) and a part failed.
    """
    from benchmarks.report import header, is_kept, save
    from flexrl.common.jax_setup import prepare_jax

    prepare_jax()
    if config.rehearse and is_kept(config.out):
        raise ConfigError(f"out: {config.out} is among the results, and a rehearsal measures nothing; write elsewhere")
    report = header(config) | {"rehearsal": config.rehearse, "parts": []}
    done: dict[tuple[str, ...], str] = {}  # names of the parts that ran, by command
    for part in parts:
        left = deadline - time.monotonic() - END_SECONDS
        command = (part.module, *part.flags)
        if command in done:  # in a rehearsal, which has no sizes
            found = left_out(part, f"its command is that of {done[command]}")
        elif left < part.least or left <= 0:
            found = left_out(part, f"{max(left, 0):.0f} s were left")
        else:
            found = run_part(part, min(left, part.most))
        done.setdefault(command, part.name)
        report["parts"].append(found)
        path = save(report, config.name, config.out)
        console.print(f"{part.name}: {found['ended']}", markup=False, soft_wrap=True)
        if found["ended"].startswith("cut"):
            raise Preempted(f"{part.name} was {found['ended']}; {path} holds what was measured")
    console.print(f"written: {path}", markup=False, soft_wrap=True)
    if config.rehearse and (failed := [part["name"] for part in report["parts"] if has_failed(part)]):
        raise SystemExit(f"rehearsal: failed: {', '.join(failed)}; {path} holds the ends of their logs")


def left_out(part: Part, reason: str) -> dict[str, Any]:
    """Return the results file's entry for a benchmark that was not run: its name, and the reason why."""
    return {"name": part.name, "ended": f"left out: {reason}"}


def run_part(part: Part, seconds: float) -> dict[str, Any]:
    """Run a part in a process of its own for at most so many seconds.

    Returns:
      Its `name` and `command`, how it `ended`, its `seconds`, its `report` as far as it was written (else None), and
      the end of its `log` (None if it finished).
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        out, log = Path(folder) / "out.json", Path(folder) / "log"
        with log.open("w") as file, raised_signals():
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
            except Cut as cut:
                ended = f"cut by {cut} after {time.monotonic() - started:.0f} s"
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


def has_failed(found: Mapping[str, Any]) -> bool:
    """Return whether a benchmark did not finish, or reported an error as one of its results.

    `found` is its entry in the results file. If it was left out because an earlier one had the same command, it has not
    failed.
    """
    if found["ended"].startswith("left out: its command"):
        return False
    return found["ended"] != "finished" or any("error" in result for result in found["report"]["results"])


class Cut(Exception):
    """Raised when a signal asks this program to end while a benchmark runs; the message is the signal's name."""


@contextlib.contextmanager
def raised_signals() -> Iterator[None]:
    """Raise `Cut` at SIGTERM or SIGINT within the `with` block, and ignore further signals until the block ends."""

    def raise_cut(number: int, _: object) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)  # while the part is stopped and its results are read
        raise Cut(signal.Signals(number).name)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in before:
        signal.signal(number, raise_cut)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def environment() -> Mapping[str, str]:
    """Return the environment variables for a benchmark's process: those of this process, and one for JAX.

    The one for JAX, unless it is set already, lets JAX take device memory only as needed, so that the peak use of
    memory can be measured.
    """
    return {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", **os.environ}


def on_cpu() -> dict[str, str]:
    """Return environment variables with which JAX uses the CPU and compiles fast instead of well."""
    flags = f"--xla_backend_optimization_level=0 {os.environ.get('XLA_FLAGS', '')}".strip()
    return {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}


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
