"""Any number of devices computes the same; here they are one CPU that plays eight."""

import json
import subprocess
import sys

import pytest

from algos.ppo.config import PPOConfig
from envs.tasks.humanoid_walk import HumanoidWalkConfig
from flexrl.cli.arguments import parse
from flexrl.common.errors import ConfigError
from flexrl.config.run_config import RunConfig
from tests.flexrl.runs import forced_devices


def measured(what):
    command = [sys.executable, "-m", "tests.flexrl.on_devices", what]
    process = subprocess.run(command, env=forced_devices(8), capture_output=True, text=True, timeout=300, check=False)
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)


@pytest.mark.parametrize("what", ["probe", pytest.param("transformer", marks=pytest.mark.slow)])
def test_parameters_do_not_depend_on_the_number_of_devices(what):
    found = measured(what)
    assert found["moved"] > 1e-3
    assert found["params"] < 1e-9 and found["metrics"] < 1e-9


@pytest.mark.slow
def test_gradients_of_the_humanoid_do_not_depend_on_the_number_of_devices():
    found = measured("humanoid")
    assert found["largest"] > 0.1
    assert found["gradients"] < 1e-5


@pytest.mark.slow
def test_worlds_of_an_online_transformer_are_the_same_on_any_number_of_devices():
    found = measured("online")
    assert found["seen"] < 1e-5 and found["share"] > 0.5
    assert found["copies"] == 0  # what the devices learnt together
    assert found["worlds"] == 16


def config(**changes):
    sizes = {"total_steps": 1, "num_envs": 12} | changes
    return RunConfig(PPOConfig(unroll_length=8, num_minibatches=4), HumanoidWalkConfig(), profile="cpu", **sizes)


def test_worlds_must_divide_among_devices():
    assert config(num_devices=3).num_devices == 3
    with pytest.raises(ValueError, match="^num_devices: 5 does not divide num_envs 12"):
        config(num_devices=5)


def test_minibatches_must_divide_each_devices_samples():
    with pytest.raises(ValueError, match="^num_minibatches: 64 does not divide num_envs 4 on each device"):
        RunConfig(
            PPOConfig(unroll_length=8, num_minibatches=64),
            HumanoidWalkConfig(),
            1,
            num_envs=12,
            num_devices=3,
            profile="cpu",
        )


def test_more_devices_than_there_are_is_refused():
    with pytest.raises(ConfigError, match="^num_devices: 64 were asked for, and JAX sees 1"):
        parse(["--num-devices", "64", "--num-envs", "128"])
