"""How a run can end other than well, and the exit code that tells a scheduler so."""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from envs.errors import ConfigError as ConfigError  # of all rooms

EXIT_PAUSED = 10  # saved, where --pause-after says; goes on with --resume
EXIT_BAD_INPUT = 65  # retrying cannot help
EXIT_DIVERGED = 70  # retrying cannot help
EXIT_STORAGE = 74  # the disk is full or gone
EXIT_PREEMPTED = 75  # saved; start again with --resume
EXIT_INTERRUPTED = 130  # Ctrl-C where there was nothing to save

UNUSABLE = (  # of files and folders: what a user can put right, and another try cannot
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR),
    *(errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP),
)


class Diverged(RuntimeError):
    """Learning produced non-finite numbers too many times in a row."""


class Preempted(Exception):
    """The run was asked to stop and has saved its state."""


class Paused(Preempted):
    """The run has saved its state where it was told to pause."""


class CheckpointError(ValueError):
    """No checkpoint can be used, or one does not fit the run."""


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn expected ends into one line on standard error and an exit code; crashes pass with their traceback."""
    try:
        yield
    except (ConfigError, CheckpointError) as error:
        _exit(f"error: {error}", EXIT_BAD_INPUT)
    except Diverged as error:
        _exit(f"diverged: {error}", EXIT_DIVERGED)
    except Paused as error:
        _exit(f"paused: {error}", EXIT_PAUSED)
    except Preempted as error:
        _exit(f"stopped: {error}", EXIT_PREEMPTED)
    except KeyboardInterrupt:
        _exit("stopped: by Ctrl-C", EXIT_INTERRUPTED)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in UNUSABLE and error.filename is not None:
            _exit(f"error: {error.filename}: cannot be used: {error.strerror}", EXIT_BAD_INPUT)
        if not is_disk_full(error):
            raise
        _exit(f"error: the disk is full; free space, then start again with --resume ({error})", EXIT_STORAGE)


def is_disk_full(error: BaseException | None) -> bool:
    """Whether an error, or what caused it, is a full disk or quota; Orbax reports it as a ValueError."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if "RESOURCE_EXHAUSTED" in str(error) and "space" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _exit(line: str, code: int) -> None:
    print(" ".join(line.split()), file=sys.stderr, flush=True)
    raise SystemExit(code)
