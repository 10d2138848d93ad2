"""Episodes of `humanoid-skills` that begin in states that another policy was in."""

import dataclasses

import jax
import numpy as np
import pytest

from envs.physics import PhysicsOptions
from envs.tasks.humanoid_skills.task import HumanoidSkills, HumanoidSkillsConfig
from flexrl.common.errors import ConfigError
from flexrl.config.run_config import LATER_FIELDS
from flexrl.policies.playback import load_playback
from flexrl.policies.state_recorder import record_states
from flexrl.policies.states import StatesArguments, states

FAST = "pretrained/humanoid-skills"
TASK = ("skills=[run]", "goal_strategy=single")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """States of a policy that runs."""
    path = tmp_path_factory.mktemp("states") / "states.npz"
    states(FAST, StatesArguments(path, num_states=200, worlds=8, seconds=3.0, task=TASK))
    return path


def first_states(num, **fields):
    env = HumanoidSkills(
        HumanoidSkillsConfig(skills=("walk-forward",), gait_clock=True, **fields), PhysicsOptions("native")
    )
    return jax.jit(jax.vmap(env.reset))(jax.random.split(jax.random.key(0), num))


def test_states_are_those_of_a_body_that_runs_upright(file):
    recorded = np.load(file)
    assert recorded["qpos"].shape == (200, 24) and recorded["qvel"].shape == (200, 23)
    assert (recorded["qpos"][:, 2] >= 0.95).all() and (abs(recorded["action"]) <= 1).all()
    speed = np.hypot(*recorded["qvel"][:, :2].T)
    assert np.quantile(speed, 0.9) > 2.4  # it begins standing, and speeds up


def test_the_share_of_episodes_begins_in_recorded_states(file):
    recorded = np.load(file)
    first = first_states(400, start_states=str(file), start_states_share=0.5)
    qpos = np.asarray(first.physics["qpos"])
    distance = abs(qpos[:, None] - recorded["qpos"][None]).max(axis=2)
    index, is_recorded = distance.argmin(axis=1), distance.min(axis=1) < 1e-5
    assert 0.4 < is_recorded.mean() < 0.6 and len(set(index[is_recorded])) > 100
    index = index[is_recorded]
    np.testing.assert_allclose(first.physics["qvel"][is_recorded], recorded["qvel"][index], atol=1e-5)
    np.testing.assert_allclose(first.info["last_action"][is_recorded], recorded["action"][index], atol=1e-6)
    np.testing.assert_allclose(first.obs[is_recorded][:, 46:63], recorded["action"][index], atol=1e-6)
    phase = np.asarray(first.info["steps"].phase)
    assert not phase[~is_recorded].any() and np.ptp(phase[is_recorded]) > 5.5
    assert not np.asarray(first.info["last_action"])[~is_recorded].any()


def test_without_recorded_states_episodes_begin_as_before(file):
    plain, share = first_states(20), first_states(20, start_states=str(file), start_states_share=0.0)
    np.testing.assert_array_equal(plain.physics["qpos"], share.physics["qpos"])
    np.testing.assert_array_equal(plain.obs, share.obs)


def test_evaluation_begins_in_none_of_them(file):
    config = HumanoidSkillsConfig(start_states=str(file))
    assert HumanoidSkills.evaluated(config) == dataclasses.replace(config, start_states=None)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read"),
        (b"no zip", "cannot be read"),
        ({"qpos": np.zeros((2, 24)), "qvel": np.zeros((2, 23))}, "action"),
        ({"qpos": np.zeros((2, 36)), "qvel": np.zeros((2, 35)), "action": np.zeros((2, 29))}, r"qpos .* \(2, 36\)"),
        ({"qpos": np.zeros((2, 24)), "qvel": np.zeros((1, 23)), "action": np.zeros((2, 17))}, r"qvel .* \(1, 23\)"),
        ({"qpos": np.zeros((0, 24)), "qvel": np.zeros((0, 23)), "action": np.zeros((0, 17))}, r"qpos .* \(0, 24\)"),
    ],
)
def test_a_file_that_holds_no_states_of_the_body_is_refused_by_name(tmp_path, content, says):
    path = tmp_path / "states.npz"
    if isinstance(content, dict):
        np.savez(path, **content)
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"^task.start_states: .*{says}"):
        HumanoidSkills(HumanoidSkillsConfig(start_states=str(path)), PhysicsOptions("native"))


def test_too_few_states_are_refused_with_what_to_change():
    playback = load_playback(FAST, "workspace", "best", num_episodes=2, is_randomized=False)
    with pytest.raises(ConfigError, match="num_states: the policy was in 20 states .* 21 are asked for; raise worlds"):
        record_states(playback, 21, 2, 0.15, 0.9, 0)


def test_another_task_and_bad_numbers_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="goal_seconds"):
        states(FAST, StatesArguments(tmp_path / "x.npz", task=("goal_seconds=[5,1]",)))
    for name, value in (("num_states", 0), ("worlds", 0), ("seconds", 0.0), ("seed", -1)):
        with pytest.raises(ValueError, match=f"^{name}: "):
            StatesArguments(tmp_path / "x.npz", **{name: value})


def test_older_hashes_stay_valid():
    for name in ("start_states", "start_states_share"):
        assert LATER_FIELDS[name] == getattr(HumanoidSkillsConfig(), name)
