"""The parts of `benchmarks.gpu`: what each runs on a GPU, and at which toy size a rehearsal runs it on a CPU."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

REHEARSAL_SECONDS = 900.0  # after which a part of a rehearsal is stopped: it may have to compile on busy cores
TOY_RUN = "benchmarks/toy_run.yaml"


@dataclass(frozen=True)
class Part:
    """One benchmark's command.

    Attributes:
      name: name of the part; `--parts` takes whole names, or first words, which several parts may share.
      module: module in `benchmarks`.
      flags: command line of the module.
      least: seconds that must be left of the time limit for the part to be started.
      most: seconds after which it is stopped.
      toy: command line of the module in a rehearsal.
    """

    name: str
    module: str
    flags: tuple[str, ...]
    least: float
    most: float
    toy: tuple[str, ...] = ()

    def command(self, out: Path) -> list[str]:
        """Return the command line of the part's process, which writes its results to `out`."""
        return [sys.executable, "-m", f"benchmarks.{self.module}", *self.flags, "--out", str(out)]

    def rehearsed(self) -> Self:
        """Return the part as a rehearsal on the CPU runs it: at toy size, and started however little time is left."""
        return replace(self, flags=self.toy, least=0.0, most=REHEARSAL_SECONDS)


QUICK = ("--seconds", "0.01", "--repeats", "1")
TOY_WORLDS = ("--physics", "mjx-warp", "--num-envs", "8")


def speed(physics: str, num_envs: int, least: float, most: float, *flags: str) -> Part:
    """Return the part that times physics, rollout and training with `num_envs` worlds on a physics backend.

    Args:
      physics: physics backend.
      num_envs: number of worlds.
      least: seconds that must be left of the time limit for the part to be started.
      most: seconds after which it is stopped.
      flags: further flags of `benchmarks.throughput`.
    """
    chosen = ("--physics", physics, "--num-envs", str(num_envs), "--repeats", "3", "--seconds", "1")
    toy = ("--physics", physics, "--num-envs", "8", *QUICK)
    return Part(f"speed {physics} {num_envs}", "throughput", (*chosen, *flags), least, most, (*toy, *flags))


def time_to_return(env: str) -> Part:
    """Return the part that measures how soon training in an environment reaches certain returns.

    It trains five seeds for three minutes, and evaluates them in fresh episodes. A rehearsal trains on native physics:
    with empty caches, Warp would compile its kernels for the CPU for minutes.
    """
    toy = ("--envs", env, "--minutes", "10", "--num-seeds", "2", "--config", TOY_RUN)
    return Part(f"return {env}", "time_to_return", ("--envs", env, "--minutes", "3"), 195, 300, toy)


# Most important first. `least` and `most` are guesses for one H100, on which they were not measured yet.
PARTS = (
    Part("parity", "parity", (), 30, 120, ("--num-states", "50")),
    speed("mjx-warp", 8192, 60, 240, "--peers"),
    Part("profile", "trace", ("--num-envs", "8192"), 30, 60, (*TOY_WORLDS, "--num-iterations", "1")),
    speed("mjx-warp", 32768, 40, 90),
    Part("seeds", "seeds", ("--num-envs", "1024", "4096"), 40, 90, (*TOY_WORLDS, "--num-seeds", "2", *QUICK)),
    speed("mjx-jax", 8192, 60, 150),
    Part(
        "exchange",
        "exchange",
        (),
        60,
        120,
        ("--num-envs", "8", "--episodes", "2", "--seconds", "300", "--iterations", "2"),
    ),
    speed("mjx-warp", 16384, 40, 90),
    speed("mjx-warp", 4096, 40, 90),
    speed("mjx-warp", 1024, 40, 90),
    time_to_return("humanoid-walk"),
    speed("mjx-jax", 32768, 60, 180),
    speed("mjx-jax", 4096, 60, 150),
    speed("mjx-jax", 1024, 60, 150),
    *(time_to_return(f"dmc-humanoid-{speed}") for speed in ("walk", "stand", "run")),
    Part("tune", "tune", (), 60, 540, (*TOY_WORLDS, *QUICK, "--only", "dtype")),
)
