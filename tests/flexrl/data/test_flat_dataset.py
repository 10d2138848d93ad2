"""Episodes laid out for training: rows, statistics and returns are those of NumPy over all episodes together."""

import dataclasses

import numpy as np
import pytest

from flexrl.data.flat_dataset import flatten, returns_of, returns_to_go, with_returns_to_go
from tests.flexrl.episodes import made_up

LENGTHS = (40, 1, 3, 250)


def uneven_episodes():
    """Of other lengths, means and spreads each; one number of the observation never changes."""
    episodes = []
    for i, length in enumerate(LENGTHS):
        episode = made_up(length, seed=i, terminated=i % 2 == 1)
        obs = (10 * i + (i + 1) * episode.obs).astype(np.float64)
        obs[:, 2] = 7.5
        episodes.append(dataclasses.replace(episode, obs=obs, reward=(1 + i) * episode.reward))
    return episodes


def rows(name):
    return np.concatenate([getattr(episode, name)[: episode.length] for episode in uneven_episodes()])


def test_statistics_are_those_of_all_rows_of_unequal_episodes():
    found = flatten(uneven_episodes()).statistics
    assert found.count == sum(LENGTHS)
    np.testing.assert_allclose(found.mean, rows("obs").astype(np.float32).mean(axis=0, dtype=np.float64), rtol=1e-6)
    np.testing.assert_allclose(found.std[:2], rows("obs")[:, :2].std(axis=0), rtol=1e-6)
    assert found.std[2] == 0


def test_a_row_is_what_was_seen_before_a_step_and_what_came_of_it():
    data = flatten(uneven_episodes())
    np.testing.assert_array_equal(data.start, np.cumsum([0, *LENGTHS]))
    for name in ("obs", "goal", "action", "reward", "terminated", "truncated"):
        column = np.asarray(getattr(data, name))
        np.testing.assert_array_equal(column, rows(name).astype(column.dtype))
        assert column.dtype == (bool if name.endswith("ated") else np.float32)


def test_returns_to_go_worked_by_hand():
    np.testing.assert_array_equal(returns_to_go(np.array([1.0, 2.0, 4.0, -8.0])), [-1, -2, -4, -8])


def test_returns_to_go_are_those_of_a_plain_loop_over_each_episode():
    found = np.asarray(with_returns_to_go(flatten(uneven_episodes())).return_to_go)
    expected = [e.reward[t:].sum(dtype=np.float64) for e in uneven_episodes() for t in range(e.length)]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_many_small_rewards_are_not_lost_beside_a_large_one():
    """Added in float32 to 2**24 each would be rounded away."""
    reward = np.array([1.0] * 1000 + [2.0**24], np.float32)
    assert returns_to_go(reward)[0] == 2**24 + 1000
    episode = dataclasses.replace(made_up(1001, seed=0), reward=reward)
    assert returns_of(flatten([made_up(3, seed=1), episode]))[1] == 2**24 + 1000


def test_returns_are_sums_of_each_episode():
    expected = [float(sum(map(float, episode.reward))) for episode in uneven_episodes()]
    assert returns_of(flatten(uneven_episodes())).tolist() == pytest.approx(expected, rel=1e-12)
