"""Make a dataset's `datasheet.html`, a page with its statistics, its provenance and pictures."""

from typing import TYPE_CHECKING

import numpy as np

from algos.common.dataset import Dataset
from flexrl.common.html import document, svg, table
from flexrl.common.nested import flat
from flexrl.common.types import JsonObject
from flexrl.data.flat_dataset import returns_of
from flexrl.data.statistics import statistics_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NUM_BINS = 40
MAX_POINTS = 5_000  # goals to draw at most; more would only make the page larger


def datasheet(title: str, data: Dataset, found: JsonObject, provenance: JsonObject) -> str:
    """Return the whole page as HTML.

    Args:
      title: title of the page.
      data: episodes of the dataset.
      found: their statistics, from `flexrl.data.statistics.statistics`.
      provenance: content of `provenance.json`.
    """
    header, rows = statistics_table(found)
    falls = found["terminated"]
    summary = {
        "episodes": found["num_episodes"],
        "steps": found["num_steps"],
        "return, mean": found["return"]["mean"],
        "length, mean": found["length"]["mean"],
        "episodes that terminated": falls["num_episodes"],
        "terminations in 1,000 steps": falls["per_1000_steps"],
    }
    sections = {
        "Summary": table(summary.items()),
        "Episodes": svg(draw_episodes(data)),
        "Provenance": table((name, str(value)) for name, value in flat(provenance).items()),
        "Every dimension": table(rows, header),
    }
    return document(title, sections)


def draw_episodes(data: Dataset) -> "Figure":
    """Draw histograms of returns and lengths of episodes, when episodes terminated, and the goals if there are any."""
    from matplotlib.figure import Figure

    lengths, returns = np.diff(data.start), returns_of(data)
    terminated = np.asarray(data.terminated)[np.asarray(data.start[1:]) - 1]
    has_goals = data.goal.shape[1] > 0
    figure = Figure(figsize=(11 if has_goals else 8.5, 2.9), layout="constrained")
    axes = figure.subplots(1, 4 if has_goals else 3)
    _histogram(axes[0], returns, terminated, "return")
    _histogram(axes[1], lengths, terminated, "length, control steps")
    axes[1].legend(frameon=False, fontsize="small")
    steps = np.arange(lengths.max() + 1)
    axes[2].step(steps, [np.mean(terminated & (lengths <= step)) for step in steps], where="post")
    axes[2].set(xlabel="control steps", ylabel="share of episodes terminated", ylim=(0, 1))
    if has_goals:
        _draw_goals(axes[3], np.asarray(data.goal))
    return figure


def _histogram(axes: "Axes", values: np.ndarray, terminated: np.ndarray, name: str) -> None:
    parts = {"truncated": values[~terminated], "terminated": values[terminated]}
    axes.hist(list(parts.values()), NUM_BINS, stacked=True, label=list(parts))
    axes.set(xlabel=name, ylabel="episodes")


def _draw_goals(axes: "Axes", goals: np.ndarray) -> None:
    """Draw goals as points: the first number of a goal is the horizontal coordinate, the second one the vertical one.

    If goals (N, G) have one number each, the vertical coordinate is 0. At most `MAX_POINTS` goals are drawn, spread
    evenly over the dataset.
    """
    chosen = goals[np.linspace(0, len(goals) - 1, min(MAX_POINTS, len(goals))).astype(int)]
    first, second = chosen[:, 0], chosen[:, 1] if goals.shape[1] > 1 else np.zeros(len(chosen))
    axes.plot(first, second, ".", markersize=2, alpha=0.3, rasterized=True)
    axes.set(xlabel="goal 0", ylabel="goal 1" if goals.shape[1] > 1 else "")
