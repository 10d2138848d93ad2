"""Brax's and Playground's environments behind our contract."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from brax import envs as brax_envs
from mujoco_playground import registry

from envs.check import check_env
from envs.imported.brax import BraxConfig, brax_task
from envs.imported.playground import PlaygroundConfig, playground_task
from envs.physics import PhysicsOptions, Randomization
from envs.worlds.vector import VecEnv

OPTIONS = PhysicsOptions("mjx-jax")
NUM_STEPS = 20


def brax(name, options=OPTIONS, **config):
    return brax_task(name)(BraxConfig(**config), options)


def playground(name, options=OPTIONS, **config):
    return playground_task(name)(PlaygroundConfig(**config), options)


@pytest.fixture(scope="module")
def reacher():
    return brax("reacher", backend="generalized")


@pytest.fixture(scope="module")
def cartpole():
    return playground("CartpoleBalance")


def rolled(reset, step, size, key):
    """Observation, reward and end of each of `NUM_STEPS` random steps of one world."""

    def act(state, key):
        state = step(state, jax.random.uniform(key, (size,), minval=-1, maxval=1))
        end = state.terminated if hasattr(state, "terminated") else state.done.astype(bool)
        obs = state.obs["state"] if isinstance(state.obs, dict) else state.obs
        return state, (obs, state.reward, end, state.metrics)

    keys = jax.random.split(jax.random.key(1), NUM_STEPS)
    return jax.device_get(jax.jit(lambda key: jax.lax.scan(act, reset(key), keys)[1])(key))


def assert_steps_equal(ours, theirs):
    actual = rolled(ours.reset, ours.step, ours.spec.action_size, jax.random.key(7))
    expected = rolled(theirs.reset, theirs.step, theirs.action_size, jax.random.PRNGKey(7))
    jax.tree.map(np.testing.assert_array_equal, actual, expected)
    assert np.ptp(actual[0], axis=0).max() > 1e-3  # something moved


def test_brax_steps_as_brax_itself_to_the_bit(reacher):
    assert_steps_equal(reacher, brax_envs.get_environment("reacher", backend="generalized"))


def test_playground_steps_as_playground_itself_to_the_bit(cartpole):
    assert_steps_equal(cartpole, registry.load("CartpoleBalance", config_overrides={"impl": "jax"}))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ant", "humanoid", "inverted_pendulum"])
def test_brax_on_mjx_steps_as_brax_itself_to_the_bit(name):
    env = brax(name)
    assert_steps_equal(env, brax_envs.get_environment(name, backend="mjx"))
    check_env(env, env.env_name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["HumanoidWalk", "CheetahRun"])
def test_playground_environments_step_as_playground_itself_to_the_bit(name):
    env = playground(name)
    assert_steps_equal(env, registry.load(name, config_overrides={"impl": "jax"}))
    check_env(env, env.env_name)


@pytest.mark.parametrize(("fixture", "obs", "action", "period"), [("reacher", 11, 2, 0.02), ("cartpole", 5, 1, 0.01)])
def test_sizes_clocks_and_the_contract(fixture, obs, action, period, request):
    env = request.getfixturevalue(fixture)
    spec = env.spec
    assert (spec.obs_size, spec.action_size, spec.goal_size, spec.episode_length) == (obs, action, 0, 1000)
    assert spec.control_period == pytest.approx(period)
    state = jax.eval_shape(env.reset, jax.random.key(0))
    assert state.physics["qpos"].shape == (env.model.nq,)
    assert state.physics["qvel"].shape == (env.model.nv,)
    assert env.evaluated("config") == "config"


def assert_world_restarts_when_its_time_is_up(env):
    vec_env = VecEnv(env, 2)
    fresh, step = jax.jit(vec_env.fresh), jax.jit(vec_env.step)
    state, restart = vec_env.start(fresh(jax.random.key(0))), fresh(jax.random.key(1))
    state = state.replace(clock=jnp.array([998, 0]))
    action = jnp.ones((2, env.spec.action_size))
    state, first = step(state, action, restart)
    state, second = step(state, action, restart)
    assert not first.truncated.any() and not second.terminated.any()
    np.testing.assert_array_equal(second.truncated, [True, False])
    for name in ("qpos", "qvel"):
        np.testing.assert_array_equal(state.env.physics[name][0], restart.physics[name][0])
        assert (state.env.physics[name][1] != restart.physics[name][1]).any()
    expected, _ = step(vec_env.start(restart), action, restart)
    actual, _ = step(state, action, restart)
    np.testing.assert_array_equal(actual.env.obs[0], expected.env.obs[0])  # nothing is left of the old world
    assert (actual.env.obs[1] != expected.env.obs[1]).any()


@pytest.mark.parametrize("fixture", ["reacher", "cartpole"])
def test_world_restarts_when_its_time_is_up(fixture, request):
    assert_world_restarts_when_its_time_is_up(request.getfixturevalue(fixture))


@pytest.mark.slow
def test_world_restarts_when_its_time_is_up_on_warp():
    options = PhysicsOptions("mjx-warp", max_worlds=2)
    assert_world_restarts_when_its_time_is_up(playground("HumanoidWalk", options))


def test_a_step_leaves_the_state_it_starts_from_as_it_was(cartpole):
    state = jax.eval_shape(cartpole.reset, jax.random.key(0))
    zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), state)
    jax.eval_shape(lambda action: cartpole.step(zeros, action), jnp.ones(1))
    assert all(isinstance(x, jax.Array) and not x.any() for x in jax.tree.leaves(zeros))  # none is a tracer


@pytest.fixture(scope="module")
def reacher_state(reacher):
    """Of Brax's kind; zeros."""
    state = jax.eval_shape(reacher.theirs.reset, jax.random.PRNGKey(0))
    return jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), state)


def test_done_becomes_terminated(reacher, reacher_state):
    for done in (0.0, 1.0):
        state = reacher._state(reacher_state.replace(done=jnp.array(done)))
        assert bool(state.terminated) == bool(done)
        assert not state.truncated


def test_of_an_observation_in_parts_the_state_is_seen(reacher, reacher_state):
    parts = {"state": jnp.arange(3.0), "privileged_state": jnp.arange(5.0)}
    np.testing.assert_array_equal(reacher._state(reacher_state.replace(obs=parts)).obs, [0, 1, 2])


def test_episodes_last_as_long_as_the_config_says():
    assert brax("reacher", backend="generalized", episode_length=7).spec.episode_length == 7
    assert playground("CartpoleBalance", episode_length=7).spec.episode_length == 7


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (lambda: brax_task("ants"), r"^env: 'brax:ants' is unknown; did you mean 'brax:ant'\? known: brax:ant, "),
        (lambda: brax_task("foo"), r"^env: 'brax:foo' is unknown; known: brax:ant, "),
        (
            lambda: playground_task("HumanoidWlak"),
            r"^env: 'playground:HumanoidWlak' is unknown; did you mean 'playground:HumanoidWalk'\? known: playground:",
        ),
        (lambda: BraxConfig(backend="native"), "^backend: 'native' must be one of mjx, generalized, "),
        (lambda: brax_task("fast"), "^env: 'brax:fast' is unknown; "),
        (lambda: brax("swimmer"), "^backend: 'mjx' is refused by brax:swimmer: Unsupported backend"),
        (lambda: BraxConfig(episode_length=0), "^episode_length: 0 must be at least 1"),
        (lambda: PlaygroundConfig(episode_length=0), "^episode_length: 0 must be at least 1"),
    ],
)
def test_names_and_values_that_are_unknown_are_refused(task, message):
    with pytest.raises(ValueError, match=message):
        task()


def test_the_reacher_of_playground_works_with_this_mujoco():
    assert playground("ReacherEasy").spec.action_size == 2


@pytest.mark.parametrize("field", ["friction", "mass", "com_offset", "gain", "push_interval"])
def test_randomization_of_their_physics_is_refused_by_name(field):
    options = PhysicsOptions("mjx-jax", randomization=Randomization(**{field: (0.5, 1.5)}))
    for make in (
        lambda: brax("reacher", options, backend="generalized"),
        lambda: playground("PendulumSwingup", options),
    ):
        with pytest.raises(ValueError, match=f"^{field}: .*(brax:reacher|playground:PendulumSwingup)"):
            make()
