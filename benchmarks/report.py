"""Turns measurements into JSON-ready reports and tables, and saves reports with their provenance."""

import dataclasses
import datetime
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
from rich import box
from rich.table import Table

from benchmarks.measure import Measurement, pairwise_ratio, summary
from flexrl.common.errors import ConfigError
from flexrl.common.files import write_text
from flexrl.storage.provenance import REPOSITORY, changed_files, git_state, machine, machine_slug, versions

RESULTS = "benchmarks/results"

# The parts of training's time: each is what the named program takes longer than the one before it.
PARTS = {
    "physics": "physics in JAX",
    "observations, rewards and resets": "worlds",
    "policy": "rollout",
    "update": "training",
}


def header(config: Any) -> dict[str, Any]:
    """Return the start of a report: date, machine, versions, commit and settings. Call it before the measurements.

    Raises:
      ConfigError: if the report would be saved in benchmarks/results, but the source differs from its commit.
    """
    git = provenance(config.out, getattr(config, "commit", None))
    settings = dataclasses.asdict(config) | {"out": config.out and config.out.name}  # without the path on this machine
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(),
        "git": git,
        "settings": settings,
        "matmul_precision": jax.config.values["jax_default_matmul_precision"],
        "compilation_cache": jax.config.values["jax_compilation_cache_dir"] is not None,
        "load_average_before": os.getloadavg(),
        "results": [],
    }


def provenance(out: Path | None, commit: str | None = None) -> dict[str, Any]:
    """Return the commit of the source, and whether files outside benchmarks/results differ from it.

    Args:
      out: file of the report; by default one in benchmarks/results, which keeps only reports of unchanged commits.
      commit: commit of the source, for a copy of it that is no git checkout.

    Raises:
      ConfigError: if the report would be saved in benchmarks/results, but its source is not that of a known commit.
    """
    git = git_state()
    if git is None:
        if is_kept(out) and commit is None:
            raise ConfigError(
                f"out: {RESULTS} keeps results whose commit is known, and this is no checkout of one; write elsewhere "
                "by --out FILE, or with benchmarks.gpu name the commit by --commit"
            )
        return {"commit": commit, "changed": None}
    changed = changed_files(besides=RESULTS)
    if changed:
        others = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        differs = f"{changed[0]}{others} are not as in commit {git['commit'][:12]}"
        if is_kept(out):
            raise ConfigError(
                f"out: {RESULTS} keeps results of whole commits, and {differs}; commit, or use --out FILE"
            )
        print(f"dirty: {differs}, and the result says so (git.changed)", file=sys.stderr, flush=True)
    return git | {"changed": bool(changed)}


def is_kept(out: Path | None) -> bool:
    """Return whether a report's file `out` lies in benchmarks/results; None stands for the default file, which does.

    Only reports of committed code may be written there; this is not checked here.
    """
    return out is None or (REPOSITORY / RESULTS).resolve() in out.resolve().parents


def save(report: dict[str, Any], name: str, out: Path | None) -> Path:
    """Write a report to `out`, by default to benchmarks/results, named after `name` and machine; return its path."""
    path = out or REPOSITORY / RESULTS / f"{name}-{machine_slug()}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(report, indent=2) + "\n")
    return path


def one_line(error: Exception) -> str:
    """Return an error's type and message as one short line."""
    return f"{type(error).__name__}: {error}".splitlines()[0][:160]


def memory() -> dict[str, int | None]:
    """Return this process's peak use of accelerator memory in bytes, by XLA and by Warp; None where unknown."""
    peak = {"xla": (jax.local_devices()[0].memory_stats() or {}).get("peak_bytes_in_use"), "warp": None}
    if "warp" in sys.modules and (device := sys.modules["warp"].get_preferred_device()).is_cuda:
        peak["warp"] = sys.modules["warp"].get_mempool_used_mem_high(device)
    return peak


def result(physics: str, num_envs: int, measurements: Sequence[Measurement]) -> dict[str, Any]:
    """Return the measurements of a physics backend with a number of worlds as JSON-ready data.

    Returns:
      `physics` and `num_envs`; `measurements`, for each program its rates in control steps per second over all worlds;
      `ratios` of the rates of two programs; and `shares`, how much of training's time physics, resets, policy and
      update take.
    """
    return {
        "physics": physics,
        "num_envs": num_envs,
        "measurements": {m.subject.name: _measurement(m) for m in measurements},
        "ratios": _ratios({m.subject.name: m for m in measurements}),
        "shares": _shares({m.subject.name: m for m in measurements}),
    }


def table(case: dict[str, Any]) -> Table:
    """Return a table of what `result` returns: rates, ratios, and shares of training's time."""
    rows = Table(title=f"humanoid-walk, {case['physics']}, {case['num_envs']} worlds", box=box.SIMPLE)
    rows.add_column("control steps per second")
    for name in ("median", "min", "max", "compile s"):
        rows.add_column(name, justify="right", no_wrap=True)
    for name, measured in case["measurements"].items():
        rates = [f"{measured[key]:,.0f}" for key in ("median", "min", "max")]
        rows.add_row(name, *rates, f"{measured['compile_seconds']:.1f}")
    rows.add_section()
    for name, ratio in case["ratios"].items():
        rows.add_row(name, *[f"{ratio[key]:.3g}" for key in ("median", "min", "max")])
    shares = ", ".join(f"{name} {100 * share:.0f} %" for name, share in case["shares"].items())
    rows.caption = f"of training's time: {shares}"
    return rows


def _measurement(measured: Measurement) -> dict[str, Any]:
    return {
        **summary(measured.rates),
        "rates": measured.rates,
        "compile_seconds": measured.compile_seconds,
        "steps_per_repeat": measured.num_calls * measured.subject.num_steps,
    }


def _ratios(measured: dict[str, Measurement]) -> dict[str, dict[str, float]]:
    """Return ratios of programs' rates by names such as `training / physics alone`.

    The rates of rollout, training and flex-rl's other programs are divided by that of the first one, physics alone.
    Training's rate is also divided by that of each other library.
    """
    alone = next(iter(measured))
    ours = [name for name in ("physics in JAX", "worlds", "rollout", "training") if name != alone]
    pairs = [(name, alone) for name in ours]
    pairs += [("training", name) for name in measured if name not in (alone, *ours)]
    return {f"{a} / {b}": pairwise_ratio(measured[a], measured[b]) for a, b in pairs}


def _shares(measured: dict[str, Measurement]) -> dict[str, float]:
    """Return the share of training's time that each part takes, such as `physics` or `update`: medians over repeats.

    The time of a part is the difference between two measured programs, one with this part and one without it.
    """
    parts, spent = {}, 0.0
    for part, name in PARTS.items():
        until = pairwise_ratio(measured["training"], measured[name])["median"]
        parts[part], spent = until - spent, until
    return parts
