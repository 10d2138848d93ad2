"""Goals in the plane: what the humanoid sees of them, what they are worth, and when they change."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.physics import PhysicsOptions
from envs.tasks.humanoid_goal import HumanoidGoal, HumanoidGoalConfig


@pytest.fixture(scope="module")
def env():
    return HumanoidGoal(HumanoidGoalConfig(goals_per_episode=2, hold_seconds=0.045), PhysicsOptions("native"))


@pytest.fixture(scope="module")
def step(env):
    return jax.jit(env.step)


@pytest.fixture(scope="module")
def first(env):
    return jax.jit(jax.vmap(env.reset))(jax.random.split(jax.random.key(0), 500))


def with_goal(env, goal, *, facing=0.0, position=(0.0, 0.0)):
    """A standing world that faces an angle (rad) at a position (m), with a goal (x, y, cosine, sine)."""
    state = env.reset(jax.random.key(0))
    qpos = jnp.concatenate(
        [
            jnp.array([*position, 1.3, math.cos(facing / 2), 0, 0, math.sin(facing / 2)]),
            state.physics["qpos"][7:],
        ]
    )
    physics = env.physics.reset(qpos, jnp.zeros(23))
    goal = jnp.array(goal)
    return state.replace(physics=physics, goal=env._goal_vector(physics, goal), info=state.info | {"goal": goal})


def test_goals_lie_at_the_distances_asked_for_all_around(first):
    distance = np.hypot(*np.asarray(first.info["goal"][:, :2]).T)
    assert 1.0 <= distance.min() < 1.2 and 9.8 < distance.max() <= 10.0
    angles = np.arctan2(*np.asarray(first.goal[:, :2]).T)
    assert np.histogram(angles, 8, (-math.pi, math.pi))[0].min() > 30
    np.testing.assert_allclose(first.goal[:, 2], distance, rtol=1e-4)


@pytest.mark.parametrize(
    ("facing", "direction", "heading"),
    [
        (0.0, [0.6, 0.8], [0.0, 1.0]),  # the goal's heading, +y, is to the left
        (math.pi / 2, [0.8, -0.6], [1.0, 0.0]),  # facing +y
        (math.pi, [-0.6, -0.8], [0.0, -1.0]),
    ],
)
def test_a_goal_is_seen_from_where_the_humanoid_stands_and_faces(env, facing, direction, heading):
    state = with_goal(env, [4.0, 6.0, 0.0, 1.0], facing=facing, position=(1.0, 2.0))
    np.testing.assert_allclose(state.goal, [*direction, 5.0, *heading], atol=1e-4)


def test_a_far_goal_is_seen_at_ten_metres(env):
    assert float(with_goal(env, [30.0, 0.0, 1.0, 0.0]).goal[2]) == 10.0


def test_speed_towards_the_goal_is_rewarded_up_to_the_target(env, step):
    weights = env.config
    rewards = {}
    for name, x in (("towards", 5.0), ("away", -5.0)):
        state = with_goal(env, [x, 0.0, 1.0, 0.0])
        qvel = jnp.zeros(23).at[0].set(1.0)
        after = step(state.replace(physics=env.physics.with_velocity(state.physics, qvel)), jnp.zeros(17))
        assert abs(float(after.metrics["speed_to_goal"])) == pytest.approx(1.0, abs=0.1)
        rewards[name] = float(after.reward)
        speed = float(after.metrics["speed_to_goal"])
        rest = rewards[name] - weights.progress_weight * speed
        assert rest == pytest.approx(weights.survive_weight + weights.upright_weight, abs=0.05)
    state = with_goal(env, [5.0, 0.0, 1.0, 0.0])
    fast = env.physics.with_velocity(state.physics, jnp.zeros(23).at[0].set(4.0))
    fast = float(step(state.replace(physics=fast), jnp.zeros(17)).reward)
    assert fast == pytest.approx(1.5 * 1.5 + 1.0, abs=0.1)
    assert rewards["towards"] - rewards["away"] == pytest.approx(2 * weights.progress_weight, abs=0.3)


def test_within_the_radius_place_and_heading_are_rewarded(env, step):
    weights = env.config
    expected = weights.progress_weight * weights.target_speed + weights.reach_weight + 1.0
    for heading, share in (([1.0, 0.0], 1.0), ([0.0, 1.0], 0.5), ([-1.0, 0.0], 0.0)):
        after = step(with_goal(env, [0.3, 0.0, *heading]), jnp.zeros(17))
        assert float(after.reward) == pytest.approx(expected + weights.heading_weight * share, abs=0.05)
    error = step(with_goal(env, [0.3, 0.0, 0.0, 1.0]), jnp.zeros(17)).metrics["heading_error"]
    assert float(error) == pytest.approx(math.pi / 2, abs=0.02)


@pytest.mark.parametrize(
    ("distance", "degrees", "succeeds"),
    [(0.3, 0, 1.0), (0.3, 28, 1.0), (0.3, -28, 1.0), (0.3, 32, 0.0), (0.3, -32, 0.0), (0.3, 180, 0.0), (0.6, 0, 0.0)],
)
def test_success_is_to_be_at_the_place_and_to_face_the_heading(env, step, distance, degrees, succeeds):
    angle = math.radians(degrees)
    after = step(with_goal(env, [distance, 0.0, math.cos(angle), math.sin(angle)]), jnp.zeros(17))
    assert float(after.metrics["success"]) == succeeds


def test_a_goal_whose_heading_is_not_faced_is_not_held(env, step):
    state = with_goal(env, [0.1, 0.0, -1.0, 0.0])
    for _ in range(5):
        state = step(state, jnp.zeros(17))
    np.testing.assert_array_equal(state.info["goal"], jnp.array([0.1, 0.0, -1.0, 0.0]))
    assert int(state.info["held"]) == 0


def test_a_goal_that_was_held_is_followed_by_another_until_none_is_left(env, step):
    state = with_goal(env, [0.1, 0.0, 1.0, 0.0])
    goals = []
    for _ in range(5):
        state = step(state, jnp.zeros(17))
        goals.append(np.asarray(state.info["goal"]))
        seen = env._goal_vector(state.physics, state.info["goal"])
        np.testing.assert_allclose(state.goal, seen, rtol=1e-5, atol=1e-6)
    assert (goals[0] == goals[1]).all() and (goals[1] != goals[2]).all() and (goals[2] == goals[4]).all()
    assert np.hypot(*goals[2][:2]) > 0.9
    state = state.replace(info=state.info | {"goal": jnp.array([0.1, 0.0, 1.0, 0.0])})
    for _ in range(5):
        state = step(state, jnp.zeros(17))
    np.testing.assert_allclose(state.info["goal"], [0.1, 0.0, 1.0, 0.0])


def test_every_further_goal_is_drawn_anew_and_held_from_its_beginning():
    env = HumanoidGoal(HumanoidGoalConfig(goals_per_episode=4, hold_seconds=0.03), PhysicsOptions("native"))
    step = jax.jit(env.step)
    state = with_goal(env, [0.1, 0.0, 1.0, 0.0])
    headings = []
    for _ in range(3):
        state = state.replace(info=state.info | {"goal": jnp.array([0.1, 0.0, 1.0, 0.0])})
        held = []
        for _ in range(2):
            state = step(state, jnp.zeros(17))
            held.append(int(state.info["held"]))
        assert held == [1, 0]
        headings.append(float(state.info["goal"][2]))
    assert len(set(headings)) == 3


def test_a_fall_ends_the_episode(env, step):
    state = with_goal(env, [3.0, 0.0, 1.0, 0.0])
    low = env.physics.reset(state.physics["qpos"].at[2].set(0.8), jnp.zeros(23))
    assert not step(state, jnp.zeros(17)).terminated
    assert step(state.replace(physics=low), jnp.zeros(17)).terminated


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("goal_distance", (0.0, 1.0)),
        ("goal_distance", (3.0, 1.0)),
        ("goals_per_episode", 0),
        ("hold_seconds", 0.0),
        ("target_speed", 0.0),
        ("min_height", 0.0),
        ("reset_noise", -1.0),
    ],
)
def test_a_bad_value_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=f"^{field}: "):
        HumanoidGoalConfig(**{field: value})
