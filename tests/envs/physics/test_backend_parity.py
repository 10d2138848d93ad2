"""The physics backends agree over one control step from states that a trained policy visits, falls included."""

import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.parity import one_step, relative_error, visited_states
from tests.precision import float64

FALLEN_HEIGHT = 1.0


@pytest.fixture(scope="module")
def states():
    return visited_states()


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
