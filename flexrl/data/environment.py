"""Which environment a dataset says that it was recorded in."""

import json
from pathlib import Path
from typing import Any

from envs.built_in import BUILT_IN
from flexrl.data.dataset_folder import read_record
from flexrl.data.minari_metadata import METADATA, not_an_environment, read_metadata


def recorded_environment(folder: Path) -> str | None:
    """The environment of a dataset, by our name of it where it is one of ours; None where nothing names it.

    What flex-rl wrote names it in `provenance.json`, what Minari wrote in `env_spec`, Gymnasium's record of it.

    Raises:
      ConfigError: if one of these is damaged.
    """
    if (folder / "provenance.json").is_file() and (name := read_record(folder, "provenance.json").get("env")):
        return name
    described = read_metadata(folder).get("env_spec")
    return None if described is None else _named(described, folder / METADATA)


def _named(described: Any, file: Path) -> str:
    """The environment of an `env_spec`: of our bridge to Gymnasium by its argument, else by its id."""
    from envs.bridges.registration import gymnasium_name  # brings Gymnasium, which only Minari's datasets need

    try:
        spec = json.loads(described)
        name, arguments = spec["id"].rpartition(":")[2], spec.get("kwargs") or {}
        if name.startswith("flexrl/") and "name" in arguments:
            return str(arguments["name"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise not_an_environment(described, "env_spec", file) from None
    return next((ours for ours in BUILT_IN if gymnasium_name(ours) == name), name)
