"""Stands in for `flexrl.train`: ends as the seed says, in milliseconds.

Run as `fake_training.py --config FILE`, `--resume FOLDER` or `--members FILE ...`, with `--pause-after N` at the end.
The mean return after evaluation N is N times the seed.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from flexrl.common.errors import EXIT_DIVERGED, EXIT_PAUSED, EXIT_PREEMPTED
from flexrl.storage.divergence import divergence, note_divergence

NUM_EVALUATIONS = 3
CRASHES_ONCE, NEVER_ENDS, DIVERGES, KILLED, NO_RESULT = 1, 2, 8, 9, 100  # other seeds from 60 on are exit codes


def main() -> None:
    kind, *places = sys.argv[1:]
    last = NUM_EVALUATIONS
    if "--pause-after" in places:
        *places, _, last = places
    signal.signal(signal.SIGTERM, stop)
    files = [Path(place) / "trial.json" if kind == "--resume" else Path(place) for place in places]
    for file in files:
        train(kind, file, int(last))
    if int(last) < NUM_EVALUATIONS:
        sys.exit(EXIT_PAUSED)
    if reasons := [reason for file in files if (reason := divergence(file.parent))]:
        print(f"diverged: {'; '.join(reasons)}", file=sys.stderr)
        sys.exit(EXIT_DIVERGED)


def train(kind: str, file: Path, last: int) -> None:
    content = json.loads(file.read_text())
    folder = Path(content["workspace"]) / content["name"]
    begins = not (folder / "config.yaml").exists()
    (folder / "config.yaml").write_text("stored")
    seed = content["seed"]
    print(f"seed {seed}, {kind}", flush=True)
    if seed == NEVER_ENDS and not (folder / "let-end").exists():
        time.sleep(60)
    if seed == DIVERGES:  # of several it is left out, and the others go on
        return note_divergence(folder, 1, f"{folder}: 20 updates in a row were not finite")
    if seed == CRASHES_ONCE and begins:
        sys.exit("RuntimeError: the first time")
    if seed == KILLED:
        os.kill(os.getpid(), signal.SIGKILL)
    if seed == NO_RESULT:
        sys.exit(0)
    if seed >= 60:
        blamed = f"{folder}: " if kind == "--members" else ""
        print(f"error: {blamed}as asked, {seed}", file=sys.stderr)
        sys.exit(seed)
    evaluations = [{"step": n, "evaluation/return_mean": float(n * seed)} for n in range(1, last + 1)]
    (folder / "evaluations.jsonl").write_text("".join(json.dumps(row) + "\n" for row in evaluations))
    if last < NUM_EVALUATIONS:
        return
    result = {"config_hash": folder.name, "return_mean": float(seed), "steps": 960}
    (folder / "result.json").write_text(json.dumps(result))


def stop(*_) -> None:
    print("stopped: asked to", file=sys.stderr, flush=True)
    os._exit(EXIT_PREEMPTED)


if __name__ == "__main__":
    main()
