"""Rewards, ends and observations of humanoid-walk, on native physics."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.physics import PhysicsOptions
from envs.tasks.humanoid_walk import HumanoidWalk, HumanoidWalkConfig

CONTROL_PERIOD = 0.015  # five steps of 3 ms
STANDING, NUM_ACTIONS, NUM_BODIES, NUM_VELOCITIES = 1.4, 17, 14, 23


def walk(**config) -> HumanoidWalk:
    return HumanoidWalk(HumanoidWalkConfig(**config), PhysicsOptions("native"))


def stepped(env, *, height=STANDING, speed=0.0, action=0.0):
    """The state before and after one step from a pose without noise, thrown forward at `speed`."""
    state = env.reset(jax.random.key(0))
    qpos = jnp.asarray(env.model.qpos0).at[2].set(height)
    qvel = jnp.zeros(NUM_VELOCITIES).at[0].set(speed)
    state = state.replace(physics=env.physics.reset(qpos, qvel))
    return state, env.step(state, jnp.full(NUM_ACTIONS, action))


def test_reward_is_speed_plus_survival_less_control_cost(humanoid_walk):
    before, after = stepped(humanoid_walk, speed=2.0, action=0.5)
    distance = float(after.physics["qpos"][0] - before.physics["qpos"][0])
    assert distance == pytest.approx(2.0 * CONTROL_PERIOD, rel=0.1)
    # actuators turn an action of 0.5 into a control of 0.2, which costs 0.04 for each of 17
    expected = 1.25 * distance / CONTROL_PERIOD + 5.0 - 0.1 * 17 * 0.04
    assert float(after.reward) == pytest.approx(expected, rel=1e-5)
    assert float(after.metrics["forward_velocity"]) == pytest.approx(distance / CONTROL_PERIOD, rel=1e-5)
    assert float(after.metrics["ctrl_cost"]) == pytest.approx(0.068, rel=1e-5)


def test_every_weight_scales_its_own_term():
    speed = float(stepped(walk(), speed=2.0, action=-1.0)[1].metrics["forward_velocity"])
    # full torque either way is a control of 0.4, which costs 0.16 for each of 17
    for weights in ((1.0, 0.0, 0.0), (0.0, 3.0, 0.0), (0.0, 0.0, 2.0), (2.0, 1.0, 0.5)):
        env = walk(forward_weight=weights[0], survive_weight=weights[1], ctrl_weight=weights[2])
        expected = np.dot(weights, [speed, 1.0, -17 * 0.16])
        assert float(stepped(env, speed=2.0, action=-1.0)[1].reward) == pytest.approx(expected, rel=1e-5)


def test_actions_reach_the_joints(humanoid_walk):
    velocity = {action: stepped(humanoid_walk, action=action)[1].physics["qvel"] for action in (-1.0, 0.0, 1.0)}
    push = velocity[1.0] - velocity[0.0]
    assert np.linalg.norm(push[6:]) > 1
    assert float(jnp.vdot(push, velocity[-1.0] - velocity[0.0])) < 0


@pytest.mark.parametrize(("speed", "rewarded"), [(3.0, 1.0), (-3.0, -3.0)])
def test_target_speed_caps_what_forward_speed_earns(speed, rewarded):
    env = walk(target_speed=1.0, survive_weight=0.0, ctrl_weight=0.0)
    _, after = stepped(env, speed=speed)
    assert float(after.metrics["forward_velocity"]) == pytest.approx(speed, rel=0.1)
    if rewarded != 1.0:
        rewarded = float(after.metrics["forward_velocity"])
    assert float(after.reward) == pytest.approx(1.25 * rewarded, rel=1e-5)


@pytest.mark.parametrize(("height", "ends"), [(0.9, True), (1.1, False), (STANDING, False), (1.9, False), (2.1, True)])
def test_ends_below_min_height_and_above_max_height(humanoid_walk, height, ends):
    _, after = stepped(humanoid_walk, height=height)
    assert bool(after.terminated) == ends
    assert not after.truncated


def test_height_limits_are_those_of_the_config():
    assert stepped(walk(min_height=1.45))[1].terminated
    assert stepped(walk(max_height=1.35))[1].terminated


def test_first_states_differ_between_keys_and_stay_within_the_noise():
    env = walk(reset_noise=0.05)
    states = jax.vmap(env.reset)(jax.random.split(jax.random.key(0), 64))
    for name, centre in (("qpos", env.model.qpos0), ("qvel", np.zeros(NUM_VELOCITIES))):
        noise = np.asarray(states.physics[name]) - centre
        assert np.abs(noise).max() <= 0.05 + 1e-6
        assert noise.max() > 0.049 and noise.min() < -0.049  # all of the range, both signs
        assert len(np.unique(noise, axis=0)) == 64
        assert np.all(noise.std(axis=0) > 0.02)  # in every coordinate
    assert not states.terminated.any() and not states.reward.any()


def test_same_key_gives_the_same_first_state(humanoid_walk):
    a, b = (humanoid_walk.reset(jax.random.key(3)) for _ in range(2))
    jax.tree.map(np.testing.assert_array_equal, a, b)


def test_compact_observation_is_positions_but_for_the_plane_and_velocities(humanoid_walk):
    _, after = stepped(humanoid_walk, speed=1.0, action=0.3)
    np.testing.assert_array_equal(after.obs, np.concatenate([after.physics["qpos"][2:], after.physics["qvel"]]))
    assert after.obs.shape == (45,)
    assert after.obs[0] == after.physics["qpos"][2]  # height


def test_full_observation_adds_inertias_body_velocities_and_actuator_forces():
    env = walk(observation="full")
    _, after = stepped(env, speed=1.0, action=0.3)
    parts = [after.physics[name].reshape(-1) for name in ("cinert", "cvel", "qfrc_actuator")]
    assert [part.size for part in parts] == [10 * NUM_BODIES, 6 * NUM_BODIES, NUM_VELOCITIES]
    assert all(np.any(part != 0) for part in parts)
    compact = np.concatenate([after.physics["qpos"][2:], after.physics["qvel"]])
    np.testing.assert_array_equal(after.obs, np.concatenate([compact, *parts]))
    assert env.spec.obs_size == after.obs.size


def test_spec_says_sizes_and_clocks(humanoid_walk):
    spec = humanoid_walk.spec
    assert (spec.obs_size, spec.action_size, spec.goal_size, spec.episode_length) == (45, NUM_ACTIONS, 0, 1000)
    assert spec.control_period == pytest.approx(CONTROL_PERIOD)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("min_height", {"min_height": 2.0, "max_height": 2.0}),
        ("min_height", {"min_height": 3.0}),
        ("target_speed", {"target_speed": 0.0}),
        ("reset_noise", {"reset_noise": -0.1}),
    ],
)
def test_config_refuses_a_bad_value_by_name(name, values):
    with pytest.raises(ValueError, match=rf"^{name}: {list(values.values())[0]}"):
        HumanoidWalkConfig(**values)
