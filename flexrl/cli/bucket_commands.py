"""`flexrl.runs pull` and `push`: copy a run from a bucket to the workspace, and back."""

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

from flexrl.common.errors import ConfigError, Preempted
from flexrl.common.files import sha256
from flexrl.storage import mirror
from flexrl.storage.bucket import Bucket
from flexrl.storage.mirror import StoredFile, Writer
from flexrl.storage.run_folder import find_run, is_in_use
from flexrl.storage.snapshot import IGNORED


def pull(options: Namespace) -> None:
    """Copy the run `options.run` from the bucket `options.bucket` to the workspace.

    `options.run` is the run's path below the bucket's address, such as `SWEEP/KEY` for a run of a sweep. Below the
    workspace the run gets the same path.

    Raises:
      ConfigError: if the bucket has no such run, or the folder holds another state of it and `--replace` is not given.
    """
    bucket, folder = Bucket(options.bucket), Path(options.workspace) / options.run
    files = mirror.files_of(bucket, options.run)
    if not files:
        raise ConfigError(f"run: {bucket.address} has no run {options.run!r}; give its path below the bucket's address")
    if folder.exists():
        different = _first_difference(folder, files)
        if different is None:
            return print(f"{folder}: is as in {bucket.address}; nothing to do")
        _require_replace(options, f"{folder}: is there and differs from {bucket.address} ({different})")
        if is_in_use(folder):
            raise ConfigError(f"{folder}: a process trains in this folder; wait for it, or use another --workspace")
    if mirror.pull(bucket, options.run, folder):
        print(f"{folder}: {_described(mirror.files_of(bucket, options.run))} from {bucket.address}")


def push(options: Namespace) -> None:
    """Copy the run `options.run`, given by folder or name, to the bucket `options.bucket`.

    In the bucket the run gets the path that it has below the workspace, or its folder's name if it is elsewhere. It may
    be training meanwhile.

    Raises:
      ConfigError: if the bucket holds another state of the run and `--replace` is not given.
      Preempted: if another process writes the run in the bucket.
    """
    bucket, folder = Bucket(options.bucket), find_run(options.run, options.workspace)
    workspace = Path(options.workspace).resolve()
    inside = folder.resolve().is_relative_to(workspace)
    run = folder.resolve().relative_to(workspace).as_posix() if inside else folder.resolve().name
    if files := mirror.files_of(bucket, run):
        different = _first_difference(folder, files)
        if different is None and _names(folder) <= set(files):
            return print(f"{bucket.address}/{run}: is as in {folder}; nothing to do")
        if different is not None:
            _require_replace(options, f"{bucket.address}/{run}: is there and differs from {folder} ({different})")
    try:
        writer = Writer(bucket, run)
    except BlockingIOError as error:
        raise Preempted(f"{error}; wait until it has ended, then push again") from None
    writer.push(folder, release=True)
    print(f"{bucket.address}/{run}: {_described(writer.files)} from {folder}")


def _first_difference(folder: Path, files: Mapping[str, StoredFile]) -> str | None:
    """Return the first of a bucket's `files` that a folder lacks or has with other content; None if all agree."""
    for path, stored in files.items():
        file = folder / path
        if not file.is_file() or file.stat().st_size != stored.size or sha256(file) != stored.sha256:
            return path
    return None


def _names(folder: Path) -> set[str]:
    names = (file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    return {name for name in names if Path(name).name not in IGNORED}


def _require_replace(options: Namespace, what: str) -> None:
    if not options.replace:
        raise ConfigError(f"{what}; add --replace to overwrite it, or copy it elsewhere first")


def _described(files: Mapping[str, StoredFile]) -> str:
    return f"{len(files)} files, {sum(each.size for each in files.values()):,} bytes"
