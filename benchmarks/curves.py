"""Makes curves of return over wall-clock time from the rows of metrics that a training writes.

A point of a curve is (seconds since the training's process started, control steps, return). Curves are shown as a table
and as a plot.
"""

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
    """Return a training curve: for each row of metrics.jsonl the mean return of about the last `NUM_EPISODES` episodes.

    A row holds only the mean over all episodes that ended in one iteration. So the mean is taken over whole iterations,
    from the newest one back until they have at least `NUM_EPISODES` episodes together. Rows in which no episode ended
    give no point.

    Args:
      rows: each row with the seconds at which it was written.

    Returns:
      Points (seconds, control steps, mean return).
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
    """Return the curve of a number that rows of metrics hold, such as `evaluation/return_mean`.

    Args:
      rows: each row with the seconds at which it was written.
      name: key of the number in a row.

    Returns:
      For each row a point (seconds, control steps, number).
    """
    return [(seconds, row["control_steps"], row[name]) for seconds, row in rows]


def thin(curve: Sequence[Point], seconds: float) -> list[Point]:
    """Thin out a training curve: keep only the last point in each span of `seconds / NUM_POINTS`.

    Args:
      curve: points (seconds, control steps, return).
      seconds: time that the whole curve spans.

    Returns:
      The points that are kept, with seconds and return rounded to one decimal.
    """
    last = {int(point[0] * NUM_POINTS / seconds): point for point in curve}
    return [(round(when, 1), steps, round(value, 1)) for when, steps, value in last.values()]


def return_at(curve: Sequence[Point], seconds: float) -> float | None:
    """Return the return at a time, interpolated linearly; None before the first point, the last value after the end."""
    if not curve or seconds < curve[0][0]:
        return None
    return float(np.interp(seconds, [point[0] for point in curve], [point[2] for point in curve]))


def table(results: Sequence[dict[str, Any]], minutes: float) -> Table:
    """Return a table of training results, with a row for each learner and kind of curve: training or evaluation.

    Its columns are the seconds until the first return, the returns after 1, 2, 5, 10 ... minutes and at the end, and
    the control steps trained. With several seeds, a cell holds their median, and below it the least and the most.

    Args:
      results: for each learner and seed its `name`, `curves` by kind (`training`, `evaluation`), and `control_steps`.
      minutes: training time of each learner.
    """
    columns = [minute for minute in MINUTES if minute < minutes]
    rows = Table(title=f"humanoid-walk, return after {minutes:g} minutes", box=box.SIMPLE)
    rows.add_column("")
    for name in ("first after", *(f"{minute} min" for minute in columns), "end", "control steps"):
        rows.add_column(name, justify="right", no_wrap=True)
    for name, curves, steps in _curves(results):
        values = [_spread([return_at(curve, 60 * minute) for curve in curves]) for minute in (*columns, minutes)]
        first = _spread([curve[0][0] if curve else None for curve in curves], " s")
        rows.add_row(name, first, *values, _spread(steps))
    return rows


def draw(results: Sequence[dict[str, Any]], minutes: float, path: Path) -> None:
    """Write an SVG plot of training results: return over minutes, a line for each learner, kind of curve and seed.

    The same curves give the same bytes.

    Args:
      results: for each learner and seed its `name`, `curves` by kind (`training`, `evaluation`), and `control_steps`.
      minutes: end of the time axis.
      path: file to write.
    """
    import matplotlib
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    for i, (name, curves, _) in enumerate(_curves(results)):
        style = "o:" if name.endswith("evaluation") else "-"
        for curve in curves:
            minutes_of, returns = [point[0] / 60 for point in curve], [point[2] for point in curve]
            axes.plot(minutes_of, returns, style, color=f"C{i}", label=name if curve is curves[0] else None)
    axes.set(xlabel="minutes since the process started", ylabel="return", xlim=(0, minutes))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize="small")
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "flexrl"}):
        figure.savefig(path, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))


def _curves(results: Sequence[dict[str, Any]]) -> list[tuple[str, list[list[Point]], list[int]]]:
    """Collect the curves of all learners and seeds by names such as `flex-rl, training`: learner and kind of curve.

    Returns:
      For each name: the name, the curve of each seed, and the control steps that each seed trained.
    """
    named: dict[str, tuple[list[list[Point]], list[int]]] = {}
    for result in results:
        for kind, curve in result["curves"].items():
            curves, steps = named.setdefault(f"{result['name']}, {kind}", ([], []))
            curves.append(curve)
            steps.append(result["control_steps"])
    return [(name, *named[name]) for name in sorted(named)]


def _spread(values: Sequence[float | None], unit: str = "") -> str:
    """Return the values of several seeds as text: the median and, below it, `LEAST to MOST`. One value stands alone.

    The text is a dash if a value is None. `unit` follows the median.
    """
    known = sorted(value for value in values if value is not None)
    if len(known) < len(values):
        return "-"
    text = f"{np.median(known):,.0f}{unit}"
    return text if len(known) == 1 else f"{text}\n{known[0]:,.0f} to {known[-1]:,.0f}"
