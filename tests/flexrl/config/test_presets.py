"""Defaults for every environment of ours, on a CPU and on a GPU, whichever is here."""

import dataclasses

import jax
import pytest

from algos.registry import ALGORITHMS
from benchmarks.host_traffic import host_traffic, warp_calls
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


def iteration(algo, env, profile, physics, num_members=1, **algorithm):
    """The engine of a run that chose nothing but fields of its algorithm, and its first iteration, traced."""
    config = default_config(algo, env, profile)
    chosen = dataclasses.replace(config.algorithm, **algorithm)
    config = dataclasses.replace(config, physics=physics, algorithm=chosen)
    worlds, data = make_env(config, num_members), None
    if ALGORITHMS[algo].is_offline:
        spec = worlds.spec
        sizes = {"obs_size": spec.obs_size, "action_size": spec.action_size, "goal_size": spec.goal_size}
        data = random_dataset((40, 40), **sizes)
    engine = make_engine(config, worlds, num_members, data)
    run = engine.template()
    if num_members > 1:
        run = jax.eval_shape(engine.join, [run] * num_members)
    return engine, engine.program.trace(run, data)


def lowered_for_cuda(*arguments, **options):
    """The text of a program for a GPU."""
    return iteration(*arguments, **options)[1].lower(lowering_platforms=("cuda",)).as_text()


@pytest.mark.parametrize(("algo", "env", "profile"), DEFAULTS)
def test_every_default_makes_a_whole_iteration(algo, env, profile):
    engine, traced = iteration(algo, env, profile, "native")
    after, metrics = traced.out_info
    shapes = [jax.tree.map(lambda x: (x.shape, x.dtype), run) for run in (after, engine.template())]
    assert shapes[0] == shapes[1]
    assert metrics


@pytest.mark.slow
@pytest.mark.parametrize("env", BUILT_IN)
def test_the_default_on_a_gpu_lowers_for_cuda_with_warp_and_asks_nothing_of_the_host(env):
    text = lowered_for_cuda("ppo", env, "gpu", "mjx-warp")
    assert warp_calls(text) >= 2  # of first states, and of steps
    assert not host_traffic(text)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("algo", "options"),
    [
        ("ppo", {"memory": "gru"}),
        ("ppo", {"memory": "lstm"}),
        ("ppo", {"symmetric": True, "normalize_returns": True}),
        ("ppo", {"num_members": 4}),
        ("dt", {"online": True, "stochastic": True}),
    ],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, dict) else value,
)
def test_other_trainings_on_a_gpu_ask_nothing_of_the_host_either(algo, options):
    with jax.debug_key_reuse("num_members" not in options):  # it takes the keys that vmap moves along for used ones
        text = lowered_for_cuda(algo, "humanoid-walk", "gpu", "mjx-warp", **options)
    assert warp_calls(text) >= 2
    assert not host_traffic(text)


@pytest.mark.parametrize("algo", ["bc", "dt"])
def test_learning_from_data_on_a_gpu_asks_nothing_of_the_host(algo):
    text = lowered_for_cuda(algo, "humanoid-goal", "gpu", "native")  # it steps no worlds
    assert not host_traffic(text) and not warp_calls(text)


def test_on_a_gpu_skills_include_standing_up_and_robots_critics_see_more():
    assert "stand-up" in default_config("ppo", "humanoid-skills", "gpu").task.skills
    assert default_config("ppo", "g1-joystick", "gpu").algorithm.privileged_critic


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


@pytest.mark.parametrize(("profile", "episodes"), [("cpu", 64), ("gpu", 256)])
def test_a_gpu_evaluates_in_more_worlds(profile, episodes):
    assert default_config("ppo", "humanoid-walk", profile).evaluation_episodes == episodes
