"""Compares the control steps per second of several seeds in one program and of one seed, at equal worlds per seed.

python -m benchmarks.seeds [--num-seeds 8] [--num-envs 1024 4096]
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro
from rich.console import Console

from benchmarks.measure import interleave, pairwise_ratio, summary, warm_up
from benchmarks.report import header, memory, save
from benchmarks.subjects import RunSubject, default_config
from flexrl.common.errors import exit_codes
from flexrl.common.jax_setup import prepare_jax


@dataclass(frozen=True)
class SeedsConfig:
    """What to measure.

    Attributes:
      num_seeds: seeds in one program.
      num_envs: numbers of worlds of each seed; each number is measured separately.
      physics: physics backend.
      seconds: least duration of one repeat.
      repeats: repeats of each measurement.
      out: JSON file for the results; by default named after the machine, in benchmarks/results.
    """

    num_seeds: int = 8
    num_envs: tuple[int, ...] = (1024,)
    physics: Literal["auto", "native", "mjx-jax", "mjx-warp"] = "auto"
    seconds: float = 2.0
    repeats: int = 3
    out: Path | None = None


def main(config: SeedsConfig) -> None:
    """Measure one seed and several seeds in one program with each number of worlds; print and write their rates."""
    console = Console(highlight=False)
    report = header(config)
    for num_envs in config.num_envs:
        subjects = [
            RunSubject(f"{n} seeds", default_config(config.physics, num_envs, "--num-seeds", str(n)))
            for n in (1, config.num_seeds)
        ]
        one, several = (warm_up(subject, config.seconds) for subject in subjects)
        interleave([one, several], config.repeats)
        ratio = pairwise_ratio(several, one)
        report["results"].append(
            {
                "num_envs": num_envs,
                "num_seeds": config.num_seeds,
                "one_seed": summary(one.rates),
                "several_seeds": summary(several.rates),
                "ratio": ratio,
                "compile_seconds": [subject.compile_seconds for subject in subjects],
                "memory": memory(),
            }
        )
        report["load_average_after"] = os.getloadavg()
        console.print(f"{config.num_seeds} seeds of {num_envs} worlds: {ratio['median']:.2f} times the rate of one")
        path = save(report, "seeds", config.out)
    console.print(f"written: {path}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    prepare_jax()
    with exit_codes():
        main(tyro.cli(SeedsConfig, description=__doc__))
