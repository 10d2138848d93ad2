"""Compares offline methods on a dataset: BC, BC on the best 10 % of episodes, RvS and the Decision Transformer.

    python -m benchmarks.methods --env Hopper-v5 --dataset DIR --reference-scores LOW HIGH

Each method trains one run for each seed; runs that were interrupted are resumed. Then the Decision Transformers are
conditioned on other returns, from 0 to 1.5 times the best return in the data.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import tyro
from matplotlib.figure import Figure
from rich import box
from rich.console import Console
from rich.table import Table
from scipy import stats

from benchmarks.finished_runs import commits_of, finished_runs
from benchmarks.report import header, save
from flexrl.cli.arguments import parse
from flexrl.common.errors import exit_codes
from flexrl.common.jax_setup import prepare_jax
from flexrl.data.dataset_folder import read_record
from flexrl.engine.evaluator import Evaluator, final_key, normalized_score
from flexrl.policies.playback import load_playback

BC = ("--algo", "bc")
METHODS: dict[str, tuple[str, ...]] = {  # flags of `flexrl.train`
    "BC": BC,
    "BC 10 %": (*BC, "--algorithm.best-fraction", "0.1"),
    "RvS": (*BC, "--algorithm.condition", "return"),
    "DT": ("--algo", "dt"),
}
ASKED = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)  # returns to condition on, as parts of the best return in the data


@dataclass(frozen=True)
class MethodsConfig:
    """What to measure.

    Attributes:
      env: environment of the dataset.
      dataset: folder that `flexrl.collect` or `flexrl.dataset merge` wrote.
      reference_scores: returns that score 0 and 100, such as those of uniform actions and of the best policy.
      dt: YAML file with the Decision Transformer's config; by default the config's defaults.
      updates: gradient steps of each Decision Transformer; its learning rate warms up in the first tenth.
      bc_updates: gradient steps of the other methods, which are cheaper.
      num_seeds: seeds of each method.
      episodes: episodes of each evaluation.
      workspace: folder that holds the runs.
      out: JSON file for the results, with a picture beside it; by default named after machine and environment.
    """

    env: str
    dataset: Path
    reference_scores: tuple[float, float]
    dt: Path | None = None
    updates: int = 3000
    bc_updates: int = 10_000
    num_seeds: int = 3
    episodes: int = 64
    workspace: Path = Path("workspace/methods")
    out: Path | None = None


def main(config: MethodsConfig) -> None:
    """Train and evaluate all methods; print and write the results."""
    console = Console(highlight=False)
    report = header(config) | {"data": read_record(config.dataset, "statistics.json")["return"]}
    places = {"dataset": config.dataset, "dt": config.dt, "workspace": config.workspace}
    report["settings"] |= {name: path and path.name for name, path in places.items()}  # without this machine's paths
    for method in METHODS:
        scores, commits = [], []
        for seed in range(config.num_seeds):
            found = learn(config, method, seed)
            scores.append(normalized_score(found["return_mean"], config.reference_scores))
            commits += found["commits"]
            console.print(f"{method}, seed {seed}: return {found['return_mean']:,.0f}, score {scores[-1]:.1f}")
        row = {"method": method, "scores": scores, **_summary(scores), "commits": sorted(set(commits))}
        report["results"].append(row)
    report["asked"] = [asked_and_achieved(config, seed) for seed in range(config.num_seeds)]
    path = save(report, f"methods-{config.env.lower()}", config.out)
    draw(report, config).savefig(path.with_suffix(".png"), dpi=110)
    console.print(_table(report, config))
    console.print(f"written: {path}, {path.with_suffix('.png')}", markup=False, soft_wrap=True)


def learn(config: MethodsConfig, method: str, seed: int) -> dict[str, Any]:
    """Train a method with a seed, unless that run is finished already, and return its result.

    Returns:
      The content of the run's `result.json`, and `commits`, those of flex-rl with which the run was started.

    Raises:
      ConfigError: if the run's folder holds a run of other settings.
    """
    (folder,) = finished_runs(_flags(config, method, seed))
    return json.loads((folder / "result.json").read_text()) | {"commits": commits_of([folder])}


def name_of(config: MethodsConfig, method: str, seed: int) -> str:
    """Return the name of the run that trains a method with a seed: `DATASET-METHOD-SEED`."""
    method = method.lower().replace(" ", "").replace("%", "")
    return f"{config.dataset.name}-{method}-{seed}"


def _flags(config: MethodsConfig, method: str, seed: int) -> list[str]:
    flags = [*METHODS[method], "--env", config.env, "--seed", str(seed), "--algorithm.dataset", str(config.dataset)]
    flags += ["--name", name_of(config, method, seed), "--workspace", str(config.workspace), "--no-video"]
    flags += ["--num-evaluations", "1", "--evaluation-episodes", str(config.episodes)]
    if method != "DT":
        return [*flags, "--total-steps", str(config.bc_updates * 256), "--algorithm.batch-size", "256"]
    flags += ["--config", str(config.dt)] if config.dt else []
    total_steps, warm_up = config.updates * _steps_of_update(flags), max(1, config.updates // 10)
    return [*flags, "--total-steps", str(total_steps), "--algorithm.warmup-updates", str(warm_up)]


def _steps_of_update(flags: list[str]) -> int:
    algorithm: Any = parse(flags).config.algorithm
    return algorithm.batch_size * algorithm.context_length


def asked_and_achieved(config: MethodsConfig, seed: int) -> list[tuple[float, float]]:
    """Return pairs of the return that a seed's Decision Transformer was asked for, and the mean that it achieved."""
    best = read_record(config.dataset, "statistics.json")["return"]["max"]
    found = load_playback(name_of(config, "DT", seed), str(config.workspace), "latest", "auto", config.episodes)
    evaluator = Evaluator(found.env, config.episodes)
    points = []
    for part in ASKED:
        policy: Any = found.policy
        policy = policy.replace(target_return=jnp.full_like(policy.target_return, part * best))
        points.append((part * best, evaluator(policy, final_key(seed))["return_mean"]))
    return points


def _summary(scores: list[float]) -> dict[str, float | None]:
    """Return the `mean` of scores over seeds, and as `interval` half its 95 % interval (None for one seed)."""
    num = len(scores)
    half = stats.t.ppf(0.975, num - 1) * np.std(scores, ddof=1) / np.sqrt(num) if num > 1 else None
    return {"mean": float(np.mean(scores)), "interval": None if half is None else float(half)}


def _table(report: dict[str, Any], config: MethodsConfig) -> Table:
    low, high = config.reference_scores
    rows = Table(box=box.SIMPLE, title=f"{config.env}, score: 0 is a return of {low:,.0f}, 100 of {high:,.0f}")
    for column in ("method", "score", "each seed"):
        rows.add_column(column, justify="left" if column == "method" else "right")
    data = report["data"]
    mean, best = (normalized_score(data[name], config.reference_scores) for name in ("mean", "max"))
    rows.add_row("the data", f"{mean:.1f}", f"best {best:.1f}")
    for each in report["results"]:
        half = "" if each["interval"] is None else f" ± {each['interval']:.1f}"
        rows.add_row(each["method"], f"{each['mean']:.1f}{half}", ", ".join(f"{score:.1f}" for score in each["scores"]))
    return rows


def draw(report: dict[str, Any], config: MethodsConfig) -> Figure:
    """Plot achieved return over the return asked for, with a line for each seed's Decision Transformer.

    Args:
      report: the benchmark's report; of it, `asked` holds pairs of returns (asked for, achieved) for each seed, and
        `data` the `mean` and the `max` of the returns in the dataset.
      config: environment, for the title.
    """
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    data = report["data"]
    line = [0.0, max(asked for asked, _ in report["asked"][0])]
    axes.plot(line, line, ":", color="gray", label="as asked")
    axes.axvline(data["max"], color="gray", linewidth=0.8, label="best of the data")
    axes.axhline(data["mean"], color="gray", linestyle="--", linewidth=0.8, label="mean of the data")
    for seed, points in enumerate(report["asked"]):
        axes.plot(*zip(*points, strict=True), "-o", label=f"seed {seed}")
    axes.set(xlabel="return asked for", ylabel="return achieved", title=f"Decision Transformer, {config.env}")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    return figure


if __name__ == "__main__":
    prepare_jax()
    with exit_codes():
        main(tyro.cli(MethodsConfig, description=__doc__))
