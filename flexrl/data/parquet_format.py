"""Write and read episodes in one Parquet file, with one row per observation.

Columns: `episode`, `step`, `observation`, `desired_goal` if there are goals, `infos.<name>`; and `action`, `reward`,
`terminated`, `truncated` of the step that follows the observation, which are null in an episode's last row. Vectors are
lists of a fixed size. The file's metadata holds notes as JSON under the key `flexrl`: metadata and provenance of the
dataset, options, seed and SHA-256 of each episode, and the SHA-256 of the notes themselves.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from flexrl.common.errors import ConfigError
from flexrl.common.files import digest, seal
from flexrl.common.types import JsonObject
from flexrl.data.episode import Episode, ended_once, require_within
from flexrl.data.minari_metadata import checked_metadata

if TYPE_CHECKING:
    import pyarrow

KEY = b"flexrl"
OF_STEPS = ("action", "reward", "terminated", "truncated")
INFO = "infos."


def write_parquet(file: Path, episodes: list[Episode], metadata: JsonObject, provenance: JsonObject) -> None:
    """Write one or more episodes, all of the same sizes, to a Parquet file. Each episode is a row group."""
    import pyarrow.parquet as pq

    noted = {
        "metadata": metadata,
        "provenance": provenance,
        "options": [episode.options for episode in episodes],
        "seeds": [episode.seed for episode in episodes],
        "sha256": [_digest(episode) for episode in episodes],
    }
    noted = json.loads(json.dumps(noted))  # as it will be read: JSON makes every key a text
    schema = _table(0, episodes[0]).schema.with_metadata({KEY: json.dumps(noted | {"seal": seal(noted)})})
    unfinished = file.with_name(file.name + ".unfinished")
    with pq.ParquetWriter(unfinished, schema, compression="zstd") as writer:
        for i, episode in enumerate(episodes):
            writer.write_table(_table(i, episode).cast(schema))
    unfinished.rename(file)


def read_parquet(file: Path) -> tuple[list[Episode], JsonObject, JsonObject]:
    """Read and check the episodes, the metadata and the provenance that `write_parquet` wrote.

    Raises:
      ConfigError: naming the file and what is wrong with it, or which part of it differs from its SHA-256.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        content = pq.ParquetFile(file)
        noted = json.loads((content.schema_arrow.metadata or {})[KEY])
        groups = [content.read_row_group(i) for i in range(content.num_row_groups)]
        seeds = noted.get("seeds", [None] * len(groups))
        episodes = [_episode(*parts) for parts in zip(groups, noted["options"], seeds, strict=True)]
        metadata, provenance = dict(noted["metadata"]), dict(noted["provenance"])
    except (OSError, KeyError, ValueError, TypeError, AttributeError, pa.ArrowException) as error:
        raise ConfigError(
            f"{file}: holds no dataset that flexrl.dataset exported ({type(error).__name__}: {error})"
        ) from None
    for i, episode in enumerate(episodes):
        place, first = f"{file}: episode {i}", episodes[0]
        episode.require_sound(place, tuple(rows.shape[-1] for rows in (first.obs, first.goal, first.action)))
        require_within(episode.action, -1, 1, place)
    _require_unchanged(file, episodes, noted)
    return list(ended_once(episodes, str(file))), checked_metadata(metadata, file), provenance


def _require_unchanged(file: Path, episodes: list[Episode], noted: JsonObject) -> None:
    """Raise ConfigError if an episode, or the notes in the file's metadata, differ from the SHA-256 in these notes.

    If the notes hold no SHA-256, print on standard error that the numbers cannot be verified.

    Args:
      file: the Parquet file, for messages.
      episodes: the episodes that were read from it.
      noted: the notes: what the file's metadata hold besides the episodes.
    """
    if "sha256" not in noted:
        print(f"{file}: has no SHA-256, so its numbers cannot be verified; export it anew", file=sys.stderr)
        return
    if noted.pop("seal", None) != seal(noted):
        raise ConfigError(f"{file}: its notes differ from their SHA-256; export the dataset anew")
    for i, (episode, wanted) in enumerate(zip(episodes, noted["sha256"], strict=True)):
        if _digest(episode) != wanted:
            raise ConfigError(f"{file}: episode {i} differs from its SHA-256; export the dataset anew")


def _digest(episode: Episode) -> str:
    """Return the SHA-256 of an episode's arrays."""
    names = ["obs", *OF_STEPS, *(["goal"] if episode.goal.shape[1] else [])]
    infos = {f"{INFO}{name}": rows for name, rows in episode.infos.items()}
    return digest({name: getattr(episode, name) for name in names} | infos)


def _table(number: int, episode: Episode) -> "pyarrow.Table":
    import pyarrow as pa

    length = episode.length
    columns: JsonObject = {
        "episode": pa.array(np.full(length + 1, number, np.int64)),
        "step": pa.array(np.arange(length + 1)),
    }
    columns["observation"] = _column(episode.obs)
    if episode.goal.shape[1]:
        columns["desired_goal"] = _column(episode.goal)
    for name in OF_STEPS:
        column = _column(getattr(episode, name))
        columns[name] = pa.concat_arrays([column, pa.nulls(1, column.type)])
    columns |= {f"{INFO}{name}": _column(rows) for name, rows in episode.infos.items()}
    return pa.table(columns)


def _column(rows: np.ndarray) -> "pyarrow.Array":
    import pyarrow as pa

    if rows.ndim == 1:
        return pa.array(rows)
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.reshape(-1)), rows.shape[1])


def _episode(group: "pyarrow.Table", options: JsonObject, seed: int | None) -> Episode:
    obs = _rows(group, "observation")
    has_goal = "desired_goal" in group.column_names
    goal = _rows(group, "desired_goal") if has_goal else np.zeros((len(obs), 0), obs.dtype)
    parts: JsonObject = {name: _rows(group.slice(0, len(group) - 1), name) for name in OF_STEPS}
    names: Iterable[str] = group.column_names
    infos = {name.removeprefix(INFO): _rows(group, name) for name in names if name.startswith(INFO)}
    return Episode(obs, goal, **parts, infos=infos, options=dict(options), seed=seed)


def _rows(group: "pyarrow.Table", name: str) -> np.ndarray:
    column = group.column(name).combine_chunks()
    if not hasattr(column.type, "list_size"):
        return column.to_numpy(zero_copy_only=False)
    flat = column.flatten().to_numpy(zero_copy_only=False)
    dtype = column.type.value_type.to_pandas_dtype()
    return flat.astype(dtype, copy=False).reshape(len(column), column.type.list_size)
