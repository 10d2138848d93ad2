"""The humanoid of DeepMind Control, against dm_control itself."""

import functools
import os

os.environ.setdefault("MUJOCO_GL", "disable")  # before dm_control is imported; it would ask for a display

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
from dm_control.suite import humanoid as dm_control_humanoid

from envs.physics import PhysicsOptions
from envs.tasks.dmc_humanoid import (
    NUM_RANDOM_POSES,
    DMCHumanoidConfig,
    DMCHumanoidRun,
    DMCHumanoidStand,
    DMCHumanoidWalk,
    dmc_humanoid_model,
    poses_without_contact,
)

TASKS = {"stand": DMCHumanoidStand, "walk": DMCHumanoidWalk, "run": DMCHumanoidRun}
NUM_STEPS, NUM_ACTIONS = 1000, 21
CHUNK = 20  # MJX on JAX hangs on a CPU with two cores when 50 of these worlds run at once
ACTIONS = np.random.default_rng(0).uniform(-1, 1, (NUM_STEPS, NUM_ACTIONS))


def make(name="walk", backend="native", **config):
    return TASKS[name](DMCHumanoidConfig(**config), PhysicsOptions(backend, max_worlds=CHUNK))


def flat(time_step):
    return np.concatenate([np.ravel(x) for x in time_step.observation.values()])


def started(env, qpos, qvel):
    """Their environment at the first step of an episode from given positions and velocities."""
    env.reset()
    with env.physics.reset_context():
        env.physics.data.qpos[:], env.physics.data.qvel[:] = qpos, qvel
    return env


def standing(model):
    """Standing upright with noise, at a height that needs no fall to land."""
    rng = np.random.default_rng(1)
    qpos = model.qpos0 + np.r_[0, 0, -0.2, np.zeros(4), rng.uniform(-0.05, 0.05, model.nq - 7)]
    return qpos, rng.uniform(-0.05, 0.05, model.nv)


@functools.cache
def visited():
    """States that dm_control visits with random actions, half from standing and half from its own random starts."""
    env = dm_control_humanoid.walk(random=0)
    rows = []
    for time in range(NUM_STEPS):
        if time % 50 == 0:
            env.reset()
            if time % 100 == 0:
                started(env, *standing(env.physics.model.ptr))
        rows.append((env.physics.data.qpos.copy(), env.physics.data.qvel.copy(), ACTIONS[time]))
        env.step(ACTIONS[time])
    return tuple(np.stack(column) for column in zip(*rows, strict=True))


def one_step(env, dtype):
    """Observation and reward after one step from every visited state, `CHUNK` at once."""

    @jax.jit
    @jax.vmap
    def step(qpos, qvel, action):
        state = env.step(env.reset(jax.random.key(0)).replace(physics=env.physics.reset(qpos, qvel)), action)
        return state.obs, state.reward

    rows = [jnp.asarray(x, dtype).reshape(-1, CHUNK, x.shape[1]) for x in visited()]
    parts = [step(*chunk) for chunk in zip(*rows, strict=True)]
    return tuple(np.concatenate([np.asarray(x, np.float64) for x in column]) for column in zip(*parts, strict=True))


def relative_error(actual, expected):
    """Largest difference of each row, relative to the size of its largest number or one."""
    return np.abs(actual - expected).max(axis=1) / np.maximum(np.abs(expected).max(axis=1), 1)


@pytest.mark.parametrize("start", ["standing", "random"])
@pytest.mark.parametrize("name", TASKS)
def test_observation_and_reward_equal_dm_control_over_1000_free_running_steps(float64, name, start):
    theirs = getattr(dm_control_humanoid, name)(random=0)
    theirs.reset()
    qpos, qvel = theirs.physics.data.qpos.copy(), theirs.physics.data.qvel.copy()
    if start == "standing":
        qpos, qvel = standing(theirs.physics.model.ptr)
    started(theirs, qpos, qvel)
    time_steps = [theirs.step(action) for action in ACTIONS]
    env = make(name, solver="exact")
    first = env.reset(jax.random.key(0)).replace(physics=env.physics.reset(jnp.asarray(qpos), jnp.asarray(qvel)))

    @jax.jit
    def roll(state, actions):
        def step(state, action):
            state = env.step(state, action)
            return state, (state.obs, state.reward, state.terminated)

        return jax.lax.scan(step, state, actions)[1]

    obs, reward, terminated = jax.device_get(roll(first, jnp.asarray(ACTIONS)))
    expected = np.array([time_step.reward for time_step in time_steps])
    error = np.abs(obs - np.stack([flat(time_step) for time_step in time_steps])).max()
    print(f"obs: largest {error:.1e}; reward: largest {np.abs(reward - expected).max():.1e}")
    assert error <= 1e-9
    assert np.abs(reward - expected).max() <= 1e-9
    assert expected.max() > (0.1 if start == "standing" else 1e-6)  # the reward was there to be compared
    assert not terminated.any()
    assert time_steps[-1].last() and time_steps[-1].discount == 1  # theirs lasts as long, and is cut


def test_one_step_in_float32_is_close_to_dm_control():
    theirs = dm_control_humanoid.walk(random=0)
    expected = [started(theirs, qpos, qvel).step(action) for qpos, qvel, action in zip(*visited(), strict=True)]
    obs, reward = one_step(make(solver="exact"), jnp.float32)
    error = relative_error(obs, np.stack([flat(time_step) for time_step in expected]))
    reward_error = np.abs(reward - [time_step.reward for time_step in expected])
    print(f"obs: median {np.median(error):.1e}, 99 % {np.quantile(error, 0.99):.1e}, largest {error.max():.1e}")
    print(f"reward: largest {reward_error.max():.1e}")
    assert np.median(error) <= 1e-6
    assert np.quantile(error, 0.99) <= 1e-5
    assert error.max() <= 0.1  # a contact that rounding makes or misses
    assert reward_error.max() <= 1e-5


@pytest.mark.parametrize(
    ("solver", "expected"), [("exact", set()), ("fast", {"iterations", "ls_iterations", "disableflags"})]
)
def test_model_differs_from_dm_control_in_the_fast_solver_only(solver, expected):
    ours, theirs = dmc_humanoid_model(solver), dm_control_humanoid.walk().physics.model.ptr
    names = [name for name in dir(ours) if name.startswith(("body_", "jnt_", "dof_", "geom_", "actuator_"))]
    assert len(names) > 100
    for name in names:
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), err_msg=name)
    options = [name for name in dir(ours.opt) if not name.startswith("_")]
    assert {name for name in options if np.any(getattr(ours.opt, name) != getattr(theirs.opt, name))} == expected


def test_spec_says_sizes_and_clocks():
    spec = make().spec
    assert (spec.obs_size, spec.action_size, spec.goal_size, spec.episode_length) == (67, NUM_ACTIONS, 0, 1000)
    assert spec.control_period == pytest.approx(0.025)


def test_reward_is_the_product_of_the_logged_factors():
    env = make("walk")
    state = jax.jit(env.step)(env.reset(jax.random.key(0)), jnp.full(NUM_ACTIONS, 0.5))
    factors = {name: float(state.metrics[name]) for name in ("stand", "upright", "control", "move")}
    assert factors["control"] == pytest.approx((4 + 0.75) / 5)  # 1 - 0.5 squared
    assert float(state.reward) == pytest.approx(np.prod(list(factors.values())), rel=1e-5)
    velocity = state.obs[37:39]  # after 21 angles, the height, 12 extremities and 3 of up: the centre of mass
    assert float(state.metrics["horizontal_speed"]) == pytest.approx(np.linalg.norm(velocity), rel=1e-5)


def test_standing_starts_stay_within_the_noise():
    env = make(reset_noise=0.05)
    states = jax.jit(jax.vmap(env.reset))(jax.random.split(jax.random.key(0), 64))
    np.testing.assert_array_equal(states.physics["qpos"][:, :7], np.tile(env.model.qpos0[:7], (64, 1)))
    for noise in (np.asarray(states.physics["qpos"])[:, 7:] - env.model.qpos0[7:], np.asarray(states.physics["qvel"])):
        assert np.abs(noise).max() <= 0.05 + 1e-6
        assert np.all(noise.std(axis=0) > 0.02)


def test_random_starts_are_those_of_dm_control():
    env = make(initial_state="random")
    qpos = np.asarray(
        jax.jit(jax.vmap(env.reset))(jax.random.split(jax.random.key(0), 256)).physics["qpos"], np.float64
    )
    low, high = env.model.jnt_range[1:].T
    reach = (qpos[:, 7:] - low) / (high - low)
    assert np.all((reach >= -1e-6) & (reach <= 1 + 1e-6))
    assert np.all(reach.max(axis=0) - reach.min(axis=0) > 0.9)
    assert np.all(qpos[:, 3:7] >= 0)
    np.testing.assert_allclose(np.linalg.norm(qpos[:, 3:7], axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(qpos[:, :3], np.tile([0, 0, 1.5], (256, 1)))
    data = mujoco.MjData(env.model)
    for row in qpos:
        data.qpos[:] = row
        mujoco.mj_fwdPosition(env.model, data)
        assert data.ncon == 0
    assert not np.any(env.reset(jax.random.key(0)).physics["qvel"])


def test_random_poses_differ():
    assert len(np.unique(poses_without_contact(dmc_humanoid_model("fast")), axis=0)) == NUM_RANDOM_POSES


@pytest.mark.parametrize(("limit", "ends"), [(None, False), (0.8, True), (0.3, False)])
def test_ends_only_below_the_height_of_the_config(limit, ends):
    env = make(end_below_height=limit)
    qpos = jnp.asarray(env.model.qpos0).at[2:7].set(jnp.array([0.5, 1, 0, 1, 0]))  # lying on its belly, half a metre up
    state = env.reset(jax.random.key(0)).replace(physics=env.physics.reset(qpos, jnp.zeros(env.model.nv)))
    state = jax.jit(env.step)(state, jnp.zeros(NUM_ACTIONS))
    assert bool(state.terminated) == ends
    assert not state.truncated


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("initial_state", "lying"),
        ("reset_noise", -0.1),
        ("end_below_height", 0.0),
        ("end_below_height", 1.4),
        ("solver", "slow"),
    ],
)
def test_config_refuses_a_bad_value_by_name(name, value):
    with pytest.raises(ValueError, match=rf"^{name}: {value!r}"):
        DMCHumanoidConfig(**{name: value})


def contacts_that_mjx_makes_differently():
    """Which visited states have, in their next step, contacts between limbs, and which have upright limbs on the floor.

    MJX regularises the distance between capsules; and on a plane it turns a capsule's friction directions with the
    capsule only up to 60 degrees, MuJoCo further.
    """
    model = dmc_humanoid_model("exact")
    data, floor = mujoco.MjData(model), model.geom("floor").id
    limbs, upright = np.zeros(NUM_STEPS, bool), np.zeros(NUM_STEPS, bool)
    for i, (qpos, qvel, action) in enumerate(zip(*visited(), strict=True)):
        mujoco.mj_resetData(model, data)
        data.qpos[:], data.qvel[:], data.ctrl[:] = qpos, qvel, action
        for _ in range(5):
            mujoco.mj_step(model, data)
            for below, above in data.contact.geom:
                limbs[i] |= below != floor
                is_capsule = model.geom_type[above] == mujoco.mjtGeom.mjGEOM_CAPSULE
                upright[i] |= below == floor and is_capsule and abs(data.geom_xmat[above, 8]) > 0.8
    return limbs, upright


@pytest.mark.slow
def test_mjx_on_jax_equals_native_in_float64_but_for_contacts_it_makes_differently(float64):
    obs, reward = one_step(make(solver="exact"), jnp.float64)
    mjx_obs, mjx_reward = one_step(make(solver="exact", backend="mjx-jax"), jnp.float64)
    error, reward_error = relative_error(mjx_obs, obs), np.abs(mjx_reward - reward)
    limbs, upright = contacts_that_mjx_makes_differently()
    same = ~limbs & ~upright
    for name, which, bound in (("same", same, 1e-11), ("limbs", limbs & ~upright, 1e-3), ("upright", upright, 1)):
        print(f"{name}: {which.sum()} states, obs {error[which].max():.1e}, reward {reward_error[which].max():.1e}")
        assert error[which].max() <= bound
        assert reward_error[which].max() <= bound
    assert same.mean() > 0.4


@pytest.mark.slow
def test_mjx_on_warp_is_close_to_native_in_float32_but_for_contacts_it_makes_differently():
    obs, reward = one_step(make(solver="exact"), jnp.float32)
    mjx_obs, mjx_reward = one_step(make(solver="exact", backend="mjx-warp"), jnp.float32)
    error, reward_error = relative_error(mjx_obs, obs), np.abs(mjx_reward - reward)
    _, upright = contacts_that_mjx_makes_differently()
    for name, which, bound in (("same", ~upright, 1e-3), ("upright", upright, 1)):
        print(f"{name}: {which.sum()} states, obs {error[which].max():.1e}, reward {reward_error[which].max():.1e}")
        assert error[which].max() <= bound
        assert reward_error[which].max() <= bound
    assert np.median(error) <= 1e-5
