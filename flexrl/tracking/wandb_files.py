"""What W&B's offline files hold. It writes them in blocks, so that a kill loses rows that it was handed."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wandb.proto.wandb_internal_pb2 import Record

START = b":W&B"
HEADER, BLOCK = 7, 1 << 15  # bytes: of the file and of each record, of a block
WHOLE, LAST = 1, 4  # kinds of records: in one piece, or the end of one that blocks have cut


def parts(folder: Path) -> list[Path]:
    """The file of each attempt at a run, oldest first."""
    return sorted(folder.glob("wandb/offline-run-*/*.wandb"))


def records(path: Path) -> "Iterator[Record]":
    """The records of a file, up to where it was cut short. The format is LevelDB's log, behind a header."""
    from wandb.proto.wandb_internal_pb2 import Record

    log, pieces, at = path.read_bytes(), [], HEADER
    while log.startswith(START):
        at += left if (left := BLOCK - at % BLOCK) < HEADER else 0  # a block ends with nothing where no header fits
        if at + HEADER > len(log):
            return
        _, length, kind = struct.unpack_from("<IHB", log, at)
        at += HEADER + length
        if not kind or at > len(log):
            return
        pieces.append(log[at - length : at])
        if kind in (WHOLE, LAST):
            yield Record.FromString(b"".join(pieces))
            pieces = []


def last_row(folder: Path) -> int:
    """Number of a run's last row in its files, -1 for none."""
    found = (record for path in parts(folder) for record in records(path))
    return max((each.history.step.num for each in found if each.HasField("history")), default=-1)
