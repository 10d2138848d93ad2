"""Running statistics of observations."""

import jax.numpy as jnp
import numpy as np
import pytest

from algos.common.normalization import RunningStatistics


def statistics_of(*batches) -> RunningStatistics:
    statistics = RunningStatistics.init(batches[0].shape[-1])
    for rows in batches:
        statistics = statistics.update(jnp.asarray(rows))
    return statistics


def uneven_batches(offset: float = 0.0) -> list[np.ndarray]:
    """Batches of different sizes, means and spreads, one of them with two leading axes."""
    rng = np.random.default_rng(0)
    shapes = [(7, 3), (1, 3), (4, 25, 3), (30, 3)]
    return [(offset + k + (k + 1) * rng.normal(size=shape)).astype(np.float32) for k, shape in enumerate(shapes)]


def test_uneven_updates_equal_the_statistics_of_all_rows_at_once():
    batches = uneven_batches()
    rows = np.concatenate([batch.reshape(-1, 3) for batch in batches])
    statistics = statistics_of(*batches)
    assert statistics.count == len(rows)
    np.testing.assert_allclose(statistics.mean, rows.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(statistics.std, rows.std(axis=0), rtol=1e-5)
    expected = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    np.testing.assert_allclose(statistics.normalize(rows), expected, rtol=1e-4, atol=1e-5)


def test_a_mean_far_from_zero_does_not_swallow_the_variance():
    batches = uneven_batches(offset=10_000.0)
    rows = np.concatenate([batch.reshape(-1, 3) for batch in batches]).astype(np.float64)
    statistics = statistics_of(*batches)
    np.testing.assert_allclose(statistics.mean, rows.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(statistics.std, rows.std(axis=0), rtol=1e-2)


@pytest.mark.parametrize("constant", [3.0, 1000.1])
def test_a_constant_column_becomes_zero(constant):
    rows = np.stack([np.full(640, constant), np.arange(640.0)], axis=1).astype(np.float32)
    normalized = statistics_of(rows[:20], rows[20:]).normalize(rows)
    np.testing.assert_allclose(normalized[:, 0], 0, atol=0.01)
    assert np.all(np.diff(normalized[:, 1]) > 0)


def test_before_any_rows_normalising_changes_nothing():
    rows = jnp.array([[0.5, -3.0]])
    np.testing.assert_array_equal(RunningStatistics.init(2).normalize(rows), rows)


def test_statistics_that_are_unused_give_rows_back_as_they_are():
    rows = np.array([[0.5, -3000.0], [70.0, 1000.0]], np.float32)
    for statistics in (unused := RunningStatistics.init(2, is_unused=True), unused.update(rows)):
        np.testing.assert_array_equal(statistics.normalize(rows), rows)


def test_normalised_rows_are_clipped_on_both_sides():
    statistics = statistics_of(np.array([[-1.0], [1.0]], np.float32))  # mean 0, deviation 1
    normalized = statistics.normalize(jnp.array([[-9.0], [-0.5], [9.0]]), clip=2.0)
    np.testing.assert_array_equal(normalized, [[-2.0], [-0.5], [2.0]])
