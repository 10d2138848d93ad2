"""Curves of return over wall-clock time: makes them from a learner's rows, and shows them as a table and a plot."""

from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.table import Table

from benchmarks.watch import Row

Point = tuple[float, int, float]  # seconds since the process started, control steps, return

NUM_EPISODES = 100  # over which the mean return is taken; brax and Stable-Baselines3 have the same number built in
NUM_POINTS = 200  # most points that are kept of a curve
MINUTES = (1, 2, 5, 10, 20, 30, 60, 120)  # columns of the table


def recent_means(rows: Iterable[Row]) -> list[Point]:
    """Return for each row of metrics.jsonl the mean return of the last `NUM_EPISODES` episodes.

    The mean is taken over the fewest newest iterations that have at least so many episodes together.
    """
    points: list[Point] = []
    recent: deque[tuple[int, float]] = deque()
    for seconds, row in rows:
        if row["episode/return"] is None:  # no episode finished, or its return was not finite
            continue
        recent.append((row["episode/count"], row["episode/return"]))
        while sum(count for count, _ in recent) - recent[0][0] >= NUM_EPISODES:
            recent.popleft()
        counts, means = zip(*recent, strict=True)
        points.append((seconds, row["control_steps"], float(np.average(means, weights=counts))))
    return points


def points(rows: Iterable[Row], name: str) -> list[Point]:
    """Return the curve of the rows' values under the key `name`."""
    return [(seconds, row["control_steps"], row[name]) for seconds, row in rows]


def thin(curve: Sequence[Point], seconds: float) -> list[Point]:
    """Thin out a curve: cut `seconds` into `NUM_POINTS` equal spans, and keep the last point in each, rounded."""
    last = {int(point[0] * NUM_POINTS / seconds): point for point in curve}
    return [(round(when, 1), steps, round(value, 1)) for when, steps, value in last.values()]


def return_at(curve: Sequence[Point], seconds: float) -> float | None:
    """Return the return at a time, interpolated linearly; None before the first point, the last value after the end."""
    if not curve or seconds < curve[0][0]:
        return None
    return float(np.interp(seconds, [point[0] for point in curve], [point[2] for point in curve]))


def table(results: Sequence[dict[str, Any]], minutes: float) -> Table:
    """Return a table of the curves: time of the first return, returns after some minutes and at the end, and steps."""
    columns = [minute for minute in MINUTES if minute < minutes]
    rows = Table(title=f"humanoid-walk, return after {minutes:g} minutes", box=box.SIMPLE)
    rows.add_column("")
    for name in ("first after", *(f"{minute} min" for minute in columns), "end", "control steps"):
        rows.add_column(name, justify="right", no_wrap=True)
    for name, result, curve in _curves(results):
        values = [return_at(curve, 60 * minute) for minute in (*columns, minutes)]
        cells = ["-" if value is None else f"{value:,.0f}" for value in values]
        first = f"{curve[0][0]:.0f} s" if curve else "-"
        rows.add_row(name, first, *cells, f"{result['control_steps']:,}")
    return rows


def draw(results: Sequence[dict[str, Any]], minutes: float, path: Path) -> None:
    """Write a plot of the curves as SVG. The same curves give the same bytes."""
    import matplotlib
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    for name, _, curve in _curves(results):
        style = "o:" if name.endswith("evaluation") else "-"
        axes.plot([point[0] / 60 for point in curve], [point[2] for point in curve], style, label=name)
    axes.set(xlabel="minutes since the process started", ylabel="return", xlim=(0, minutes))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize="small")
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "flexrl"}):
        figure.savefig(path, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))


def _curves(results: Sequence[dict[str, Any]]) -> list[tuple[str, dict[str, Any], list[Point]]]:
    """Return the name, result and points of every curve."""
    return [
        (f"{result['name']}, {kind}", result, curve) for result in results for kind, curve in result["curves"].items()
    ]
