"""A run's `diverged.json`: that and why it has diverged. Those that train on together leave it out from then on."""

import json
from pathlib import Path

from flexrl.common.errors import ConfigError
from flexrl.common.files import write_json

FILE = "diverged.json"


def note_divergence(folder: Path, iteration: int, reason: str) -> None:
    """Note in a run's folder that it has diverged, and why, in a line."""
    write_json(folder / FILE, {"step": iteration, "reason": reason})


def divergence(folder: Path) -> str | None:
    """Why a run has diverged, in a line; None if it has not.

    Raises:
      ConfigError: if the note is damaged.
    """
    path = folder / FILE
    try:
        return str(json.loads(path.read_bytes())["reason"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"{path}: is damaged; delete it, and the run goes on from its newest checkpoint") from None


def forget_divergence(folder: Path) -> None:
    """Let a run that has diverged be trained again."""
    (folder / FILE).unlink(missing_ok=True)
