"""Where matrix products are exact: in worlds, and not in networks."""

import re

import jax
import jax.numpy as jnp
import pytest

from envs.physics import PhysicsOptions
from envs.registry import env_type, make_env
from envs.worlds.vector import VecEnv


def precisions(function, *arguments):
    """Of all matrix products in a program."""
    return set(re.findall(r"precision=(\S+)", str(jax.make_jaxpr(function)(*arguments))))


@pytest.fixture(scope="module")
def worlds():
    return VecEnv(make_env("Hopper-v5", env_type("Hopper-v5").Config(), PhysicsOptions("mjx-jax", 2)), 2)


def test_worlds_are_stepped_by_exact_products_wherever_they_are_stepped(worlds):
    state = jax.eval_shape(worlds.init, jax.random.key(0))
    action = jnp.zeros((2, 3))
    exact = {"(Precision.HIGHEST,", "Precision.HIGHEST", "HIGHEST"}
    for function, arguments in ((worlds.advance, (state, action)), (worlds.env.step, (_first(state.env), action[0]))):
        found = precisions(function, *arguments)
        assert found and found <= exact, found


def test_products_outside_of_worlds_are_left_to_jax(worlds):
    jax.eval_shape(worlds.init, jax.random.key(0))
    assert jax.config.values["jax_default_matmul_precision"] is None
    assert precisions(jnp.matmul, jnp.ones((2, 2)), jnp.ones((2, 2))) == set()


def test_a_precision_that_jax_was_told_is_kept(worlds):
    state = jax.eval_shape(worlds.init, jax.random.key(0))
    with jax.default_matmul_precision("bfloat16"):
        found = precisions(worlds.env.step, _first(state.env), jnp.zeros(3))
    assert found and not any("HIGHEST" in each for each in found)


def _first(state):
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), state)
