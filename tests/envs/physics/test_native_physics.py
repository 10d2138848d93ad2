"""Native physics against plain MuJoCo, and its purity however calls are batched and interleaved."""

from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from envs.physics import PhysicsOptions, PhysicsSpec, make_physics
from envs.physics.integration import INTEGRATION
from envs.physics.native import NativePhysics
from envs.robots.models import brax_humanoid
from tests.precision import float64

NUM_SUBSTEPS = 5
FIELDS = ("xpos", "cvel", "qfrc_actuator")


def make(model, timing="lagged") -> NativePhysics:
    return make_physics(PhysicsSpec(model, NUM_SUBSTEPS, FIELDS, timing), PhysicsOptions("native"))


@pytest.fixture(scope="module")
def model():
    return brax_humanoid().compile()


@pytest.fixture(scope="module")
def physics(model):
    return make(model)


@pytest.fixture(scope="module")
def step(physics):
    """The compiled step of one world."""
    return jax.jit(physics.step)


@pytest.fixture(scope="module")
def steps(physics):
    """The compiled step of a row of worlds."""
    return jax.jit(jax.vmap(physics.step))


def some_worlds(physics, model, num_worlds, seed=0):
    """States in the air and through the floor, moving, and controls for them."""
    rng = np.random.default_rng(seed)
    qpos = model.qpos0 + rng.normal(scale=0.1, size=(num_worlds, model.nq))
    qpos[:, 2] = np.linspace(0.1, 1.4, num_worlds)
    qvel = rng.normal(size=(num_worlds, model.nv))
    ctrl = jnp.asarray(rng.uniform(-0.4, 0.4, (num_worlds, model.nu)))
    return jax.vmap(physics.reset)(jnp.asarray(qpos), jnp.asarray(qvel)), ctrl


def with_mujoco_field(model, state, name, value):
    """The same worlds, but for one field of MuJoCo's integration state."""
    data = mujoco.MjData(model)
    internal = np.array(state.internal, np.float64)
    for world in internal:
        mujoco.mj_setState(model, data, world, INTEGRATION.value)
        getattr(data, name)[...] = value
        mujoco.mj_getState(model, data, world, INTEGRATION.value)
    return state.replace(internal=jnp.asarray(internal))


def row(tree, world):
    return jax.tree.map(lambda x: x[world], tree)


def assert_same(actual, expected):
    jax.tree.map(np.testing.assert_array_equal, actual, expected)


@pytest.mark.parametrize("timing", ["lagged", "current"])
def test_steps_are_those_of_mujoco_to_the_bit(model, timing):
    rng = np.random.default_rng(0)
    qpos = model.qpos0 + rng.uniform(-0.01, 0.01, model.nq)
    qvel = rng.uniform(-0.01, 0.01, model.nv)
    data = mujoco.MjData(model)
    data.qpos, data.qvel = qpos, qvel
    mujoco.mj_forward(model, data)
    fallen = False
    with float64():
        physics = make(model, timing)
        step = jax.jit(physics.step)
        state = jax.jit(physics.reset)(jnp.array(qpos), jnp.array(qvel))
        np.testing.assert_array_equal(state["xpos"], data.xpos)
        for _ in range(100):
            data.ctrl = rng.uniform(-0.4, 0.4, model.nu)
            state = step(state, jnp.array(data.ctrl))
            for _ in range(NUM_SUBSTEPS):
                mujoco.mj_step(model, data)
            seen = mujoco.MjData(model)
            mujoco.mj_copyData(seen, model, data)
            if timing == "current":
                mujoco.mj_forward(model, seen)
            for name in ("qpos", "qvel", *FIELDS):
                np.testing.assert_array_equal(state[name], getattr(seen, name), err_msg=name)
            fallen |= data.qpos[2] < 1.0 and data.ncon > 0
    assert fallen  # contacts took part


def test_forces_on_bodies_are_those_of_mujoco_to_the_bit(model):
    names = ("cacc", "cfrc_int", "cfrc_ext")
    rng = np.random.default_rng(0)
    qpos = model.qpos0.copy()
    qpos[2] = 1.25  # feet just in the floor
    touched = False
    data = mujoco.MjData(model)
    data.qpos = qpos
    with float64():
        physics = make_physics(PhysicsSpec(model, NUM_SUBSTEPS, names), PhysicsOptions("native"))
        steps = jax.jit(jax.vmap(physics.step))
        state = jax.jit(jax.vmap(physics.reset))(jnp.array([qpos + 10 * np.eye(model.nq)[2], qpos]), jnp.zeros((2, 23)))
        assert not any(state[name].any() for name in names)
        for _ in range(20):
            data.ctrl = rng.uniform(-0.4, 0.4, model.nu)
            state = steps(state, jnp.array([data.ctrl, data.ctrl]))
            mujoco.mj_step(model, data, nstep=NUM_SUBSTEPS)
            mujoco.mj_rnePostConstraint(model, data)
            for name in names:
                np.testing.assert_array_equal(state[name][1], getattr(data, name), err_msg=name)
            assert not state["cfrc_ext"][0].any()  # ten metres up
            touched |= bool(state["cfrc_ext"][1].any())
    assert touched


def test_timing_is_told_apart_by_a_moving_body(model):
    seen = {}
    for timing in ("lagged", "current"):
        physics = make(model, timing)
        state, ctrl = some_worlds(physics, model, 1)
        seen[timing] = jax.vmap(physics.step)(state, ctrl)
    np.testing.assert_array_equal(seen["lagged"]["qpos"], seen["current"]["qpos"])
    assert np.all(seen["lagged"]["xpos"][0, 1] != seen["current"]["xpos"][0, 1])
    np.testing.assert_allclose(seen["current"]["xpos"][0, 1], seen["current"]["qpos"][0, :3], rtol=1e-6)


def test_same_input_gives_same_output_whatever_was_called_between(physics, model, step, steps):
    state, ctrl = some_worlds(physics, model, 3)
    before = steps(state, ctrl)
    pushed = with_mujoco_field(model, state, "xfrc_applied", 50.0)
    after_push = steps(pushed, ctrl)
    assert not np.array_equal(after_push["qpos"], before["qpos"])
    other_state, other_ctrl = some_worlds(physics, model, 5, seed=1)
    steps(other_state, other_ctrl)
    step(*row((pushed, ctrl), 0))
    assert_same(steps(state, ctrl), before)
    assert_same(steps(pushed, ctrl), after_push)


def test_nested_vmap_equals_single_calls(physics, model, step):
    state, ctrl = some_worlds(physics, model, 6)
    nested_state, nested_ctrl = jax.tree.map(lambda x: x.reshape(2, 3, *x.shape[1:]), (state, ctrl))
    nested = jax.jit(jax.vmap(jax.vmap(physics.step)))(nested_state, nested_ctrl)
    flat = jax.tree.map(lambda x: x.reshape(6, *x.shape[2:]), nested)
    for world in range(6):
        assert_same(row(flat, world), step(*row((state, ctrl), world)))


def test_shared_controls_are_broadcast_over_worlds(physics, model, steps):
    state, ctrl = some_worlds(physics, model, 3)
    shared = jax.jit(jax.vmap(physics.step, in_axes=(0, None)))(state, ctrl[0])
    assert_same(shared, steps(state, jnp.broadcast_to(ctrl[0], ctrl.shape)))


def test_calls_from_two_threads_at_once_do_not_mix(physics, model, steps):
    inputs = [some_worlds(physics, model, 3, seed) for seed in (0, 1)]  # one size: both want the same Batch
    num_repeats = 30

    def run(state, ctrl):
        for _ in range(num_repeats):
            state = steps(state, ctrl)
        return jax.block_until_ready(state)

    expected = [run(*pair) for pair in inputs]
    with ThreadPoolExecutor(max_workers=2) as pool:
        actual = [future.result(timeout=120) for future in [pool.submit(run, *pair) for pair in inputs]]
    assert_same(actual, expected)


@pytest.mark.usefixtures("mujoco_log_elsewhere")
def test_a_nan_world_stays_nan_and_leaves_the_others_untouched(physics, model, steps):
    state, ctrl = some_worlds(physics, model, 4)
    expected = steps(state, ctrl)
    broken = steps(state.replace(internal=state.internal.at[1].set(jnp.nan)), ctrl)
    assert np.isnan(broken["qpos"][1]).all()
    others = np.array([0, 2, 3])
    assert_same(row(broken, others), row(expected, others))
    assert_same(steps(state, ctrl), expected)  # nothing of it is left


@pytest.mark.usefixtures("mujoco_log_elsewhere")
def test_a_diverging_world_is_not_restarted_by_mujoco(physics, model, steps):
    state, ctrl = some_worlds(physics, model, 2)
    after = steps(with_mujoco_field(model, state, "qvel", 1e12), ctrl)  # beyond what MuJoCo takes for bad
    assert not np.any(np.all(np.abs(after["qpos"]) < 1e6, axis=1))  # NaN, or far away


def test_where_takes_the_whole_state_of_one_side(physics, model, steps):
    state, ctrl = some_worlds(physics, model, 2)
    after = steps(state, ctrl)
    merged = jax.vmap(physics.where)(jnp.array([True, False]), after, state)
    assert_same(row(merged, 0), row(after, 0))
    assert_same(row(merged, 1), row(state, 1))


def test_internal_state_is_complete(physics, model, steps):
    assert physics.reset(jnp.asarray(model.qpos0), jnp.zeros(model.nv)).internal.shape == (
        mujoco.mj_stateSize(model, INTEGRATION.value),
    )
    state, ctrl = some_worlds(physics, model, 2)
    middle = steps(state, ctrl)
    without_fields = middle.replace(fields=jax.tree.map(jnp.zeros_like, middle.fields))
    assert_same(steps(without_fields, ctrl), steps(middle, ctrl))


def test_an_undeclared_field_is_refused_by_name_while_tracing(physics, model):
    with pytest.raises(KeyError, match="cinert.*was not declared.*xpos"):
        jax.eval_shape(lambda qpos: physics.reset(qpos, jnp.zeros(model.nv))["cinert"], jnp.asarray(model.qpos0))


@pytest.mark.parametrize("name", ["subtree_linvel", "subtree_angmom"])
def test_a_lazily_computed_field_is_refused_by_name(model, name):
    with pytest.raises(ValueError, match=f"{name}.*sensor"):
        PhysicsSpec(model, NUM_SUBSTEPS, fields=("xpos", name))


def test_no_substeps_are_refused(model):
    with pytest.raises(ValueError, match="num_substeps: 0"):
        PhysicsSpec(model, 0)


def test_an_unknown_backend_is_refused_with_the_choices(model):
    with pytest.raises(ValueError, match="physics: 'bullet' is unknown.*native"):
        make_physics(PhysicsSpec(model, 1), PhysicsOptions("bullet"))
