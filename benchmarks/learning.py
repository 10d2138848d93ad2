"""Compares return over wall-clock time on humanoid-walk: flex-rl, brax's PPO and Stable-Baselines3's PPO.

    python -m benchmarks.learning [--minutes 10] [--peers brax sb3] [--seeds 0 1 2] [--at-once 2]

Each learner trains with each seed in a process of its own and for the same time. Seconds count from the start of the
process, with imports and compilation. They train one after the other, or `--at-once` so many, each on its own cores.
"""

import math
import os
import queue
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tyro
import yaml
from rich.console import Console

from benchmarks.curves import draw, points, recent_means, table, thin
from benchmarks.fresh import FreshEpisodes, in_fresh_episodes
from benchmarks.peers.process import PeerError
from benchmarks.report import header, save
from benchmarks.watch import watch
from envs.physics.host import num_threads
from flexrl.common.errors import exit_codes
from flexrl.common.jax_setup import prepare_jax
from flexrl.storage.provenance import REPOSITORY

Peer = Literal["brax", "sb3"]
Learner = Literal["flex-rl", "brax", "sb3"]

PEERS_PYTHON = REPOSITORY / ".venv-peers/bin/python"
PEERS: dict[Peer, tuple[str, Path, str]] = {  # name, interpreter, module
    "brax": ("brax PPO", Path(sys.executable), "benchmarks.peers.brax_learning"),
    "sb3": ("Stable-Baselines3 PPO", PEERS_PYTHON, "benchmarks.peers.sb3_ppo"),
}


@dataclass(frozen=True)
class LearningConfig:
    """What to compare.

    Attributes:
      minutes: training time of each learner.
      peers: learners to compare flex-rl with; `sb3` needs `make peers`.
      seeds: seeds of each learner.
      at_once: number of learners that train at the same time; the cores are divided equally among them.
      out: JSON file for the results, with a picture beside it; by default named after the machine, in
        benchmarks/results.
    """

    minutes: float = 10.0
    peers: tuple[Peer, ...] = ("brax", "sb3")
    seeds: tuple[int, ...] = (0, 1, 2)
    at_once: int = 1
    out: Path | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if minutes, seeds or at_once are out of range, or a peer is not installed."""
        if not (self.minutes > 0 and math.isfinite(self.minutes)):
            raise ValueError(f"--minutes: {self.minutes} must be above 0")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"--seeds: {self.seeds} must be one or more different numbers")
        if not all(0 <= seed < 2**32 for seed in self.seeds):
            raise ValueError(f"--seeds: {self.seeds} must be between 0 and 2**32 - 1")
        if not 1 <= self.at_once <= num_threads():
            raise ValueError(f"--at-once: {self.at_once} must be between 1 and the number of cores, {num_threads()}")
        if "sb3" in self.peers and not PEERS_PYTHON.exists():
            raise ValueError("--peers: sb3 needs .venv-peers, which `make peers` makes; or leave it out: --peers brax")


def main(config: LearningConfig) -> None:
    """Train the learners; print and write the results after each, so that an interrupted run leaves what it had."""
    console = Console(highlight=False)
    report = header(config)
    report["compilation_cache"] = False  # every learner starts with an empty cache
    cores = sorted(os.sched_getaffinity(0))
    shares: queue.SimpleQueue[list[int]] = queue.SimpleQueue()  # cores that no learner uses
    for i in range(config.at_once):
        shares.put(cores[i :: config.at_once])
    learners: list[Learner] = ["flex-rl", *config.peers]
    pool = ThreadPoolExecutor(config.at_once)
    try:
        futures = [pool.submit(learn, config, learner, seed, shares) for seed in config.seeds for learner in learners]
        for future in as_completed(futures):
            result = future.result()
            report["results"].append(result)
            report["load_average_after"] = os.getloadavg()
            path = save(report, "learning", config.out)
            draw(report["results"], config.minutes, path.with_suffix(".svg"))
            title = f"{result['name']}, seed {result['seed']}"
            console.print(f"{title}: {result['control_steps']:,} control steps in {result['seconds']:.0f} s")
            if "final" in result:
                console.print(final_line(result["final"]))
    finally:  # after an error, learners that have not begun do not begin
        pool.shutdown(cancel_futures=True)
    console.print(table(report["results"], config.minutes), width=max(console.width, 120))  # no cell is cut off
    console.print(f"written: {path}, and {path.with_suffix('.svg').name}", markup=False, soft_wrap=True)


def learn(config: LearningConfig, learner: Learner, seed: int, shares: queue.SimpleQueue[list[int]]) -> dict[str, Any]:
    """Train a learner (flex-rl or another library) with a seed for the configured time, and return its result.

    It runs on a share of the machine's cores, which is taken from the queue `shares` and put back at the end.
    """
    cores = shares.get()
    os.sched_setaffinity(0, cores)  # of this thread, and of the processes that it starts
    try:
        with tempfile.TemporaryDirectory() as folder:
            if learner == "flex-rl":
                result = learn_flexrl(config, seed, Path(folder))
            else:
                result = learn_peer(config, learner, seed, Path(folder))
    finally:
        shares.put(cores)
    return {"name": result.pop("name"), "seed": seed, "cores": len(cores), **result}


def learn_flexrl(config: LearningConfig, seed: int, folder: Path) -> dict[str, Any]:
    """Train humanoid-walk with `flexrl.train` and its defaults for the configured time.

    Returns:
      `name`, `settings`, `versions`, `seconds`, `control_steps`, and whether the training `finished`; `curves` of the
      returns in `training` and `evaluation`; and `final`, the evaluation of the best checkpoint in fresh episodes,
      which were not used to choose the checkpoint.
    """
    run = folder / "run"
    command = [sys.executable, "-m", "flexrl.train", "--algo", "ppo", "--env", "humanoid-walk"]
    command += ["--seed", str(seed), "--workspace", str(folder), "--name", run.name]
    files = [run / "metrics.jsonl", run / "evaluations.jsonl"]
    seconds = 60 * config.minutes
    watched = watch("flex-rl", command, files, seconds, folder)
    metrics, evaluations = watched.rows
    settings = yaml.safe_load((run / "config.yaml").read_text())
    final = FreshEpisodes(run, settings["physics"])(run, "best", seed)
    return {
        "name": "flex-rl",
        "settings": {name: value for name, value in settings.items() if name not in ("name", "workspace")},
        "versions": {},
        "seconds": round(watched.seconds, 1),
        "finished": watched.finished,
        "control_steps": metrics[-1][1]["control_steps"],
        "final": final,
        "curves": {
            "training": thin(recent_means(metrics), seconds),
            "evaluation": thin(points(evaluations, "evaluation/return_mean"), seconds),
        },
    }


def final_line(final: dict[str, Any]) -> str:
    """Return a line of text about a run's best checkpoint: its iteration, and its return in fresh episodes.

    The best checkpoint was chosen for its high return on the learning curve, so that return is biased upwards and is
    not shown here.

    Args:
      final: evaluation of the checkpoint in fresh episodes, as an instance of `FreshEpisodes` returns it.
    """
    return f"  its best evaluation was of iteration {final['step']}: {in_fresh_episodes(final)}"


def learn_peer(config: LearningConfig, peer: Peer, seed: int, folder: Path) -> dict[str, Any]:
    """Train a peer, another library's PPO, in a process of its own; return its settings, steps, seconds and curve.

    The first line that the process prints holds the peer's `settings` and `versions`, the others its steps and returns.
    """
    name, python, module = PEERS[peer]
    seconds = 60 * config.minutes
    watched = watch(name, [str(python), "-m", module, str(seed)], [folder / "stdout"], seconds, folder)
    (_, ready), *rows = watched.rows[0]
    return {
        "name": name,
        **ready,
        "seconds": round(watched.seconds, 1),
        "finished": watched.finished,
        "control_steps": rows[-1][1]["control_steps"] if rows else 0,
        "curves": {"training": thin(points(rows, "return"), seconds)},
    }


if __name__ == "__main__":
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # a GPU is shared with the learners
    prepare_jax()
    try:
        with exit_codes():
            main(tyro.cli(LearningConfig, description=__doc__))
    except PeerError as error:
        raise SystemExit(str(error)) from None
