"""Curves of return over wall-clock."""

import io

import pytest
from rich.console import Console

from benchmarks.curves import NUM_POINTS, draw, points, recent_means, return_at, table, thin

CURVE = [(10.0, 100, 50.0), (30.0, 300, 150.0), (90.0, 900, 450.0)]
RESULTS = [
    {"name": "ours", "control_steps": 12_345, "curves": {"training": CURVE, "evaluation": []}},
    {"name": "theirs", "control_steps": 900, "curves": {"training": CURVE[:1]}},
]


def row(steps: int, count: int, value: float | None) -> dict:
    return {"control_steps": steps, "episode/count": count, "episode/return": value}


def test_a_point_is_the_mean_of_the_newest_hundred_episodes():
    rows = [row(1, 60, 10.0), row(2, 0, None), row(3, 60, 20.0), row(4, 50, 40.0), row(5, 200, 7.0)]
    expected = [
        (0.0, 1, 10.0),
        (2.0, 3, 15.0),  # (60 x 10 + 60 x 20) / 120
        (3.0, 4, pytest.approx((60 * 20 + 50 * 40) / 110)),  # without the first these are still a hundred
        (4.0, 5, 7.0),
    ]
    assert recent_means([(float(i), content) for i, content in enumerate(rows)]) == expected


def test_rows_become_points():
    assert points([(1.5, {"control_steps": 8, "return": 3.0})], "return") == [(1.5, 8, 3.0)]


def test_the_last_of_many_points_in_a_span_is_kept():
    curve = [(i / 10, i, float(i)) for i in range(3000)]
    kept = thin(curve, 300.0)
    assert len(kept) == NUM_POINTS
    assert kept[0] == (1.4, 14, 14.0) and kept[-1] == (299.9, 2999, 2999.0)


@pytest.mark.parametrize(("seconds", "value"), [(9.9, None), (10, 50), (20, 100), (60, 300), (90, 450), (120, 450)])
def test_a_return_stands_on_the_line_between_its_neighbours(seconds, value):
    assert return_at(CURVE, seconds) == value


def test_there_is_no_return_without_points():
    assert return_at([], 60) is None


def test_the_table_tells_minutes_below_the_end_and_the_end():
    out = io.StringIO()
    Console(file=out, width=120).print(table(RESULTS, 1.5))
    lines = [line.split() for line in out.getvalue().splitlines()]
    assert ["first", "after", "1", "min", "end", "control", "steps"] in lines
    assert ["ours,", "training", "10", "s", "300", "450", "12,345"] in lines
    assert ["ours,", "evaluation", "-", "-", "-", "12,345"] in lines
    assert ["theirs,", "training", "10", "s", "50", "50", "900"] in lines


def test_the_table_tells_the_median_of_several_seeds_the_least_and_the_most():
    results = [
        {"name": "ours", "control_steps": steps, "curves": {"training": [(1.0, steps, value)]}}
        for steps, value in ((100, 40.0), (300, 10.0), (200, 15.0))
    ]
    out = io.StringIO()
    Console(file=out, width=120).print(table(results, 1.5))
    lines = [line.split() for line in out.getvalue().splitlines()]
    assert ["ours,", "training", "1", "s", "15", "15", "200"] in lines
    assert ["1", "to", "1", "10", "to", "40", "10", "to", "40", "100", "to", "300"] in lines


def test_the_picture_is_the_same_at_every_call(tmp_path):
    for name in ("a.svg", "b.svg"):
        draw(RESULTS, 1.5, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert "theirs, training" in (tmp_path / "a.svg").read_text()
