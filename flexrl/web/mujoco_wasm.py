"""Find MuJoCo compiled to WebAssembly, with which a web page steps physics: the npm package @mujoco/mujoco."""

import json
from pathlib import Path

import mujoco

from flexrl.common.errors import ConfigError

VERSION = "3.14.0"  # the newest at npm; it moves our model as the Python package does, see docs/export.md
PACKAGE = Path("node_modules") / "@mujoco" / "mujoco"  # where npm puts it
FILES = ("mujoco.js", "mujoco.wasm", "package.json")


def find_mujoco(folder: Path | None) -> Path:
    """Return the folder of MuJoCo's WebAssembly: the given one, or where npm puts it below the current folder.

    Raises:
      ConfigError: if a file of it is missing, or if its major version is not that of MuJoCo here.
    """
    place = folder or PACKAGE
    if missing := [name for name in FILES if not (place / name).is_file()]:
        raise ConfigError(
            f"mujoco: {place} has no {missing[0]}; fetch MuJoCo's WebAssembly by `make web-mujoco` or `npm install "
            f"@mujoco/mujoco@{VERSION}`, or name the package's folder by --mujoco"
        )
    found = version_of(place)
    if found.split(".")[0] != mujoco.__version__.split(".")[0]:
        raise ConfigError(
            f"mujoco: {place} is MuJoCo {found}, but the model was made by {mujoco.__version__}; use {VERSION}"
        )
    return place


def version_of(place: Path) -> str:
    """Return the version that a package's folder states.

    Raises:
      ConfigError: if `package.json` states none.
    """
    try:
        return str(json.loads((place / "package.json").read_bytes())["version"])
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"mujoco: {place / 'package.json'} states no version; fetch the package anew") from None
