"""A replay keeps the newest rows, and gives windows of whole episodes with the returns that they turned out to have."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from algos.dt.replay import Replay, Steps, returns_to_go
from algos.dt.windows import num_windows
from envs.types import EnvSpec
from tests.algos.compiled import windows_at
from tests.algos.offline_data import dataset_of

SPEC = EnvSpec(obs_size=2, action_size=1, goal_size=1, control_period=1.0, episode_length=20)
LENGTHS = ((3, 5, 1, 4), (6, 2, 5))  # episodes of two worlds, both 13 rows; a fourth and a third have not ended
ENDED = ((3, 5, 1), (6, 2))


def world(lengths, seed):
    """Rows of one world, numbered in obs; its last episode goes on."""
    rng, num = np.random.default_rng(seed), sum(lengths)
    last = np.cumsum(lengths) - 1
    ends = np.isin(np.arange(num), last[:-1])
    by_limit = np.isin(np.arange(num), last[:-1:2])
    return {
        "obs": np.stack([100 * seed + np.arange(num), rng.normal(size=num)], axis=1).astype(np.float32),
        "goal": rng.normal(size=(num, 1)).astype(np.float32),
        "action": rng.uniform(-1, 1, (num, 1)).astype(np.float32),
        "reward": rng.normal(size=num).astype(np.float32),
        "terminated": ends & ~by_limit,
        "truncated": ends & by_limit,
        "time": np.concatenate([np.arange(n) for n in lengths]).astype(np.int32),
    }


WORLDS = [world(lengths, seed) for seed, lengths in enumerate(LENGTHS)]
COLUMNS = {name: np.stack([rows[name] for rows in WORLDS], axis=1) for name in WORLDS[0]}
add, relabelled = jax.jit(Replay.add), jax.jit(Replay.relabelled)


def filled(num_kept, rows_at_a_time=13):
    """A replay of so many rows that has seen all of both worlds."""
    return filled_on(Replay.init(SPEC, num_kept, 2), rows_at_a_time)


def filled_on(replay, rows_at_a_time=13, num_rows=13):
    for first in range(0, num_rows, rows_at_a_time):
        part = slice(first, min(first + rows_at_a_time, num_rows))
        replay = add(replay, Steps(**{name: jnp.asarray(x[part]) for name, x in COLUMNS.items()}))
    return replay


def all_windows(replay, context_length):
    rows = relabelled(replay)
    num = int(np.sum(rows.num_windows(context_length)))
    windows = jax.jit(Replay.windows, static_argnums=3)(replay, rows, jnp.arange(num), context_length)
    return jax.device_get(windows)


def as_sets(windows):
    """Windows as comparable rows, without what padding holds."""
    rows = []
    for i in np.ndindex(windows.valid.shape[:-1]):
        real = windows.valid[i]
        names = ("return_to_go", "obs", "goal", "action", "time")
        numbers = np.concatenate([np.asarray(getattr(windows, name)[i][real], float).ravel() for name in names])
        rows.append((tuple(real), tuple(np.round(numbers, 4))))
    return sorted(rows)


def test_returns_to_go_worked_by_hand():
    """Worlds of rewards 1, 2, 4, 8, 16: one ends after the second and the fourth step, the other never."""
    reward = jnp.array([[1.0, 2.0, 4.0, 8.0, 16.0]] * 2).T
    ends = jnp.array([[False, True, False, True, False], [False] * 5]).T
    found, has_ended = returns_to_go(reward, ends)
    np.testing.assert_array_equal(found.T, [[3, 2, 12, 8, 16], [31, 30, 28, 24, 16]])
    np.testing.assert_array_equal(has_ended.T, [[True] * 4 + [False], [False] * 5])


@pytest.mark.parametrize("context_length", [1, 3, 8])
def test_windows_are_those_of_a_dataset_of_the_whole_episodes(context_length):
    """The same steps, returns, goals and padding, and each as often."""
    expected = []
    for rows, ended in zip(WORLDS, ENDED, strict=True):
        num = sum(ended)
        data = dataset_of(*(rows[name][:num] for name in ("obs", "action", "reward")), ended, rows["goal"][:num])
        places = jnp.arange(num_windows(data, context_length))
        expected += as_sets(jax.device_get(windows_at(data, places, context_length)))
    assert as_sets(all_windows(filled(20), context_length)) == sorted(expected)


def test_it_does_not_matter_how_rows_come_and_where_the_ring_begins():
    """Rows of before that are overwritten one by one, until all that is kept is new."""
    expected = as_sets(all_windows(filled(13), 3))
    assert as_sets(all_windows(filled(13, rows_at_a_time=5), 3)) == expected
    begun_within = filled_on(filled_on(Replay.init(SPEC, 13, 2), num_rows=7))
    assert as_sets(all_windows(begun_within, 3)) == expected


def test_an_episode_whose_beginning_was_overwritten_is_not_sampled():
    """Of 13 rows 11 are kept: the first two steps are gone, and with them the first episodes of both worlds."""
    replay = filled(11, rows_at_a_time=5)
    whole = np.asarray(relabelled(replay).is_whole)
    np.testing.assert_array_equal(whole[:, 0], [False] + [True] * 6 + [False] * 4)  # rows 3 to 8 of 2 to 12
    np.testing.assert_array_equal(whole[:, 1], [False] * 4 + [True] * 2 + [False] * 5)  # rows 6 and 7
    seen = {int(x) for x in np.ravel(all_windows(replay, 1).obs[..., 0])}
    assert seen == {3, 4, 5, 6, 7, 8, 106, 107}


def test_nothing_is_whole_before_an_episode_has_ended():
    for replay in (Replay.init(SPEC, 20, 2), filled_on(Replay.init(SPEC, 20, 2), num_rows=2)):
        rows = relabelled(replay)
        assert not np.any(rows.is_whole) and not np.any(rows.num_windows(3)) and rows.best_return == -np.inf


def test_the_best_return_is_of_whole_episodes_from_their_first_step():
    returns = [
        rows["reward"][begin:end].sum()
        for rows, ended in zip(WORLDS, ENDED, strict=True)
        for begin, end in zip(np.cumsum([0, *ended]), np.cumsum(ended), strict=False)
    ]
    assert float(relabelled(filled(20)).best_return) == pytest.approx(max(returns), abs=1e-5)
