"""Read and write a run's `diverged.json`, which says that and why the run has diverged.

If several runs train together in one program, a run that has this file is left out, and the others go on.
"""

import json
from pathlib import Path

from flexrl.common.errors import ConfigError
from flexrl.common.files import write_json

FILE = "diverged.json"


def note_divergence(folder: Path, iteration: int, reason: str) -> None:
    """Write `diverged.json` to a run's folder, with the iteration and the reason in one line."""
    write_json(folder / FILE, {"step": iteration, "reason": reason})


def divergence(folder: Path) -> str | None:
    """Return in one line why a run has diverged; None if it has not.

    Raises:
      ConfigError: if `diverged.json` is damaged.
    """
    path = folder / FILE
    try:
        return str(json.loads(path.read_bytes())["reason"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"{path}: is damaged; delete it, and the run goes on from its newest checkpoint") from None


def forget_divergence(folder: Path) -> None:
    """Remove a run's `diverged.json`, so that the run is trained again."""
    (folder / FILE).unlink(missing_ok=True)
