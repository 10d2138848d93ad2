"""Shows on which operations an accelerator spends training's time, by JAX's profiler on humanoid-walk.

    python -m benchmarks.trace [--num-envs 8192] [--physics mjx-warp]

`busy` is the fraction of the time in which a stream of the device had work. The rest is waiting for the host.
"""

import collections
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jax
import tyro
from jax.profiler import ProfileData
from rich.console import Console

from benchmarks.report import header, save
from benchmarks.subjects import RunSubject, default_config
from flexrl.common.errors import exit_codes
from flexrl.common.jax_setup import prepare_jax

NUM_OPERATIONS = 25  # most operations that are reported of a stream


@dataclass(frozen=True)
class TraceConfig:
    """What to trace.

    Attributes:
      num_envs: number of worlds.
      physics: physics backend.
      num_iterations: iterations to trace.
      out: JSON file for the results; by default named after the machine, in benchmarks/results.
    """

    num_envs: int = 8192
    physics: Literal["auto", "native", "mjx-jax", "mjx-warp"] = "auto"
    num_iterations: int = 2
    out: Path | None = None


def main(config: TraceConfig) -> None:
    """Trace some iterations of training by JAX's profiler; print and write the share of time of each operation."""
    console = Console(highlight=False)
    report = header(config)
    subject = RunSubject("training", default_config(config.physics, config.num_envs))
    subject.run(2)
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            seconds = subject.run(config.num_iterations)
        lines = device_lines(ProfileData.from_file(str(next(Path(folder).rglob("*.xplane.pb")))))
    for name, operations in lines.items():
        total = sum(operations.values())
        found = {"line": name, "seconds": seconds, "busy": total / seconds, "operations": largest(operations, seconds)}
        report["results"].append(found)
        console.print(f"{name}: {100 * found['busy']:.0f} % busy", markup=False)
        for operation, share in found["operations"].items():
            console.print(f"  {100 * share:5.1f} %  {operation}", markup=False, soft_wrap=True)
    path = save(report, "trace", config.out)
    console.print(f"written: {path}", markup=False, soft_wrap=True)


def device_lines(profile: Any) -> dict[str, dict[str, float]]:
    """Add up the seconds that each kind of operation takes in a profile of JAX (`ProfileData`).

    Returns:
      For each GPU stream or XLA thread, by its name: seconds by the operation's name, without numbers.
    """
    lines: dict[str, dict[str, float]] = {}
    for plane in profile.planes:
        for line in plane.lines:
            if "/device:" not in plane.name and "XLA" not in line.name:
                continue
            seconds: dict[str, float] = collections.defaultdict(float)
            for event in line.events:
                seconds[kind(event.name)] += event.duration_ns / 1e9
            if seconds:
                lines[f"{plane.name} {line.name}"] = seconds
    return lines


def kind(name: str) -> str:
    """Return an operation's name without the numbers that distinguish its copies."""
    return re.sub(r"_[0-9a-f]{8}$|[._]\d+", "", name)[:80]


def largest(operations: dict[str, float], seconds: float) -> dict[str, Any]:
    """Return the `NUM_OPERATIONS` operations that take longest, each with its fraction of the whole time.

    Args:
      operations: seconds of each operation, by name.
      seconds: the whole time.
    """
    ordered = sorted(operations.items(), key=lambda item: -item[1])[:NUM_OPERATIONS]
    return {name: round(spent / seconds, 4) for name, spent in ordered}


if __name__ == "__main__":
    prepare_jax()
    with exit_codes():
        main(tyro.cli(TraceConfig, description=__doc__))
