"""Stands in for a command of a stage, in milliseconds: `fake_stage.py NAME OUT [INPUT ...] [WORD=PATH ...]`.

Writes to OUT/text its name and the texts of its inputs. WORD says how it ends:
  needs=PATH: with 65, if there is no such file.
  crashes=PATH: with 1 after writing half of its output, if there is no such file; it makes the file first.
  fills=PATH: with 74, if there is no such file.
  waits=PATH: well, but not before there is such a file; SIGTERM ends it with 75.
"""

import os
import signal
import sys
import time
from pathlib import Path

from flexrl.common.errors import EXIT_BAD_INPUT, EXIT_PREEMPTED, EXIT_STORAGE


def main() -> None:
    name, out, *others = sys.argv[1:]
    words = dict(word.split("=", 1) for word in others if "=" in word)
    texts = [(Path(word) / "text").read_text() for word in others if "=" not in word]
    print(f"{name} begins", flush=True)
    Path(out).mkdir()  # fails if an earlier attempt's output is still there
    for word, path in ((word, Path(path)) for word, path in words.items()):
        if word == "waits":
            signal.signal(signal.SIGTERM, lambda *_: os._exit(EXIT_PREEMPTED))
            Path(out, "began").touch()
            while not path.exists():
                time.sleep(0.01)
        elif not path.exists():
            end(word, path)
    Path(out, "text").write_text(f"{name}({', '.join(texts)})")


def end(word: str, path: Path) -> None:
    if word == "crashes":
        path.touch()
        sys.exit("RuntimeError: the first time")
    print(f"error: {path} is missing", file=sys.stderr)
    sys.exit({"needs": EXIT_BAD_INPUT, "fills": EXIT_STORAGE}[word])


if __name__ == "__main__":
    main()
