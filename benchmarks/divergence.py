"""Measures when flex-rl's tasks, in float32, diverge from Gymnasium's own, in float64; the table is in docs/worlds.md.

    python -m benchmarks.divergence

Both tasks begin in the same state and take the same uniformly random actions. They are not reset when an episode ends.
They have diverged where an observation differs by more than `tolerance` times its largest number, or times 1 if all its
numbers are smaller.
"""

import statistics
from dataclasses import dataclass
from pathlib import Path

import gymnasium
import jax
import numpy as np
import tyro
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.report import header, save
from envs.physics import PhysicsOptions
from envs.registry import env_type, make_env
from flexrl.common.errors import exit_codes
from flexrl.common.jax_setup import prepare_jax


@dataclass(frozen=True)
class DivergenceConfig:
    """What to compare.

    Attributes:
      envs: tasks that Gymnasium has and we have.
      seeds: number of seeds, each for a first state and the actions.
      num_steps: control steps.
      tolerance: by which observations may differ, relative to their largest number.
      out: JSON file for the results; by default named after the machine, in benchmarks/results.
    """

    envs: tuple[str, ...] = (
        "HalfCheetah-v5",
        "Ant-v5",
        "Walker2d-v5",
        "Hopper-v5",
        "HumanoidStandup-v5",
        "Humanoid-v5",
    )
    seeds: int = 10
    num_steps: int = 400
    tolerance: float = 1e-3
    out: Path | None = None


def main(config: DivergenceConfig) -> None:
    """Compare each task with Gymnasium's; print and write the control steps at which they diverge."""
    console = Console(highlight=False)
    report = header(config)
    rows = Table(box=box.SIMPLE, title=f"control step, {config.seeds} seeds")
    for column in ("environment", "earliest", "median", "latest"):
        rows.add_column(column, justify="left" if column == "environment" else "right")
    for name in config.envs:
        steps = sorted(parting_steps(config, name))
        report["results"].append({"env": name, "steps": steps})
        told = (steps[0], statistics.median_low(steps), steps[-1])
        rows.add_row(name, *[str(step) if step <= config.num_steps else f"above {config.num_steps}" for step in told])
    console.print(rows)
    path = save(report, "divergence", config.out)
    console.print(f"written: {path}", markup=False, soft_wrap=True)


def parting_steps(config: DivergenceConfig, name: str) -> list[int]:
    """Return for each seed the control step at which a task diverges from Gymnasium's; `num_steps` + 1 for never."""
    theirs = gymnasium.make(name).unwrapped
    ours = make_env(name, env_type(name).Config(), PhysicsOptions("native", max_worlds=1))
    reset, step, control = jax.jit(ours.physics.reset), jax.jit(ours.step), jax.jit(ours.control)
    first = jax.jit(ours.reset)(jax.random.key(0))
    steps = []
    for seed in range(config.seeds):
        theirs.reset(seed=seed)
        state = first.replace(physics=reset(theirs.data.qpos.copy(), theirs.data.qvel.copy()))
        actions = np.random.default_rng(seed).uniform(-1, 1, (config.num_steps, ours.spec.action_size))
        for i, action in enumerate(actions.astype(np.float32), start=1):
            state = step(state, action)
            expected = theirs.step(np.asarray(control(action)))[0]
            error = np.abs(np.asarray(state.obs) - expected).max()
            if error > config.tolerance * max(np.abs(expected).max(), 1):
                steps.append(i)
                break
        else:
            steps.append(config.num_steps + 1)
    return steps


if __name__ == "__main__":
    prepare_jax()
    with exit_codes():
        main(tyro.cli(DivergenceConfig, description=__doc__))
