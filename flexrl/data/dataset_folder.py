"""Write, read and verify a dataset's folder.

data/               the episodes in Minari's format: main_data.hdf5, metadata.json
provenance.json     the policies, environment, config and machine that the data came from
statistics.json     statistics of episodes and of each dimension
datasheet.html      statistics and provenance as a page, with pictures
manifest.json       written last: every file's SHA-256
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from envs.places import require_free
from flexrl.common.errors import ConfigError
from flexrl.common.files import write_json
from flexrl.common.manifest import MANIFEST, check_folder_manifest, write_folder_manifest
from flexrl.common.types import JsonObject
from flexrl.data.datasheet import datasheet
from flexrl.data.episode import Episode
from flexrl.data.flat_dataset import flatten
from flexrl.data.minari_format import read_minari, write_minari
from flexrl.data.minari_metadata import DATA
from flexrl.data.statistics import statistics


def write_dataset(
    folder: Path, episodes: list[Episode], minari_metadata: JsonObject, provenance: JsonObject
) -> JsonObject:
    """Write a new dataset, and return its statistics. The folder appears only when it is complete.

    Args:
      folder: folder to create.
      episodes: episodes of the dataset, all of the same sizes.
      minari_metadata: Minari's metadata, such as `dataset_id`.
      provenance: content of `provenance.json`.

    Raises:
      ConfigError: if the folder exists already, or there are no episodes.
    """
    require_free(folder)
    if not episodes:
        raise ConfigError(f"out: {folder}: no episode with a finite first step was collected, so nothing is written")
    unfinished = folder.with_name(folder.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    write_minari(unfinished, episodes, minari_metadata)
    write_json(unfinished / "provenance.json", provenance)
    data = flatten(episodes)
    found = statistics(data)
    write_json(unfinished / "statistics.json", found)
    title = minari_metadata.get("dataset_id", folder.name)
    (unfinished / "datasheet.html").write_text(datasheet(title, data, found, provenance))
    write_folder_manifest(unfinished)
    unfinished.rename(folder)
    return found


def read_dataset(folder: Path, *, rescale_actions: bool = False) -> list[Episode]:
    """Read and check all episodes of a dataset.

    Args:
      folder: folder of the dataset.
      rescale_actions: rescale actions from the bounds of the dataset's action space to [-1, 1]; otherwise the bounds
        must be -1 and 1.

    Raises:
      ConfigError: naming the file and what is wrong with it.
    """
    return list(iterate_dataset(folder, rescale_actions=rescale_actions))


def iterate_dataset(folder: Path, *, rescale_actions: bool = False) -> Iterator[Episode]:
    """Read a dataset's episodes one after the other.

    The files are first compared with their SHA-256, unless Minari wrote the dataset: then it has no manifest.

    Args:
      folder: folder of the dataset.
      rescale_actions: rescale actions from the bounds of the dataset's action space to [-1, 1]; otherwise the bounds
        must be -1 and 1.

    Raises:
      ConfigError: naming the file and what is wrong with it.
    """
    if not (folder / DATA).is_dir():
        raise ConfigError(f"dataset: {folder} holds no dataset (no folder {DATA}); name one that flexrl.collect wrote")
    if (folder / MANIFEST).is_file():
        check_folder_manifest(folder)
    yield from read_minari(folder, rescale_actions=rescale_actions)


def verify_dataset(folder: Path) -> str:
    """Check a dataset's files and episodes, and return a line that says how many files, episodes and steps there are.

    Raises:
      ConfigError: naming the file and what is wrong with it.
    """
    num_files = check_folder_manifest(folder)
    num_steps = [episode.length for episode in read_minari(folder)]
    return f"{folder}: {num_files} files, {len(num_steps)} episodes and {sum(num_steps):,} steps are in order"


def read_record(folder: Path, name: str) -> JsonObject:
    """Read `statistics.json` or `provenance.json` in a dataset's folder.

    Raises:
      ConfigError: if the file is missing or damaged.
    """
    path = folder / name
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        raise ConfigError(f"{path}: is missing or damaged; name a folder that flexrl.collect wrote") from None
