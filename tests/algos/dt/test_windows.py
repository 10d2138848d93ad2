"""Windows are every stretch of an episode, and hold what a plain loop would put there."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from algos.dt.windows import WindowSource
from envs.worlds.shards import ALONE
from tests.algos.compiled import windows_at
from tests.algos.offline_data import random_dataset

LENGTHS = (7, 1, 3, 12)


def expected(data, context_length):
    """By a loop over episodes and places: for each window the rows of its steps, None for padding."""
    windows, start = [], np.asarray(data.start)
    for begin, end in zip(start, start[1:], strict=False):
        for first in range(begin - context_length + 1, end):
            rows = [row for row in range(first, first + context_length) if begin <= row < end]
            windows.append([None] * (context_length - len(rows)) + rows)
    return windows


@pytest.mark.parametrize("context_length", [1, 2, 5, 9])
def test_windows_are_those_of_a_plain_loop(context_length):
    data = random_dataset(LENGTHS)
    places = expected(data, context_length)
    windows = windows_at(data, jnp.arange(len(places)), context_length)
    begin = np.repeat(np.asarray(data.start)[:-1], LENGTHS)
    for i, rows in enumerate(places):
        np.testing.assert_array_equal(windows.valid[i], [row is not None for row in rows])
        for k, row in enumerate(rows):
            if row is None:
                continue
            assert windows.time[i, k] == row - begin[row]
            for name in ("return_to_go", "obs", "goal", "action"):
                np.testing.assert_array_equal(getattr(windows, name)[i, k], getattr(data, name)[row])


def test_a_window_worked_by_hand():
    """Of the episode of rows 8 to 10, the window that reaches one step over its end."""
    data = random_dataset(LENGTHS)
    place = (7 + 3) + (1 + 3) + (3 + 1)  # after all of two episodes, from step -3 on to step 1
    window = windows_at(data, jnp.array(place), 4)
    np.testing.assert_array_equal(window.valid, [False, False, True, True])
    np.testing.assert_array_equal(window.time[2:], [1, 2])
    np.testing.assert_array_equal(window.obs[2:], data.obs[9:11])


def test_returns_to_go_are_the_rewards_still_to_come():
    data = jax.device_get(random_dataset(LENGTHS))
    for begin, end in zip(data.start, data.start[1:], strict=False):
        for row in range(begin, end):
            assert data.return_to_go[row] == pytest.approx(data.reward[row:end].sum(), abs=1e-5)


def test_each_step_is_a_target_as_often_as_any_other():
    data, context_length = random_dataset(LENGTHS), 5
    source = WindowSource(num_updates=300, batch_size=200, context_length=context_length, shards=ALONE)
    _, batch, _ = source.sample(data, (), None, jax.random.key(0))
    assert batch.windows.obs.shape == (300, 200, context_length, 3)
    row_of = {float(x): i for i, x in enumerate(np.asarray(data.obs[:, 0]))}
    seen = np.asarray(batch.windows.obs[..., 0])[np.asarray(batch.windows.valid)]
    counts = np.bincount([row_of[float(x)] for x in seen], minlength=len(data.reward))
    places = len(data.reward) + len(LENGTHS) * (context_length - 1)
    mean = 300 * 200 * context_length / places
    np.testing.assert_allclose(counts, mean, atol=5 * np.sqrt(mean))
    assert batch.target_return == max(data.return_to_go[data.start[:-1]])
