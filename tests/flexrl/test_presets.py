"""Defaults for every environment of ours, on a CPU and on a GPU, whichever is here."""

import pytest

from envs.built_in import BUILT_IN
from flexrl.arguments import default_config


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
