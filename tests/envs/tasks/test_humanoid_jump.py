"""`humanoid-jump`: each reward term by hand, and the task in a few worlds."""

import jax
import jax.numpy as jnp
import pytest

from envs.physics import PhysicsOptions
from envs.tasks.humanoid_jump import HumanoidJump, HumanoidJumpConfig, ballistic_height, jump_terms
from envs.worlds.vector import VecEnv
from tests.envs.tasks.test_humanoid_skills import STILL

FLYING = STILL.replace(height=jnp.array(1.4), foot_force=jnp.zeros(2))
LEANING = {"gravity": jnp.array([0.6, 0.0, -0.8])}


def terms(motion=STILL, flight=0.0, rise=0.0):
    values = jump_terms(motion, jnp.asarray(flight), jnp.asarray(rise), longest_flight=0.4)
    return {name: float(value) for name, value in values.items()}


class TestRewardTerms:
    def test_rises_as_high_as_its_speed_carries_it(self):
        rising = STILL.replace(rise=jnp.array(1.962))  # 1.962^2 / (2 * 9.81) = 0.1962 m
        assert float(ballistic_height(rising)) == pytest.approx(float(STILL.height) + 0.1962)
        assert float(ballistic_height(STILL.replace(rise=jnp.array(-3.0)))) == pytest.approx(float(STILL.height))
        assert float(ballistic_height(rising.replace(**LEANING))) == 0.0

    def test_pay_the_first_part_of_each_flight(self):
        assert terms(FLYING, flight=0.015)["air"] == terms(FLYING, flight=0.39)["air"] == 1.0
        assert terms(FLYING, flight=0.41)["air"] == terms()["air"] == 0.0
        assert terms(FLYING.replace(**LEANING), flight=0.1)["air"] == 0.0

    def test_are_the_numbers_that_their_names_say(self):
        moving = STILL.replace(turn=jnp.array(-2.0), velocity=jnp.array([0.3, -0.4]), action=jnp.zeros(17).at[0].set(1))
        seen = terms(moving, rise=0.05)
        assert seen["turn"] == pytest.approx(4.0) and seen["drift"] == pytest.approx(0.25)
        assert seen["ctrl"] == pytest.approx(1 / 17) and seen["reach"] == pytest.approx(0.05)
        assert terms(STILL.replace(**LEANING))["upright"] == pytest.approx(0.8)


@pytest.fixture(scope="module")
def env():
    return HumanoidJump(HumanoidJumpConfig(episode_seconds=0.03), PhysicsOptions("native"))


def test_starts_standing_crouched_or_rising(env):
    fresh = jax.jit(VecEnv(env, 400).fresh)(jax.random.key(0))
    height, rise = fresh.physics["qpos"][:, 2], fresh.physics["qvel"][:, 2]
    assert 0.4 < float((height < 1.2999).mean()) < 0.6 and float(height.min()) > 0.9
    assert 0.15 < float((rise > 0.05).mean()) < 0.35 and float(rise.max()) <= 2.05
    sole = fresh.physics["sensordata"][:, jnp.array([10, 13])] - 0.075
    # crouching keeps the soles near the floor
    assert 0 < float(sole.mean()) < 0.02 and float(abs(sole).max()) < 0.06


def test_pays_each_height_once_and_cuts_training_episodes(env):
    step = jax.jit(env.step)
    state = jax.jit(env.reset)(jax.random.key(0))
    rising = env.physics.reset(state.physics["qpos"], state.physics["qvel"].at[2].set(3.0))
    state = state.replace(physics=rising)
    first = step(state, jnp.zeros(17))
    second = step(first, jnp.zeros(17))
    assert float(first.metrics["reward_reach"]) == pytest.approx(
        10 * (float(first.metrics["best_height"]) - 1.29), abs=1e-4
    )
    assert 0 <= float(second.metrics["reward_reach"]) < 0.1 < float(first.metrics["reward_reach"])
    assert not first.truncated and second.truncated and not second.terminated


def test_succeeds_by_a_flight_without_a_fall(env):
    step = jax.jit(env.step)
    state = jax.jit(env.reset)(jax.random.key(0))
    flown = state.info["tracking"].replace(longest_flight=jnp.array(0.16))
    state = state.replace(info=state.info | {"tracking": flown})
    assert float(step(state, jnp.zeros(17)).metrics["success"]) == 1.0
    low = env.physics.reset(state.physics["qpos"].at[2].set(0.5), state.physics["qvel"])
    fallen = step(state.replace(physics=low), jnp.zeros(17))
    assert fallen.terminated and float(fallen.metrics["success"]) == 0.0


def test_evaluations_start_standing_and_are_not_cut():
    judged = HumanoidJump.evaluated(HumanoidJumpConfig())
    assert (judged.crouched, judged.rising, judged.episode_seconds) == (0.0, 0.0, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("longest_flight", 0.0),
        ("episode_seconds", 0.0),
        ("crouched", 1.5),
        ("rising", -0.1),
        ("rise_speed", -1.0),
        ("min_height", 0.0),
        ("reset_noise", -0.1),
    ],
)
def test_a_bad_value_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=f"^{field}: "):
        HumanoidJumpConfig(**{field: value})
