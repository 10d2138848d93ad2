"""Read from a dataset's files which environment it was recorded in."""

import json
from pathlib import Path
from typing import Any

from envs.built_in import BUILT_IN
from flexrl.data.dataset_folder import read_record
from flexrl.data.minari_metadata import METADATA, not_an_environment, read_metadata


def recorded_environment(folder: Path) -> str | None:
    """Return the name of the environment that a dataset was recorded in; None if the dataset does not name it.

    Datasets of flex-rl name it in `provenance.json`, and Minari's in `env_spec`, Gymnasium's record of an environment.
    An environment that is built into flex-rl is given by its name in flex-rl.

    Raises:
      ConfigError: if one of these records is damaged.
    """
    if (folder / "provenance.json").is_file() and (name := read_record(folder, "provenance.json").get("env")):
        return name
    described = read_metadata(folder).get("env_spec")
    return None if described is None else _named(described, folder / METADATA)


def _named(described: Any, file: Path) -> str:
    """Return the name of the environment that a text describes, which is Gymnasium's record of it as JSON.

    This is its name in flex-rl, if the environment is built into flex-rl, else its id in Gymnasium.

    Raises:
      ConfigError: if the text, which is from `file`, is no such record.
    """
    from envs.bridges.registration import gymnasium_name  # imports Gymnasium, which only Minari's datasets need

    try:
        spec = json.loads(described)
        name, arguments = spec["id"].rpartition(":")[2], spec.get("kwargs") or {}
        if name.startswith("flexrl/") and "name" in arguments:
            return str(arguments["name"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise not_an_environment(described, "env_spec", file) from None
    return next((ours for ours in BUILT_IN if gymnasium_name(ours) == name), name)
