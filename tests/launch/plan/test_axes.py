import math

import pytest

from launch.plan.axes import describe, num_points, points
from launch.plan.draws import Draw, Random
from launch.plan.sweep_file import Sweep


def random_sweep(num=40, **fields):
    return Sweep("s", random=Random(num, fields, seed=3))


def test_a_grid_has_every_combination_and_a_zip_goes_in_step():
    sweep = Sweep("s", grid={"a": (1, 2), "b": (3, 4)}, zip={"c": (5, 6), "d": (7, 8)}, seeds=(9,))
    found = [tuple(point.values()) for point in points(sweep, 0)]
    assert found == [(a, b, c, c + 2, 9) for a in (1, 2) for b in (3, 4) for c in (5, 6)]
    assert num_points(sweep) == len(found)


def test_counted_seeds_begin_at_the_bases():
    assert [point["seed"] for point in points(Sweep("s", seeds=3), 7)] == [7, 8, 9]


def test_without_axes_there_is_one_point():
    assert points(Sweep("s"), 0) == [{}]
    assert num_points(Sweep("s")) == 1


def test_random_points_are_the_same_every_time_and_the_first_of_more_and_of_other_fields():
    rate = Draw(log_uniform=(1e-4, 1e-2))
    first = points(random_sweep(5, rate=rate), 0)
    assert points(random_sweep(5, rate=rate), 0) == first
    assert points(random_sweep(9, rate=rate), 0)[:5] == first
    more = points(random_sweep(5, other=Draw(uniform=(0, 1)), rate=rate), 0)
    assert [point["rate"] for point in more] == [point["rate"] for point in first]


@pytest.mark.parametrize("low, high", [(-2.0, 3.0), (0.5, 0.6)])
def test_uniform_draws_fill_their_range(low, high):
    values = [point["x"] for point in points(random_sweep(500, x=Draw(uniform=(low, high))), 0)]
    assert low <= min(values) < low + 0.05 * (high - low)
    assert high - 0.05 * (high - low) < max(values) <= high


def test_logarithmic_draws_fall_evenly_into_decades():
    values = [point["x"] for point in points(random_sweep(900, x=Draw(log_uniform=(1e-4, 1e-1))), 0)]
    decades = [math.floor(math.log10(value)) for value in values]
    assert all(240 < decades.count(decade) < 360 for decade in (-4, -3, -2))


def distinct(found):
    return len({describe(point) for point in found})


def test_points_of_choices_are_drawn_without_repetition_until_there_are_no_more():
    fields = {"x": Draw(choice=("a", "b", "c", "d", "e")), "y": Draw(choice=(1, 2, 3, 4))}
    for seed in range(20):
        found = points(Sweep("s", random=Random(20, fields, seed)), 0)
        assert distinct(found) == len(found) == 20
    with pytest.raises(ValueError, match="random.num: 21 points are more than the 20 that x, y have together; use at"):
        points(random_sweep(21, **fields), 0)
    with pytest.raises(ValueError, match="21 points are more than the 2 that x"):
        points(random_sweep(21, x=Draw(choice=(1, 1, 2))), 0)


def test_many_draws_from_a_range_never_meet():
    for seed in range(20):
        sweep = Sweep("s", random=Random(4_000, {"x": Draw(log_uniform=(1e-5, 1e-2))}, seed))
        assert distinct(points(sweep, 0)) == 4_000


def test_points_that_met_no_other_keep_the_values_that_they_had_before():
    before = [0.000117937, 0.00134354, 0.000874107, 0.00381868]
    found = points(random_sweep(4_000, x=Draw(log_uniform=(1e-4, 1e-2))), 0)
    assert [point["x"] for point in found[:4]] == before
