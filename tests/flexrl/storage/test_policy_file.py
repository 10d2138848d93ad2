"""A policy taken along: the same to the bit, refused when damaged, and usable like a run."""

import json
import subprocess
import sys

import jax
import numpy as np
import pytest

from algos.ppo.config import PPOConfig
from algos.ppo.learner import PPO
from envs.types import EnvSpec
from flexrl.common.errors import CheckpointError
from flexrl.storage.checkpoint import leaves_of
from flexrl.storage.policy_file import FILE, load_policy, save_policy
from tests.flexrl import runs

SPEC = EnvSpec(obs_size=3, action_size=2, goal_size=0, control_period=1.0, episode_length=10)


def policy(layers=(8,), seed=0):
    ppo = PPO(PPOConfig(policy_layers=layers, value_layers=(8,)), SPEC)
    return ppo.policy(ppo.init(jax.random.key(seed)), deterministic=True)


@pytest.fixture
def saved(tmp_path):
    save_policy(tmp_path, policy())
    return tmp_path


def test_comes_back_to_the_bit(saved):
    loaded = load_policy(saved, jax.eval_shape(lambda: policy(seed=1)))
    assert leaves_of(loaded).keys() == leaves_of(policy()).keys()
    for name, leaf in leaves_of(policy()).items():
        np.testing.assert_array_equal(leaves_of(loaded)[name], leaf)
    assert loaded.deterministic


def test_a_flipped_byte_is_noticed(saved):
    file = saved / FILE
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(CheckpointError, match=f"{FILE}: (cannot be read|its content does not match)"):
        load_policy(saved, jax.eval_shape(policy))


def test_another_networks_policy_is_refused_by_leaf(saved):
    with pytest.raises(CheckpointError, match="does not fit the config.*layers"):
        load_policy(saved, jax.eval_shape(lambda: policy(layers=(16,))))


def test_a_run_is_exported_and_evaluated_as_before(tmp_path):
    def tool(name, *arguments):
        command = [sys.executable, "-m", f"flexrl.{name}", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=200)

    runs.finish(runs.start(tmp_path, "source"))
    out = tmp_path / "taken"
    done = tool("export", str(tmp_path / "source"), "--out", str(out), "--step", "latest")
    assert done.returncode == 0, done.stderr
    results = [
        json.loads(tool("evaluate", str(folder), "--json", "--episodes", "8", "--step", "latest").stdout)
        for folder in (tmp_path / "source", out)
    ]
    assert results[0].pop("run") != results[1].pop("run") and results[0] == results[1]
    again = tool("export", str(tmp_path / "source"), "--out", str(out))
    assert again.returncode == 65 and "is there already" in again.stderr
