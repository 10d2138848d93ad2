"""The results of a sweep: one table of all results, as CSV and Parquet, and a plot of return over each axis."""

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from envs.places import writing_to
from flexrl.common.errors import ConfigError
from flexrl.common.files import write_text
from flexrl.common.nested import flat
from flexrl.common.types import JsonObject
from launch.attempt.trial_folder import folder_of
from launch.plan.trials import Trial
from launch.show.tables import axis_names

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOG_RATIO = 8.0  # an axis above 0 whose largest value is more than so many times its smallest has a log scale
PANELS_A_ROW = 3
OWNER = "sweep.txt"  # file beside the results that holds the name of their sweep

Row = JsonObject


def collate(trials: list[Trial]) -> tuple[list[Row], list[Trial]]:
    """Return a row for each trial that has a result, and the trials that have none.

    A row holds the trial's number and key, the values that the sweep sets in it, and the fields of its result.
    """
    rows, missing = [], []
    for trial in trials:
        result = folder_of(trial).result()
        if result is None:
            missing.append(trial)
        else:
            rows.append({"trial": trial.number, "key": trial.key, **trial.values, **_without_axes(result, trial)})
    return rows, missing


def _without_axes(result: Row, trial: Trial) -> Row:
    return {name: value for name, value in flat(result).items() if name not in trial.values and name != "name"}


def write_results(rows: list[Row], trials: list[Trial], out: Path, name: str) -> list[Path]:
    """Write the rows as `results.csv` and `results.parquet`, and a plot as `return.png`; return the three paths.

    Args:
      rows: rows from `collate`.
      trials: the sweep's trials.
      out: folder to write to.
      name: name of the sweep, which is noted in the folder so that no other sweep overwrites its results.

    Raises:
      ConfigError: if there are no rows, or the folder holds another sweep's results.
    """
    if not rows:
        raise ConfigError("results: no trial has one yet; submit the sweep, or wait for the first to end")
    owner = out / OWNER
    if owner.exists() and (other := owner.read_text(encoding="utf-8").strip()) != name:
        raise ConfigError(f"out: {out} holds results of the sweep {other!r}; choose another folder, or delete it")
    with writing_to(out, "out"):
        out.mkdir(parents=True, exist_ok=True)
        write_text(owner, f"{name}\n")
    text, table, picture = out / "results.csv", out / "results.parquet", out / "return.png"
    write_text(text, _csv(rows))
    _write_parquet(table, rows)
    draw(rows, axis_names(trials)).savefig(picture, dpi=150)
    return [text, table, picture]


def _columns(rows: list[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _csv(rows: list[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, _columns(rows), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _write_parquet(path: Path, rows: list[Row]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({name: _column([row.get(name) for row in rows]) for name in _columns(rows)})
    unfinished = path.with_name(path.name + ".unfinished")
    pq.write_table(table, unfinished)
    unfinished.rename(path)


def _column(values: list[Any]) -> "pa.Array":
    """Return a column of numbers, booleans or text; values of mixed types become text, in JSON if they are not text."""
    import pyarrow as pa

    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} or kinds in ({bool}, {str}):
        return pa.array([float(value) if kinds == {int, float} and value is not None else value for value in values])
    return pa.array([value if value is None or isinstance(value, str) else json.dumps(value) for value in values])


def draw(rows: list[Row], axes: list[str]) -> "Figure":
    """Plot the final return against each field in `axes`, one panel a field; without axes, against the trial's number.

    A dot is a trial. If several trials have the same value, a line goes through the means.

    Args:
      rows: one row for each trial with a result, by column name.
      axes: names of the columns with the fields that the sweep varies.
    """
    from matplotlib.figure import Figure

    names = axes or ["trial"]
    columns = min(PANELS_A_ROW, len(names))
    height = -(-len(names) // columns)
    figure = Figure(figsize=(4 * columns, 3.2 * height), layout="constrained")
    panels = figure.subplots(height, columns, sharey=True, squeeze=False).flat
    for panel, name in zip(panels, names, strict=False):
        _draw_axis(panel, name, [row[name] for row in rows], [row["return_mean"] for row in rows])
    for panel in list(panels)[len(names) :]:
        panel.set_visible(False)
    figure.supylabel("final evaluation return", fontsize="medium")
    return figure


def _draw_axis(panel: "Axes", name: str, values: list[Any], returns: list[float]) -> None:
    numeric = name != "seed" and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    labels = list(dict.fromkeys(map(str, values)))
    x = values if numeric else [labels.index(str(value)) for value in values]
    panel.plot(x, returns, ".", alpha=0.5)
    places = sorted(set(x))
    means = [np.mean([r for place, r in zip(x, returns, strict=True) if place == at]) for at in places]
    if len(places) < len(x):
        panel.plot(places, means, "-o")
    if not numeric:
        panel.set_xticks(range(len(labels)), labels, rotation=20)
    elif min(x) > 0 and max(x) / min(x) > LOG_RATIO:
        panel.set_xscale("log")
    panel.set_title(name, fontsize="medium")
    panel.grid(alpha=0.3)
