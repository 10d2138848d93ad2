"""Read batches from a dataset larger than memory; each batch is read while the device computes the update before.

A source (`DatasetSource` or `WindowSource`) samples an algorithm's batches from a dataset. Its `sample` runs here on
the CPU, outside the compiled programs. Instead of arrays it gets columns: objects that are indexed like arrays and
read only the indexed rows from files. So by the same random keys it draws the same steps as from a dataset on the
device.
"""

import functools
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np
from flax import struct
from jax import Array

from algos.common.dataset import Dataset, reached_by_a_tenth
from envs.types import GoalMap
from envs.worlds.shards import Shards
from flexrl.data.flat_dataset import FIELDS, best, statistics_of
from flexrl.data.row_files import RowFiles, StoredRows

Index = Array | np.ndarray  # row numbers


@struct.dataclass
class StreamedDataset(Dataset):
    """A dataset whose fields are `Column`s that read from files; only the fields `IN_MEMORY` are arrays."""

    found_return: Array | None = None  # () return that a tenth of all episodes reach

    @property
    def high_return(self) -> Array | None:
        """The return () that a tenth of the episodes reach or exceed; None if it was not given.

        It is computed once, when the dataset is opened.
        """
        return self.found_return


class KeptRows:
    """The rows of selected episodes in files, numbered as if the files held no other episodes."""

    def __init__(self, files: RowFiles, lengths: np.ndarray, kept: np.ndarray) -> None:
        """Give the rows of the selected episodes their numbers.

        Args:
          files: rows of all episodes, in order.
          lengths: (E,) number of rows of each episode in the files.
          kept: indices of the selected episodes, in order.
        """
        self._files = files
        begin = np.cumsum([0, *lengths])
        self._begin = np.cumsum([0, *lengths[kept]])
        self._shift = begin[kept] - self._begin[:-1]
        self._last: tuple[Index | None, np.ndarray] = (None, np.empty(0))

    def __len__(self) -> int:
        """Return the number of rows of the selected episodes."""
        return int(self._begin[-1])

    def take(self, index: Index) -> np.ndarray:
        """Return the records (...) at row numbers `index` (...).

        The last result is kept: if another column is read with the same index array, the files are not read again.
        """
        last, records = self._last
        if last is not index:
            rows = np.asarray(index)
            records = self._files.take(rows + self._shift[np.searchsorted(self._begin, rows, side="right") - 1])
            self._last = index, records
        return records

    def column(self, name: str) -> "Column":
        """Return one field of all rows as a column."""
        kind = self._files.dtype[name]
        return Column(self, name, (len(self), *kind.shape), kind.base)


@dataclass(frozen=True)
class Column:
    """One field, such as `obs`, of all rows in files. Like an array, it is indexed by row numbers."""

    rows: KeptRows
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.shape[0]

    def __getitem__(self, index: Index) -> Array:
        """Read the field in the rows with numbers `index` (...).

        The result has the shape of `index`, followed by the shape of the field in one row.
        """
        return jax.numpy.asarray(self.rows.take(index)[self.name])


@dataclass(frozen=True)
class AchievedColumn:
    """For each state in a dataset, the P numbers that describe what the state achieves as a goal, such as a place.

    They are computed from the state's `qpos` when they are read. Like an array, the column is indexed by state numbers:
    an episode of n control steps has n + 1 states, and the states of all episodes are numbered in order.
    """

    qpos: Column
    goal_map: GoalMap

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape (N + E, P) of the states to read: P numbers for each state of E episodes, with N control steps in all.

        Each episode has one more state than control steps.
        """
        return (len(self.qpos), *jax.eval_shape(self.goal_map.achieved, self._example).shape)

    @property
    def dtype(self) -> np.dtype:
        """Return the numbers' dtype."""
        return self.qpos.dtype

    @property
    def _example(self) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(self.qpos.shape[1:], self.qpos.dtype)

    def __len__(self) -> int:
        """Return the number of states."""
        return len(self.qpos)

    def __getitem__(self, index: Index) -> Array:
        """Return for each of the states numbered `index` (...) what it achieves: P numbers, shape (..., P)."""
        qpos = self.qpos[index]
        return self._achieved(qpos.reshape(-1, qpos.shape[-1])).reshape(*qpos.shape[:-1], -1)

    @functools.cached_property
    def _achieved(self) -> Callable[[Array], Array]:
        return jax.jit(jax.vmap(self.goal_map.achieved))


def streamed_dataset(stored: StoredRows, fraction: float) -> tuple[StreamedDataset, Column | None]:
    """Return the episodes of highest return, as many as together hold at most a fraction of all control steps.

    Returns:
      The dataset of these episodes, and the positions (qpos) of their states; None if the files hold no positions.
    """
    lengths, returns = stored.episodes["length"], stored.episodes["return"]
    kept = best(lengths, returns, fraction)
    steps = KeptRows(stored.steps, lengths, kept)
    columns: Any = {name: steps.column(name) for name in (*FIELDS, "return_to_go")}
    start: Any = np.cumsum([0, *lengths[kept]], dtype=np.int32)
    found = reached_by_a_tenth(jax.numpy.asarray(steps.take(start[:-1])["return_to_go"]))
    statistics = statistics_of(lengths[kept], stored.episodes["moments"][kept])
    data = StreamedDataset(**columns, start=start, statistics=statistics, found_return=found)
    if stored.states is None:
        return data, None
    return data, KeptRows(stored.states, lengths + 1, kept).column("qpos")


@dataclass(frozen=True)
class _Share(Shards):
    """Tells which rows of a batch belong to device `index`, if the batch is shared among `num` devices.

    It serves outside the compiled programs, where JAX cannot tell on which device the code runs.
    """

    index: int = 0

    def rows(self, x: Array) -> Array:
        size = len(x) // self.num
        return x[self.index * size : (self.index + 1) * size]


class Stream:
    """Reads batches from a dataset in files, each determined by a random key.

    `announce` begins to read a batch in the background, and `take` returns it.
    """

    def __init__(self, source: Any, data: StreamedDataset) -> None:
        """Prepare without reading a batch.

        Args:
          source: `DatasetSource` or `WindowSource`, whose batches depend on nothing but data and key.
          data: the dataset that it draws from.
        """
        num = source.shards.num
        self._sources = [replace(source, shards=_Share(num, i)) for i in range(num)] if num > 1 else [source]
        self.cpu = jax.local_devices(backend="cpu")[0]
        with jax.default_device(self.cpu):
            arrays = {name: jax.tree.map(jax.numpy.asarray, getattr(data, name)) for name in IN_MEMORY}
        self._data = data.replace(**arrays)
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="stream")
        self._coming: dict[bytes, Future[Any]] = {}

    def shapes(self) -> StreamedDataset:
        """Return the shapes and dtypes of the dataset's fields."""
        return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), self._data)

    def announce(self, keys: Array) -> None:
        """Begin to read the batch of a random key, or of the keys (M,) of M runs, for the next call of `take`."""
        data = np.asarray(jax.random.key_data(keys))
        self._coming[data.tobytes()] = self._reader.submit(self._read, data)

    def take(self, keys: Array) -> Any:
        """Return, on the host, the batch of a random key, or of the keys (M,) of M runs that are computed together.

        With several devices or runs, the part of each lies along a leading axis.

        Raises:
          OSError: if a file cannot be read.
        """
        name = np.asarray(jax.random.key_data(keys)).tobytes()
        if name not in self._coming:
            self.announce(keys)
        return self._coming.pop(name).result()

    def _read(self, keys: np.ndarray) -> Any:
        with jax.default_device(self.cpu):
            several = keys.reshape(-1, keys.shape[-1])
            parts = [jax.device_get(self._sample(source, key)) for key in several for source in self._sources]
            return parts[0] if len(parts) == 1 else jax.tree.map(lambda *x: np.stack(x), *parts)

    def _sample(self, source: Any, key: np.ndarray) -> Any:
        return source.sample(self._data, (), None, jax.random.wrap_key_data(jax.numpy.asarray(key)))[1]


IN_MEMORY = ("start", "statistics", "found_return")  # fields of `StreamedDataset` that are arrays
