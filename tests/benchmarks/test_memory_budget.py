"""The budget of device memory agrees with what XLA's compiler says it needs, where that can be asked on a CPU."""

import dataclasses

import jax
import pytest

from benchmarks.memory_budget import Budget, BudgetConfig, budget, learner_shapes, size, warp_bytes, world_shapes
from envs.robots.models import brax_humanoid
from flexrl.cli.arguments import default_config
from flexrl.engine.factory import make_algorithm, make_env


def preset(env="humanoid-walk", num_envs=256):
    """The default on a GPU with few worlds, whose state native physics shares."""
    return dataclasses.replace(default_config("ppo", env, "gpu"), num_envs=num_envs, physics="native")


def test_worlds_cost_in_proportion_and_the_learner_once():
    found = Budget(10, {"worlds": 2.5, "rollout": 4.0})
    assert (found.total(2), found.total(4)) == (23, 36)


def test_the_share_of_a_world_does_not_depend_on_their_number():
    one, other = (budget(preset(num_envs=num_envs)) for num_envs in (64, 256))
    assert one == other


def test_a_rollout_has_the_steps_of_all_worlds():
    config = preset()
    worlds, fresh, rollout = world_shapes(config, make_env(config))
    assert rollout.reward.shape == (config.algorithm.unroll_length, 256)
    assert size(rollout.observation.obs) == 4 * 16 * 256 * 45
    assert size(worlds) > size(fresh) > 0


def test_buffers_of_contacts_and_constraints_grow_with_their_numbers_and_nothing_else_does():
    model = brax_humanoid().compile()
    small, large = warp_bytes(model, 16, 64), warp_bytes(model, 32, 128)
    assert large["Warp: contacts"] == pytest.approx(2 * small["Warp: contacts"], rel=0.01)
    assert small["Warp: constraints"] < large["Warp: constraints"] <= 2 * small["Warp: constraints"]
    assert large["Warp: bodies and joints"] == small["Warp: bodies and joints"] > 0


def test_numbers_below_one_and_other_libraries_are_refused():
    with pytest.raises(ValueError, match="--num-envs: 8 0 must be at least 1 each"):
        BudgetConfig(num_envs=(8, 0))
    with pytest.raises(ValueError, match="--env: 'brax:ant' is of another library"):
        BudgetConfig(env="brax:ant")


@pytest.mark.slow
def test_the_update_needs_what_was_budgeted():
    config = preset()
    env = make_env(config)
    algorithm = make_algorithm(config, env)
    train, rollout = learner_shapes(config, env), world_shapes(config, env)[2]
    hyper = jax.eval_shape(algorithm.init_hyper) | {"progress": jax.ShapeDtypeStruct((), "float32")}
    key = jax.eval_shape(jax.random.key, 0)
    needs = jax.jit(algorithm.update, donate_argnums=0).lower(train, rollout, hyper, key).compile().memory_analysis()
    found = budget(config)
    expected = found.learner + config.num_envs * (found.per_world["rollout"] + found.per_world["update"])
    actual = needs.argument_size_in_bytes + needs.temp_size_in_bytes
    assert expected == pytest.approx(actual, rel=0.25)
