"""Checks of the paths that a user names for output. They are made before anything is computed."""

import contextlib
import errno
import tempfile
from collections.abc import Iterator
from pathlib import Path

from envs.errors import ConfigError


def require_free(path: Path) -> None:
    """Check that a new file or folder can be created at a path.

    Raises:
      ConfigError: if the path exists already or cannot be written.
    """
    with writing_to(path, "out"):
        taken = path.exists()
    if taken:
        raise ConfigError(f"out: {path} is there already; name another")
    require_writable(path)


def require_file(path: Path) -> None:
    """Check that a file can be written at a path, where one may exist already.

    Raises:
      ConfigError: if the path is a folder or cannot be written.
    """
    with writing_to(path, "out"):
        is_folder = path.is_dir()
    if is_folder:
        raise ConfigError(f"out: {path} is a folder; name a file")
    require_writable(path)


def require_writable(path: Path, field: str = "out") -> None:
    """Make the parent folder of a path, and check that it can be written.

    Raises:
      ConfigError: if it cannot; naming `field` (the command-line option of the path), the path and the reason.
    """
    with writing_to(path, field):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass


@contextlib.contextmanager
def writing_to(path: Path, field: str) -> Iterator[None]:
    """Turn an OSError raised while writing to a path into a ConfigError.

    Errors for a full disk and a taken lock pass unchanged, because another path is not the way out.

    Raises:
      ConfigError: naming the field, the path and the reason.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EAGAIN):
            raise
        way_out = f"name a place that can be written by --{field}"
        raise ConfigError(f"{field}: {path} cannot be written ({error.strerror}); {way_out}") from None
