"""Locks on open files: one process holds a file's lock, and any other can ask whether the lock is held."""

import fcntl
import os
import time
from pathlib import Path
from typing import IO

LEASED = "FLEXRL_LEASED"  # environment variable; set where leases of `launch.attempt.lease` replace locks
PATIENCE_SECONDS = 2.0  # for which `hold` repeats a refused request
RETRY_SECONDS = 0.001


def hold(file: IO[str] | IO[bytes]) -> None:
    """Take the lock of an open file. It is held until the file is closed here and in all processes that inherited it.

    A process that calls `is_held` takes the lock for a moment, too. A refused request is therefore repeated for
    PATIENCE_SECONDS.

    If the environment variable FLEXRL_LEASED is set, nothing is locked: on volumes that several machines share, a file
    that its holder keeps rewriting (`launch.attempt.lease`) takes the place of the lock.

    Raises:
      BlockingIOError: if another process keeps the lock.
    """
    if LEASED in os.environ:
        return
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(RETRY_SECONDS)


def is_held(path: Path) -> bool:
    """Return whether a process holds the lock of a file; False if there is no such file."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return False
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
