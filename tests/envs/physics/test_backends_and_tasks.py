"""Our tasks on every physics backend: the same numbers, and a broken world that nobody else notices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.physics import PhysicsOptions
from envs.registry import env_type, make_env
from envs.worlds.vector import VecEnv

NUM_WORLDS = 16
MJX = [pytest.param(backend, marks=pytest.mark.slow) for backend in ("mjx-jax", "mjx-warp")]
BOUNDS = {"mjx-jax": 1e-8, "mjx-warp": 2e-2}  # of observations; float64, and float32 with its own solver


def build(name, backend):
    return make_env(name, env_type(name).Config(), PhysicsOptions(backend, max_worlds=NUM_WORLDS))


def visited(env):
    """Worlds at different times of an episode under random actions, the later ones down."""

    @jax.jit
    def run(key):
        def step(state, key):
            action = jax.random.uniform(key, (NUM_WORLDS, env.spec.action_size), minval=-1)
            return jax.vmap(env.step)(state, action), state

        key_reset, key_steps = jax.random.split(key)
        first = jax.vmap(env.reset)(jax.random.split(key_reset, NUM_WORLDS))
        visited = jax.lax.scan(step, first, jax.random.split(key_steps, 5 * NUM_WORLDS))[1]
        worlds = jnp.arange(NUM_WORLDS)
        return jax.tree.map(lambda x: x[5 * worlds, worlds], visited)

    return run(jax.random.key(0))


def stepped_from(env, qpos, qvel, seen, action):
    """One control step of each world from positions and velocities; `seen` holds what the task remembers."""

    @jax.jit
    @jax.vmap
    def run(qpos, qvel, seen, action):
        state = env.reset(jax.random.key(0))
        state = state.replace(physics=env.physics.reset(qpos, qvel), goal=seen["goal"], info=seen["info"])
        after = env.step(state, action)
        return {"obs": after.obs, "reward": after.reward, "goal": after.goal, "terminated": after.terminated}

    return run(qpos, qvel, seen, action)


@pytest.mark.parametrize("backend", MJX)
@pytest.mark.parametrize("name", ["humanoid-walk", "humanoid-skills", "humanoid-goal"])
def test_a_task_has_the_same_numbers_on_mjx_as_on_native_physics(name, backend, request):
    if backend == "mjx-jax":
        request.getfixturevalue("float64")
    native = build(name, "native")
    states = visited(native)
    action = jax.random.uniform(jax.random.key(1), (NUM_WORLDS, native.spec.action_size), minval=-1)
    start = (states.physics["qpos"], states.physics["qvel"], {"goal": states.goal, "info": states.info}, action)
    expected, actual = (stepped_from(env, *start) for env in (native, build(name, backend)))
    np.testing.assert_array_equal(actual["terminated"], expected["terminated"])
    for field in ("obs", "reward", "goal"):
        error = np.abs(np.asarray(actual[field]) - expected[field]) / (1 + np.abs(expected[field]))
        assert error.max(initial=0) <= BOUNDS[backend], field
    assert expected["terminated"].any() and not expected["terminated"].all()


@pytest.mark.parametrize("backend", ["native", *MJX])
def test_a_world_that_becomes_nan_ends_is_counted_and_leaves_the_others_alone(backend, mujoco_log_elsewhere):
    env = build("humanoid-walk", backend)
    worlds = VecEnv(env, 4)
    fresh = jax.jit(worlds.fresh)(jax.random.key(0))
    step = jax.jit(worlds.step)
    whole = worlds.start(fresh)
    broken_velocity = whole.env.physics["qvel"].at[2].set(jnp.nan)
    physics = jax.vmap(env.physics.with_velocity)(whole.env.physics, broken_velocity)
    broken = whole.replace(env=whole.env.replace(physics=physics))
    for i in range(5):
        whole, _ = step(whole, jnp.zeros((4, 17)), fresh)
        broken, transition = step(broken, jnp.zeros((4, 17)), fresh)
        np.testing.assert_array_equal(transition.diverged, [False, False, i == 0, False])
        np.testing.assert_array_equal(transition.terminated, transition.diverged)
        others = np.array([0, 1, 3])
        np.testing.assert_allclose(broken.observation.obs[others], whole.observation.obs[others], rtol=1e-6)
    assert np.isfinite(broken.observation.obs).all()
    assert broken.episode_length.tolist() == [5, 5, 4, 5]


@pytest.mark.parametrize("seconds", [1e-6, 1e9])
@pytest.mark.parametrize(
    ("name", "field"),
    [("humanoid-skills", "goal_seconds"), ("humanoid-goal", "hold_seconds"), ("g1-joystick", "command_interval")],
)
def test_what_is_timed_lasts_at_least_one_control_step_and_at_most_a_million(name, field, seconds):
    task = env_type(name)
    value = (seconds, seconds) if field == "goal_seconds" else seconds
    env = task(task.Config(**{field: value}), PhysicsOptions("native"))
    assert env.num_control_steps(seconds) == (1 if seconds < 1 else 1_000_000)
    state = jax.eval_shape(env.reset, jax.random.key(0))
    jax.eval_shape(env.step, state, jax.ShapeDtypeStruct((env.spec.action_size,), state.obs.dtype))
