"""The files of a task or a robot that a user wrote.

Those of a task are its Python file, and files beside it with the same stem, such as its MJCF. Those of a robot are its
MJCF file and all files that this one reads. Their contents are part of a trial's key, and they are sent to a cluster.
Whatever else a task reads must be installed in the image.
"""

import functools
import hashlib
from pathlib import Path

from envs.built_in import is_model_file
from flexrl.common.errors import ConfigError


def in_file(env: str) -> bool:
    """Return whether an environment's name is `PATH.py:CLASS` or `PATH.xml`, a task or a robot in a user's file."""
    return ".py:" in env or is_model_file(env)


def trial_key(env: str, config_hash: str) -> str:
    """Return the key of a trial, which identifies what it computes: its config and the content of its task's files."""
    if not in_file(env):
        return config_hash
    return hashlib.sha256(f"{config_hash} {digest(env)}".encode()).hexdigest()[:16]


def digest(env: str) -> str:
    """Return a hash of the names and contents of the files of a task or a robot that a user wrote.

    Args:
      env: the environment's name, `PATH.py:CLASS` or `PATH.xml`.
    """
    files = _files(env)
    return _digest(tuple((file, file.stat().st_mtime_ns, file.stat().st_size) for file in files))


def texts(env: str, limit: int) -> dict[str, str]:
    """Return by file name the text of each file of a task or a robot that a user wrote.

    Args:
      env: the environment's name, `PATH.py:CLASS` or `PATH.xml`.
      limit: most bytes of all files together.

    Raises:
      ConfigError: if a file is not text, or if the files are in several folders or have more than `limit` bytes
        together.
    """
    files = _files(env)
    if len({file.parent for file in files}) > 1:
        raise ConfigError(
            f"env: {env!r}: reads files in several folders, and only those of one folder travel to a cluster; put them "
            "beside it, and give its <compiler> no assetdir, meshdir or texturedir"
        )
    if (size := sum(file.stat().st_size for file in files)) > limit:
        names = ", ".join(file.name for file in files)
        raise ConfigError(
            f"env: {env!r}: {names} have {size:,} bytes, and at most {limit:,} travel to a cluster; install the task "
            "in the image, as an entry point of the group flexrl.envs"
        )
    return {file.name: _text(env, file) for file in files}


def _text(env: str, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigError(
            f"env: {env!r}: {file} is no text, and only text travels to a cluster; install the task in the image, as "
            "an entry point of the group flexrl.envs"
        ) from None


def _files(env: str) -> list[Path]:
    if is_model_file(env):
        from envs.robots.mjcf import files_of  # imports MuJoCo, which most sweeps need not load

        return files_of(env)
    file = Path(env.rpartition(":")[0])
    beside = (each for each in file.parent.iterdir() if each.name.startswith(f"{file.stem}.") and each.is_file())
    return sorted(beside, key=lambda each: each.name)


@functools.cache
def _digest(files: tuple[tuple[Path, int, int], ...]) -> str:
    from envs.robots.mjcf import common_folder

    whole, top = hashlib.sha256(), common_folder([file for file, _, _ in files])
    for file, _, _ in files:
        whole.update(f"{file.relative_to(top).as_posix()} {file.stat().st_size}\n".encode())
        whole.update(file.read_bytes())
    return whole.hexdigest()[:16]
