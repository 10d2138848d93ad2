"""Checks that a policy and a run can move between physics engines: this device's and native MuJoCo on the CPU.

    python -m benchmarks.exchange [--episodes 64] [--seconds 40]

The pretrained policy is evaluated on both; the mean returns must agree within the 95 % interval of their difference.
Then a run of humanoid-walk is trained on this device, resumed on the CPU, and resumed on the device again. Without an
accelerator, MJX-Warp on the CPU takes the place of the device.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import tyro
from rich.console import Console

from benchmarks.report import header, save
from benchmarks.watch import watch
from flexrl.common.errors import exit_codes
from flexrl.common.jax_setup import prepare_jax
from flexrl.storage.provenance import REPOSITORY

POLICY = "pretrained/humanoid-skills"
ON_CPU = {"JAX_PLATFORMS": "cpu"}


@dataclass(frozen=True)
class ExchangeConfig:
    """How many episodes to evaluate the policy in, and how long to train the run that moves between physics engines.

    Attributes:
      episodes: episodes of each evaluation.
      seconds: seconds of each of the run's three parts (this device, the CPU, this device again), with compilation.
      num_envs: worlds of the run.
      iterations: iterations after which a part of the run ends, if its seconds are not over; by default no limit.
      out: JSON file for the results; by default named after the machine, in benchmarks/results.
    """

    episodes: int = 64
    seconds: float = 40.0
    num_envs: int = 1024
    iterations: int | None = None
    out: Path | None = None


def main(config: ExchangeConfig) -> None:
    """Evaluate a policy and train a run, both on MJX-Warp and on native MuJoCo; print and write the results."""
    console = Console(highlight=False)
    report = header(config)
    here = ("mjx-warp", ON_CPU if jax.default_backend() == "cpu" else {})
    both = (here, ("native", ON_CPU))
    evaluations = [evaluate(config, *place) for place in both]
    report["results"].append({"policy": POLICY, "evaluations": evaluations, **agreement(*evaluations)})
    path = save(report, "exchange", config.out)
    console.print(
        "returns " + " and ".join(f"{e['return_mean']:.0f} +- {e['return_interval']:.0f}" for e in evaluations)
    )
    with tempfile.TemporaryDirectory() as folder:
        for place in (here, both[1], here):
            stretch = train(config, Path(folder), *place)
            report["results"].append(stretch)
            path = save(report, "exchange", config.out)
            console.print(
                f"{stretch['physics']}: iterations {stretch['first']} to {stretch['last']}, {stretch['return']}"
            )
    console.print(f"written: {path}", markup=False, soft_wrap=True)


def evaluate(config: ExchangeConfig, physics: str, environment: dict[str, str]) -> dict[str, Any]:
    """Evaluate the pretrained policy on a physics engine, in a process of its own.

    Args:
      config: number of episodes.
      physics: physics engine, such as `native`.
      environment: environment variables of that process, in addition to those of this one.

    Returns:
      What `flexrl.evaluate --json` prints.
    """
    command = [sys.executable, "-m", "flexrl.evaluate", POLICY, "--physics", physics]
    command += ["--episodes", str(config.episodes), "--json"]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=os.environ | environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def agreement(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Compare the mean returns of two evaluations.

    Returns:
      `difference` of the means, half the 95 % `interval` of it, and whether they `agree`: the difference is within it.
    """
    difference = one["return_mean"] - other["return_mean"]
    interval = math.hypot(one["return_interval"], other["return_interval"])
    return {"difference": difference, "interval": interval, "agree": abs(difference) <= interval}


def train(config: ExchangeConfig, folder: Path, physics: str, environment: dict[str, str]) -> dict[str, Any]:
    """Train the run in `folder` for `config.seconds` on a physics engine, from its start or from its last checkpoint.

    Args:
      config: duration of the training, and number of worlds.
      folder: workspace in which the run lies or is created.
      physics: physics engine, such as `native`.
      environment: environment variables of the training's process, in addition to those of this one.

    Returns:
      `physics`; the `first` and the `last` iteration that were trained; the `return` in both; and `overflowed`, in how
      many control steps MJX-Warp's buffers were too small for all contacts and constraints.
    """
    run = folder / "run"
    metrics = run / "metrics.jsonl"
    before = read(metrics)
    command = [sys.executable, "-m", "flexrl.train", "--physics", physics]
    if before:
        command += ["--resume", str(run)]
    else:
        command += ["--workspace", str(folder), "--name", run.name, "--num-envs", str(config.num_envs), "--no-video"]
        command += ["--total-steps", str(10**9), "--num-evaluations", "1", "--checkpoint-interval", "1"]
    enough = config.iterations and len(before) + config.iterations
    watch(f"training on {physics}", command, [metrics], config.seconds, folder, environment, enough)
    rows = read(metrics)[len(before) :]
    if not rows:
        raise SystemExit(f"{physics}: no iteration within {config.seconds:.0f} s; give it more --seconds")
    return {
        "physics": physics,
        "first": rows[0]["step"],
        "last": rows[-1]["step"],
        "return": [row["episode/return"] for row in (rows[0], rows[-1])],
        "overflowed": sum(row["episode/overflowed"] for row in rows),
    }


def read(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file of JSON lines; an empty list if there is no file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


if __name__ == "__main__":
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # a GPU is shared with the processes it starts
    prepare_jax()
    with exit_codes():
        main(tyro.cli(ExchangeConfig, description=__doc__))
