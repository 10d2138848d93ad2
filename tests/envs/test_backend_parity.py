"""The physics backends agree over one control step from states that a trained policy visits, falls included."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.models import brax_humanoid
from envs.physics import PhysicsOptions, PhysicsSpec, make_physics
from tests.precision import float64

FILE = Path(__file__).with_name("visited_states.npz")
FALLEN_HEIGHT = 1.0
CHUNK = 50  # MJX on JAX hangs on a CPU with two cores when a thousand worlds run at once


@pytest.fixture(scope="module")
def states():
    file = np.load(FILE)
    return {name: file[name] for name in ("qpos", "qvel", "action")}


def one_step(backend, states, dtype):
    """Positions and velocities after a control step of five substeps, `CHUNK` states at once."""
    model = brax_humanoid().compile()
    physics = make_physics(PhysicsSpec(model, num_substeps=5), PhysicsOptions(backend, max_worlds=CHUNK))

    @jax.jit
    @jax.vmap
    def step(qpos, qvel, action):
        ctrl = action * jnp.asarray(model.actuator_ctrlrange[:, 1], dtype)
        after = physics.step(physics.reset(qpos, qvel), ctrl)
        return jnp.concatenate([after["qpos"], after["qvel"]])

    rows = [jnp.asarray(states[name], dtype).reshape(-1, CHUNK, states[name].shape[1]) for name in states]
    return np.concatenate([np.asarray(step(*chunk), np.float64) for chunk in zip(*rows, strict=True)])


def relative_error(actual, expected):
    """Largest difference of each state, relative to the size of its largest number or one."""
    return np.abs(actual - expected).max(axis=1) / np.maximum(np.abs(expected).max(axis=1), 1)


def test_the_states_include_falls_and_walking(states):
    fallen = states["qpos"][:, 2] < FALLEN_HEIGHT
    assert len(fallen) == 1000
    assert 0.1 < fallen.mean() < 0.9


@pytest.mark.slow
def test_mjx_on_jax_equals_native_in_float64(states):
    with float64():
        error = relative_error(one_step("mjx-jax", states, jnp.float64), one_step("native", states, jnp.float64))
    print(f"mjx-jax float64: median {np.median(error):.1e}, largest {error.max():.1e}")
    assert error.max() <= 1e-8


@pytest.mark.slow
def test_mjx_on_warp_is_close_to_native_in_float32(states):
    error = relative_error(one_step("mjx-warp", states, jnp.float32), one_step("native", states, jnp.float32))
    print(f"mjx-warp float32: median {np.median(error):.1e}, 99 % {np.quantile(error, 0.99):.1e}, {error.max():.1e}")
    assert np.median(error) <= 1e-4
    assert np.quantile(error, 0.99) <= 1e-2
