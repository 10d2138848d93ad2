"""Our environments as Gymnasium's: its own checker, restarts, and the same numbers as ours."""

import os
import subprocess
import sys
from pathlib import Path

import gymnasium
import jax
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import flexrl.gym  # noqa: F401
from envs.bridges.registration import gymnasium_name
from envs.built_in import BUILT_IN
from envs.gl import can_draw

NAME = "flexrl/HumanoidSkills-v0"
PEERS = Path(__file__).parents[2] / ".venv-peers" / "bin" / "python"


@pytest.fixture(scope="module")
def worlds():
    """Three worlds of humanoid-walk."""
    return gymnasium.make_vec("flexrl/HumanoidWalk-v0", num_envs=3)


def test_one_import_names_them_all_and_is_cheap():
    code = (
        "import flexrl.gym, gymnasium, sys\n"
        f"assert set({[gymnasium_name(name) for name in BUILT_IN]}) <= set(gymnasium.registry)\n"
        "print(sorted({'jax', 'mujoco', 'flax'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.filterwarnings("ignore:.*not within the observation space|.*Box observation space:UserWarning")
def test_gymnasium_approves():
    check_env(gymnasium.make(NAME).unwrapped, skip_render_check=True)


def test_an_episode_ends_at_its_time_limit_and_not_before():
    env = gymnasium.make(NAME, termination="never")
    env.reset(seed=0)
    ends = [env.step(np.zeros(17, np.float32))[2:4] for _ in range(1000)]
    assert ends == [(False, False)] * 999 + [(False, True)]


def test_config_fields_are_arguments():
    assert gymnasium.make(NAME, skills=("run",)).unwrapped.env.config.skills == ("run",)
    with pytest.raises(ValueError, match="skills: "):
        gymnasium.make(NAME, skills=("fly",))


def test_seeds_decide_an_episode():
    env = gymnasium.make("flexrl/HumanoidWalk-v0")
    first, again, other = (env.reset(seed=seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_many_worlds_step_as_the_environment_itself(worlds):
    env = worlds.unwrapped.env
    worlds.reset(seed=0)
    before = worlds.unwrapped._state[0].env
    actions = np.random.default_rng(0).uniform(-1, 1, (3, 17)).astype(np.float32)
    obs, reward, terminated, truncated, info = worlds.step(actions)
    expected = jax.jit(jax.vmap(env.step))(before, actions)
    np.testing.assert_array_equal(obs, expected.obs)
    np.testing.assert_array_equal(reward, expected.reward)
    np.testing.assert_array_equal(info["forward_velocity"], expected.metrics["forward_velocity"])
    assert not terminated.any() and not truncated.any()


def test_worlds_restart_within_the_step_each_from_a_new_state(worlds):
    worlds.reset(seed=0)
    rng = np.random.default_rng(0)
    restarts, first_states = 0, set()
    for _ in range(150):
        obs, _, terminated, truncated, info = worlds.step(rng.uniform(-1, 1, (3, 17)).astype(np.float32))
        done = terminated | truncated
        assert ("final_obs" in info) == done.any()
        for i in np.flatnonzero(done):
            assert info["_final_obs"][i] and info["final_obs"][i][0] < 1.0 < obs[i][0]  # it fell, and stands again
            restarts += 1
            first_states.add(obs[i].tobytes())
    assert restarts > 5 and len(first_states) == restarts


@pytest.mark.skipif(not can_draw(), reason="no GL library")
def test_an_image_is_drawn():
    code = (
        "import gymnasium, flexrl.gym\n"
        f"env = gymnasium.make({NAME!r}, render_mode='rgb_array'); env.reset(seed=0)\n"
        "image = env.render(); env.close(); print(image.shape, image.std() > 10)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "MUJOCO_GL"}  # another test's choice
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[-2] == "(480, 480, 3) True"


@pytest.mark.slow
def test_stable_baselines3_approves_and_trains():
    if not PEERS.exists():
        pytest.skip("make peers installs Stable-Baselines3 in an environment of its own")
    code = (
        "import gymnasium, flexrl.gym\n"
        "from stable_baselines3 import PPO\n"
        "from stable_baselines3.common.env_checker import check_env\n"
        f"check_env(gymnasium.make({NAME!r}).unwrapped)\n"
        "env = gymnasium.make('flexrl/HumanoidWalk-v0')\n"
        "model = PPO('MlpPolicy', env, n_steps=512, seed=0, device='cpu')\n"
        "before = model.policy.action_net.weight.detach().clone()\n"
        "model.learn(1024)\n"
        "assert (model.policy.action_net.weight != before).any()\n"
        "print(len(model.ep_info_buffer), 'episodes')"
    )
    done = subprocess.run([PEERS, "-c", code], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-2]) > 5
