"""Locks on open files: one process holds a file's lock, and any other may ask whether one does."""

import fcntl
import os
import time
from pathlib import Path
from typing import IO, Any

LEASED = "FLEXRL_LEASED"  # set where `launch.attempt.lease` stands for locks: on volumes that outlive the machines
PATIENCE_SECONDS = 2.0
RETRY_SECONDS = 0.001


def hold(file: IO[Any]) -> None:
    """Take the lock of an open file, for as long as it stays open here or in a process that inherits it.

    Whoever asks `is_held` shares the lock for a moment. A refused request is repeated for a short time, so that only
    a process that keeps the lock is in the way.

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
    """Whether a process holds the lock of a file; of one that is not there, none does."""
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
