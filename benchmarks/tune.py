"""Measures the training speed of humanoid-walk under other settings of physics and learner, one change at a time.

    python -m benchmarks.tune [--num-envs 8192] [--only graph contacts]

The default settings are measured first, and again at the end, to show how the machine's speed drifted. A rate counts
only if contacts were not lost: `overflowed` is the fraction of control steps in which a physics buffer was too small.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jax
import tyro
from rich.console import Console

from benchmarks.measure import summary, warm_up
from benchmarks.report import header, memory, one_line, save
from benchmarks.subjects import RunSubject, default_config
from flexrl.common.errors import exit_codes
from flexrl.common.jax_setup import prepare_jax

# Changes by topic: flags of `flexrl.train`, or `matmul` and JAX's precision of matrix products.
VARIANTS: dict[str, list[tuple[str, ...]]] = {
    "graph": [("--warp.graph-mode", mode) for mode in ("warp_staged", "warp_staged_ex")],
    "contacts": [("--warp.contacts-per-world", str(n)) for n in (16, 8)],
    "constraints": [("--warp.constraints-per-world", str(n)) for n in (96, 64)],
    "minibatches": [("--algorithm.num-minibatches", str(n)) for n in (8, 16, 64)],
    "unroll": [("--algorithm.unroll-length", str(n)) for n in (8, 32)],
    "dtype": [("--algorithm.dtype", "bfloat16")],
    "precision": [("matmul", "default"), ("matmul", "high")],
}


@dataclass(frozen=True)
class TuneConfig:
    """What to measure.

    Attributes:
      only: groups of changes to measure, each named after the setting that changes; all by default.
      num_envs: number of worlds.
      physics: physics backend.
      seconds: least duration of one repeat.
      repeats: repeats of each measurement.
      out: JSON file for the results; by default named after the machine, in benchmarks/results.
    """

    only: tuple[Literal["graph", "contacts", "constraints", "minibatches", "unroll", "dtype", "precision"], ...] = ()
    num_envs: int = 8192
    physics: Literal["auto", "native", "mjx-jax", "mjx-warp"] = "auto"
    seconds: float = 1.0
    repeats: int = 3
    out: Path | None = None

    def variants(self) -> Iterator[tuple[str, ...]]:
        """Yield the flags of each training in order: no change, each change, and no change again."""
        yield ()
        for topic in self.only or VARIANTS:
            yield from VARIANTS[topic]
        yield ()


def main(config: TuneConfig) -> None:
    """Measure training by default and with each change of a setting; print and write the results after each."""
    console = Console(highlight=False)
    report = header(config)
    for variant in config.variants():
        try:
            found = measure(config, variant)
        except Exception as error:  # such as a variant that needs too much memory, or that this device lacks
            found = {"variant": variant, "error": one_line(error)}
        report["results"].append(found)
        report["load_average_after"] = os.getloadavg()
        path = save(report, "tune", config.out)
        rate = found["error"] if "error" in found else f"{found['rate']['median']:,.0f} control steps per second"
        console.print(f"{' '.join(variant) or 'defaults'}: {rate}", markup=False)
    console.print(f"written: {path}", markup=False, soft_wrap=True)


def measure(config: TuneConfig, variant: tuple[str, ...]) -> dict[str, Any]:
    """Measure training with a variant's flags: rate, share of steps with lost contacts, compilation times, memory."""
    precision = variant[1] if variant[:1] == ("matmul",) else "highest"
    flags = () if variant[:1] == ("matmul",) else variant
    with jax.default_matmul_precision(precision):
        subject = RunSubject("training", default_config(config.physics, config.num_envs, *flags))
        measured = warm_up(subject, config.seconds)
        for _ in range(config.repeats):
            measured.repeat()
    return {
        "variant": variant,
        "rate": summary(measured.rates),
        "overflowed": subject.metric("episode/overflowed") / subject.num_steps,
        "compile_seconds": subject.compile_seconds,
        "first_call_seconds": measured.compile_seconds,
        "graphs": captured_graphs(),
        "memory": memory(),
    }


def captured_graphs() -> int:
    """Return how many CUDA graphs Warp has recorded and keeps in this process.

    If these are far more than its kernels, Warp records graphs anew instead of replaying them.
    """
    from mujoco.mjx.warp import ffi

    return sum(len(getattr(call, "captures", ())) for call in ffi._JAX_CALLABLE_VARIADIC_TUPLE_REGISTRY.values())


if __name__ == "__main__":
    prepare_jax()
    with exit_codes():
        main(tyro.cli(TuneConfig, description=__doc__))
