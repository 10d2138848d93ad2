"""What decoding a large sweep found, kept for the next command, since decoding ten thousand trials takes seconds.

A plan is found by the SHA-256 of all that it follows from: the sweep with its variables in place, its base, and our
code's text. It carries a SHA-256 of its own. What does not agree is decoded anew; nothing is believed for its age.
"""

import contextlib
import functools
import hashlib
import importlib.metadata
import json
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from envs.built_in import BUILT_IN
from flexrl.common.files import write_text
from launch.plan.sweep_file import Sweep

LEAST = 500  # trials that are worth it
KEPT = 20  # plans
ROOMS = ("envs", "algos", "flexrl", "launch")
PACKAGES = ("pydantic", "brax", "playground")  # that decide defaults, too
BRIDGES = ("brax:", "playground:")

Row = tuple[str, int]  # a trial's config hash, and its control steps


def is_ours(env: Any) -> bool:
    """Whether what a trial of this environment means follows from our code, and not from a user's."""
    return env in BUILT_IN or str(env).startswith(BRIDGES)


def place(sweep: Sweep, base: dict[str, Any]) -> Path:
    """Where the plan of a sweep is kept."""
    content = json.dumps([asdict(sweep), base, _code()], default=str)
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "flexrl" / "plans"
    return cache / hashlib.sha256(content.encode()).hexdigest()


def load(path: Path, number: int) -> list[Row] | None:
    """A row for each of so many trials, unless the plan is not there or damaged."""
    try:
        digest, _, text = path.read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return None
    if digest != hashlib.sha256(text.encode()).hexdigest():
        return None
    rows = [(config_hash, steps) for config_hash, steps in json.loads(text)]
    return rows if len(rows) == number else None


def save(path: Path, rows: Iterable[Row]) -> None:
    """Keep a plan, and forget the oldest; where that is not possible, the next command decodes again."""
    text = json.dumps(list(rows))
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}")
        for old in sorted(path.parent.iterdir(), key=lambda each: each.stat().st_mtime)[:-KEPT]:
            old.unlink()


@functools.cache
def _code() -> str:
    """SHA-256 of our code's text, and the versions of what it reads defaults from."""
    versions = [sys.version, *(importlib.metadata.version(name) for name in PACKAGES)]
    digest = hashlib.sha256(json.dumps(versions).encode())
    root = Path(__file__).parents[2]
    for file in sorted(file for room in ROOMS for file in (root / room).rglob("*.py")):
        digest.update(f"{file.relative_to(root)} {file.stat().st_size}\n".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()
