"""Read and draw learning curves: a run's evaluations over control steps and over seconds of training."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from flexrl.common.errors import ConfigError
from flexrl.common.types import JsonObject
from flexrl.storage.run_view import RunRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METRICS = (
    *("episode/return", "episode/length", "policy/entropy", "policy/kl"),
    *("policy/clip_fraction", "value/loss", "value/explained_variance", "update/learning_rate"),
)
NUM_POINTS = 200  # at most, of one drawn line


@dataclass(frozen=True)
class Curve:
    """The evaluations of a run, oldest first.

    Attributes:
      name: name of the run.
      control_steps: control steps of all worlds until each evaluation.
      seconds: seconds of training until each evaluation, without compiling and evaluating.
      returns: mean return of each evaluation.
      intervals: half the width of each mean's 95 % interval.
      success: fraction of episodes that ended at their goal; None if the task has no goal to end at.
      final: mean return of the final evaluation; None if there is none (`RunRecord.final_return`).
    """

    name: str
    control_steps: list[int]
    seconds: list[float]
    returns: list[float]
    intervals: list[float]
    success: list[float] | None = None
    final: float | None = None

    def first_reaching(self, threshold: float) -> tuple[int, float] | None:
        """Return control steps and seconds until the first evaluation with a return of `threshold` or more, or None."""
        for steps, seconds, value in zip(self.control_steps, self.seconds, self.returns, strict=True):
            if value >= threshold:
                return steps, seconds
        return None


def read_curve(record: RunRecord) -> Curve:
    """Read a run's evaluations, with the time that training took until each.

    Raises:
      ConfigError: if there is no evaluation, or `metrics.jsonl`, which tells the time, lacks an evaluated iteration.
    """
    if not record.evaluations:
        why = f" ({'; '.join(record.problems)})" if record.problems else ""
        raise ConfigError(f"run: {record.folder} has no evaluation{why}; leave it out, or wait for the first")
    total, elapsed = 0.0, {}
    for row in record.metrics():
        total += row["timing"]["seconds"]
        elapsed[row["step"]] = total
    lacking = [row["step"] for row in record.evaluations if row["step"] not in elapsed]
    if lacking:
        raise ConfigError(f"{record.folder / 'metrics.jsonl'}: lacks iteration {lacking[0]}; restore it from a copy")
    success = [row["evaluation/success_rate"] for row in record.evaluations if "evaluation/success_rate" in row]
    return Curve(
        record.name,
        [row["control_steps"] for row in record.evaluations],
        [elapsed[row["step"]] for row in record.evaluations],
        record.returns,
        [row["evaluation/return_interval"] for row in record.evaluations],
        success or None,
        record.final_return,
    )


def draw_returns(curves: list[Curve]) -> "Figure":
    """Draw returns over control steps and over seconds, with 95 % intervals; also success, if all runs have it."""
    from matplotlib.figure import Figure

    num_panels = 3 if all(curve.success for curve in curves) else 2
    figure = Figure(figsize=(4.5 * num_panels, 3.4), layout="constrained")
    by_steps, by_seconds, *by_success = panels = figure.subplots(1, num_panels)
    by_seconds.sharey(by_steps)
    for curve in curves:
        _draw(by_steps, curve, curve.control_steps)
        _draw(by_seconds, curve, curve.seconds)
        for axes in by_success:
            axes.plot(curve.control_steps, curve.success, marker=".")
            axes.set(xlabel="control steps", ylabel="episodes that end at their goal", ylim=(-0.03, 1.03))
    by_steps.set(xlabel="control steps", ylabel="evaluation return")
    by_seconds.set(xlabel="seconds of training")
    for axes in panels:
        axes.grid(alpha=0.3)
        axes.set_xlim(left=0)
    figure.legend(*by_steps.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return figure


def draw_metrics(metrics: dict[str, list[JsonObject]]) -> "Figure":
    """Draw the main metrics of training over control steps. Neighbouring rows of long runs are averaged.

    Args:
      metrics: by the name of each run, its metrics of all iterations, as in `metrics.jsonl`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    for axes, name in zip(figure.subplots(2, len(METRICS) // 2).flat, METRICS, strict=True):
        for run, rows in metrics.items():
            points = [(row["control_steps"], row[name]) for row in rows if row.get(name) is not None]
            means = [np.mean(part, axis=0) for part in np.array_split(points, NUM_POINTS) if len(part)]
            axes.plot(*np.reshape(means, (-1, 2)).T, label=run, linewidth=1)
        axes.set_title(name, fontsize="medium")
        axes.grid(alpha=0.3)
        axes.set_xlim(left=0)
    figure.supxlabel("control steps", fontsize="medium")
    return figure


def _draw(axes: "Axes", curve: Curve, x: list[int] | list[float]) -> None:
    (line,) = axes.plot(x, curve.returns, marker=".", label=curve.name)
    low = [value - half for value, half in zip(curve.returns, curve.intervals, strict=True)]
    high = [value + half for value, half in zip(curve.returns, curve.intervals, strict=True)]
    axes.fill_between(x, low, high, alpha=0.2, color=line.get_color(), linewidth=0)
