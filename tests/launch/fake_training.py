"""Stands in for `flexrl.train`: ends as the seed says, in milliseconds.

Run as `fake_training.py --config FILE` or `--resume FOLDER`.
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
    kind, place = sys.argv[1:]
    content = json.loads((Path(place) / "trial.json" if kind == "--resume" else Path(place)).read_text())
    folder = Path(content["workspace"]) / content["name"]
    (folder / "config.yaml").write_text("stored")
    signal.signal(signal.SIGTERM, stop)
    seed = content["seed"]
    print(f"seed {seed}, {kind}", flush=True)
    if seed == NEVER_ENDS and not (folder / "let-end").exists():
        time.sleep(60)
    if seed == CRASHES_ONCE and kind == "--config":
        sys.exit("RuntimeError: the first time")
    if seed == KILLED:
        os.kill(os.getpid(), signal.SIGKILL)
    if seed == NO_RESULT:
        sys.exit(0)
    if seed >= 60:
        print(f"error: as asked, {seed}", file=sys.stderr)
        sys.exit(seed)
    result = {"config_hash": folder.name, "return_mean": float(seed), "steps": 960}
    (folder / "result.json").write_text(json.dumps(result))


def stop(*_) -> None:
    print("stopped: asked to", file=sys.stderr, flush=True)
    os._exit(EXIT_PREEMPTED)


if __name__ == "__main__":
    main()
