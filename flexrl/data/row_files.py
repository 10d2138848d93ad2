"""Write a dataset's rows to binary files, and read them by row number, for datasets larger than memory.

rows/steps-00000.bin ...    one record per control step, in the order of the episodes
rows/states-00000.bin ...   qpos of each state, also after an episode's last step, if the dataset has it
rows/episodes.bin           one record per episode
rows/rows.json              layout of the records, and the SHA-256 of the HDF5 file that they were made from
rows/manifest.json          written last: every file's SHA-256
"""

import json
import mmap
import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from flexrl.common.errors import ConfigError
from flexrl.common.files import sha256, write_json
from flexrl.common.manifest import MANIFEST, check_folder_manifest, read_folder_manifest, write_folder_manifest
from flexrl.common.types import JsonObject
from flexrl.data.dataset_folder import iterate_dataset
from flexrl.data.episode import Episode
from flexrl.data.flat_dataset import FIELDS, moments, returns_to_go, rows_of
from flexrl.data.minari_format import ARRAYS

ROWS = "rows"  # folder within a dataset's folder
DESCRIPTION = "rows.json"
FILE_BYTES = 256_000_000  # size of a file of rows, at most
NUM_READERS = 8  # threads that read from the disk at once


class RowFiles:
    """Reads records by their row number from numbered files, which are mapped into memory.

    The operating system caches as much of them as memory allows.
    """

    def __init__(self, paths: list[Path], dtype: np.dtype, rows_per_file: int) -> None:
        """Map files of records of type `dtype` into memory; each but the last holds `rows_per_file` records."""
        self.dtype = dtype
        self._rows_per_file = rows_per_file
        self._files = [_mapped(path, dtype) for path in paths]
        self._readers = ThreadPoolExecutor(NUM_READERS, thread_name_prefix="rows")

    def __len__(self) -> int:
        """Return the number of records in all files."""
        return sum(map(len, self._files))

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Return the records with these row numbers, in an array of the same shape. Several threads read at once."""
        found = np.empty(rows.size, self.dtype)
        parts = np.array_split(np.arange(rows.size), NUM_READERS)
        list(self._readers.map(lambda part: self._read(rows.reshape(-1), found, part), parts))
        return found.reshape(rows.shape)

    def _read(self, rows: np.ndarray, found: np.ndarray, part: np.ndarray) -> None:
        file, row = np.divmod(rows[part], self._rows_per_file)
        for number in np.unique(file):
            here = file == number
            found[part[here]] = self._files[number][row[here]]


@dataclass(frozen=True)
class StoredRows:
    """The content of a dataset's folder `rows`.

    Attributes:
      steps: one record per control step, with the fields `obs`, `goal`, `action`, `reward`, `terminated`, `truncated`
        and `return_to_go`.
      states: one record per state, with `qpos`; None if the dataset has no `qpos`.
      episodes: one record for each of E episodes, with `length`, `return` and `moments`: the mean and the summed
        squared deviation of the observations.
      sha256: SHA-256 of the list of all files' SHA-256.
    """

    steps: RowFiles
    states: RowFiles | None
    episodes: np.ndarray
    sha256: str


def stored_rows(folder: Path) -> StoredRows:
    """Open the rows of a dataset. They are written first if that was not done yet.

    Raises:
      ConfigError: if the dataset or its rows are damaged, or the rows were made from other data; names the file.
    """
    source, rows = _source_digest(folder), folder / ROWS
    if not rows.is_dir():
        _write(folder, source)
    check_folder_manifest(rows, f"delete the folder {rows}, which is then made anew")
    described = json.loads((rows / DESCRIPTION).read_bytes())
    if described["source"] != source:
        raise ConfigError(f"{rows}: was made from another {ARRAYS} than {folder} holds now; delete the folder {rows}")

    def files(kind: str) -> RowFiles:
        layout = described[kind]
        return RowFiles(sorted(rows.glob(f"{kind}-*.bin")), _dtype(layout["dtype"]), layout["rows_per_file"])

    return StoredRows(
        files("steps"),
        files("states") if described["states"] else None,
        np.fromfile(rows / "episodes.bin", _dtype(described["episodes"])),
        read_folder_manifest(rows)["seal"],
    )


def _source_digest(folder: Path) -> str:
    """Return the SHA-256 of the dataset's arrays: from its manifest, or computed if Minari wrote the dataset."""
    if (folder / MANIFEST).is_file():
        return read_folder_manifest(folder)["files"][ARRAYS]
    if not (folder / ARRAYS).is_file():
        raise ConfigError(f"dataset: {folder} holds no dataset (no {ARRAYS}); name one that flexrl.collect wrote")
    return sha256(folder / ARRAYS)


def _write(folder: Path, source: str) -> None:
    """Write a dataset's rows to its folder `rows`, unless another process has written that folder meanwhile.

    The folder has another name until it is complete. `source`, the SHA-256 of the data, is noted in `rows.json`.
    """
    unfinished = folder / f"{ROWS}.{os.getpid()}.unfinished"
    try:
        unfinished.mkdir()
    except OSError as error:
        raise ConfigError(
            f"memory_limit_mb: {unfinished} cannot be made ({error.strerror}); train once where the dataset's folder "
            "can be written, or leave the limit out"
        ) from None
    try:
        described = _write_files(unfinished, iterate_dataset(folder))
        write_json(unfinished / DESCRIPTION, {"source": source, **described})
        write_folder_manifest(unfinished)
        if not (folder / ROWS).is_dir():
            unfinished.rename(folder / ROWS)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _write_files(folder: Path, episodes: Iterable[Episode]) -> JsonObject:
    """Write the records of one episode after the other, and return their layout for `rows.json`."""
    steps, states, has_states = _Writer(folder, "steps"), _Writer(folder, "states"), True
    records, dtype = [], np.dtype([])
    for episode in episodes:
        columns = {name: rows_of(episode, name) for name in FIELDS}
        steps.append(_records(columns | {"return_to_go": returns_to_go(columns["reward"])}))
        has_states = has_states and "qpos" in episode.infos
        if has_states:
            states.append(_records({"qpos": episode.infos["qpos"].astype(np.float32)}))
        found = moments(rows_of(episode, "obs"))
        size = found[0].shape
        dtype = np.dtype([("length", "<i8"), ("return", "<f8"), ("moments", "<f8", (2, *size))])
        records.append((episode.length, episode.reward.sum(dtype=np.float64), np.stack(found)))
    np.array(records, dtype).tofile(folder / "episodes.bin")
    return {
        "steps": steps.close(),
        "states": states.close() if has_states else states.discard(),
        "episodes": _described(dtype),
    }


def _records(columns: dict[str, np.ndarray]) -> np.ndarray:
    """Return columns (T, ...) by name as an array of T records."""
    num_rows = len(next(iter(columns.values())))
    records = np.empty(num_rows, [(name, x.dtype, x.shape[1:]) for name, x in columns.items()])
    for name, column in columns.items():
        records[name] = column
    return records


class _Writer:
    """Appends records of one kind, such as `steps`, to numbered files of at most `FILE_BYTES`."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder, self._kind = folder, kind
        self._layout: JsonObject = {}
        self._num = 0

    def append(self, records: np.ndarray) -> None:
        """Append records (T,). All must have the same dtype."""
        if not self._layout:
            per_file = max(1, FILE_BYTES // records.dtype.itemsize)
            self._layout = {"dtype": _described(records.dtype), "rows_per_file": per_file}
        while len(records):
            number, filled = divmod(self._num, self._layout["rows_per_file"])
            part, records = np.split(records, [self._layout["rows_per_file"] - filled])
            with (self._folder / f"{self._kind}-{number:05d}.bin").open("ab") as file:
                file.write(part.tobytes())
            self._num += len(part)

    def close(self) -> JsonObject:
        """Return the layout of the files: `dtype` of a record, and `rows_per_file`; empty if nothing was written."""
        return self._layout

    def discard(self) -> None:
        """Remove the files that were written."""
        for path in self._folder.glob(f"{self._kind}-*.bin"):
            path.unlink()


def _described(dtype: np.dtype) -> list[Any]:
    """Return name, dtype and shape of each field of a record, as JSON can hold them."""
    return [[name, dtype[name].base.str, list(dtype[name].shape)] for name in dtype.names or ()]


def _dtype(described: list[Any]) -> np.dtype:
    return np.dtype([(name, kind, tuple(shape)) for name, kind, shape in described])


def _mapped(path: Path, dtype: np.dtype) -> np.ndarray:
    with path.open("rb") as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    content.madvise(mmap.MADV_RANDOM)  # otherwise the system reads much data around each row
    return np.frombuffer(content, dtype)
