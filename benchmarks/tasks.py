"""Measures what task code costs on top of native physics, for every built-in environment.

    python -m benchmarks.tasks [--envs Hopper-v5 ...]

A task's worlds are stepped with random actions through `VecEnv`: physics, observations, rewards, terminations and
resets in one compiled program. The same physics states and controls then go through `mujoco.batch` alone. Both are
measured in turn, in several rounds. The worlds first run for an episode's steps: robots on the floor cost more physics
than robots that have just started.
"""

import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
import tyro
from jax import Array
from mujoco.batch import Batch
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.measure import Measurement, interleave, pairwise_ratio, warm_up
from benchmarks.report import header, save
from envs.built_in import BUILT_IN
from envs.physics import PhysicsOptions
from envs.registry import env_type, make_env
from envs.worlds.vector import VecEnv, VecState
from flexrl.common.errors import exit_codes
from flexrl.common.jax_setup import prepare_jax

NUM_STEPS = 32  # control steps of each world in one compiled call


@dataclass(frozen=True)
class TasksConfig:
    """What to measure.

    Attributes:
      envs: environments to measure; all built-in ones by default.
      num_envs: number of worlds.
      seconds: least duration of one repeat.
      repeats: repeats of each measurement.
      out: JSON file for the results; by default named after the machine, in benchmarks/results.
    """

    envs: tuple[str, ...] = ()
    num_envs: int = 128
    seconds: float = 1.0
    repeats: int = 5
    out: Path | None = None


class TaskSubject:
    """A task's worlds, to be timed: a call makes `NUM_STEPS` control steps of all of them, with random actions."""

    name = "task"

    def __init__(self, env: Any, num_envs: int) -> None:
        """Start the worlds, and run them for an episode's steps. All later calls continue with these worlds."""
        self.num_steps = NUM_STEPS * num_envs
        self._worlds = VecEnv(env, num_envs)
        self._unroll = jax.jit(self._steps)
        self._state, self._key = jax.jit(self._worlds.init)(jax.random.key(0)), jax.random.key(1)
        self.run(env.spec.episode_length // NUM_STEPS)

    def run(self, num_calls: int) -> float:
        """Step the worlds `num_calls` times `NUM_STEPS` control steps; return the seconds that it took."""
        started = time.perf_counter()
        for _ in range(num_calls):
            self._state, self._key, _ = self._unroll(self._state, self._key)
        jax.block_until_ready(self._state)
        return time.perf_counter() - started

    def physics_inputs(self) -> np.ndarray:
        """Make `NUM_STEPS` control steps; return the physics state before each of them, with controls.

        The shape is (T, B, S): control steps, worlds, numbers of a state.
        """
        self._state, self._key, internal_TBS = self._unroll(self._state, self._key)
        return np.asarray(internal_TBS, np.float64)

    def _steps(self, state: VecState, key: Array) -> tuple[VecState, Array, Array]:
        key, key_fresh, key_actions = jax.random.split(key, 3)
        fresh = self._worlds.fresh(key_fresh)
        shape = (NUM_STEPS, self._worlds.num_envs, self._worlds.env.spec.action_size)
        actions_TBA = jax.random.uniform(key_actions, shape, minval=-1)

        def step(state: VecState, action_BA: Array) -> tuple[VecState, Array]:
            after, _ = self._worlds.step(state, action_BA, fresh)
            return after, state.env.physics.internal

        state, internal_TBS = jax.lax.scan(step, state, actions_TBA)
        return state, key, internal_TBS


class BatchSubject:
    """Physics without the task, to be timed: `mujoco.batch` steps physics states that were recorded from the task."""

    name = "physics alone"

    def __init__(self, env: Any, inputs_TBS: np.ndarray) -> None:
        """Make a MuJoCo `Batch` of the environment's model.

        `inputs_TBS` are the physics states to step, with controls: S numbers for each of T control steps of B worlds.
        """
        self.num_steps = inputs_TBS.shape[0] * inputs_TBS.shape[1]
        self._inputs_TBS = inputs_TBS
        self._num_substeps = env.physics.spec.num_substeps
        self._batch = Batch(env.physics.spec.model, nsim=inputs_TBS.shape[1], nthread=0)

    def run(self, num_calls: int) -> float:
        """Step all recorded states `num_calls` times; return the seconds of the steps, not of copying states."""
        seconds = 0.0
        for _ in range(num_calls):
            for inputs_BS in self._inputs_TBS:
                self._batch.state[...] = inputs_BS
                started = time.perf_counter()
                self._batch.step(nstep=self._num_substeps)
                seconds += time.perf_counter() - started
        return seconds


def main(config: TasksConfig) -> None:
    """Measure all environments; print and write the results."""
    console = Console(highlight=False)
    report = header(config)
    rows = Table(box=box.SIMPLE, title=f"{config.num_envs} worlds, native physics, control steps per second")
    for column in ("environment", "physics alone", "with task", "cost of the task"):
        rows.add_column(column, justify="left" if column == "environment" else "right")
    for name in config.envs or BUILT_IN:
        case = measure(config, name)
        report["results"].append(case)
        console.print(f"{name}: {100 * case['cost']:.0f} %", markup=False)
        rows.add_row(name, f"{case['physics_alone']:,.0f}", f"{case['task']:,.0f}", f"{100 * case['cost']:.0f} %")
    console.print(rows)
    path = save(report, "tasks", config.out)
    console.print(f"written: {path}", markup=False, soft_wrap=True)


def measure(config: TasksConfig, name: str) -> dict[str, Any]:
    """Measure an environment with its task and as physics alone; return the rates and the task's cost by `cost_of`."""
    env = make_env(name, env_type(name).Config(), PhysicsOptions("native", config.num_envs))
    task = TaskSubject(env, config.num_envs)
    measured_task = warm_up(task, config.seconds)
    measured_alone = warm_up(BatchSubject(env, task.physics_inputs()), config.seconds)
    interleave([measured_alone, measured_task], config.repeats)
    return cost_of(name, measured_alone, measured_task)


def cost_of(name: str, alone: Measurement, task: Measurement) -> dict[str, Any]:
    """Return how much slower an environment is with its task (observations, rewards, resets) than its physics alone.

    A rate is a number of control steps per second, over all worlds. The two programs were timed in turn: each round
    gave one rate of each.

    Args:
      name: name of the environment.
      alone: the rates of the physics alone.
      task: the rates of the physics with the task.

    Returns:
      `env`, the environment's name; `physics_alone` and `task`, the median rates; `ratio`, the median, minimum and
      maximum over the rounds of the rate of physics alone divided by that with the task; `cost`, the median ratio minus
      1, which is the task's extra time as a fraction of the time of physics alone; and `rates`, a list of the rates of
      all rounds for each program, by the program's name.
    """
    ratio = pairwise_ratio(alone, task)
    return {
        "env": name,
        "physics_alone": statistics.median(alone.rates),
        "task": statistics.median(task.rates),
        "cost": ratio["median"] - 1,
        "ratio": ratio,
        "rates": {m.subject.name: m.rates for m in (alone, task)},
    }


if __name__ == "__main__":
    prepare_jax()
    with exit_codes():
        main(tyro.cli(TasksConfig, description=__doc__))
