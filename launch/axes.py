"""The points of a sweep: which fields have which values in each trial."""

import itertools
import json
import math
import random
from typing import Any

from launch.sweep_file import Draw, Random, Sweep

Point = dict[str, Any]  # values by dotted field

DIGITS = 6  # of a random number: readable, and the same where logarithms differ in their last bit


def points(sweep: Sweep, first_seed: int) -> list[Point]:
    """Every combination of a point of the grid, of the zip, of the random draws, and a seed, which varies fastest.

    Args:
      sweep: whose axes they are.
      first_seed: where seeds begin that are only counted.
    """
    parts = [_grid(sweep), _zip(sweep), _draws(sweep.random), _seeds(sweep, first_seed)]
    return [{**a, **b, **c, **d} for a, b, c, d in itertools.product(*parts)]


def num_points(sweep: Sweep) -> int:
    """How many there are, without making them."""
    seeds = sweep.seeds if isinstance(sweep.seeds, int) else len(sweep.seeds or (0,))
    zipped = min((len(values) for values in sweep.zip.values()), default=1)
    return math.prod(map(len, sweep.grid.values())) * zipped * (sweep.random.num if sweep.random else 1) * seeds


def _grid(sweep: Sweep) -> list[Point]:
    return [dict(zip(sweep.grid, values, strict=True)) for values in itertools.product(*sweep.grid.values())]


def _zip(sweep: Sweep) -> list[Point]:
    if not sweep.zip:
        return [{}]
    return [dict(zip(sweep.zip, values, strict=True)) for values in zip(*sweep.zip.values(), strict=True)]


def _draws(axes: Random | None) -> list[Point]:
    if axes is None:
        return [{}]
    streams = {name: random.Random(f"{axes.seed} {name}") for name in axes.fields}
    return [{name: _draw(draw, streams[name].random()) for name, draw in axes.fields.items()} for _ in range(axes.num)]


def _draw(draw: Draw, uniform: float) -> Any:
    """The value at a place in [0, 1)."""
    if draw.choice is not None:
        return draw.choice[int(uniform * len(draw.choice))]
    if draw.uniform is not None:
        low, high = draw.uniform
        return _rounded(low + uniform * (high - low))
    assert draw.log_uniform is not None
    low, high = map(math.log, draw.log_uniform)
    return _rounded(math.exp(low + uniform * (high - low)))


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _seeds(sweep: Sweep, first: int) -> list[Point]:
    if sweep.seeds is None:
        return [{}]
    seeds = range(first, first + sweep.seeds) if isinstance(sweep.seeds, int) else sweep.seeds
    return [{"seed": seed} for seed in seeds]


def describe(values: Point) -> str:
    """Axis values in a line."""
    return ", ".join(f"{name}={json.dumps(value)}" for name, value in values.items())
