"""Measures control steps per second of one world through `gymnasium.make`, for flex-rl's tasks and Gymnasium's own.

    python -m benchmarks.one_world

Both take random actions, and are measured in turn, in several rounds. A world whose episode ends is reset, and the
reset counts.
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
class OneWorldConfig:
    """What to measure.

    Attributes:
      envs: tasks that Gymnasium has and we have.
      seconds: least duration of one repeat.
      repeats: repeats of each measurement.
      out: JSON file for the results; by default named after the machine, in benchmarks/results.
    """

    envs: tuple[str, ...] = ("HalfCheetah-v5", "Hopper-v5", "Humanoid-v5")
    seconds: float = 0.3
    repeats: int = 15
    out: Path | None = None


class OneWorldSubject:
    """One world, to be timed: a call takes a thousand random actions through a `gymnasium.Env`."""

    num_steps = 1000

    def __init__(self, name: str, env: gymnasium.Env) -> None:
        """Start the world, and draw the actions."""
        self.name, self._env = name, env
        env.action_space.seed(0)
        self._actions = [env.action_space.sample() for _ in range(self.num_steps)]
        env.reset(seed=0)

    def run(self, num_calls: int) -> float:
        """Step the world by a thousand random actions `num_calls` times; return the seconds that it took."""
        started = time.perf_counter()
        for _ in range(num_calls):
            for action in self._actions:
                _, _, terminated, truncated, _ = self._env.step(action)
                if terminated or truncated:
                    self._env.reset()
        return time.perf_counter() - started


def main(config: OneWorldConfig) -> None:
    """Measure each task in flex-rl and in Gymnasium; print and write the control steps per second."""
    console = Console(highlight=False)
    report = header(config)
    rows = Table(box=box.SIMPLE, title="one world, control steps per second")
    for column in ("environment", "Gymnasium", "flex-rl", "times Gymnasium's", "least", "most"):
        rows.add_column(column, justify="left" if column == "environment" else "right")
    for name in config.envs:
        case = measure(config, name)
        report["results"].append(case)
        medians = [f"{case['rates'][kind]['median']:,.0f}" for kind in ("gymnasium", "flex-rl")]
        rows.add_row(name, *medians, *[f"{case['times'][key]:.2f}" for key in ("median", "min", "max")])
    console.print(rows)
    path = save(report, "one-world", config.out)
    console.print(f"written: {path}", markup=False, soft_wrap=True)


def measure(config: OneWorldConfig, name: str) -> dict[str, Any]:
    """Measure a task in flex-rl and in Gymnasium.

    Returns:
      `rates` of `gymnasium` and `flex-rl` in control steps per second; and `times`, flex-rl's rate over Gymnasium's
      within a round. Each is a median, a minimum and a maximum.
    """
    envs = {"gymnasium": gymnasium.make(name), "flex-rl": gymnasium.make(f"flexrl/{name}")}
    measured = {kind: warm_up(OneWorldSubject(kind, env), config.seconds) for kind, env in envs.items()}
    interleave(list(measured.values()), config.repeats)
    for env in envs.values():
        env.close()
    return {
        "env": name,
        "rates": {kind: summary(m.rates) for kind, m in measured.items()},
        "times": pairwise_ratio(measured["flex-rl"], measured["gymnasium"]),
    }


if __name__ == "__main__":
    prepare_jax()
    with exit_codes():
        main(tyro.cli(OneWorldConfig, description=__doc__))
