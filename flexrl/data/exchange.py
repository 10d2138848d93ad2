"""Merge datasets, import them from Minari's format or Parquet, and export them to Parquet."""

from collections.abc import Sequence
from pathlib import Path

from envs.bridges.registration import plain_name
from envs.places import require_free
from flexrl.common.errors import ConfigError
from flexrl.common.files import sha256
from flexrl.common.manifest import MANIFEST
from flexrl.common.types import JsonObject
from flexrl.data.dataset_folder import read_dataset, read_record, write_dataset
from flexrl.data.environment import recorded_environment
from flexrl.data.episode import Episode
from flexrl.data.minari_format import ARRAYS
from flexrl.data.minari_metadata import METADATA, read_metadata, recorded_action_space, with_rescaled_actions
from flexrl.data.parquet_format import read_parquet, write_parquet

PARQUET = ".parquet"


def merge_datasets(folders: Sequence[Path], out: Path) -> JsonObject:
    """Write the episodes of several datasets as one dataset, and return its statistics.

    Raises:
      ConfigError: if a dataset is damaged or named twice, or has another environment or arrays of
        other sizes than the first one.
    """
    require_free(out)
    if len(folders) < 2 or len({folder.resolve() for folder in folders}) < len(folders):
        raise ConfigError(f"merge: {' '.join(map(str, folders))} must be two or more different datasets")
    parts = [read_dataset(folder) for folder in folders]
    records = [read_record(folder, "provenance.json") for folder in folders]
    metadata = [read_metadata(folder) for folder in folders]
    environments = [recorded_environment(folder) for folder in folders]
    for folder, episodes, environment in zip(folders, parts, environments, strict=True):
        for name, found, wanted in (
            ("env", environment, environments[0]),
            ("sizes", _sizes(episodes[0]), _sizes(parts[0][0])),
        ):
            if found != wanted:
                raise ConfigError(f"merge: {folder} has {name} {found}, and {folders[0]} has {wanted}; leave it out")
    names = [str(record.get("tier", folder.name)) for folder, record in zip(folders, records, strict=True)]
    tier = "-".join(dict.fromkeys(names))
    scores = [(each.get("ref_min_score"), each.get("ref_max_score")) for each in metadata]
    merged = {
        "dataset_id": f"flexrl/{plain_name(environments[0] or 'unknown')}/{tier}-v0",
        "algorithm_name": ", ".join(dict.fromkeys(str(each.get("algorithm_name")) for each in metadata)),
        "description": "; ".join(str(each.get("description")) for each in metadata),
    }
    spec = metadata[0].get("env_spec")
    if spec and all(each.get("env_spec") == spec for each in metadata):
        merged["env_spec"] = spec
    if None not in scores[0] and len(set(scores)) == 1:
        merged |= {"ref_min_score": scores[0][0], "ref_max_score": scores[0][1]}
    sources = [
        {"folder": folder.name, "manifest_sha256": sha256(folder / MANIFEST), "provenance": record}
        for folder, record in zip(folders, records, strict=True)
    ]
    provenance = {"tier": tier, "env": environments[0], "merged": sources}
    return write_dataset(out, [episode for part in parts for episode in part], merged, provenance)


def import_dataset(source: Path, out: Path, *, rescale_actions: bool = False) -> JsonObject:
    """Import a folder in Minari's format or a Parquet file as a dataset of flex-rl, and return its statistics.

    Args:
      source: folder or file to import.
      out: folder to create.
      rescale_actions: rescale actions to [-1, 1] if the action space has other bounds; refused for a Parquet file.

    Raises:
      ConfigError: naming the file and what is wrong with it.
    """
    require_free(out)
    if source.suffix == PARQUET:
        if rescale_actions:
            raise ConfigError(f"rescale_actions: {source} has actions in [-1, 1], as all Parquet exports; leave it out")
        episodes, metadata, provenance = read_parquet(source)
        return write_dataset(out, episodes, metadata, provenance | {"imported": {source.name: sha256(source)}})
    episodes = read_dataset(source, rescale_actions=rescale_actions)
    files = {name: sha256(source / name) for name in (ARRAYS, METADATA) if (source / name).is_file()}
    metadata = read_metadata(source)
    provenance = {"env": recorded_environment(source), "imported": files, "minari": metadata}
    space = recorded_action_space(source)
    if {*space["low"]} != {-1.0} or {*space["high"]} != {1.0}:
        provenance["rescaled_actions_from"] = space
        metadata = with_rescaled_actions(metadata, source / METADATA)
    return write_dataset(out, episodes, metadata, provenance)


def export_dataset(folder: Path, out: Path) -> str:
    """Write a dataset as a Parquet file, and return a line with the number of episodes and the size of the file.

    Raises:
      ConfigError: if the dataset is damaged, the file exists already, or its name does not end in `.parquet`.
    """
    if out.suffix != PARQUET:
        raise ConfigError(f"out: {out} must end in {PARQUET}")
    require_free(out)
    episodes = read_dataset(folder)
    write_parquet(out, episodes, read_metadata(folder), read_record(folder, "provenance.json"))
    return f"{out}: {len(episodes)} episodes, {out.stat().st_size / 1e6:.1f} MB"


def _sizes(episode: Episode) -> JsonObject:
    """Return the shapes of an observation, a goal, an action and each info of an episode, by name."""
    rows = {"observations": episode.obs, "goals": episode.goal, "actions": episode.action, **episode.infos}
    return {name: array.shape[1:] for name, array in rows.items()}
