"""The clock of a gait: its phase, what a policy sees of it, and the terms that compare the feet with it."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.physics.options import PhysicsOptions
from envs.tasks.humanoid_goal import HumanoidGoal, HumanoidGoalConfig
from envs.tasks.humanoid_skills import clock
from envs.tasks.humanoid_skills.gait import Steps, gait_terms
from envs.tasks.humanoid_skills.task import HumanoidSkills, HumanoidSkillsConfig
from flexrl.cli.arguments import parse
from flexrl.common.errors import ConfigError
from tests.envs.tasks.test_humanoid_skills import STILL

WALKING = STILL.replace(command=jnp.array([1.0, 0.0, 0.0]))
RIGHT, LEFT = math.pi / 2, 3 * math.pi / 2  # phase in the middle of the swing of each foot


def terms(phase, motion=WALKING, **changes):
    motion = motion.replace(**{name: jnp.asarray(x) for name, x in changes.items()})
    seen = gait_terms(motion, Steps.first().replace(phase=jnp.asarray(phase)))
    return float(seen["swing"]), float(seen["rhythm"])


def test_a_walk_at_a_metre_a_second_takes_a_stride_a_second():
    phase = jnp.zeros(())
    for _ in range(50):  # half a second
        phase = clock.later(phase, jnp.array([0.6, 0.8]), 0.01)
    assert float(phase) == pytest.approx(math.pi, abs=1e-4)
    assert float(clock.later(jnp.array(6.28), jnp.zeros(2), 0.1)) < 0.6  # begins anew after a stride


@pytest.mark.parametrize(("phase", "heights"), [(RIGHT, [0.1, 0.0]), (LEFT, [0.0, 0.1]), (math.pi / 6, [0.025, 0.0])])
def test_a_foot_is_lifted_in_its_half_of_the_stride(phase, heights):
    np.testing.assert_allclose(clock.asked_height(jnp.array(phase)), heights, atol=1e-6)


class TestTerms:
    def test_cost_feet_that_are_not_where_the_clock_asks_for_them(self):
        asked = {"foot_height": [0.1, 0.0], "foot_force": [0.0, 400.0]}
        assert terms(RIGHT, **asked) == pytest.approx((0.0, 0.0), abs=1e-6)
        assert terms(LEFT, **asked) == pytest.approx((1.0, 1.0))  # each foot does what the other should
        assert terms(RIGHT, foot_height=[0.05, 0.0], foot_force=[0.0, 400.0]) == pytest.approx((0.125, 0.0))
        assert terms(RIGHT) == pytest.approx((0.5, 0.5))  # the right foot stays on the floor

    def test_allow_a_flight_when_running(self):
        flying = {"foot_height": [0.1, 0.0], "foot_force": [0.0, 0.0]}
        assert terms(RIGHT, **flying)[1] == 0.5
        assert terms(RIGHT, command=[3.0, 0.0, 0.0], **flying)[1] == 0.0

    def test_leave_feet_alone_around_the_change_of_sides(self):
        assert terms(0.1)[1] == terms(math.pi + 0.1, foot_force=[0.0, 0.0])[1] == 0.0

    def test_are_of_moving_only_and_turning_is(self):
        assert terms(RIGHT, motion=STILL) == (0.0, 0.0)
        assert terms(RIGHT, motion=STILL, command=[0.0, 0.0, 0.8])[0] == 0.5


@pytest.fixture(scope="module", params=[(HumanoidSkills, HumanoidSkillsConfig), (HumanoidGoal, HumanoidGoalConfig)])
def task(request):
    kind, config = request.param
    return kind(config(gait_clock=True), PhysicsOptions("native"))


class TestTask:
    def test_a_policy_sees_the_clock_last(self, task):
        state = jax.jit(task.reset)(jax.random.key(0))
        np.testing.assert_allclose(state.obs[-2:], [0.0, 1.0], atol=1e-6)
        seen = jax.jit(task.step)(state, jnp.zeros(17))
        phase = seen.info["steps"].phase if "steps" in seen.info else seen.info["phase"]
        assert float(phase) > 0
        np.testing.assert_allclose(seen.obs[-2:], [jnp.sin(phase), jnp.cos(phase)], atol=1e-6)
        assert task.spec.obs_size == 65

    def test_in_the_mirror_it_is_the_other_foots_turn(self, task):
        obs = jnp.zeros(65).at[-2:].set(clock.shown(jnp.array(RIGHT)))
        np.testing.assert_allclose(task.mirror.obs(obs)[-2:], clock.shown(jnp.array(LEFT)), atol=1e-6)


def test_terms_of_the_clock_need_it():
    with pytest.raises(ConfigError, match="gait_clock: is false, and gait.swing and gait.rhythm need it"):
        parse(["--env", "humanoid-skills", "--task.gait.swing", "-1.0"])
