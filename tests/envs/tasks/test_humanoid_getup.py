"""`humanoid-getup`: each reward term by hand, first poses, and the assistance."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.physics import PhysicsOptions
from envs.robots import feeling_humanoid as body
from envs.tasks.humanoid_getup import PULL, STRENGTH, HumanoidGetUp, HumanoidGetUpConfig, getup_terms, laid_on
from envs.worlds.vector import VecEnv
from tests.envs.tasks.test_humanoid_skills import STILL


def terms(**changes):
    """The reward terms of a still humanoid, but for some changes."""
    changes = {name: jnp.asarray(value) for name, value in changes.items()}
    return {name: float(value) for name, value in getup_terms(STILL.replace(**changes)).items()}


class TestRewardTerms:
    def test_of_standing_still(self):
        rewarded = {"height", "pelvis", "upright", "stand"}
        assert terms() == {name: pytest.approx(1.0 if name in rewarded else 0.0) for name in terms()}

    def test_pay_height_in_square_and_mostly_by_uprightness(self):
        # half way from 0.2 to 1.2 m
        assert terms(height=0.7)["height"] == pytest.approx(0.25)
        assert terms(height=0.7, gravity=[0.6, 0.0, -0.8])["height"] == pytest.approx(0.25 * (0.2 + 0.8 * 0.8))
        assert terms(height=0.7, gravity=[1.0, 0.0, 0.0])["height"] == pytest.approx(0.25 * 0.2)
        assert terms(height=0.1)["height"] == 0.0

    def test_pay_a_raised_pelvis(self):
        # half way from 0.15 to 0.85 m
        assert terms(pelvis_height=0.5)["pelvis"] == pytest.approx(0.25)
        assert terms(pelvis_height=0.1)["pelvis"] == 0.0

    def test_pay_standing_half_of_it_for_not_moving(self):
        moving = terms(velocity=[0.6, 0.8], turn=1.0)
        assert moving["stand"] == pytest.approx(0.5 + 0.5 * math.exp(-2.0))
        assert terms(height=1.1)["stand"] == 0.0
        assert terms(gravity=[0.6, 0.0, -0.8])["stand"] == 0.0

    def test_of_effort_and_posture(self):
        seen = terms(action=jnp.zeros(17).at[0].set(1.0), posture=0.2 * jnp.ones(17))
        assert seen["ctrl"] == seen["action_rate"] == pytest.approx(1 / 17)
        assert seen["posture"] == pytest.approx(0.04)
        assert terms(height=0.5, posture=0.2 * jnp.ones(17))["posture"] == 0.0


@pytest.fixture(scope="module")
def env():
    return HumanoidGetUp(HumanoidGetUpConfig(), PhysicsOptions("native"))


def test_starts_lying_in_the_air_or_crouched(env):
    fresh = jax.jit(VecEnv(env, 500).fresh)(jax.random.key(0))
    height, upright = fresh.physics["qpos"][:, 2], -fresh.obs[:, 3]
    spins = abs(fresh.physics["qvel"][:, 3:6]).max(axis=1) > 0.05
    assert 0.4 < float((np.asarray(height) < 0.36).mean()) < 0.6 and 0.05 < float(spins.mean()) < 0.16
    crouched = (np.asarray(height) > 0.36) & ~np.asarray(spins)
    assert 0.32 < crouched.mean() < 0.48 and np.asarray(upright)[crouched].min() > math.cos(0.41)
    assert float(fresh.physics["sensordata"][crouched, 16].min()) > 0.3


@pytest.mark.parametrize(
    ("side", "axis", "sign"),
    # where gravity points in the torso's frame: x is forward, y to the left
    [("front", 0, 1), ("back", 0, -1), ("left", 1, 1), ("right", 1, -1)],
)
def test_lies_on_the_side_that_is_asked_for(side, axis, sign):
    from envs.robots.rotations import rotated_back

    for seed in range(5):
        down = rotated_back(laid_on(side, jax.random.key(seed)), jnp.array([0.0, 0.0, -1.0]))
        assert abs(float(down[2])) < 1e-6 and sign * float(down[axis]) > math.cos(math.pi / 4) - 1e-6


def test_assistance_pulls_the_torso_up_and_makes_motors_stronger(env):
    state = jax.jit(env.reset)(jax.random.key(0))
    action = jnp.zeros(17).at[0].set(1.0)  # the motor of abdomen_y: gear 100, at most 0.4
    physics = env.reweighted({"assistance": jnp.array(0.5)})._assisted(state.physics, env.control(action))
    force = np.zeros(23)
    force[2] = 0.5 * PULL
    force[6 + body.JOINTS.index("abdomen_y")] = 0.5 * STRENGTH * 100 * 0.4
    np.testing.assert_allclose(env.physics.component(physics.internal, "qfrc_applied"), force, rtol=1e-6)


def test_assistance_is_measured_and_lifts(env):
    step = jax.jit(lambda state, weight: env.reweighted({"assistance": weight}).step(state, jnp.zeros(17)))
    first = jax.jit(env.reset)(jax.random.key(0))
    after = {}
    for weight in (0.0, 1.0):
        state = first
        for _ in range(20):
            state = step(state, weight)
        after[weight] = state
        assert float(state.metrics["assistance"]) == weight
    assert float(after[1.0].physics["qpos"][2]) > float(after[0.0].physics["qpos"][2]) + 0.05


def test_evaluations_lie_without_assistance_until_the_time_limit():
    judged = HumanoidGetUp.evaluated(HumanoidGetUpConfig(side="left"))
    expected = HumanoidGetUpConfig(lying=1.0, dropped=0.0, assistance=0.0, episode_seconds=None, side="left")
    assert dataclasses.asdict(judged) == dataclasses.asdict(expected)


@pytest.mark.parametrize(
    ("field", "value"),
    [("lying", 0.95), ("lying", -0.1), ("side", "top"), ("assistance", -1.0), ("episode_seconds", 0.0)],
)
def test_a_bad_value_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=f"^{field}[:,]"):
        HumanoidGetUpConfig(**{field: value})
