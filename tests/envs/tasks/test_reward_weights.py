"""Reward weights given to a compiled program are those of the config."""

import dataclasses

import jax
import jax.numpy as jnp
import pytest

from envs.physics import PhysicsOptions, Randomization
from envs.registry import env_type, make_env

WEIGHTS = {
    "humanoid-walk": "ctrl_weight",
    "humanoid-skills": "rewards.survive",
    "humanoid-goal": "upright_weight",
    "Hopper-v5": "forward_reward_weight",
}


def _with(config, name, value):
    head, _, rest = name.partition(".")
    return dataclasses.replace(config, **{head: _with(getattr(config, head), rest, value) if rest else value})


@pytest.mark.parametrize("name", WEIGHTS)
def test_a_traced_weight_rewards_as_one_in_the_config_does(name):
    weight, value = WEIGHTS[name], 3.25
    config = env_type(name).Config()
    env, other = (make_env(name, c, PhysicsOptions("native")) for c in (config, _with(config, weight, value)))
    assert weight in env_type(name).reward_weights(config)
    state = jax.jit(env.reset)(jax.random.key(0))
    action = jnp.linspace(-0.5, 0.5, env.spec.action_size)
    reward = jax.jit(lambda w: env.reweighted({weight: w}).step(state, action).reward)
    expected = jax.jit(other.step)(state, action).reward
    assert reward(value) == pytest.approx(float(expected), abs=1e-5)
    assert reward(value) != reward(getattr(config, weight, 0.5))


def test_disturbed_worlds_are_reweighted_too():
    options = PhysicsOptions("native", randomization=Randomization(observation_noise=0.1))
    env = make_env("humanoid-walk", env_type("humanoid-walk").Config(), options)
    state = jax.jit(env.reset)(jax.random.key(0))
    reward = jax.jit(lambda w: env.reweighted({"survive_weight": w}).step(state, jnp.zeros(17)).reward)
    assert reward(7.0) - reward(5.0) == pytest.approx(2.0, abs=1e-5)


def test_every_weight_is_a_field():
    for name in (
        "humanoid-walk",
        "humanoid-skills",
        "humanoid-goal",
        "humanoid-jump",
        "humanoid-getup",
        "Hopper-v5",
        "Ant-v5",
        "Humanoid-v5",
    ):
        kind = env_type(name)
        assert kind.reward_weights(kind.Config()).keys() == set(kind.weights) > set()
