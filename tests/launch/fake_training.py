"""Stands in for `flexrl.train`: ends as the seed says, in milliseconds.

Run as `fake_training.py --config FILE`, `--resume FOLDER` or `--members FILE ...`.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from flexrl.errors import EXIT_PREEMPTED

CRASHES_ONCE, NEVER_ENDS, KILLED, NO_RESULT = 1, 2, 9, 100  # other seeds from 60 on are exit codes


def main() -> None:
    kind, *places = sys.argv[1:]
    signal.signal(signal.SIGTERM, stop)
    for place in places:
        train(kind, Path(place) / "trial.json" if kind == "--resume" else Path(place))


def train(kind: str, file: Path) -> None:
    content = json.loads(file.read_text())
    folder = Path(content["workspace"]) / content["name"]
    begins = not (folder / "config.yaml").exists()
    (folder / "config.yaml").write_text("stored")
    seed = content["seed"]
    print(f"seed {seed}, {kind}", flush=True)
    if seed == NEVER_ENDS and not (folder / "let-end").exists():
        time.sleep(60)
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
    result = {"config_hash": folder.name, "return_mean": float(seed), "steps": 960}
    (folder / "result.json").write_text(json.dumps(result))


def stop(*_) -> None:
    print("stopped: asked to", file=sys.stderr, flush=True)
    os._exit(EXIT_PREEMPTED)


if __name__ == "__main__":
    main()
