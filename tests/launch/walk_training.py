"""Stands in for `flexrl.train` where it matters how a run resumes: a random walk with rows, checkpoints and a result.

It keeps the rules of a real run: rows reach the disk before the checkpoint that builds on them, a checkpoint's manifest
is written last, old checkpoints are removed, and nothing damaged is resumed (exit code 65). Run as `--config FILE` or
`--resume FOLDER`. A run takes about two seconds.
"""

import json
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np

from flexrl.common.errors import EXIT_PREEMPTED, exit_codes
from flexrl.common.files import write_json
from flexrl.common.manifest import MANIFEST, check_folder_manifest, write_folder_manifest
from flexrl.storage.rows import MetricsFile

ITERATIONS, INTERVAL, KEPT = 40, 3, 2
SECONDS = 0.04  # of an iteration
LARGE = 40_000  # numbers in a checkpoint


def main(kind: str, place: str) -> None:
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    file = Path(place) / "trial.json" if kind == "--resume" else Path(place)
    content = json.loads(file.read_text())
    folder = Path(content["workspace"]) / content["name"]
    write_json(folder / "config.yaml", content)
    step, state, rng = restore(folder, content["seed"])
    rows = MetricsFile(folder / "metrics.jsonl", list(range(1, step + 1)))
    started = time.monotonic()
    while step < ITERATIONS:
        time.sleep(SECONDS)
        step += 1
        state = state + rng.normal(size=LARGE)
        rows.write({"step": step, "control_steps": step, "value": float(state.sum())})
        if step % INTERVAL == 0 or step == ITERATIONS or asked:
            rows.sync()
            save(folder, step, state, rng)
        if asked:
            print("stopped: asked to", file=sys.stderr)
            sys.exit(EXIT_PREEMPTED)
    values = [row["value"] for row in rows.rows]
    result = {"config_hash": folder.name, "return_mean": values[-1], "steps": 960, "values": values}
    write_json(folder / "result.json", result | {"timing": {"seconds": time.monotonic() - started}})


def steps(folder: Path) -> list[int]:
    """Steps of the checkpoints that have a manifest, oldest first."""
    return sorted(int(path.parent.name) for path in folder.glob(f"checkpoints/*/{MANIFEST}"))


def restore(folder: Path, seed: int) -> tuple[int, np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(seed)
    if not (found := steps(folder)):
        return 0, np.zeros(LARGE), rng
    newest = folder / "checkpoints" / str(found[-1])
    check_folder_manifest(newest)
    rng.bit_generator.state = json.loads((newest / "rng.json").read_text())
    return found[-1], np.load(newest / "state.npy"), rng


def save(folder: Path, step: int, state: np.ndarray, rng: np.random.Generator) -> None:
    place = folder / "checkpoints" / str(step)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    np.save(place / "state.npy", state)
    (place / "rng.json").write_text(json.dumps(rng.bit_generator.state))
    write_folder_manifest(place)
    for old in steps(folder)[:-KEPT]:
        shutil.rmtree(folder / "checkpoints" / str(old))


if __name__ == "__main__":
    with exit_codes():
        main(*sys.argv[1:3])
