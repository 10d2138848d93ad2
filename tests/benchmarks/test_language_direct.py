"""Sentences as goals: the recorded ones and the task's."""

import jax
import numpy as np
import pytest

from benchmarks.language_direct import TOLD, in_words
from benchmarks.told_in_words import ToldInWords, ToldInWordsConfig
from envs.check import check_env
from envs.errors import ConfigError
from envs.physics import PhysicsOptions
from envs.tasks.humanoid_skills.goals import nominal_goal
from flexrl.cli.arguments import parse
from flexrl.data.episode import Episode

SKILLS = ("stand-still", "walk-forward")
SENTENCES = {name: np.full((4, 384), 10.0 * i) + np.arange(4)[:, None] for i, name in enumerate(SKILLS)}


@pytest.fixture
def told(tmp_path) -> ToldInWords:
    np.savez(tmp_path / "sentences.npz", **SENTENCES)
    config = ToldInWordsConfig(SKILLS, goal_seconds=(0.03, 0.03), sentences=str(tmp_path / "sentences.npz"))
    return ToldInWords(config, PhysicsOptions("native"))


def test_a_file_of_sentences_is_needed():
    with pytest.raises(ConfigError, match="task.sentences: is empty"):
        ToldInWords(ToldInWordsConfig(SKILLS), PhysicsOptions("native"))


def test_the_task_is_trained_by_the_flags_of_training(told):
    flags = ["--env", TOLD, "--task.sentences", told.config.sentences, "--task.skills", *SKILLS]
    config = parse(["--algo", "bc", *flags, "--algorithm.dataset", "data"]).config
    assert config.task.sentences == told.config.sentences and config.task.skills == SKILLS


def test_the_task_keeps_the_contract(told):
    check_env(told, "ToldInWords")
    assert told.spec.goal_size == 384 and told.spec.mirror is None


def test_each_goal_is_told_by_one_of_its_skills_sentences(told):
    state, step = jax.jit(told.reset)(jax.random.key(0)), jax.jit(told.step)
    for _ in range(12):
        skill = SKILLS[int(state.info["goals"].skill)]  # the first two of all skills
        number = float(state.goal[0]) - SENTENCES[skill][0, 0]
        assert number in range(4)
        np.testing.assert_array_equal(state.goal, SENTENCES[skill][int(number)])
        later = step(state, np.zeros(told.spec.action_size))
        if not bool(later.info["goals"].is_new):
            np.testing.assert_array_equal(later.goal, state.goal)
        state = later


def test_worlds_are_told_by_different_sentences(told):
    goals = jax.vmap(lambda key: told.reset(key).goal)(jax.random.split(jax.random.key(0), 32))
    assert len(np.unique(np.asarray(goals[:, 0]))) == 8


def test_a_recorded_goal_becomes_one_sentence_of_its_skill():
    goals = np.array(
        [nominal_goal(name) for name in ("walk-forward",) * 3 + ("stand-still",) * 2 + ("walk-forward",) * 2]
    )
    steps = len(goals) - 1
    flags = np.zeros(steps, bool)
    episode = Episode(np.zeros((steps + 1, 1)), goals, np.zeros((steps, 1)), np.zeros(steps), flags, flags, {}, {})
    found = in_words(episode, SENTENCES, np.random.default_rng(0))
    assert found.shape == (7, 384)
    assert all((rows == rows[0]).all() for rows in (found[:3], found[3:5], found[5:]))
    assert [row[0] // 10 for row in (found[0], found[3], found[5])] == [1, 0, 1]
