"""Measures how far MJX on this device differs from native MuJoCo, in states that a trained policy visits, with falls.

    python -m benchmarks.parity [--backends mjx-warp mjx-jax] [--num-states 1000]

Each state is stepped by one control step of five substeps, in single precision, on this device and by native physics on
the host. A state's error is the largest difference of its positions and velocities, relative to the larger of its
largest number and 1.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from jax import Array
from rich.console import Console

from benchmarks.report import header, save
from envs.physics import PhysicsOptions, PhysicsSpec, make_physics
from envs.robots.models import brax_humanoid
from flexrl.common.errors import exit_codes
from flexrl.common.jax_setup import prepare_jax
from flexrl.storage.provenance import REPOSITORY

FILE = REPOSITORY / "tests/envs/visited_states.npz"
CHUNK = 50  # MJX on JAX hangs on a CPU with two cores when a thousand worlds run at once
QUANTILES = {"median": 0.5, "p99": 0.99, "largest": 1.0}

States = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class ParityConfig:
    """What to compare.

    Attributes:
      backends: physics backends to compare with native physics.
      num_states: how many of the thousand stored states to use.
      out: JSON file for the results; by default named after the machine, in benchmarks/results.
    """

    backends: tuple[Literal["mjx-warp", "mjx-jax"], ...] = ("mjx-warp", "mjx-jax")
    num_states: int = 1000
    out: Path | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if the number of states is below 1, above 1000, or no multiple of `CHUNK`.

        `CHUNK` is how many states are stepped at once.
        """
        if not 0 < self.num_states <= 1000 or self.num_states % CHUNK:
            raise ValueError(f"--num-states: {self.num_states} must be a multiple of {CHUNK}, at most 1000")


def visited_states(num_states: int = 1000) -> States:
    """Return N stored states of brax's humanoid: `qpos` (N, nq), `qvel` (N, nv) and `action` (N, nu)."""
    file = np.load(FILE)
    return {name: file[name][:num_states] for name in ("qpos", "qvel", "action")}


def one_step(backend: str, states: States, dtype: Any, chunk: int = CHUNK) -> np.ndarray:
    """Step each of N states by one control step (5 substeps) on a physics backend.

    Args:
      backend: physics backend.
      states: `qpos`, `qvel` and `action`, each with N rows.
      dtype: floating-point type of states and actions.
      chunk: number of states that are stepped at once; N must be a multiple of it.

    Returns:
      Positions and velocities after the step, (N, nq + nv).
    """
    model = brax_humanoid().compile()
    physics = make_physics(PhysicsSpec(model, num_substeps=5), PhysicsOptions(backend, max_worlds=chunk))

    @jax.jit
    @jax.vmap
    def step(qpos: Array, qvel: Array, action: Array) -> Array:
        ctrl = action * jnp.asarray(model.actuator_ctrlrange[:, 1], dtype)
        after = physics.step(physics.reset(qpos, qvel), ctrl)
        return jnp.concatenate([after["qpos"], after["qvel"]])

    rows = [jnp.asarray(states[name], dtype).reshape(-1, chunk, states[name].shape[1]) for name in states]
    return np.concatenate([np.asarray(step(*rows_of_chunk), np.float64) for rows_of_chunk in zip(*rows, strict=True)])


def relative_error(actual: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return the error of each of N states, (N,): the largest difference between its actual and its expected numbers.

    The difference is divided by the largest absolute value of the state's expected numbers, or by 1 if that is smaller.

    Args:
      actual: a row of numbers (positions and velocities) for each state, (N, nq + nv).
      expected: the same from the reference, (N, nq + nv).
    """
    return np.abs(actual - expected).max(axis=1) / np.maximum(np.abs(expected).max(axis=1), 1)


def main(config: ParityConfig) -> None:
    """Compare each physics backend with native MuJoCo; print and write the relative errors after each."""
    console = Console(highlight=False)
    report = header(config)
    states = visited_states(config.num_states)
    with jax.default_device(jax.local_devices(backend="cpu")[0]):
        expected = one_step("native", states, jnp.float32)
    chunk = CHUNK if jax.default_backend() == "cpu" else config.num_states
    for backend in config.backends:
        error = relative_error(one_step(backend, states, jnp.float32, chunk), expected)
        found = {name: float(np.quantile(error, quantile)) for name, quantile in QUANTILES.items()}
        report["results"].append({"physics": backend, "num_states": len(error), "relative_error": found})
        report["load_average_after"] = os.getloadavg()
        console.print(f"{backend}: " + ", ".join(f"{name} {value:.1e}" for name, value in found.items()))
        path = save(report, "parity", config.out)
    console.print(f"written: {path}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    prepare_jax()
    with exit_codes():
        main(tyro.cli(ParityConfig, description=__doc__))
