"""What a world carries: one vector, the same on every backend; and what happens where Warp's buffers are too small."""

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from envs.physics import PhysicsOptions, PhysicsSpec, WarpOptions, make_physics
from envs.physics.integration import COMPONENTS, INTEGRATION, IntegrationPhysics
from envs.robots.models import brax_humanoid
from envs.tasks.humanoid_walk import HumanoidWalk, HumanoidWalkConfig
from envs.worlds.vector import VecEnv

NUM_WORLDS = 4


@pytest.fixture(scope="module")
def model():
    return brax_humanoid().compile()


def lying(model, num_worlds=NUM_WORLDS):
    """Humanoids whose hands and feet are in the floor."""
    return np.tile(np.r_[0.0, 0.0, 0.06, 1.0, 0.0, 0.0, 0.0, model.qpos0[7:]], (num_worlds, 1))


def test_the_vector_is_mujocos_own(model):
    data = mujoco.MjData(model)
    rng = np.random.default_rng(0)
    data.qpos, data.qvel, data.ctrl = rng.random(model.nq), rng.random(model.nv), rng.random(model.nu)
    mujoco.mj_step(model, data)
    expected = np.empty(mujoco.mj_stateSize(model, INTEGRATION.value))
    mujoco.mj_getState(model, data, expected, INTEGRATION.value)
    layout = IntegrationPhysics(PhysicsSpec(model, 1), [model])
    np.testing.assert_allclose(layout.packed(data), expected, rtol=1e-6)
    back = layout.unpacked(jnp.asarray(expected), {name: np.asarray(getattr(data, name)) for name in COMPONENTS})
    for name, value in back.items():
        np.testing.assert_allclose(value, getattr(data, name), rtol=1e-6, err_msg=name)


@pytest.mark.slow
def test_a_world_goes_on_on_another_backend(model):
    """And what it carries there is of the same shapes, as a checkpoint of the one must fit the other."""
    rng = np.random.default_rng(0)
    ctrl = jnp.asarray(rng.uniform(-0.4, 0.4, (NUM_WORLDS, model.nu)))
    backends = [
        make_physics(PhysicsSpec(model, 5, ("xpos",)), PhysicsOptions(name, NUM_WORLDS))
        for name in ("native", "mjx-warp")
    ]
    native, warp = (jax.jit(jax.vmap(backend.step)) for backend in backends)
    state = jax.jit(jax.vmap(backends[0].reset))(jnp.asarray(lying(model)), jnp.zeros((NUM_WORLDS, model.nv)))
    for _ in range(5):
        state = native(state, ctrl)
    expected, actual = native(state, ctrl), warp(state, ctrl)
    assert jax.tree.map(jnp.shape, actual) == jax.tree.map(jnp.shape, expected)
    for name in ("qpos", "qvel", "xpos"):
        np.testing.assert_allclose(actual[name], expected[name], rtol=5e-3, atol=5e-3)


@pytest.mark.slow
def test_contacts_that_are_left_out_are_noticed(model):
    def overflowed(**warp):
        options = PhysicsOptions("mjx-warp", NUM_WORLDS, warp=WarpOptions(**warp))
        physics = make_physics(PhysicsSpec(model, 1), options)
        state = jax.vmap(physics.reset)(jnp.asarray(lying(model)), jnp.zeros((NUM_WORLDS, model.nv)))
        return jax.jit(jax.vmap(physics.step))(state, jnp.zeros((NUM_WORLDS, model.nu))).overflowed

    assert not overflowed().any()
    assert overflowed(contacts_per_world=1).all()
    assert overflowed(constraints_per_world=2).all()


@pytest.mark.slow
def test_batches_of_worlds_are_simulated_as_each_alone():
    """As several seeds are in one program: a batch more is still one call of Warp's, in a buffer for all of them."""
    env = HumanoidWalk(HumanoidWalkConfig(), PhysicsOptions("mjx-warp", 2 * NUM_WORLDS))
    worlds = VecEnv(env, NUM_WORLDS)
    actions = jax.random.uniform(jax.random.key(1), (2, NUM_WORLDS, env.spec.action_size), minval=-1)

    def two_steps(key, action):
        key_fresh, key_init = jax.random.split(key)
        fresh, state = worlds.fresh(key_fresh), worlds.init(key_init)
        return jax.lax.scan(lambda state, _: worlds.step(state, action, fresh), state, None, length=2)[1]

    def keys():
        return jax.random.split(jax.random.key(0), 2)

    together = jax.jit(jax.vmap(two_steps))(keys(), actions)
    alone = jax.jit(two_steps)
    for i in range(2):
        expected = alone(keys()[i], actions[i])
        for name in ("reward", "terminated", "overflowed"):
            np.testing.assert_allclose(getattr(together, name)[i], getattr(expected, name), rtol=1e-4, err_msg=name)
        np.testing.assert_allclose(
            together.next_observation.obs[i], expected.next_observation.obs, rtol=1e-3, atol=1e-3
        )


def test_a_buffer_without_room_is_refused():
    with pytest.raises(ValueError, match="contacts_per_world: 0 must be at least 1, or null"):
        WarpOptions(contacts_per_world=0)
