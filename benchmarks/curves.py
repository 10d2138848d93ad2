"""Curves of return over wall-clock: from the rows of a learner, at a time, as a table and as a picture."""

from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.table import Table

from benchmarks.watch import Row

Point = tuple[float, int, float]  # seconds since the process started, control steps, return

NUM_EPISODES = 100  # of which the mean return is told; brax and Stable-Baselines3 have the same number built in
NUM_POINTS = 200  # kept of a curve
MINUTES = (1, 2, 5, 10, 20, 30, 60, 120)


def recent_means(rows: Iterable[Row]) -> list[Point]:
    """Of the rows of metrics.jsonl: the mean return of the newest iterations that hold `NUM_EPISODES` together."""
    points: list[Point] = []
    recent: deque[tuple[int, float]] = deque()
    for seconds, row in rows:
        if row["episode/return"] is None:  # no episode finished, or not with a number
            continue
        recent.append((row["episode/count"], row["episode/return"]))
        while sum(count for count, _ in recent) - recent[0][0] >= NUM_EPISODES:
            recent.popleft()
        counts, means = zip(*recent, strict=True)
        points.append((seconds, row["control_steps"], float(np.average(means, weights=counts))))
    return points


def points(rows: Iterable[Row], name: str) -> list[Point]:
    """The rows' returns, which they hold under this name."""
    return [(seconds, row["control_steps"], row[name]) for seconds, row in rows]


def thin(curve: Sequence[Point], seconds: float) -> list[Point]:
    """The last point in each of `NUM_POINTS` equal spans of so many seconds, rounded."""
    last = {int(point[0] * NUM_POINTS / seconds): point for point in curve}
    return [(round(when, 1), steps, round(value, 1)) for when, steps, value in last.values()]


def return_at(curve: Sequence[Point], seconds: float) -> float | None:
    """The return at a time, on the line between the points around it; none before the first, the last's after it."""
    if not curve or seconds < curve[0][0]:
        return None
    return float(np.interp(seconds, [point[0] for point in curve], [point[2] for point in curve]))


def table(results: Sequence[dict[str, Any]], minutes: float) -> Table:
    """When the first return was known, returns after some minutes and at the end, and control steps done."""
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
    """The curves as an SVG, the same at every call."""
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
    """Every curve with its name and the result that it is of."""
    return [
        (f"{result['name']}, {kind}", result, curve) for result in results for kind, curve in result["curves"].items()
    ]
