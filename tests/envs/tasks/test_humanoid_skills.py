"""Goals, rewards and frames of `humanoid-skills`, each by hand, and the whole task in a few worlds."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from envs.physics import PhysicsOptions
from envs.robots import feeling_humanoid as body
from envs.robots.models import feeling_humanoid
from envs.robots.rotations import heading_of, rotated, rotated_back, turned_back
from envs.tasks.humanoid_skills.goals import GOAL_SIZE, JUMP, SKILL_NAMES, SKILLS, STAND_UP, GoalSampler
from envs.tasks.humanoid_skills.motion import Motion
from envs.tasks.humanoid_skills.rewards import RewardWeights, reward_terms, weighted
from envs.tasks.humanoid_skills.task import HumanoidSkills, HumanoidSkillsConfig
from envs.tasks.humanoid_skills.tracking import Tracking
from envs.worlds.vector import VecEnv

STILL = Motion(
    height=jnp.array(1.25),
    pelvis_height=jnp.array(0.85),
    gravity=jnp.array([0.0, 0.0, -1.0]),
    velocity=jnp.zeros(2),
    rise=jnp.array(0.0),
    turn=jnp.array(0.0),
    posture=jnp.zeros(17),
    action=jnp.zeros(17),
    last_action=jnp.zeros(17),
    foot_force=jnp.array([200.0, 213.0]),
    foot_speed=jnp.zeros(2),
    foot_height=jnp.zeros(2),
    arm_angles=jnp.zeros(2),
    elbows=jnp.array([-1.2, -1.2]),
    sway=jnp.zeros(2),
    power=jnp.array(0.0),
    command=jnp.zeros(3),
    skill=jnp.array(0),
)


def terms(**changes):
    """The reward terms of a still humanoid, but for some changes."""
    changes = {name: jnp.asarray(value) for name, value in changes.items()}
    return {name: float(value) for name, value in reward_terms(STILL.replace(**changes)).items()}


class TestRewardTerms:
    def test_of_standing_still(self):
        rewarded = {"stand_still", "turn", "survive", "upright"}
        assert terms() == {name: pytest.approx(1.0 if name in rewarded else 0.0) for name in terms()}

    @pytest.mark.parametrize(
        ("command", "shares"),
        [
            ([1.0, 0.0, 0.0], {"forward": 1.0}),
            ([-0.7, 0.0, 0.0], {"backward": 1.0}),
            ([0.0, 0.5, 0.0], {"left": 1.0}),
            ([0.0, -0.5, 0.0], {"right": 1.0}),
            ([0.6, 0.3, 0.0], {"forward": 0.8, "left": 0.2}),
            ([-0.6, -0.3, 0.0], {"backward": 0.8, "right": 0.2}),
            ([0.0, 0.0, 0.8], {"stand_still": 1.0}),
        ],
    )
    def test_share_perfect_tracking_by_direction(self, command, shares):
        seen = terms(command=command, velocity=command[:2])
        for name in ("forward", "backward", "left", "right", "stand_still"):
            assert seen[name] == pytest.approx(shares.get(name, 0.0), abs=1e-6), name

    def test_of_velocity_fall_off_narrowly_and_widely(self):
        # 0.25 m/s off a command of 1 m/s: half exp(-1), half exp(-(0.25 / 0.75)^2)
        seen = terms(command=[1.0, 0.0, 0.0], velocity=[0.75, 0.0])
        assert seen["forward"] == pytest.approx(0.5 * math.exp(-1) + 0.5 * math.exp(-1 / 9))
        assert terms(command=[1.0, 0.0, 0.0], velocity=[1.0, 0.25])["forward"] == pytest.approx(seen["forward"])

    def test_of_velocity_count_more_for_a_fast_command(self):
        assert terms(command=[3.0, 0.0, 0.0], velocity=[3.0, 0.0])["forward"] == pytest.approx(3.0)

    def test_of_turning_fall_off_narrowly_and_widely(self):
        # 0.3 rad/s off: half exp(-1), half exp(-0.09)
        expected = 0.5 * math.exp(-1) + 0.5 * math.exp(-0.09)
        assert terms(command=[0.0, 0.0, 0.8], turn=0.5)["turn"] == pytest.approx(expected)
        assert terms(command=[0.0, 0.0, 0.8], turn=1.1)["turn"] == pytest.approx(expected)

    @pytest.mark.parametrize(("height", "share"), [(0.5, 0.0), (0.8, 0.0), (1.0, 0.5), (1.2, 1.0), (1.4, 1.0)])
    def test_of_moving_count_only_on_the_feet(self, height, share):
        seen = terms(height=height)
        assert [seen[name] for name in ("survive", "stand_still", "turn")] == pytest.approx([share] * 3)

    def test_of_a_leaning_torso(self):
        assert terms(gravity=[0.6, 0.0, -0.8])["upright"] == pytest.approx(0.8)
        assert terms(gravity=[0.6, 0.0, 0.8])["upright"] == 0.0

    def test_of_a_jump(self):
        flying = {"height": 1.415, "foot_force": [0.0, 0.0]}  # half of the rewarded height
        assert terms(**flying, skill=JUMP)["jump"] == pytest.approx(0.5 + 0.125)
        assert terms(**flying, rise=0.75, skill=JUMP)["jump"] == pytest.approx(0.5 + 0.125 + 0.125)
        assert terms(**flying, rise=-0.75, skill=JUMP)["jump"] == pytest.approx(0.5 + 0.125)
        assert terms(height=1.415, foot_force=[1.0, 0.0], skill=JUMP)["jump"] == pytest.approx(0.125)
        assert terms(height=1.1, foot_force=[0.0, 0.0], skill=JUMP)["jump"] == 0.0
        assert terms(**flying)["jump"] == 0.0  # nobody asked

    def test_of_standing_up(self):
        assert terms(height=0.6, gravity=[1.0, 0.0, 0.0], skill=STAND_UP)["stand_up"] == pytest.approx(0.5 * 0.5)
        assert terms(height=0.6, skill=STAND_UP)["stand_up"] == pytest.approx(0.5)
        assert terms(height=1.25, skill=STAND_UP)["stand_up"] == pytest.approx(1.0)
        assert terms(height=1.25)["stand_up"] == 0.0

    def test_of_effort(self):
        action, last = jnp.zeros(17).at[0].set(1.0), jnp.zeros(17).at[1].set(0.5)
        seen = terms(action=action, last_action=last)
        assert seen["ctrl"] == pytest.approx(1 / 17)
        assert seen["action_rate"] == pytest.approx((1 + 0.25) / 17)
        assert terms(posture=0.2 * jnp.ones(17))["posture"] == pytest.approx(0.04)

    def test_of_the_feet(self):
        seen = terms(foot_force=[2.5 * 413.0, 413.0], foot_speed=[0.3, 0.2])
        assert seen["contact"] == pytest.approx(1.0)
        assert seen["foot_slip"] == pytest.approx(0.5)
        assert terms(foot_force=[413.0, 0.0], foot_speed=[0.3, 0.2])["foot_slip"] == pytest.approx(0.3)

    def test_count_with_their_weights(self):
        names = [field.name for field in dataclasses.fields(RewardWeights)]
        assert sorted(names) == sorted(terms())
        values = {name: jnp.array(1.0) for name in names}
        for name in names:
            alone = RewardWeights(**{other: 3.0 if other == name else 0.0 for other in names})
            assert sum(float(x) for x in weighted(values, alone).values()) == 3.0


class TestGoals:
    @staticmethod
    def sampler(strategy="balanced", steps=(5, 10), skills=SKILL_NAMES, spread=0.2, episode_length=100):
        return GoalSampler(skills, strategy, spread, steps, episode_length)

    @staticmethod
    def draw(sampler, num=400, seed=0):
        """The goals of many episodes."""
        return jax.jit(jax.vmap(sampler.draw))(jax.random.split(jax.random.key(seed), num))

    def test_last_as_long_as_they_should_and_to_the_end(self):
        ends = np.asarray(self.draw(self.sampler()).ends)
        lengths = np.diff(ends, axis=1, prepend=0)
        assert set(lengths.ravel()) == set(range(5, 11))
        assert ends.shape[1] == 20 and ends[:, -1].min() >= 100

    def test_follow_each_other(self):
        goals = self.draw(self.sampler(), num=1)
        goals = jax.tree.map(lambda x: x[0], goals)
        for index, end in enumerate(np.asarray(goals.ends)[:5]):
            before, after = goals.replace(clock=end - 1), goals.replace(clock=end - 1).later()
            assert before.skill == goals.skills[index] and after.skill == goals.skills[index + 1]
            np.testing.assert_array_equal(after.command, goals.commands[index + 1])
        last = goals.replace(clock=goals.ends[-1] + 5)
        assert last.skill == goals.skills[-1]

    def test_balanced_asks_for_each_skill_once_in_a_round_in_orders_of_its_own(self):
        skills = np.asarray(self.draw(self.sampler(episode_length=5 * 2 * len(SKILLS)), num=50).skills)
        rounds = skills.reshape(100, len(SKILLS))
        assert (np.sort(rounds, axis=1) == np.arange(len(SKILLS))).all()
        assert len({tuple(order) for order in rounds}) == 100

    def test_a_skill_that_is_named_twice_is_asked_for_twice_as_often(self):
        names = ("run", "stand-still", "run")
        skills = np.asarray(self.draw(self.sampler(skills=names, episode_length=5 * 2 * 3), num=50).skills)
        run, still = (SKILL_NAMES.index(name) for name in ("run", "stand-still"))
        assert (np.sort(skills.reshape(100, 3), axis=1) == sorted([run, still, run])).all()

    def test_random_asks_for_any_skill(self):
        skills = np.asarray(self.draw(self.sampler("random")).skills)
        counts = np.bincount(skills.ravel(), minlength=len(SKILLS))
        assert abs(counts / skills.size - 1 / len(SKILLS)).max() < 0.02
        assert (skills[:, 1:] == skills[:, :-1]).any()

    def test_single_asks_for_the_first_skill_only(self):
        goals = self.draw(self.sampler("single", skills=("run", "jump")))
        assert set(np.asarray(goals.skills).ravel()) == {SKILL_NAMES.index("run")}

    def test_commands_spread_around_their_nominal_value(self):
        commands = np.asarray(self.draw(self.sampler("single", skills=("walk-forward-left",))).commands)
        factor = commands[..., 0] / 0.6
        np.testing.assert_allclose(commands[..., 1], 0.4 * factor, rtol=1e-5)
        assert not commands[..., 2].any()
        assert factor.min() < 0.81 and factor.max() > 1.19 and 0.8 <= factor.min() and factor.max() <= 1.2001

    def test_come_in_a_given_order(self):
        order = jnp.array([3, 1, 2, *range(4, len(SKILLS)), 0, *range(14)])
        assert self.sampler().in_order(jax.random.key(0), order).skills.tolist()[:3] == [3, 1, 2]

    def test_vector_says_command_and_skill(self):
        goals = self.sampler("single", skills=("turn-right",), spread=0.0).draw(jax.random.key(0))
        expected = np.zeros(GOAL_SIZE)
        expected[2], expected[3 + SKILL_NAMES.index("turn-right")] = -0.8, 1
        np.testing.assert_allclose(goals.vector(), expected, rtol=1e-6)


class TestTracking:
    def test_measures_how_far_velocity_and_yaw_rate_are_off(self):
        moving = STILL.replace(velocity=jnp.array([1.3, -0.4]), command=jnp.array([1.0, 0.0, 0.5]))
        metrics = Tracking.first().metrics(moving)
        assert float(metrics["velocity_error"]) == pytest.approx(0.5)
        assert float(metrics["turn_error"]) == pytest.approx(0.5)

    def test_remembers_the_longest_flight(self):
        flying = STILL.replace(height=jnp.array(1.4), foot_force=jnp.zeros(2))
        tracking = Tracking.first()
        for motion, count in ((flying, 5), (STILL, 2), (flying, 3)):
            for _ in range(count):
                tracking = tracking.after(motion, period=0.02)
        assert float(tracking.metrics(STILL)["air_seconds"]) == pytest.approx(0.1)

    def test_lying_with_the_feet_up_is_no_flight(self):
        lying = STILL.replace(height=jnp.array(0.2), foot_force=jnp.zeros(2))
        assert float(Tracking.first().after(lying, 0.02).longest_flight) == 0.0

    def test_counts_how_long_it_stands_without_a_break(self):
        low = STILL.replace(height=jnp.array(1.0))
        tracking = Tracking.first()
        for motion, count in ((STILL, 9), (low, 1), (STILL, 4)):
            for _ in range(count):
                tracking = tracking.after(motion, period=0.5)
        assert float(tracking.metrics(STILL)["standing_seconds"]) == 2.0


class TestFrames:
    # a quarter turn to the left, then a nod of 30 degrees
    QUATERNION = np.zeros(4)
    mujoco.mju_mulQuat(
        QUATERNION,
        np.array([math.cos(math.pi / 4), 0, 0, math.sin(math.pi / 4)]),
        np.array([math.cos(math.pi / 12), 0, math.sin(math.pi / 12), 0]),
    )

    def test_rotate_as_mujoco_does(self):
        vector, expected = np.array([0.3, -0.5, 0.7]), np.zeros(3)
        mujoco.mju_rotVecQuat(expected, vector, self.QUATERNION)
        quaternion = jnp.asarray(self.QUATERNION)
        np.testing.assert_allclose(rotated(quaternion, jnp.asarray(vector)), expected, rtol=1e-5)
        np.testing.assert_allclose(rotated_back(quaternion, jnp.asarray(expected)), vector, rtol=1e-5)

    def test_heading_ignores_the_nod(self):
        heading = heading_of(jnp.asarray(self.QUATERNION))
        np.testing.assert_allclose(heading, [0.0, 1.0], atol=1e-5)
        # moving towards -x is moving to the left of someone who faces +y
        np.testing.assert_allclose(turned_back(heading, jnp.array([-2.0, 3.0])), [3.0, 2.0], atol=1e-4)

    def test_heading_is_finite_when_the_body_looks_straight_up(self):
        heading = heading_of(jnp.array([math.cos(math.pi / 4), 0, -math.sin(math.pi / 4), 0]))
        assert np.isfinite(heading).all()


@pytest.fixture(scope="module")
def env():
    return HumanoidSkills(HumanoidSkillsConfig(), PhysicsOptions("native"))


@pytest.fixture(scope="module")
def reset(env):
    return jax.jit(env.reset)


@pytest.fixture(scope="module")
def step(env):
    return jax.jit(env.step)


class TestTask:
    def test_observation_is_the_same_whichever_way_it_faces(self, env, reset):
        state = reset(jax.random.key(0))
        qpos, qvel = (np.array(state.physics[name], np.float64) for name in ("qpos", "qvel"))
        qvel[:6] = [0.3, -0.2, 0.1, 0.5, 0.4, 0.3]
        turned_qpos, turned_qvel, half = qpos.copy(), qvel.copy(), 0.6
        turn = np.array([math.cos(half), 0, 0, math.sin(half)])
        mujoco.mju_mulQuat(turned_qpos[3:7], turn, qpos[3:7])
        mujoco.mju_rotVecQuat(turned_qvel[:3], qvel[:3], turn)
        turned_qpos[:2] = [3.0, -4.0]

        @jax.jit
        def observed(qpos, qvel):
            physics = env.physics.reset(qpos, qvel)
            return body.observe(physics, jnp.zeros(17)), body.turn(physics)

        here, turn_here = observed(jnp.asarray(qpos), jnp.asarray(qvel))
        there, turn_there = observed(jnp.asarray(turned_qpos), jnp.asarray(turned_qvel))
        np.testing.assert_allclose(here, there, atol=1e-4)
        assert here.shape == (63,) and float(turn_here) == pytest.approx(float(turn_there), abs=1e-5)

    def test_starts_standing_or_lying_as_its_first_skill_needs(self, env):
        first = jax.jit(jax.vmap(env.reset))(jax.random.split(jax.random.key(0), 100))
        lies = np.asarray(first.info["goals"].skills[:, 0]) == STAND_UP
        height = np.asarray(first.physics["qpos"][:, 2])
        assert lies.any() and (height[lies] < 0.5).all() and (height[~lies] > 1.2).all()
        gravity = np.asarray(first.obs[:, 1:4])
        assert abs(gravity[lies, 2]).max() < 0.01 and gravity[~lies, 2].max() < -0.99

    def test_fallen_always_lies_and_is_about_to_come_to_rest(self):
        env = HumanoidSkills(
            HumanoidSkillsConfig(initial_state="fallen", termination="never"), PhysicsOptions("native")
        )
        worlds = VecEnv(env, 20)
        fresh = worlds.fresh(jax.random.key(0))
        state, step = worlds.start(fresh), jax.jit(worlds.step)
        for _ in range(100):
            state, transition = step(state, jnp.zeros((20, 17)), fresh)
            assert not transition.diverged.any() and not transition.terminated.any()
        height, speed = state.env.physics["qpos"][:, 2], abs(state.env.physics["qvel"]).max(axis=1)
        assert height.max() < 0.7 and height.min() > 0.05 and np.median(speed) < 2.0

    @pytest.mark.parametrize(("skill", "ends"), [("walk-forward", True), ("stand-up", False)])
    def test_a_fall_ends_the_episode_unless_it_is_asked_to_stand_up(self, skill, ends):
        config = HumanoidSkillsConfig(skills=(skill,), initial_state="fallen")
        env = HumanoidSkills(config, PhysicsOptions("native"))
        state = jax.jit(lambda key: env.step(env.reset(key), jnp.zeros(17)))(jax.random.key(0))
        assert bool(state.terminated) == ends
        assert float(state.metrics["fallen"]) == ends

    def test_reward_is_the_sum_of_its_terms_for_the_goal_before_the_step(self, env, reset, step):
        state = reset(jax.random.key(1))
        goals = state.info["goals"]
        state.info["goals"] = goals.replace(clock=goals.ends[0] - 1)
        after = step(state, 0.5 * jnp.ones(17))
        parts = [value for name, value in after.metrics.items() if name.startswith("reward_")]
        assert float(after.reward) == pytest.approx(float(sum(parts)), rel=1e-5)
        assert int(after.info["goals"].skill) == int(goals.skills[1]) != int(goals.skills[0])
        np.testing.assert_array_equal(after.goal, after.info["goals"].vector())
        motion_ctrl = -0.2 * 0.25
        assert float(after.metrics["reward_ctrl"]) == pytest.approx(motion_ctrl)

    def test_a_change_of_the_action_costs_and_the_same_again_does_not(self, reset, step):
        action = 0.5 * jnp.ones(17)
        first = step(reset(jax.random.key(1)), action)
        cost = -0.05 * 0.25  # half a unit, squared
        assert float(first.metrics["reward_action_rate"]) == pytest.approx(cost)
        assert float(step(first, action).metrics["reward_action_rate"]) == 0
        assert float(step(first, jnp.zeros(17)).metrics["reward_action_rate"]) == pytest.approx(cost)

    def test_time_in_the_air_and_on_its_feet_adds_up_from_step_to_step(self, env, reset, step):
        state = reset(jax.random.key(1))
        high = state.physics["qpos"].at[2].add(1.0)
        state = state.replace(physics=env.physics.reset(high, jnp.zeros(23)))
        for count in (1, 2, 3):
            state = step(state, jnp.zeros(17))
            for name in ("air_seconds", "standing_seconds"):
                assert float(state.metrics[name]) == pytest.approx(count * 0.015), name

    def test_feet_feel_the_floor(self):
        model = feeling_humanoid().compile()
        data = mujoco.MjData(model)
        data.qpos[2] = 1.29
        for _ in range(20):
            mujoco.mj_step(model, data)
        right, left = data.sensor("right_foot_force").data, data.sensor("left_foot_force").data
        assert right > 50 and left == pytest.approx(right, rel=0.2)
        data.qpos[2] = 2.0
        mujoco.mj_forward(model, data)
        assert not data.sensordata[:2].any()
        data.qvel[:3] = [0.5, -0.25, 0.0]
        data.qvel[3:] = 0
        mujoco.mj_forward(model, data)
        np.testing.assert_allclose(data.sensordata[2:8].reshape(2, 3), [[0.5, -0.25, 0.0]] * 2, atol=1e-6)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("skills", ("moonwalk",)),
        ("skills", ()),
        ("goal_strategy", "often"),
        ("goal_seconds", (0.0, 1.0)),
        ("goal_seconds", (2.0, 1.0)),
        ("command_spread", 1.0),
        ("min_height", 0.0),
        ("reset_noise", -0.1),
        ("start_states_share", 1.1),
    ],
)
def test_a_bad_value_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=f"^{field}: "):
        HumanoidSkillsConfig(**{field: value})
