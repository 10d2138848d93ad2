"""Defaults for every environment of ours, on a CPU and on a GPU, whichever is here."""

import dataclasses

import jax
import pytest

from algos.registry import ALGORITHMS
from envs.built_in import BUILT_IN
from flexrl.cli.arguments import default_config
from flexrl.engine.factory import make_engine, make_env
from tests.algos.offline_data import random_dataset

FEW = ("humanoid-walk", "humanoid-goal")  # offline defaults differ by environment in nothing but sizes
DEFAULTS = [
    pytest.param(algo, env, profile, marks=pytest.mark.slow if ALGORITHMS[algo].is_offline and env not in FEW else ())
    for algo in ALGORITHMS
    for env in BUILT_IN
    for profile in ("cpu", "gpu")
]


def iteration(algo, env, profile, physics):
    """The engine of a run that chose nothing, and its first iteration, traced."""
    config = dataclasses.replace(default_config(algo, env, profile), physics=physics)
    worlds, data = make_env(config), None
    if ALGORITHMS[algo].is_offline:
        spec = worlds.spec
        sizes = {"obs_size": spec.obs_size, "action_size": spec.action_size, "goal_size": spec.goal_size}
        data = random_dataset((40, 40), **sizes)
    engine = make_engine(config, worlds, data=data)
    return engine, engine.program.trace(engine.template(), data)


@pytest.mark.parametrize(("algo", "env", "profile"), DEFAULTS)
def test_every_default_makes_a_whole_iteration(algo, env, profile):
    engine, traced = iteration(algo, env, profile, "native")
    after, metrics = traced.out_info
    shapes = [jax.tree.map(lambda x: (x.shape, x.dtype), run) for run in (after, engine.template())]
    assert shapes[0] == shapes[1]
    assert metrics


@pytest.mark.slow
@pytest.mark.parametrize("env", BUILT_IN)
def test_the_default_on_a_gpu_lowers_for_cuda_with_warp(env):
    text = iteration("ppo", env, "gpu", "mjx-warp")[1].lower(lowering_platforms=("cuda",)).as_text()
    assert "custom_call" in text


@pytest.mark.parametrize("env", BUILT_IN)
def test_a_gpu_steps_more_worlds_for_longer_than_a_cpu(env):
    cpu, gpu = (default_config("ppo", env, profile) for profile in ("cpu", "gpu"))
    assert gpu.num_envs >= 4096 > cpu.num_envs
    assert gpu.total_steps > cpu.total_steps
    assert gpu.steps_per_iteration // gpu.algorithm.num_minibatches >= 2048  # samples of a gradient step


def test_dmc_humanoids_end_early_in_training_on_both():
    for profile in ("cpu", "gpu"):
        assert default_config("ppo", "dmc-humanoid-run", profile).task.end_below_height == 0.8


def test_noise_has_a_bonus_but_in_standing():
    for profile in ("cpu", "gpu"):
        stand, walk = (default_config("ppo", f"dmc-humanoid-{speed}", profile).algorithm for speed in ("stand", "walk"))
        assert stand.entropy_weight == 0 < walk.entropy_weight
