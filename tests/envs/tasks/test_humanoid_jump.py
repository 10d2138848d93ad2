"""`humanoid-jump`: each reward term by hand, the state of a command, and the task in a few worlds."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.physics import PhysicsOptions
from envs.tasks.humanoid_jump import HumanoidJump, HumanoidJumpConfig, Jump, jump_terms
from envs.worlds.vector import VecEnv
from tests.envs.tasks.test_humanoid_skills import STILL

FLYING = STILL.replace(height=jnp.array(1.4), foot_force=jnp.zeros(2))
PERIOD = 0.015


def command(**changes):
    """A command to fly for 0.25 s, with some changes."""
    return Jump.commanded(jnp.array(0.25)).replace(**{name: jnp.asarray(x) for name, x in changes.items()})


def terms(motion=STILL, before=None, after=None):
    before = command() if before is None else before
    after = after or before.after(motion, PERIOD)
    return {name: float(x) for name, x in jump_terms(motion, before, after, PERIOD).items()}


class TestCommand:
    def test_remembers_the_longest_flight(self):
        jump = command()
        for motion, count in ((FLYING, 4), (STILL, 3), (FLYING, 2)):
            for _ in range(count):
                jump = jump.after(motion, PERIOD)
        assert float(jump.longest) == pytest.approx(4 * PERIOD) and float(jump.flight) == pytest.approx(2 * PERIOD)
        assert float(jump.clock) == pytest.approx(9 * PERIOD)

    @pytest.mark.parametrize(("longest", "share"), [(0.0, 0.0), (0.05, 0.0), (0.15, 0.5), (0.25, 1.0), (0.4, 1.0)])
    def test_a_stumble_counts_as_no_flight(self, longest, share):
        assert float(command(longest=longest).flown) == pytest.approx(share, abs=1e-6)

    def test_lands_after_half_a_second_on_both_feet_without_a_break(self):
        def landed_after(*motions):
            jump = command(longest=0.2)
            for motion, seconds in motions:
                for _ in range(round(seconds / 0.1)):
                    jump = jump.after(motion, 0.1)
            return bool(jump.landed)

        one_foot = STILL.replace(foot_force=jnp.array([0.0, 400.0]))
        assert landed_after((STILL, 0.6)) and not landed_after((STILL, 0.4))
        assert not landed_after((STILL, 0.4), (one_foot, 0.1), (STILL, 0.4))
        assert not landed_after((STILL.replace(gravity=jnp.array([0.6, 0.0, -0.8])), 0.6))

    def test_standing_without_a_flight_is_no_landing(self):
        jump = command()
        for _ in range(10):
            jump = jump.after(STILL, 0.1)
        assert not jump.landed

    def test_reaches_as_high_as_its_speed_carries_it(self):
        rising = STILL.replace(rise=jnp.array(1.962))  # 1.962^2 / (2 * 9.81) = 0.1962 m
        assert float(command().after(rising, PERIOD).reach) == pytest.approx(1.25 + 0.1962)
        sinking = STILL.replace(rise=jnp.array(-3.0))
        assert float(command().after(sinking, PERIOD).reach) == pytest.approx(1.29)

    def test_shows_its_age_what_it_asks_for_and_what_was_flown(self):
        goal = command(clock=4.5, longest=0.15).goal()
        np.testing.assert_allclose(goal, [3.0, 9.81 * 0.125, 0.5], rtol=1e-5)


class TestRewardTerms:
    def test_pay_the_increase_of_the_ballistic_height_up_to_what_the_flight_needs(self):
        # 0.25 s need 9.81 * 0.125 = 1.22625 m/s, which rises by 0.07664 m; half as much again is the limit
        assert terms(after=command(reach=1.35))["reach"] == pytest.approx(0.06, abs=1e-6)
        assert terms(before=command(reach=1.33), after=command(reach=1.35))["reach"] == pytest.approx(0.02, abs=1e-6)
        assert terms(after=command(reach=2.0))["reach"] == pytest.approx(1.5 * 0.07664, abs=1e-4)

    def test_pay_a_longer_flight_than_before_up_to_the_one_asked_for(self):
        def paid(longest, flight, motion=FLYING):
            return terms(motion, before=command(longest=longest, flight=flight))["flight"]

        assert paid(0.0, 0.0) == pytest.approx(1.0)
        assert paid(0.15, 0.15) == pytest.approx(1.0)
        assert paid(0.15, 0.03) == 0.0  # a second hop that is no longer than the first
        assert paid(0.24, 0.24) == pytest.approx(2 / 3)  # 0.010 of the 0.015 s are asked for
        assert paid(0.25, 0.25) == 0.0
        assert paid(0.0, 0.0, FLYING.replace(foot_force=jnp.array([0.0, 5.0]))) == 0.0
        assert paid(0.0, 0.0, FLYING.replace(gravity=jnp.array([0.6, 0.0, -0.8]))) == pytest.approx(0.8)

    def test_pay_a_landing_once_by_the_share_of_the_flight(self):
        landed = command(longest=0.15, landed=True)
        assert terms(before=command(longest=0.15), after=landed)["landing"] == pytest.approx(0.5)
        assert terms(before=landed, after=landed)["landing"] == 0.0

    def test_pay_standing_still_after_a_flight_only(self):
        assert terms()["still"] == 0.0
        assert terms(before=command(longest=0.15))["still"] == pytest.approx(0.5)
        assert terms(FLYING, before=command(longest=0.15))["still"] == 0.0
        moving = STILL.replace(velocity=jnp.array([0.6, 0.0]), rise=jnp.array(0.8), turn=jnp.array(1.0))
        assert terms(moving, before=command(longest=0.25))["still"] == pytest.approx(math.exp(-2.0))

    def test_of_effort_and_posture(self):
        moved = STILL.replace(action=jnp.zeros(17).at[0].set(1.0), posture=0.2 * jnp.ones(17))
        seen = terms(moved, before=command(longest=0.2))
        assert seen["ctrl"] == seen["action_rate"] == pytest.approx(1 / 17)
        assert seen["posture"] == pytest.approx(0.04) and terms(moved)["posture"] == 0.0
        hard = STILL.replace(foot_force=jnp.array([2.5 * 413.0, 413.0]))
        assert terms(hard)["contact"] == pytest.approx(1.0) and seen["contact"] == 0.0
        assert terms(STILL.replace(gravity=jnp.array([0.6, 0.0, -0.8])))["upright"] == pytest.approx(0.8)


@pytest.fixture(scope="module")
def env():
    return HumanoidJump(
        HumanoidJumpConfig(command_seconds=(0.03, 0.03), commands_per_episode=1), PhysicsOptions("native")
    )


def test_starts_standing_crouched_or_rising(env):
    fresh = jax.jit(VecEnv(env, 400).fresh)(jax.random.key(0))
    height, rise = fresh.physics["qpos"][:, 2], fresh.physics["qvel"][:, 2]
    assert 0.4 < float((height < 1.2999).mean()) < 0.6 and float(height.min()) > 0.9
    assert 0.15 < float((rise > 0.05).mean()) < 0.35 and float(rise.max()) <= 2.05
    sole = fresh.physics["sensordata"][:, jnp.array([10, 13])] - 0.075
    # crouching keeps the soles near the floor
    assert 0 < float(sole.mean()) < 0.02 and float(abs(sole).max()) < 0.06


def test_a_new_command_comes_when_the_time_of_the_old_one_is_over_and_a_missed_one_is_counted(env):
    step = jax.jit(env.step)
    state = jax.jit(env.reset)(jax.random.key(0))
    first = state.info["jump"]
    state = step(state, jnp.zeros(17))
    assert state.info["jump"].target == first.target and not state.truncated
    state = step(state, jnp.zeros(17))
    assert state.info["jump"].target == state.info["targets"][1] != first.target
    assert float(state.goal[0]) == 0.0 and float(state.metrics["missed"]) == 1.0
    assert state.truncated and not state.terminated  # one command for each training episode


def test_evaluations_start_standing_ask_for_the_longest_flight_and_are_not_cut():
    judged = HumanoidJump.evaluated(HumanoidJumpConfig())
    assert (judged.crouched, judged.rising, judged.commands_per_episode) == (0.0, 0.0, None)
    assert judged.flight_seconds == (0.25, 0.25)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("flight_seconds", (0.05, 0.2)),
        ("flight_seconds", (0.3, 0.2)),
        ("command_seconds", (0.0, 1.0)),
        ("commands_per_episode", 0),
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
