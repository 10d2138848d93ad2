"""The points of a sweep: the values that its axes set in each trial."""

import itertools
import json
import math
import random
from collections.abc import Mapping
from typing import Any

from flexrl.common.types import JsonObject
from launch.plan.draws import Draw, Random
from launch.plan.sweep_file import Sweep

Point = JsonObject  # value by dotted name of the field, such as `algorithm.learning_rate`

DIGITS = 6  # significant digits of a random value: hides that machines' logarithms differ in the last bit
MORE_DIGITS = 12  # significant digits of a value that is drawn again because the first was taken
MAX_CORNERS = 500


def points(sweep: Sweep, first_seed: int) -> list[Point]:
    """Return every combination of a grid point, a zip point, a random point and a seed. The seed varies fastest.

    Args:
      sweep: the sweep whose axes are combined.
      first_seed: first seed, where the sweep gives only the number of seeds.
    """
    parts = [_grid(sweep), _zip(sweep), _draws(sweep.random), seed_points(sweep, first_seed)]
    return [{**a, **b, **c, **d} for a, b, c, d in itertools.product(*parts)]


def num_points(sweep: Sweep) -> int:
    """Return how many points a sweep has, without making them."""
    zipped = min((len(values) for values in sweep.zip.values()), default=1)
    drawn = sweep.search.trials if sweep.search else sweep.random and sweep.random.num
    return math.prod(map(len, sweep.grid.values())) * zipped * (drawn or 1) * sweep.num_seeds


def _grid(sweep: Sweep) -> list[Point]:
    return [dict(zip(sweep.grid, values, strict=True)) for values in itertools.product(*sweep.grid.values())]


def _zip(sweep: Sweep) -> list[Point]:
    if not sweep.zip:
        return [{}]
    return [dict(zip(sweep.zip, values, strict=True)) for values in zip(*sweep.zip.values(), strict=True)]


def _draws(axes: Random | None) -> list[Point]:
    """Draw random points that all differ. Each field has its own random stream.

    A point that equals an earlier one is drawn again from separate streams, so that all other points stay the same.
    """
    if axes is None:
        return [{}]
    assert axes.num is not None, "a search proposes its points"
    streams = {name: random.Random(f"{axes.seed} {name}") for name in axes.fields}
    uniforms = [{name: stream.random() for name, stream in streams.items()} for _ in range(axes.num)]
    found: dict[str, Point] = {}  # by their description, which differs between points
    for number, uniform in enumerate(uniforms):
        point = _point(axes, uniform, DIGITS)
        for again in itertools.count():
            if describe(point) not in found:
                break
            anew = random.Random(f"{axes.seed} {number} {again}")
            point = _point(axes, {name: anew.random() for name in axes.fields}, MORE_DIGITS)
        found[describe(point)] = point
    return list(found.values())


def _point(axes: Random, uniform: dict[str, float], digits: int) -> Point:
    return {name: _value(draw, uniform[name], digits) for name, draw in axes.fields.items()}


def _value(draw: Draw, uniform: float, digits: int) -> Any:
    """Return the value of a draw for a uniform random number in [0, 1)."""
    if draw.choice is not None:
        return draw.choice[int(uniform * len(draw.choice))]
    if draw.uniform is not None:
        low, high = draw.uniform
        return rounded(low + uniform * (high - low), digits)
    assert draw.log_uniform is not None
    low, high = map(math.log, draw.log_uniform)
    return rounded(math.exp(low + uniform * (high - low)), digits)


def rounded(value: float, digits: int) -> float:
    """Return a value with so many significant digits."""
    return float(f"{value:.{digits}g}")


def seed_points(sweep: Sweep, first: int) -> list[Point]:
    """Return a point for each seed of a sweep; they count up from `first` where it gives only their number."""
    if sweep.seeds is None:
        return [{}]
    seeds = range(first, first + sweep.seeds) if isinstance(sweep.seeds, int) else sweep.seeds
    return [{"seed": seed} for seed in seeds]


def describe(values: Point) -> str:
    """Return the values of a point in one line: `algorithm.learning_rate=0.001, seed=1`."""
    return ", ".join(f"{name}={json.dumps(value)}" for name, value in values.items())


def corners(fields: Mapping[str, Draw]) -> list[Point]:
    """Return points at the edge of fields that are drawn: lowest, highest and possible values, and their combinations.

    Each of these values is in a point, but of many combinations only the first `MAX_CORNERS`.
    """
    edges = {name: draw.choice or draw.uniform or draw.log_uniform or () for name, draw in fields.items()}
    each = (
        [values[min(i, len(values) - 1)] for values in edges.values()] for i in range(max(map(len, edges.values())))
    )
    combined = itertools.islice(itertools.product(*edges.values()), MAX_CORNERS)
    return [dict(zip(edges, values, strict=True)) for values in (*each, *combined)]
