"""A cache of decoded sweeps (plans) for the next command: decoding ten thousand trials takes seconds.

A plan's file name is the SHA-256 of everything that determines it: the sweep with its variables filled in, the config
fields that all its trials share (its base), and the text of our code. The file's first line is the SHA-256 of its
content. If that does not match, the sweep is decoded again.
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

from envs.built_in import BUILT_IN
from flexrl.common.files import write_text
from flexrl.common.types import JsonObject
from launch.plan.sweep_file import Sweep

LEAST = 500  # trials from which on a plan is worth keeping
KEPT = 20  # newest plans that stay in the cache
ROOMS = ("envs", "algos", "flexrl", "launch")  # our packages, whose text is hashed
PACKAGES = ("pydantic", "brax", "playground")  # third-party packages that also decide defaults of a config
BRIDGES = ("brax:", "playground:")

Row = tuple[str, int]  # a trial's config hash, and the control steps of its whole run


def is_ours(env: object) -> bool:
    """Return whether this project or the packages in `PACKAGES` define the environment `env`, and no user's code."""
    return env in BUILT_IN or str(env).startswith(BRIDGES)


def place(sweep: Sweep, base: JsonObject) -> Path:
    """Return the path at which the plan of a sweep (its decoded trials) is cached, whether or not it is there yet.

    Args:
      sweep: the sweep.
      base: config fields that all its trials share.
    """
    content = json.dumps([asdict(sweep), base, _code()], default=str)
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "flexrl" / "plans"
    return cache / hashlib.sha256(content.encode()).hexdigest()


def load(path: Path, number: int) -> list[Row] | None:
    """Read a cached plan: the config hash and the control steps of each trial.

    Return None if the file is missing or damaged, or does not hold `number` trials.
    """
    try:
        digest, _, text = path.read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return None
    if digest != hashlib.sha256(text.encode()).hexdigest():
        return None
    rows = [(config_hash, steps) for config_hash, steps in json.loads(text)]
    return rows if len(rows) == number else None


def save(path: Path, rows: Iterable[Row]) -> None:
    """Cache the config hash and control steps of a sweep's trials for the next command; delete the oldest cached plans.

    An error in writing is ignored: the next command then decodes the trials from the sweep's file again.
    """
    text = json.dumps(list(rows))
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}")
        for old in sorted(path.parent.iterdir(), key=lambda each: each.stat().st_mtime)[:-KEPT]:
            old.unlink()


@functools.cache
def _code() -> str:
    """Return the SHA-256 of our code's text and of the versions of Python and the listed packages."""
    versions = [sys.version, *(importlib.metadata.version(name) for name in PACKAGES)]
    digest = hashlib.sha256(json.dumps(versions).encode())
    root = Path(__file__).parents[2]
    for file in sorted(file for room in ROOMS for file in (root / room).rglob("*.py")):
        digest.update(f"{file.relative_to(root)} {file.stat().st_size}\n".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()
