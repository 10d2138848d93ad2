"""Open the files of a run's folder as they are at one moment, while the run may go on.

A run replaces small files as a whole, appends rows to others, and writes a checkpoint's manifest last. So the files
that are opened fit together if, from before the first was opened until after the last, no file was replaced, added or
removed. Rows that are appended meanwhile do no harm: a run that is resumed removes rows past its checkpoint.
"""

import contextlib
import io
import itertools
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from flexrl.common.manifest import MANIFEST

CHECKPOINTS = "checkpoints"  # folder of a run whose numbered folders count only once they have a manifest
IGNORED = ("lock", "attempt.lock", "attempt.lease")  # files that mean something only where they were made
TEMPORARY = ".tmp"  # end of the names of files that are being written
SMALL_BYTES = 1 << 20  # files up to this size are read at once; larger ones stay open

RETRY_SECONDS = 0.01  # until files that did not fit together are opened again

Signature = tuple[int, int, int]  # inode, size and time of change of a file; they change with its content


@dataclass(frozen=True)
class Frozen:
    """One file of a snapshot, which shows all files of a run's folder as they were at one moment.

    Attributes:
      signature: inode, size and time of change of the file when it was opened.
      file: its content, of which the first `size` bytes count; None if the caller of `snapshot` has it already.
    """

    signature: Signature
    file: BinaryIO | None

    @property
    def size(self) -> int:
        """Size of the file in bytes."""
        return self.signature[1]


@contextlib.contextmanager
def snapshot(folder: Path, known: Mapping[str, Signature]) -> Iterator[dict[str, Frozen]]:
    """List all files of a run's folder as they are at one moment, and open those whose content the caller lacks.

    Args:
      folder: the run's folder.
      known: signatures (inode, size, time of change) of files whose content the caller has, by path relative to the
        folder.

    Yields:
      All files by path relative to the folder. Those with another signature are open within the `with` block.
    """
    for attempt in itertools.count():
        if attempt:
            time.sleep(RETRY_SECONDS)
        with contextlib.ExitStack() as stack:
            before = _inodes(folder)
            try:
                files = {path: _open(folder / path, known.get(path), stack) for path in before}
            except FileNotFoundError:  # was removed or replaced meanwhile
                continue
            if {path: each.signature[0] for path, each in files.items()} == before == _inodes(folder):
                yield files
                return


def _inodes(folder: Path) -> dict[str, int]:
    """Return the inodes of the files that belong to a run, by path relative to its folder."""
    found = {}
    for place, folders, files in os.walk(folder):
        if os.path.basename(place) == CHECKPOINTS:
            folders[:] = [each for each in folders if os.path.exists(os.path.join(place, each, MANIFEST))]
        for name in files:
            path = os.path.join(place, name)
            if name in IGNORED or name.endswith(TEMPORARY) or os.path.islink(path):
                continue
            with contextlib.suppress(FileNotFoundError):  # was removed since its folder was listed
                found[os.path.relpath(path, folder)] = os.stat(path).st_ino
    return found


def _open(path: Path, known: Signature | None, stack: contextlib.ExitStack) -> Frozen:
    if known is not None and known == signature(path):
        return Frozen(known, None)
    file = stack.enter_context(path.open("rb"))
    found = _signature(os.fstat(file.fileno()))
    return Frozen(found, io.BytesIO(file.read(found[1])) if found[1] <= SMALL_BYTES else file)


def signature(path: Path) -> Signature:
    """Return inode, size and time of change (ns) of a file, which change with its content."""
    return _signature(path.stat())


def _signature(stat: os.stat_result) -> Signature:
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
