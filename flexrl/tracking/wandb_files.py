"""Read the files in which Weights & Biases (W&B) keeps a run's rows offline.

W&B writes them block by block, so that the last rows are missing if its process was killed.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wandb.proto.wandb_internal_pb2 import Record

START = b":W&B"
HEADER, BLOCK = 7, 1 << 15  # size in bytes of the header of the file and of each record, and of a block
WHOLE, LAST = 1, 4  # kinds of pieces: a whole record, or the last piece of a record that several blocks hold


def parts(folder: Path) -> list[Path]:
    """Return W&B's offline files in a run's folder, oldest first: one for each process that sent rows of the run."""
    return sorted(folder.glob("wandb/offline-run-*/*.wandb"))


def records(path: Path) -> "Iterator[Record]":
    """Yield the records of a file, up to where it was cut short. The format is LevelDB's log after a file header."""
    from wandb.proto.wandb_internal_pb2 import Record

    log, pieces, at = path.read_bytes(), [], HEADER
    while log.startswith(START):
        at += left if (left := BLOCK - at % BLOCK) < HEADER else 0  # skip a block's end if no header fits
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
    """Return the highest number of a row (`TrackedRow.number`) in a run's offline files; -1 if there is none."""
    found = (record for path in parts(folder) for record in records(path))
    return max((each.history.step.num for each in found if each.HasField("history")), default=-1)
