"""Errors that end a run, and exit codes that tell a scheduler whether to start the run again."""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from envs.errors import EXIT_BAD_INPUT as EXIT_BAD_INPUT  # of all packages; re-exported here
from envs.errors import ConfigError as ConfigError
from envs.errors import quiet_when_unread

EXIT_PAUSED = 10  # state saved at --pause-after; continue with --resume
EXIT_UNAVAILABLE = 69  # a bucket or cluster did not answer; the same command may work later
EXIT_DIVERGED = 70  # training diverged; starting again cannot help
EXIT_STORAGE = 74  # the disk is full
EXIT_PREEMPTED = 75  # asked to stop, state saved; continue with --resume
EXIT_INTERRUPTED = 130  # Ctrl-C before there was anything to save

UNUSABLE = (  # errors of files and folders that the user must correct; starting again cannot help
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR),
    *(errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP),
)

EXTRAS = {  # by module of a package that running a policy does not need, the extra of flex-rl that installs it
    **{"matplotlib": "train", "tensorboard": "train", "tensorboardX": "train", "warp": "train"},
    **{"h5py": "data", "minari": "data", "pyarrow": "data"},
    **{"mujoco_playground": "robots", "kubernetes": "cluster", "optuna": "search", "onnx": "export"},
    **{"safetensors": "language", "tokenizers": "language", "huggingface_hub": "hub"},
    **{"fastapi": "serve", "uvicorn": "serve", "websockets": "serve"},
    **{"alembic": "mlflow", "mlflow": "mlflow", "sqlalchemy": "mlflow", "wandb": "wandb"},
}


class Diverged(RuntimeError):
    """Training has diverged: too many updates in a row were not finite."""


class Preempted(Exception):
    """The run was asked to stop, and has saved its state."""


class Paused(Preempted):
    """The run has saved its state and ends, after the evaluation that `--pause-after` names."""


class Unavailable(ConnectionError):
    """A bucket or a cluster did not answer, or refused for now. The same command may succeed later."""


class CheckpointError(ValueError):
    """There is no intact checkpoint, or the checkpoint does not fit the run."""


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn expected errors in the `with` block into one line on standard error and an exit code.

    Expected are errors such as `ConfigError`, `Preempted` and a full disk. All others keep their traceback.

    If nobody reads the output any more, as in `flexrl | head -1`, the program ends silently.
    """
    with quiet_when_unread(), _named_errors():
        yield


@contextmanager
def _named_errors() -> Iterator[None]:
    try:
        yield
    except (ConfigError, CheckpointError) as error:
        _exit(f"error: {error}", EXIT_BAD_INPUT)
    except Unavailable as error:
        _exit(f"error: {error}", EXIT_UNAVAILABLE)
    except Diverged as error:
        _exit(f"diverged: {error}", EXIT_DIVERGED)
    except Paused as error:
        _exit(f"paused: {error}", EXIT_PAUSED)
    except Preempted as error:
        _exit(f"stopped: {error}", EXIT_PREEMPTED)
    except KeyboardInterrupt:
        _exit("stopped: by Ctrl-C", EXIT_INTERRUPTED)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        _exit(f"error: {package} is not installed; pip install 'flex-rl[{EXTRAS[package]}]'", EXIT_BAD_INPUT)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in UNUSABLE and error.filename is not None:
            _exit(f"error: {error.filename}: cannot be used: {error.strerror}", EXIT_BAD_INPUT)
        if not is_disk_full(error):
            raise
        _exit(f"error: the disk is full; free space, then start again with --resume ({error})", EXIT_STORAGE)


def is_disk_full(error: BaseException | None) -> bool:
    """Return whether an error, or one of its causes, is a full disk or quota. Orbax reports that as a ValueError."""
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
