"""The terms of a natural gait, each by hand, and what they read of the body."""

import dataclasses

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from envs.physics.base import PhysicsState
from envs.robots import feeling_humanoid as body
from envs.robots.models import feeling_humanoid
from envs.tasks.humanoid_skills.gait import GaitWeights, Steps, came_down, gait_terms, weighted_gait
from envs.tasks.humanoid_skills.goals import JUMP, STAND_UP, GoalSampler
from flexrl.config.run_config import decode
from tests.envs.tasks.test_humanoid_skills import STILL

WALKING = STILL.replace(command=jnp.array([1.0, 0.0, 0.0]))
PERIOD = 0.015


def steps(**changes):
    return Steps.first().replace(**{name: jnp.asarray(x) for name, x in changes.items()})


def terms(before=None, motion=WALKING, **changes):
    """The terms of a control step in which both feet are on the floor, but for some changes."""
    motion = motion.replace(**{name: jnp.asarray(x) for name, x in changes.items()})
    return {name: float(x) for name, x in gait_terms(motion, before or steps()).items()}


class TestTerms:
    def test_of_standing_with_hanging_arms_are_zero(self):
        assert terms(motion=STILL) == {name: pytest.approx(0.0) for name in terms()}

    @pytest.mark.parametrize(("air", "paid"), [(0.5, 0.1), (0.3, -0.1), (0.9, 0.2), (0.15, -0.25), (0.0, 0.0)])
    def test_pay_a_swing_when_the_foot_comes_down(self, air, paid):
        assert terms(steps(air=[air, 0.0]))["air_time"] == pytest.approx(paid, abs=1e-6)

    def test_pay_a_swing_only_when_it_ends_and_only_if_asked_to_move(self):
        swinging = steps(air=[0.4, 0.0])
        assert terms(swinging, foot_force=[0.0, 400.0])["air_time"] == 0.0
        assert terms(swinging, motion=STILL)["air_time"] == 0.0

    @pytest.mark.parametrize(("peak", "cost"), [(0.08, 0.0), (0.2, 0.0), (0.04, 0.25), (0.0, 1.0)])
    def test_cost_a_foot_that_was_lifted_too_little(self, peak, cost):
        assert terms(steps(air=[0.3, 0.0], peak=[peak, 0.0]))["clearance"] == pytest.approx(cost)
        assert terms(steps(air=[0.0, 0.0], peak=[peak, 0.0]))["clearance"] == 0.0

    def test_cost_a_foot_that_comes_down_twice(self):
        assert terms(steps(air=[0.3, 0.0], last=0))["alternation"] == 1.0
        assert terms(steps(air=[0.3, 0.0], last=1))["alternation"] == 0.0
        assert terms(steps(air=[0.3, 0.0], last=-1))["alternation"] == 0.0
        assert terms(steps(air=[0.05, 0.0], last=0))["alternation"] == 0.0  # a bounce
        assert terms(steps(air=[0.3, 0.0], last=0), motion=STILL)["alternation"] == 0.0

    def test_of_arms_trunk_and_energy(self):
        seen = terms(arm_angles=[0.4, 0.2], elbows=[-1.0, -1.2], sway=[0.3, 0.4], power=206.5)
        assert seen["arms"] == pytest.approx((0.16 + 0.04) / 2)
        assert seen["elbows"] == pytest.approx(0.02)
        assert seen["trunk"] == pytest.approx(0.25)
        assert seen["energy"] == pytest.approx(0.5)

    @pytest.mark.parametrize(("error", "cost"), [(0.5, 0.25), (-0.5, 0.25), (3.0, 1.0)])
    def test_cost_a_heading_that_is_not_kept(self, error, cost):
        assert terms(steps(heading_error=error))["heading"] == pytest.approx(cost)

    def test_count_with_their_weights_only_if_they_are_on(self):
        names = [field.name for field in dataclasses.fields(GaitWeights)]
        assert sorted(names) == sorted(terms())
        values = {name: jnp.array(2.0) for name in names}
        assert not GaitWeights().is_on and weighted_gait(values, GaitWeights()) == {}
        for name in names:
            weights = GaitWeights(**{name: -1.5})
            assert weights.is_on and weighted_gait(values, weights) == {name: -3.0}


class TestSteps:
    def test_follow_a_foot_through_its_swing(self):
        lifted = WALKING.replace(foot_force=jnp.array([0.0, 400.0]), foot_height=jnp.array([0.05, 0.0]))
        seen = steps()
        for height in (0.02, 0.07, 0.03, 0.01, 0.005):
            up = lifted.replace(foot_height=jnp.array([height, 0.0]))
            seen = seen.after(up, PERIOD, jnp.array(False))
        np.testing.assert_allclose(seen.air, [5 * PERIOD, 0.0], rtol=1e-5)
        np.testing.assert_allclose(seen.peak, [0.07, 0.0], rtol=1e-5)
        assert came_down(WALKING, seen).tolist() == [True, False] and not came_down(lifted, seen).any()
        down = seen.after(WALKING, PERIOD, jnp.array(False))
        assert int(down.last) == 0 and not down.air.any() and not down.peak.any()

    def test_a_bounce_is_no_step(self):
        seen = steps(air=[0.03, 0.0])
        assert not came_down(WALKING, seen).any()
        assert int(seen.after(WALKING, PERIOD, jnp.array(False)).last) == -1

    def test_heading_error_is_the_turn_beyond_the_command_since_the_command(self):
        turning = STILL.replace(turn=jnp.array(0.5), command=jnp.array([0.0, 0.0, 0.8]))
        seen = steps()
        for _ in range(10):
            seen = seen.after(turning, 0.1, jnp.array(False))
        assert float(seen.heading_error) == pytest.approx(-0.3, abs=1e-5)
        assert float(seen.after(turning, 0.1, jnp.array(True)).heading_error) == 0.0


def test_a_goal_is_new_when_the_one_before_ended():
    goals = GoalSampler(("run", "jump"), "balanced", 0.0, (3, 3), 9).draw(jax.random.key(0))
    seen = []
    for _ in range(7):
        goals = goals.later()
        seen.append(bool(goals.is_new))
    assert seen == [False, False, True, False, False, True, False]


@pytest.fixture(scope="module")
def model():
    return feeling_humanoid().compile()


class TestBody:
    """What the terms read is what MuJoCo says of the same body."""

    @pytest.fixture
    def posed(self, model):
        data = mujoco.MjData(model)
        low, high = model.jnt_range[1:].T
        draw = np.random.default_rng(0)
        data.qpos[7:] = draw.uniform(low, high)
        quaternion = draw.normal(size=4)
        data.qpos[3:7] = quaternion / np.linalg.norm(quaternion)
        data.qpos[2], data.qvel[:] = 1.3, draw.normal(size=model.nv)
        mujoco.mj_forward(model, data)
        return data

    @staticmethod
    def state(data):
        fields = {name: jnp.asarray(getattr(data, name)) for name in ("qpos", "qvel", "sensordata")}
        return PhysicsState(None, fields, jnp.array(0))

    def test_arm_angles(self, posed):
        arms = [posed.body(f"{s}_lower_arm").xpos - posed.body(f"{s}_upper_arm").xpos for s in ("right", "left")]
        expected = [np.arccos(-arm[2] / np.linalg.norm(arm)) for arm in arms]
        np.testing.assert_allclose(body.arm_angles(self.state(posed)), expected, atol=2e-3)

    def test_heights_of_feet_and_pelvis(self, posed):
        soles = [posed.geom(foot).xpos[2] - 0.075 for foot in ("right_foot", "left_foot")]
        np.testing.assert_allclose(body.foot_height(self.state(posed)), soles, atol=1e-5)
        assert float(body.pelvis_height(self.state(posed))) == pytest.approx(posed.body("pelvis").xpos[2], abs=1e-5)

    def test_names_and_torques_of_joints_and_motors(self, model):
        assert tuple(model.joint(i).name for i in range(1, model.njnt)) == body.JOINTS
        motors = {
            model.actuator(i).name: model.actuator_gear[i, 0] * model.actuator_ctrlrange[i, 1] for i in range(model.nu)
        }
        assert list(motors) == list(body.MOTORS) and motors == pytest.approx(body.MOTORS)

    def test_power_of_two_motors(self, posed):
        posed.qvel[6:] = 0
        posed.joint("abdomen_y").qvel[0], posed.joint("left_knee").qvel[0] = 2.0, -3.0
        action = jnp.zeros(17).at[0].set(0.5).at[list(body.MOTORS).index("left_knee")].set(1.0)
        assert float(body.power(self.state(posed), action)) == pytest.approx(0.5 * 40 * 2 + 80 * 3, rel=1e-5)

    def test_elbows(self, posed):
        expected = [posed.joint(f"{side}_elbow").qpos[0] for side in ("right", "left")]
        np.testing.assert_allclose(body.elbows(self.state(posed)), expected, rtol=1e-5)


def test_weights_that_are_off_leave_the_hash_of_older_runs():
    of_run = {"env": "humanoid-skills", "total_steps": 1, "num_envs": 64, "profile": "cpu", "algorithm": {}, "task": {}}
    plain, on = (decode(of_run | {"task": task}, "test") for task in ({}, {"gait": {"arms": -1.0}}))
    # as it was before the field `gait` was there
    assert plain.hash() == "2ecd3685f7f4658a" and on.hash() != plain.hash()


@pytest.mark.parametrize("skill", [JUMP, STAND_UP])
def test_a_body_that_jumps_or_stands_up_has_no_gait(skill):
    swaying = STILL.replace(sway=jnp.array([2.0, 1.0]), arm_angles=jnp.ones(2), skill=jnp.array(skill))
    values = gait_terms(swaying, Steps.first().replace(heading_error=jnp.array(0.5)))
    assert all(float(value) == 0.0 for value in values.values())
    assert float(gait_terms(swaying.replace(skill=jnp.array(0)), Steps.first())["trunk"]) == pytest.approx(5.0)
