"""What seals a folder: `manifest.json`, written last, with every other file's SHA-256."""

import json
from pathlib import Path
from typing import Any

from flexrl.common.errors import ConfigError
from flexrl.common.files import seal, sha256, sync, write_json

MANIFEST = "manifest.json"
REMEDY = "fetch or collect the dataset anew"


def write_folder_manifest(folder: Path) -> None:
    """Seal the files of a folder, once they are on the disk."""
    files = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p != folder / MANIFEST):
        files[path.relative_to(folder).as_posix()] = sha256(path)
        sync(path)
    write_json(folder / MANIFEST, {"files": files, "seal": seal(files)})


def check_folder_manifest(folder: Path, remedy: str = REMEDY) -> int:
    """How many files were found as the manifest says.

    Raises:
      ConfigError: naming the file that is missing or differs, and the remedy.
    """
    files = read_folder_manifest(folder, remedy)["files"]
    for name, digest in files.items():
        file = folder / name
        if not file.is_file():
            raise ConfigError(f"{file}: is missing; {remedy}")
        if sha256(file) != digest:
            raise ConfigError(f"{file}: differs from its SHA-256 in {MANIFEST}; {remedy}")
    return len(files)


def read_folder_manifest(folder: Path, remedy: str = REMEDY) -> dict[str, Any]:
    """`files` with their SHA-256, and their `seal`.

    Raises:
      ConfigError: if it is missing, damaged or changed.
    """
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_bytes())
        files, found = dict(content["files"]), content["seal"]
    except OSError:
        raise ConfigError(f"{path}: is missing, so nothing vouches for the files; {remedy}") from None
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"{path}: is damaged; {remedy}") from None
    if found != seal(files):
        raise ConfigError(f"{path}: was changed after it was written; {remedy}")
    return {"files": files, "seal": found}
