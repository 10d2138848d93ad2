"""How long bodies take to their feet, and on which side they lie."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.recovery import SIDES, _side, seconds_to_feet
from envs.physics import PhysicsOptions
from envs.tasks.humanoid_getup import HumanoidGetUp, HumanoidGetUpConfig

PERIOD = 0.1


def heights(*spans):
    return np.concatenate([np.full(round(seconds / PERIOD), height) for height, seconds in spans])


def test_counts_from_the_fall_to_a_second_of_standing():
    gets_up = heights((1.3, 2.0), (0.3, 1.5), (1.2, 2.5))
    wavers = heights((1.3, 2.0), (0.3, 0.5), (1.2, 0.9), (1.0, 0.6), (1.2, 2.0))
    lies, stands = heights((1.3, 2.0), (0.3, 4.0)), heights((1.3, 6.0))
    found = seconds_to_feet(np.stack([gets_up, wavers, lies, stands], axis=1), PERIOD)
    assert found.tolist() == [pytest.approx(2.4), pytest.approx(2.9), np.inf, np.inf]


@pytest.mark.parametrize("side", SIDES)
def test_a_body_lies_on_the_side_that_points_down(side):
    env = HumanoidGetUp(HumanoidGetUpConfig(lying=1.0, dropped=0.0, side=side), PhysicsOptions("native"))
    physics = jax.jit(env.reset)(jax.random.key(0)).physics
    assert SIDES[int(_side(physics))] == side
    assert bool(jnp.isfinite(physics["qpos"]).all())
