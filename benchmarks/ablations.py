"""Measures what each of PPO's options contributes: return over control steps, with and without the option.

    python -m benchmarks.ablations

Each variant trains several seeds in one program. A run that was interrupted is resumed.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from matplotlib.figure import Figure
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.finished_runs import commits_of, finished_runs
from benchmarks.report import header, save
from flexrl.common.errors import exit_codes
from flexrl.common.jax_setup import prepare_jax
from flexrl.storage.rows import read_rows

Curve = list[tuple[int, float]]  # control steps, mean return

BASE = "as it is"
VARIANTS = {  # flags of `flexrl.train` by the variant's name
    BASE: "",
    "constant learning rate": "--algorithm.final-learning-rate None",
    "KL-adaptive learning rate": "--algorithm.final-learning-rate None --algorithm.target-kl 0.01",
    "no entropy bonus": "--algorithm.entropy-weight 0",
    "entropy bonus that ends": "--algorithm.final-entropy-weight 0",
    "advantages over the batch": "--algorithm.advantage-normalization batch",
    "rewards by running return": "--algorithm.normalize-returns --algorithm.reward-scale 1",
    "clipped values": "--algorithm.value-clip 0.2",
    "symmetric networks": "--algorithm.symmetric",
    "clipped actions": "--algorithm.action-distribution clipped_normal",
}


@dataclass(frozen=True)
class AblationsConfig:
    """What to measure.

    Attributes:
      env: environment to train in.
      total_steps: control steps of each seed.
      num_seeds: seeds of each variant.
      num_evaluations: evaluations of each seed, the points of its curve.
      variants: names of the variants to train; all by default.
      workspace: folder that holds the runs.
      out: JSON file for the results, with a picture beside it; by default named after the machine.
    """

    env: str = "humanoid-walk"
    total_steps: int = 1_500_000
    num_seeds: int = 3
    num_evaluations: int = 10
    variants: tuple[str, ...] = tuple(VARIANTS)
    workspace: Path = Path("workspace/ablations")
    out: Path | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if a variant is unknown."""
        if unknown := [name for name in self.variants if name not in VARIANTS]:
            raise ValueError(f"variants: {unknown} are unknown; known: {', '.join(VARIANTS)}")


def main(config: AblationsConfig) -> None:
    """Train PPO with each variant (one option changed) in turn; after each, write and print all results so far."""
    console = Console(highlight=False)
    report = header(config)
    report["settings"]["workspace"] = config.workspace.name  # without the path on this machine
    for name in config.variants:
        runs = finished_runs(_flags(config, name))
        found = {"curves": [curve_of(run) for run in runs], "final": [final_of(run) for run in runs]}
        report["results"].append({"variant": name, "flags": VARIANTS[name], "commits": commits_of(runs), **found})
        path = save(report, "ablations", config.out)
        draw(report["results"]).savefig(path.with_suffix(".png"), dpi=100)
        console.print(table(report["results"]))
    console.print(f"written: {path}, {path.with_suffix('.png')}", markup=False, soft_wrap=True)


def _flags(config: AblationsConfig, name: str) -> list[str]:
    flags = ["--env", config.env, "--name", name.replace(" ", "-"), "--workspace", str(config.workspace), "--no-video"]
    flags += ["--total-steps", str(config.total_steps), "--num-evaluations", str(config.num_evaluations)]
    return [*flags, "--num-seeds", str(config.num_seeds), *VARIANTS[name].split()]


def curve_of(run: Path) -> Curve:
    """Return control steps and mean return of each evaluation of a run. All evaluations use the same episodes."""
    return [(row["control_steps"], row["evaluation/return_mean"]) for row in read_rows(run / "evaluations.jsonl")]


def final_of(run: Path) -> float:
    """Return the mean return of a run's best checkpoint, in fresh episodes that were not used to choose it."""
    return json.loads((run / "result.json").read_text())["return_mean"]


def table(results: list[dict[str, Any]]) -> Table:
    """Return a table with a row for each variant: PPO as it is by default, or with one option changed.

    A row holds the mean final return over seeds, the final return of each seed, and the mean of all returns on the
    learning curves. A final return is that of the best checkpoint in fresh episodes.

    Args:
      results: for each variant its name as `variant`, a return for each seed as `final`, and a learning curve for each
        seed as `curves`.
    """
    rows = Table(box=box.SIMPLE)
    for column in ("variant", "final return", "each seed", "mean of the curve"):
        rows.add_column(column, justify="left" if column == "variant" else "right")
    for result in results:
        final = [f"{value:,.0f}" for value in (np.mean(result["final"]), *result["final"])]
        curves = np.array(result["curves"])[:, :, 1]
        rows.add_row(result["variant"], final[0], ", ".join(final[1:]), f"{curves.mean():,.0f}")
    return rows


def draw(results: list[dict[str, Any]]) -> Figure:
    """Plot the learning curves of PPO's variants, one panel for each variant and one line for each seed.

    The curves of the first result, which is PPO as it is by default, are repeated in gray in every panel.
    """
    first, *others = results
    columns = 3
    num_rows = max(1, -(-len(others) // columns))
    figure = Figure(figsize=(3 * columns, 2.4 * num_rows), layout="constrained")
    grid = figure.subplots(num_rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, result in zip(grid.flat, others or [first], strict=False):
        for each, color in ((first, "0.6"), (result, "C0")):
            for curve in each["curves"]:
                steps, returns = np.array(curve).T
                axes.plot(steps / 1e6, returns, color=color, linewidth=1)
        axes.set_title(result["variant"], fontsize="medium")
        axes.grid(alpha=0.3)
    for axes in grid.flat[len(others or [first]) :]:
        axes.set_axis_off()
    figure.supxlabel("million control steps", fontsize="medium")
    figure.supylabel("return", fontsize="medium")
    return figure


if __name__ == "__main__":
    prepare_jax()
    with exit_codes():
        main(tyro.cli(AblationsConfig, description=__doc__))
