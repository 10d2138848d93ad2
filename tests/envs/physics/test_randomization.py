"""Worlds differ, and differ anew in every episode; the simulation itself is asked how."""

import dataclasses

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
from mujoco import mjx

from envs.errors import ConfigError
from envs.physics import PhysicsOptions, PhysicsSpec, Randomization, make_physics
from envs.physics.native import NativePhysics
from envs.physics.randomization import model_variants, varied_fields
from envs.robots.legged_robots import BOOSTER_T1, UNITREE_G1, UNITREE_H1, robot_model
from envs.robots.models import brax_humanoid
from envs.tasks.gymnasium_v5 import HopperV5
from envs.tasks.humanoid_walk import HumanoidWalk, HumanoidWalkConfig
from envs.tasks.joystick import H1Joystick
from envs.worlds.randomized import RandomizedEnv
from envs.worlds.vector import VecEnv

BACKENDS = ["native", pytest.param("mjx-jax", marks=pytest.mark.slow), pytest.param("mjx-warp", marks=pytest.mark.slow)]
ALL = Randomization(
    friction=(0.5, 1.5), mass=(0.8, 1.2), com_offset=(-0.05, 0.05), gain=(0.9, 1.1), num_variants=4, seed=1
)


@pytest.fixture(scope="module")
def model():
    return brax_humanoid().compile()


class TestVariants:
    @pytest.mark.parametrize(
        ("field", "changed"),
        [
            ("friction", {"geom_friction"}),
            ("mass", {"body_mass", "body_inertia", "body_subtreemass", "body_invweight0", "dof_invweight0"}),
            ("com_offset", {"body_ipos", "body_invweight0", "dof_invweight0"}),
            ("gain", {"actuator_gainprm"}),
        ],
    )
    def test_change_what_they_are_asked_to_and_what_follows_from_it(self, model, field, changed):
        one = dataclasses.replace(Randomization(num_variants=3), **{field: getattr(ALL, field)})
        fields = varied_fields(model, model_variants(model, one))
        assert changed <= set(fields)
        basic = {"geom_friction", "body_mass", "body_ipos", "actuator_gainprm"}
        assert len(basic & set(fields)) == 1

    def test_lie_within_their_range(self, model):
        for variant in model_variants(model, dataclasses.replace(ALL, num_variants=50)):
            assert (variant.body_mass <= 1.2 * model.body_mass).all()
            assert (variant.body_mass >= 0.8 * model.body_mass).all()
            assert abs(variant.body_ipos[1] - model.body_ipos[1]).max() <= 0.05

    def test_come_again_from_their_seed(self, model):
        first, again = (model_variants(model, ALL)[3].body_mass for _ in range(2))
        np.testing.assert_array_equal(first, again)
        other = model_variants(model, dataclasses.replace(ALL, seed=2))[3].body_mass
        assert (first != other).any()

    def test_are_the_model_itself_when_nothing_varies(self, model):
        assert model_variants(model, Randomization()) == [model]


ROBOTS = {
    "g1": lambda: robot_model(UNITREE_G1),
    "h1": lambda: robot_model(UNITREE_H1),
    "t1": lambda: robot_model(BOOSTER_T1),
    "humanoid": lambda: brax_humanoid().compile(),
}


def on_its_feet(model):
    """The standing pose, with the soles in the floor."""
    data = mujoco.MjData(model)
    data.qpos[:] = model.key(0).qpos if model.nkey else model.qpos0
    while True:
        mujoco.mj_forward(model, data)
        if data.ncon:
            return data.qpos.copy() - np.eye(model.nq)[2] * 0.01
        data.qpos[2] -= 0.01


def foot_friction(physics, variant, qpos):
    """The friction (C, 2) that a backend gives the contacts of a robot that stands on its feet, in both directions."""
    if isinstance(physics, NativePhysics):
        model = physics._runner._models[variant]
        data = mujoco.MjData(model)
        data.qpos[:] = qpos
        mujoco.mj_forward(model, data)
        return data.contact.friction[data.contact.dist < 0, :2]
    first = physics._data(physics.first(jnp.asarray(qpos), jnp.zeros(physics.spec.model.nv)))
    data = jax.jit(mjx.forward)(physics._variant(jnp.array(variant)), first)._impl
    if hasattr(data, "contact"):
        return np.asarray(data.contact.friction)[np.asarray(data.contact.dist) < 0, :2]
    return np.asarray(data.contact__friction)[np.asarray(data.contact__dist) < 0, :2]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("robot", ROBOTS)
def test_friction_is_that_of_feet_on_the_floor(robot, backend):
    model = ROBOTS[robot]()
    varied = PhysicsOptions(backend, randomization=Randomization(friction=(2.0, 2.0), num_variants=2))
    same = PhysicsOptions(backend, randomization=Randomization(friction=(1.0, 1.0), num_variants=2))
    qpos = on_its_feet(model)
    scaled, nominal = (
        foot_friction(make_physics(PhysicsSpec(model, 1, contacts_per_world=64), options), 1, qpos)
        for options in (varied, same)
    )
    assert len(scaled) > 0
    np.testing.assert_allclose(scaled, 2 * nominal, rtol=1e-5)


def acceleration(physics, model, variants):
    """How the same state and controls accelerate worlds on these variants, with both feet on the floor."""
    qpos = jnp.asarray(model.qpos0).at[2].add(-0.02)
    ctrl = jnp.full((len(variants), model.nu), 0.3)

    @jax.jit
    def run(variants, ctrl):
        state = jax.vmap(lambda variant: physics.reset(qpos, jnp.zeros(model.nv), variant))(variants)
        return jax.vmap(physics.step)(state, ctrl)["qvel"]

    return np.asarray(run(jnp.asarray(variants), ctrl))


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_world_runs_on_its_own_variant(model, backend):
    physics = make_physics(PhysicsSpec(model, 2), PhysicsOptions(backend, max_worlds=3, randomization=ALL))
    moved = acceleration(physics, model, [2, 0, 2])
    np.testing.assert_array_equal(moved[0], moved[2])
    for variant, qvel in ((2, moved[0]), (0, moved[1])):
        data = mujoco.MjData(physics.spec.model)
        own = model_variants(model, ALL)[variant]
        data.qpos[:] = model.qpos0
        data.qpos[2] -= 0.02
        data.ctrl[:] = 0.3
        mujoco.mj_step(own, data, nstep=2)
        np.testing.assert_allclose(qvel, data.qvel, rtol=1e-3, atol=1e-3)
    assert abs(moved[0] - moved[1]).max() > 0.05


def test_variants_are_drawn_anew_for_worlds_and_episodes():
    env = HumanoidWalk(HumanoidWalkConfig(), PhysicsOptions("native", randomization=ALL))
    first, second = (jax.vmap(env.reset)(jax.random.split(jax.random.key(i), 32)).physics.variant for i in (0, 1))
    assert set(np.asarray(first)) == {0, 1, 2, 3}
    assert (first != second).any()


def disturbed(**randomization):
    randomization = Randomization(**randomization)
    return RandomizedEnv(HumanoidWalk(HumanoidWalkConfig(), PhysicsOptions("native")), randomization)


def test_a_push_changes_the_velocity_as_often_as_it_should():
    env = disturbed(push_interval=(0.075, 0.075), push_velocity=(5.0, 5.0))  # every five control steps
    calm = disturbed(action_delay=0, observation_noise=0.0)
    key = jax.random.key(0)
    step, calm_step = jax.jit(env.step), jax.jit(calm.step)
    state = jax.jit(env.reset)(key)
    pushes = []
    for i in range(18):
        after, undisturbed = step(state, jnp.zeros(17)), calm_step(state, jnp.zeros(17))
        change = (after.physics["qvel"] - undisturbed.physics["qvel"])[:2]
        if np.hypot(*change) > 1.0:
            pushes.append(i)
        state = after
    assert pushes == [5, 11, 17]


def test_a_root_that_is_not_free_cannot_be_pushed():
    env = HopperV5(HopperV5.Config(), PhysicsOptions("native"))
    with pytest.raises(ConfigError, match=r"^push_interval: \(1.0, 2.0\): .* use null$"):
        RandomizedEnv(env, Randomization(push_interval=(1.0, 2.0)))


def test_noise_is_on_the_observation_alone_and_new_at_every_step():
    env = disturbed(observation_noise=0.1)
    state, step = jax.jit(env.reset)(jax.random.key(0)), jax.jit(env.step)
    noise = []
    for _ in range(30):
        state = step(state, jnp.zeros(17))
        exact = np.concatenate([np.asarray(state.physics["qpos"])[2:], state.physics["qvel"]])
        noise.append(np.asarray(state.obs) - exact)
    noise = np.stack(noise)
    assert noise.std() == pytest.approx(0.1, rel=0.1)
    assert abs(np.corrcoef(noise[:-1].ravel(), noise[1:].ravel())[0, 1]) < 0.1


def test_a_critic_sees_what_the_task_hides_and_the_observation_without_its_noise():
    robot = H1Joystick(H1Joystick.Config(), PhysicsOptions("native"))
    noisy = RandomizedEnv(robot, Randomization(observation_noise=0.1))
    state = jax.jit(noisy.reset)(jax.random.key(0))
    clean = jax.jit(robot.reset)(jax.random.split(jax.random.key(0), 3)[0])
    np.testing.assert_allclose(state.privileged, jnp.concatenate([clean.privileged, clean.obs]), atol=1e-6)
    assert noisy.spec.privileged_size == state.privileged.size
    assert 0.05 < (state.obs - clean.obs).std() < 0.2
    assert RandomizedEnv(robot, Randomization(action_delay=1)).spec.privileged_size == robot.spec.privileged_size


def test_actions_arrive_late_by_the_delay():
    late, prompt = disturbed(action_delay=2), disturbed()
    actions = jax.random.uniform(jax.random.key(1), (6, 17), minval=-1)

    def roll(env, actions):
        return jax.jit(
            lambda: jax.lax.scan(lambda s, a: (env.step(s, a), None), env.reset(jax.random.key(0)), actions)[0].physics[
                "qpos"
            ]
        )()

    shifted = jnp.concatenate([jnp.zeros((2, 17)), actions[:-2]])
    np.testing.assert_array_equal(roll(late, actions), roll(prompt, shifted))
    assert (roll(late, actions) != roll(prompt, actions)).any()


def test_a_restarted_world_forgets_what_was_under_way():
    worlds = VecEnv(disturbed(action_delay=1), 2)
    fresh = worlds.fresh(jax.random.key(0))
    state = worlds.start(fresh)
    state = state.replace(clock=jnp.array([999, 0]))
    state, _ = worlds.step(state, jnp.ones((2, 17)), fresh)
    late = state.env.info["randomization"]["late_actions"]
    assert not late[0].any() and late[1].all()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("friction", (1.5, 0.5)),
        ("mass", (0.0, 1.0)),
        ("gain", (-1.0, 1.0)),
        ("push_interval", (0.0, 1.0)),
        ("observation_noise", -0.1),
        ("action_delay", -1),
        ("num_variants", 0),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=f"^{field}: "):
        Randomization(**{field: value})
