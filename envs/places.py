"""Places that a user names to write to: tried before anything is computed."""

import contextlib
import errno
import tempfile
from collections.abc import Iterator
from pathlib import Path

from envs.errors import ConfigError


def require_free(path: Path) -> None:
    """Refuse a place for something new that is taken or cannot be written.

    Raises:
      ConfigError: with the way out.
    """
    with writing_to(path, "out"):
        taken = path.exists()
    if taken:
        raise ConfigError(f"out: {path} is there already; name another")
    require_writable(path)


def require_file(path: Path) -> None:
    """Refuse a place for a file, new or not, that is a folder or cannot be written.

    Raises:
      ConfigError: with the way out.
    """
    with writing_to(path, "out"):
        is_folder = path.is_dir()
    if is_folder:
        raise ConfigError(f"out: {path} is a folder; name a file")
    require_writable(path)


def require_writable(path: Path, field: str = "out") -> None:
    """Make the folder that will hold a file or a folder, and try to write there.

    Raises:
      ConfigError: naming the field, the place and the reason.
    """
    with writing_to(path, field):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass


@contextlib.contextmanager
def writing_to(path: Path, field: str) -> Iterator[None]:
    """Turn the system's refusal to write to a place into one line. A full disk and a taken lock are told otherwise.

    Raises:
      ConfigError: naming the field, the place and the reason.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EAGAIN):
            raise
        way_out = f"name a place that can be written by --{field}"
        raise ConfigError(f"{field}: {path} cannot be written ({error.strerror}); {way_out}") from None
