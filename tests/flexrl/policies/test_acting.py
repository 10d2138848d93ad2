"""`flexrl.load` and `flexrl.make`: policies that act on NumPy arrays, with names of goals, in batches, with memory."""

import dataclasses
import subprocess
import sys

import jax
import numpy as np
import pytest

import flexrl
from envs.tasks.humanoid_skills.goals import GOAL_SIZE, SKILLS, nominal_goal
from envs.types import Observation
from flexrl.common.errors import ConfigError
from flexrl.policies.playback import load_playback
from tests.flexrl.policies.made import STEP, make_policy_folder

PRETRAINED = "pretrained/humanoid-skills"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    made = tmp_path_factory.mktemp("made")
    return {kind: make_policy_folder(made / kind, kind) for kind in ("mlp", "symmetric", "gru", "dt")}


@pytest.fixture(scope="module")
def skilled(folders):
    return flexrl.load(folders["symmetric"])


def observations(policy, num=3, seed=0):
    return np.random.default_rng(seed).normal(size=(num, policy.spec.obs_size)).astype(np.float32)


def by_jax(folder, obs, goal, rewards=None):
    """Actions (T, A) of one world, straight from the policy's own `act`."""
    policy = load_playback(str(folder), "workspace", "best").policy
    carry, actions = policy.init_carry(1), []
    for t, row in enumerate(obs):
        reward = np.float32([0 if rewards is None else rewards[t]])
        seen = Observation(row[None], goal[None], reward, np.array([t == 0]))
        carry, action, _ = policy.act(carry, seen, jax.random.key(0))
        actions.append(np.asarray(action[0]))
    return np.array(actions)


def test_importing_the_package_imports_nothing_slow():
    program = "import sys, flexrl; print([m for m in ('jax', 'numpy', 'mujoco', 'gymnasium') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "[]\n"


def test_a_batch_gets_the_policys_own_actions_and_each_row_its_own(folders, skilled):
    obs = observations(skilled)
    batch = skilled(obs, goal="walk-forward")
    goal = np.asarray(skilled.goal("walk-forward"))
    for row, action in zip(obs, batch, strict=True):
        np.testing.assert_allclose(action, by_jax(folders["symmetric"], row[None], goal)[0], atol=1e-6)
        skilled.reset()
        np.testing.assert_allclose(skilled(row, goal="walk-forward"), action, atol=1e-6)
        assert action.shape == (skilled.spec.action_size,) and action.dtype == np.float32 and abs(action).max() <= 1
    skilled.reset()


def test_goals_are_named_one_for_all_or_one_for_each_or_given_as_arrays(skilled):
    obs = observations(skilled, num=2)
    walk, run = skilled.predict(obs, goal="walk-forward")[0], skilled.predict(obs, goal="run")[0]
    assert abs(walk - run).max() > 1e-4
    mixed = skilled.predict(obs, goal=["walk-forward", "run"])[0]
    np.testing.assert_allclose(mixed, [walk[0], run[1]], atol=1e-6)
    np.testing.assert_allclose(skilled.predict(obs, goal=nominal_goal("run"))[0], run, atol=1e-6)
    behind = np.concatenate([obs, np.tile(nominal_goal("run"), (2, 1))], axis=1)
    np.testing.assert_allclose(skilled.predict(behind)[0], run, atol=1e-6)
    np.testing.assert_allclose(skilled.predict(behind, goal="walk-forward")[0], walk, atol=1e-6)
    seen = {"observation": obs, "desired_goal": behind[:, -GOAL_SIZE:]}
    np.testing.assert_allclose(skilled.predict(seen)[0], run, atol=1e-6)


def test_a_goal_by_name_is_the_skills_nominal_command_and_its_number():
    skill = SKILLS[5]
    expected = [skill.forward, skill.left, skill.turn, *(float(i == 5) for i in range(len(SKILLS)))]
    np.testing.assert_allclose(nominal_goal(skill.name), expected)


def test_what_cannot_be_used_is_refused_by_its_name(skilled, folders):
    obs = observations(skilled, num=2)
    size = skilled.spec.obs_size
    for arguments, message in (
        ((obs, "fly"), r"goal: 'fly' is not among the skills of .*; known: walk-forward, run"),
        ((obs,), r"goal: is missing; give one of walk-forward, run, or an array \(17,\)"),
        ((obs, np.zeros(3)), r"goal: has shape \(3,\) and must have \(17,\) or \(2, 17\)"),
        ((obs[:, :4], "run"), rf"observation: has shape \(2, 4\) and must have \({size},\), or \({size + 17},\)"),
        ((obs * np.nan, "run"), "observation: has entries that are not finite"),
        (({"achieved_goal": obs}, "run"), "observation: has the keys achieved_goal, and must have 'observation'"),
    ):
        with pytest.raises(ConfigError, match=message):
            skilled.predict(*arguments[:1], goal=arguments[1] if len(arguments) > 1 else None)
    with pytest.raises(ConfigError, match="reward: has shape"):
        skilled.predict(obs, goal="run", reward=[1.0, 2.0, 3.0])
    recurrent = flexrl.load(folders["gru"])
    recurrent(observations(recurrent, num=2))
    with pytest.raises(ConfigError, match=r"for 3 worlds, and the memory for 2; call reset\(\) first"):
        recurrent(observations(recurrent, num=3))
    with pytest.raises(ConfigError, match="goal: 'run' is not among the skills of .*; give an array"):
        recurrent(observations(recurrent, num=2), goal="run")
    with pytest.raises(ConfigError, match="run: 'nobody' is neither"):
        flexrl.load("nobody")


def test_memory_is_kept_between_calls_cleared_by_reset_and_where_an_episode_starts(folders):
    policy = flexrl.load(folders["gru"])
    obs = observations(policy, num=4)
    expected = by_jax(folders["gru"], obs, np.zeros(0, np.float32))
    for _ in range(2):
        np.testing.assert_allclose([policy(row) for row in obs], expected, atol=1e-6)
        policy.reset()
    assert abs(policy(obs[1]) - expected[1]).max() > 1e-4  # without the memory of the step before
    fresh = policy(obs[1], episode_start=True)
    np.testing.assert_allclose(policy(obs[1], episode_start=True), fresh, atol=1e-6)
    _, state = policy.predict(obs[:2])
    both, _ = policy.predict(obs[:2], state, episode_start=[True, False])
    np.testing.assert_allclose(both[0], policy.predict(obs[0])[0], atol=1e-6)
    assert abs(both[1] - policy.predict(obs[1])[0]).max() > 1e-4


def test_a_decision_transformer_is_told_its_rewards(folders):
    policy = flexrl.load(folders["dt"])
    obs, rewards = observations(policy, num=7), np.float32([0, 100, -200, 50, 300, 100, 100])
    expected = by_jax(folders["dt"], obs, np.zeros(0, np.float32), rewards)
    actions = [policy(row, reward=reward) for row, reward in zip(obs, rewards, strict=True)]
    np.testing.assert_allclose(actions, expected, atol=1e-5)
    policy.reset()
    assert abs([policy(row) for row in obs][-1] - expected[-1]).max() > 1e-4


def test_predict_keeps_nothing_and_samples_if_asked(skilled):
    obs = observations(skilled, num=2)
    first, _ = skilled.predict(obs, goal="run")
    np.testing.assert_array_equal(skilled.predict(obs, goal="run")[0], first)
    samples = [skilled.predict(obs, goal="run", deterministic=False)[0] for _ in range(2)]
    assert abs(samples[0] - samples[1]).max() > 1e-4 and abs(samples[0] - first).max() > 1e-4


def test_it_says_what_it_is(skilled, folders):
    assert skilled.step == STEP and skilled.skills == ("walk-forward", "run")
    assert f"{str(folders['symmetric'])!r}, iteration 7, humanoid-skills: " in repr(skilled)


def test_the_pretrained_policy_walks_in_gymnasiums_loop():
    policy = flexrl.load(PRETRAINED)
    env = flexrl.make("humanoid-skills", skills=("walk-forward",))
    observation, _ = env.reset(seed=0)
    places = []
    for _ in range(150):
        observation, _, terminated, truncated, _ = env.step(policy(observation, goal="walk-forward"))
        assert not terminated and not truncated
        places.append(np.asarray(env.unwrapped._world.pose(env.unwrapped._state)[:2]))
    env.close()
    period = policy.spec.control_period
    assert 0.7 < np.linalg.norm(places[-1] - places[-51]) / (50 * period) < 1.4


def test_an_environment_is_made_by_our_name_with_its_time_limit(tmp_path):
    assert flexrl.make("Hopper-v5").spec.max_episode_steps == 1000
    with pytest.raises(ConfigError, match="env: 'Hoper-v5' is unknown; did you mean 'Hopper-v5'"):
        flexrl.make("Hoper-v5")
    with pytest.raises(ConfigError, match="nonsense"):
        flexrl.make("Hopper-v5", nonsense=1)


def test_its_own_environment_is_configured_as_in_its_training():
    policy = flexrl.load("pretrained/natural-skills")
    env = policy.make_env(skills=("turn-left",))
    observation, _ = env.reset(seed=0)
    assert observation.shape == (65 + 17,)  # it sees the clock of a gait, too
    task = env.unwrapped.env.config
    assert task.skills == ("turn-left",) and task.gait == policy.config.task.gait
    assert np.isfinite(env.step(policy(observation))[1])
    with pytest.raises(ConfigError, match="skill: is not a field; did you mean 'skills'"):
        policy.make_env(skill="run")


def test_its_own_environment_needs_no_file_of_its_training(folders):
    policy = flexrl.load(folders["symmetric"])
    task = dataclasses.replace(policy.config.task, start_states="states.npz", start_states_share=0.5)
    policy.config = dataclasses.replace(policy.config, task=task)
    assert policy.make_env().unwrapped.env.config.start_states is None
