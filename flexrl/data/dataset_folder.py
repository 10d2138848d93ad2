"""A dataset on the disk.

data/               Minari's: main_data.hdf5, metadata.json
provenance.json     what the data came from
statistics.json     what is in it
datasheet.html      the same for reading, with pictures
manifest.json       written last: every file's SHA-256
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from envs.places import require_free
from flexrl.common.errors import ConfigError
from flexrl.common.files import write_json
from flexrl.common.manifest import MANIFEST, check_folder_manifest, write_folder_manifest
from flexrl.data.datasheet import datasheet
from flexrl.data.episode import Episode
from flexrl.data.flat_dataset import flatten
from flexrl.data.minari_format import read_minari, write_minari
from flexrl.data.minari_metadata import DATA
from flexrl.data.statistics import statistics


def write_dataset(
    folder: Path, episodes: list[Episode], minari_metadata: dict[str, Any], provenance: dict[str, Any]
) -> dict[str, Any]:
    """Write a new dataset, and return its statistics.

    Raises:
      ConfigError: if the folder is there, or there are no episodes.
    """
    require_free(folder)
    if not episodes:
        raise ConfigError(f"out: {folder}: no episode with a finite first step was collected, so there is nothing")
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
    """The episodes of a dataset, all in memory; see `iterate_dataset`."""
    return list(iterate_dataset(folder, rescale_actions=rescale_actions))


def iterate_dataset(folder: Path, *, rescale_actions: bool = False) -> Iterator[Episode]:
    """The episodes of a dataset; of one that Minari wrote, which has no manifest, without comparing SHA-256.

    Args:
      folder: of the dataset.
      rescale_actions: see `read_minari`.

    Raises:
      ConfigError: naming the file and what is wrong with it.
    """
    if not (folder / DATA).is_dir():
        raise ConfigError(f"dataset: {folder} holds no dataset (no folder {DATA}); name one that flexrl.collect wrote")
    if (folder / MANIFEST).is_file():
        check_folder_manifest(folder)
    yield from read_minari(folder, rescale_actions=rescale_actions)


def verify_dataset(folder: Path) -> str:
    """What was found to be in order, in a line.

    Raises:
      ConfigError: naming the file and what is wrong with it.
    """
    num_files = check_folder_manifest(folder)
    num_steps = [episode.length for episode in read_minari(folder)]
    return f"{folder}: {num_files} files, {len(num_steps)} episodes and {sum(num_steps):,} steps are in order"


def read_record(folder: Path, name: str) -> dict[str, Any]:
    """`statistics.json` or `provenance.json`.

    Raises:
      ConfigError: if it is missing or damaged.
    """
    path = folder / name
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        raise ConfigError(f"{path}: is missing or damaged; name a folder that flexrl.collect wrote") from None
