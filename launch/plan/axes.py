"""The points of a sweep: the values that its axes (`grid`, `zip`, `random`, `seeds`) set in each trial."""

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
    """Return a point for each trial of a sweep: the values, by field name, that the sweep sets in the trial.

    Each point combines a point of the sweep's `grid`, one of its `zip`, one of its `random`, and a seed. All
    combinations are returned; the seed varies fastest. A part that the sweep does not give sets nothing.

    Args:
      sweep: the sweep; no search, which proposes its points one round after the other.
      first_seed: first seed, where the sweep gives only the number of seeds.
    """
    parts = [_grid(sweep), _zip(sweep), _draws(sweep.random), seed_points(sweep, first_seed)]
    return [{**a, **b, **c, **d} for a, b, c, d in itertools.product(*parts)]


def num_points(sweep: Sweep) -> int:
    """Return how many trials a sweep has in all, with those that a search has still to propose. Makes none of them."""
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
    """Draw random points (values by field name) that all differ; without `axes` return one empty point.

    Each field has its own random stream.

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
    """Return the value of a distribution that belongs to a uniform random number in [0, 1).

    Args:
      draw: the distribution: a range of numbers, or a choice of values.
      uniform: the random number.
      digits: significant digits of the value; values of a choice are not rounded.
    """
    if draw.choice is not None:
        return draw.choice[int(uniform * len(draw.choice))]
    if draw.uniform is not None:
        low, high = draw.uniform
        return rounded(low + uniform * (high - low), digits)
    assert draw.log_uniform is not None
    low, high = map(math.log, draw.log_uniform)
    return rounded(math.exp(low + uniform * (high - low)), digits)


def rounded(value: float, digits: int) -> float:
    """Return a number rounded to `digits` significant digits."""
    return float(f"{value:.{digits}g}")


def seed_points(sweep: Sweep, first: int) -> list[Point]:
    """Return `{"seed": seed}` for each seed of a sweep, or one empty point if the sweep gives no seeds.

    Seeds count up from `first` if the sweep gives only how many there are.
    """
    if sweep.seeds is None:
        return [{}]
    seeds = range(first, first + sweep.seeds) if isinstance(sweep.seeds, int) else sweep.seeds
    return [{"seed": seed} for seed in seeds]


def describe(values: Point) -> str:
    """Return the values of a point in one line: `algorithm.learning_rate=0.001, seed=1`."""
    return ", ".join(f"{name}={json.dumps(value)}" for name, value in values.items())


def corners(fields: Mapping[str, Draw]) -> list[Point]:
    """Return points (values by field name) at the limits of the fields' distributions, to check them before a search.

    Every value of a choice, and the lowest and highest value of every range, is in some point. The first `MAX_CORNERS`
    combinations of these values are returned, too.
    """
    edges = {name: draw.choice or draw.uniform or draw.log_uniform or () for name, draw in fields.items()}
    each = (
        [values[min(i, len(values) - 1)] for values in edges.values()] for i in range(max(map(len, edges.values())))
    )
    combined = itertools.islice(itertools.product(*edges.values()), MAX_CORNERS)
    return [dict(zip(edges, values, strict=True)) for values in (*each, *combined)]
