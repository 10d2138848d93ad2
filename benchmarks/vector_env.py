"""Measures control steps per second of many worlds through Gymnasium's vector interface, by flex-rl and by Gymnasium.

    python -m benchmarks.vector_env

Both have the same task, number of worlds and kind of random actions, and are measured in turn, in several rounds.
Gymnasium steps its worlds in one process (`sync`) or in one each (`async`); the better of these counts.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import tyro
from rich import box
from rich.console import Console
from rich.table import Table

import flexrl.gym  # noqa: F401
from benchmarks.measure import interleave, pairwise_ratio, summary, warm_up
from benchmarks.report import header, save
from flexrl.common.errors import exit_codes
from flexrl.common.jax_setup import prepare_jax


@dataclass(frozen=True)
class VectorEnvConfig:
    """What to measure.

    Attributes:
      envs: tasks that Gymnasium has and we have.
      num_envs: worlds.
      seconds: least duration of one repeat.
      repeats: repeats of each measurement.
      out: JSON file for the results; by default named after the machine, in benchmarks/results.
    """

    envs: tuple[str, ...] = ("Hopper-v5", "Humanoid-v5")
    num_envs: int = 64
    seconds: float = 2.0
    repeats: int = 5
    out: Path | None = None


class VectorEnvSubject:
    """Many worlds, to be timed: a call steps all worlds of a Gymnasium `VectorEnv` once, with random actions."""

    def __init__(self, name: str, env: gymnasium.vector.VectorEnv) -> None:
        """Reset the worlds, and seed the random actions."""
        self.name, self._env = name, env
        self.num_steps = env.num_envs
        env.action_space.seed(0)
        env.reset(seed=0)

    def run(self, num_calls: int) -> float:
        """Make `num_calls` steps; return the seconds that they took, without drawing the actions."""
        seconds = 0.0
        for _ in range(num_calls):
            actions = self._env.action_space.sample()
            started = time.perf_counter()
            self._env.step(actions)
            seconds += time.perf_counter() - started
        return seconds


def main(config: VectorEnvConfig) -> None:
    """Measure each task in flex-rl and in Gymnasium; print and write the control steps per second."""
    console = Console(highlight=False)
    report = header(config)
    rows = Table(box=box.SIMPLE, title=f"{config.num_envs} worlds, control steps per second")
    for column in ("environment", "Gymnasium sync", "Gymnasium async", "flex-rl", "times the better"):
        rows.add_column(column, justify="left" if column == "environment" else "right")
    for name in config.envs:
        case = measure(config, name)
        report["results"].append(case)
        medians = [f"{case['rates'][kind]['median']:,.0f}" for kind in ("sync", "async", "flex-rl")]
        rows.add_row(name, *medians, f"{case['times_better']:.2f}")
    console.print(rows)
    path = save(report, "vector-env", config.out)
    console.print(f"written: {path}", markup=False, soft_wrap=True)


def measure(config: VectorEnvConfig, name: str) -> dict[str, Any]:
    """Measure a task through our interface and Gymnasium's.

    Returns:
      `rates` of `sync`, `async` and `flex-rl` in control steps per second of all worlds, and as `times_better` the
      median ratio of our rate to Gymnasium's better one.
    """
    envs = {kind: gymnasium.make_vec(name, config.num_envs, vectorization_mode=kind) for kind in ("sync", "async")}
    envs["flex-rl"] = gymnasium.make_vec(f"flexrl/{name}", config.num_envs)
    measured = {kind: warm_up(VectorEnvSubject(kind, env), config.seconds) for kind, env in envs.items()}
    interleave(list(measured.values()), config.repeats)
    for env in envs.values():
        env.close()
    ratios = [pairwise_ratio(measured["flex-rl"], measured[kind])["median"] for kind in ("sync", "async")]
    return {
        "env": name,
        "rates": {kind: summary(m.rates) for kind, m in measured.items()},
        "times_better": min(ratios),
    }


if __name__ == "__main__":
    prepare_jax()
    with exit_codes():
        main(tyro.cli(VectorEnvConfig, description=__doc__))
