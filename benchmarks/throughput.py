"""Measures control steps per second of humanoid-walk: physics alone, rollout, training, and on request brax's PPO.

    python -m benchmarks.throughput [--physics native ...] [--num-envs 1024 ...] [--peers]

All programs are measured in turn in one process (a peer in a second one), in several rounds. Ratios are taken within a
round, so that any other load on the machine affects both of their sides.
"""

import contextlib
import dataclasses
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jax
import tyro
from rich.console import Console

from benchmarks.measure import Measurement, interleave, warm_up
from benchmarks.peers.process import PeerError, start_peer
from benchmarks.report import header, memory, one_line, result, save, table
from benchmarks.subjects import RolloutSubject, TrainingSubject, default_setup, physics_subjects
from flexrl.common.errors import exit_codes
from flexrl.common.jax_setup import prepare_jax

PHYSICS = {"cpu": ("native",), "gpu": ("mjx-warp", "mjx-jax")}
NUM_ENVS = {
    "cpu": {"native": (128,), "mjx-jax": (64,), "mjx-warp": (64,)},
    "gpu": {"native": (1024,), "mjx-jax": (1024, 4096, 16384, 32768), "mjx-warp": (1024, 4096, 16384, 32768)},
}


@dataclass(frozen=True)
class ThroughputConfig:
    """What to measure.

    Attributes:
      physics: physics backends; by default those that suit this machine.
      num_envs: numbers of worlds, each measured separately; by default what suits the backend and the machine.
      seconds: least duration of one repeat.
      repeats: repeats of each measurement.
      peers: also measure brax's PPO, in turn with our programs.
      out: JSON file for the results; by default named after the machine, in benchmarks/results.
    """

    physics: tuple[Literal["native", "mjx-jax", "mjx-warp"], ...] = ()
    num_envs: tuple[int, ...] = ()
    seconds: float = 2.0
    repeats: int = 5
    peers: bool = False
    out: Path | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if seconds, repeats or a number of worlds are not positive."""
        if not (self.seconds > 0 and math.isfinite(self.seconds)):
            raise ValueError(f"--seconds: {self.seconds} must be above 0")
        if self.repeats < 1:
            raise ValueError(f"--repeats: {self.repeats} must be at least 1")
        if self.num_envs and min(self.num_envs) < 1:
            raise ValueError(f"--num-envs: {min(self.num_envs)} must be at least 1")

    def cases(self) -> Iterator[tuple[str, int]]:
        """Return each backend with each number of worlds."""
        device = "cpu" if jax.default_backend() == "cpu" else "gpu"
        for physics in self.physics or PHYSICS[device]:
            for num_envs in self.num_envs or NUM_ENVS[device][physics]:
                yield physics, num_envs


def main(config: ThroughputConfig) -> None:
    """Measure each physics backend with each number of worlds; print and write the rates after each."""
    console = Console(highlight=False)
    report = header(config)
    path = None
    with start_peer("brax PPO", "benchmarks.peers.brax_ppo") if config.peers else contextlib.nullcontext() as subject:
        report["peers"] = {} if subject is None else {subject.name: subject.settings}
        peer = None if subject is None else warm_up(subject, config.seconds)
        for physics, num_envs in config.cases():
            try:
                case = measure_case(config, physics, num_envs, peer)
            except Exception as error:  # a default backend may be missing here, or not fit into memory
                if config.physics or isinstance(error, PeerError):
                    raise
                console.print(f"{physics}, {num_envs} worlds: left out, {one_line(error)}", markup=False)
                continue
            console.print(table(case))
            report["results"].append(case)
            report["load_average_after"] = os.getloadavg()
            path = save(report, "throughput", config.out)
    if path is None:
        raise SystemExit("nothing could be measured on this machine; --physics BACKEND shows the whole error")
    console.print(f"written: {path}", markup=False, soft_wrap=True)


def measure_case(config: ThroughputConfig, physics: str, num_envs: int, peer: Measurement | None) -> dict[str, Any]:
    """Measure physics, rollout, training and the peer (another library, or None) for one backend and number of worlds.

    Returns:
      Rates, ratios of rates and shares of training's time, as `benchmarks.report.result` returns them; with memory and
      the settings of the algorithm.
    """
    setup = default_setup(physics, num_envs)
    rollout = RolloutSubject(setup)
    measured_rollout = warm_up(rollout, config.seconds)
    start = rollout.start_of_others()
    measurements = [
        *[warm_up(subject, config.seconds) for subject in physics_subjects(setup, start)],
        measured_rollout,
        warm_up(TrainingSubject(setup, start), config.seconds),
        *([] if peer is None else [dataclasses.replace(peer, rates=[])]),
    ]
    interleave(measurements, config.repeats)
    return {
        **result(physics, num_envs, measurements),
        "state_bytes_per_world": setup.state_bytes,
        "memory": memory(),
        "algorithm": dataclasses.asdict(setup.algo.config),
    }


if __name__ == "__main__":
    prepare_jax()
    with exit_codes():
        main(tyro.cli(ThroughputConfig, description=__doc__))
