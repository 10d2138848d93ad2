"""A dataset's statistics are exact: each number is NumPy's over all rows of all episodes."""

import numpy as np
import pytest

from flexrl.data.flat_dataset import flatten
from flexrl.data.statistics import QUANTILES, statistics, statistics_table
from tests.flexrl.episodes import made_up

LENGTHS = (4, 5, 6, 30)
FALLS = (5, 6, 30)
NAMES = ("return", "length", "reward", "obs", "goal", "action")


def episodes():
    return [made_up(n, seed=n, terminated=n in FALLS) for n in LENGTHS]


def found():
    return statistics(flatten(episodes()))


def rows(name):
    """All that a summary is of, (N, ...) float64."""
    if name == "length":
        return np.array(LENGTHS, float)
    if name == "return":
        return np.array([sum(map(float, episode.reward)) for episode in episodes()])
    return np.concatenate([getattr(episode, name)[: episode.length] for episode in episodes()]).astype(float)


@pytest.mark.parametrize("name", NAMES)
def test_a_summary_is_of_all_rows(name):
    summary = found()[name]
    for kind in ("mean", "std", "min", "max"):
        expected = getattr(np, kind)(rows(name), axis=0)
        np.testing.assert_allclose(summary[kind], expected, rtol=1e-12, err_msg=kind)
    assert list(summary["quantiles"]) == [str(q) for q in QUANTILES]
    ranked = np.sort(rows(name), axis=0)
    for q in QUANTILES:
        place = q * (len(ranked) - 1)
        low, high = ranked[int(np.floor(place))], ranked[int(np.ceil(place))]
        expected = low + (place - np.floor(place)) * (high - low)
        np.testing.assert_allclose(summary["quantiles"][str(q)], expected, rtol=1e-9, atol=1e-12, err_msg=str(q))


def test_falls_are_counted_by_episode_and_by_step():
    numbers = found()
    assert (numbers["num_episodes"], numbers["num_steps"]) == (len(LENGTHS), sum(LENGTHS))
    assert numbers["terminated"] == {
        "num_episodes": len(FALLS),
        "fraction": len(FALLS) / len(LENGTHS),
        "per_1000_steps": pytest.approx(1000 * len(FALLS) / sum(LENGTHS)),
    }


def test_the_table_has_a_row_for_each_dimension_and_a_column_for_each_number():
    header, table = statistics_table(found())
    assert header == ["", "mean", "std", "min", *map(str, QUANTILES), "max"]
    expected = {}
    for name in NAMES:
        columns = rows(name)
        if columns.ndim == 1:
            expected[name] = columns
        else:
            expected |= {f"{name} {i}": columns[:, i] for i in range(columns.shape[1])}
    assert [row[0] for row in table] == list(expected)
    for name, *numbers in table:
        column = expected[name]
        quantiles = np.quantile(column, QUANTILES)
        np.testing.assert_allclose(
            numbers, [column.mean(), column.std(), column.min(), *quantiles, column.max()], rtol=1e-9, atol=1e-12
        )
