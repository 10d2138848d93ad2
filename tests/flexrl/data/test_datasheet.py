"""A datasheet shows the numbers of its dataset, in tables and pictures, and fetches nothing."""

import re

import numpy as np
import pytest

from flexrl.data.datasheet import MAX_POINTS, datasheet, draw_episodes
from flexrl.data.flat_dataset import flatten
from flexrl.data.statistics import statistics, statistics_table
from tests.flexrl.episodes import made_up, write_made_up

LENGTHS = (4, 5, 6, 30, 9)
FALLS = (5, 30)


def data(goal_size=2):
    return flatten([made_up(n, seed=n, terminated=n in FALLS, goal_size=goal_size) for n in LENGTHS])


def returns():
    return np.array([made_up(n, seed=n).reward.sum(dtype=np.float64) for n in LENGTHS])


def cells(page, heading):
    """The rows of the table under a heading."""
    section = page.split(f">{heading}<")[1].split("</table>")[0]
    return [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in section.split("<tr>")[1:]]


def test_tables_show_the_numbers_of_the_dataset():
    found = statistics(data())
    page = datasheet("title", data(), found, {"env": "some-env", "git": {"commit": "abc"}})
    summary = dict(cells(page, "Summary"))
    assert (summary["episodes"], summary["steps"], summary["episodes that terminated"]) == ("5", "54", "2")
    for name, expected in (
        ("return, mean", returns().mean()),
        ("length, mean", np.mean(LENGTHS)),
        ("terminations in 1,000 steps", 1000 * 2 / 54),
    ):
        assert float(summary[name]) == pytest.approx(expected, rel=1e-2)
    header, rows = statistics_table(found)
    shown = cells(page, "Every dimension")
    assert shown[0] == header and [row[0] for row in shown[1:]] == [row[0] for row in rows]
    for row, expected in zip(shown[1:], rows, strict=True):
        np.testing.assert_allclose([float(x.replace(",", "")) for x in row[1:]], expected[1:], rtol=1e-2, atol=1e-3)
    assert dict(cells(page, "Provenance")) == {"env": "some-env", "git.commit": "abc"}


def test_histograms_count_episodes_by_how_they_ended():
    returned, lasted, *_ = draw_episodes(data()).axes
    for axes, values in ((returned, returns()), (lasted, np.array(LENGTHS))):
        fell = np.isin(LENGTHS, FALLS)
        for bars, chosen in zip(axes.containers, (~fell, fell), strict=True):
            for bar in bars:
                left, right = bar.get_x() - 1e-9, bar.get_x() + bar.get_width() + 1e-9
                inside = np.sum((values[chosen] >= left) & (values[chosen] <= right))
                assert bar.get_height() <= inside
            assert sum(bar.get_height() for bar in bars) == chosen.sum()
    assert [text.get_text() for text in lasted.get_legend().get_texts()] == ["truncated", "terminated"]


def test_a_curve_shows_the_share_that_has_terminated():
    steps, share = draw_episodes(data()).axes[2].lines[0].get_data()
    assert list(steps) == list(range(max(LENGTHS) + 1))
    np.testing.assert_allclose(share, [sum(fall <= step for fall in FALLS) / len(LENGTHS) for step in steps])


@pytest.mark.parametrize("goal_size", [1, 2, 3])
def test_goals_are_drawn_by_their_first_two_numbers(goal_size):
    first, second = draw_episodes(data(goal_size)).axes[3].lines[0].get_data()
    goals = np.asarray(data(goal_size).goal)
    np.testing.assert_array_equal(first, goals[:, 0])
    np.testing.assert_array_equal(second, goals[:, 1] if goal_size > 1 else np.zeros(len(goals)))


def test_of_many_goals_some_are_drawn_from_the_first_to_the_last():
    many = flatten([made_up(2 * MAX_POINTS, seed=0)])
    first = draw_episodes(many).axes[3].lines[0].get_xdata()
    assert len(first) == MAX_POINTS and (first[0], first[-1]) == (many.goal[0, 0], many.goal[-1, 0])


def test_without_goals_none_are_drawn():
    assert len(draw_episodes(data(goal_size=0)).axes) == 3


def test_the_datasheet_shows_the_dataset_and_fetches_nothing(tmp_path):
    write_made_up(tmp_path / "a")
    page = (tmp_path / "a" / "datasheet.html").read_text()
    for text in ("flexrl/made-up/expert-v0", "<td>episodes that terminated</td><td>1</td>", "<svg", "obs 2", "goal 0"):
        assert text in page
    assert "<script" not in page and "http://www.w3.org" in page and 'src="http' not in page
