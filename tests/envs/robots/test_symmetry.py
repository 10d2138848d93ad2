"""A mirrored action in a mirrored state leads to the mirrored next state, by MuJoCo's own physics."""

import functools
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.physics import PhysicsOptions
from envs.registry import env_type, make_env
from envs.robots import models, symmetry
from envs.tasks.humanoid_skills.goals import SKILL_NAMES, Goals
from envs.types import Reflection

NUM_WORLDS = 32
TASKS = {
    "humanoid-walk": "brax_humanoid",
    **{f"humanoid-{name}": "feeling_humanoid" for name in ("skills", "goal", "jump", "getup")},
}


@pytest.fixture
def equal_sides(monkeypatch):
    """Brax's humanoid but for two slips in it: one hip's armature and one knee's stiffness differ."""

    def symmetric(build):
        spec = build()
        spec.joint("left_hip_y").armature = spec.joint("right_hip_y").armature
        spec.joint("left_knee").stiffness[0] = spec.joint("right_knee").stiffness[0]
        return spec

    for name, builder in TASKS.items():
        module = sys.modules[env_type(name).__module__]
        monkeypatch.setattr(module, builder, functools.partial(symmetric, getattr(models, builder)))


@pytest.fixture(params=TASKS)
def pairs(request, float64, equal_sides):
    """A task, worlds after some random steps, their mirror images, and actions."""
    env = make_env(request.param, env_type(request.param).Config(), PhysicsOptions("native", NUM_WORLDS))
    keys = jax.random.split(jax.random.key(0), NUM_WORLDS)
    state = jax.jit(jax.vmap(env.reset))(keys)
    step = jax.jit(jax.vmap(env.step))
    for time in range(12):
        state = step(state, jax.random.uniform(jax.random.key(time), (NUM_WORLDS, 17), minval=-1))
    joints = symmetry.hinges(env.model)
    qpos = symmetry.VECTOR + symmetry.QUATERNION + joints
    qvel = symmetry.VECTOR + symmetry.ANGULAR + joints
    reset = jax.jit(jax.vmap(env.physics.reset))
    here = state.replace(physics=reset(state.physics["qpos"], state.physics["qvel"]))
    there = here.replace(
        physics=reset(qpos(state.physics["qpos"]), qvel(state.physics["qvel"])),
        info=mirrored_info(env, state.info),
    )
    return env, step, here, there, jax.random.uniform(jax.random.key(99), (NUM_WORLDS, 17), minval=-1)


def mirrored_info(env, info):
    """What a task remembers, in a mirror."""
    info = dict(info)
    if "last_action" in info:
        info["last_action"] = env.mirror.action(info["last_action"])
    if isinstance(info.get("goals"), Goals):
        swapped = jnp.array(symmetry.swapped_names(list(SKILL_NAMES)).order)
        goals = info["goals"]
        info["goals"] = goals.replace(commands=goals.commands * jnp.array([1, -1, -1]), skills=swapped[goals.skills])
    elif "goal" in info:
        info["goal"] = (symmetry.PLANAR + symmetry.PLANAR)(info["goal"])
    return info


def test_mirrored_worlds_stay_mirrored(pairs):
    env, step, here, there, action = pairs
    mirror = env.mirror
    after, reflected = step(here, action), step(there, mirror.action(action))
    np.testing.assert_allclose(reflected.obs, mirror.obs(after.obs), atol=1e-6)
    np.testing.assert_allclose(reflected.reward, after.reward, atol=1e-6)
    np.testing.assert_allclose(reflected.goal, mirror.goal(after.goal), atol=1e-9)
    np.testing.assert_array_equal(reflected.terminated, after.terminated)
    assert np.abs(np.asarray(after.obs - mirror.obs(after.obs))).max(axis=1).min() > 0.1  # no state is its own image


def test_a_mirror_of_a_mirror_is_the_original(pairs):
    env = pairs[0]
    for name, size in (("obs", env.spec.obs_size), ("goal", env.spec.goal_size), ("action", env.spec.action_size)):
        reflection, x = getattr(env.mirror, name), jax.random.normal(jax.random.key(0), (3, size))
        assert sorted(reflection.order) == list(range(size))
        np.testing.assert_array_equal(reflection(reflection(x)), x)


def test_parts_are_reflected_where_they_lie():
    joined = symmetry.SWAP + symmetry.VECTOR
    assert joined == Reflection((1, 0, 2, 3, 4), (1, 1, 1, -1, 1))
    np.testing.assert_array_equal(joined(jnp.arange(1.0, 6)), [2, 1, 3, -4, 5])
