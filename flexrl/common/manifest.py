"""Write and check a folder's `manifest.json`: the SHA-256 of every other file. It is written last.

That is a dataset's manifest. A checkpoint's, which `flexrl.storage.checkpoint` writes, also holds its step and the
shapes of its arrays.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from flexrl.common.errors import ConfigError
from flexrl.common.files import seal, sha256, sync, write_json
from flexrl.common.types import JsonObject

MANIFEST = "manifest.json"
REMEDY = "fetch or collect the dataset anew"


def write_folder_manifest(folder: Path) -> None:
    """Wait until a folder's files are on the disk, then write their SHA-256 to its `manifest.json`."""
    files = hash_files(folder)
    write_json(folder / MANIFEST, {"files": files, "seal": seal(files)})


def check_folder_manifest(folder: Path, remedy: str = REMEDY) -> int:
    """Compare a folder's files with the SHA-256 in its manifest, and return the number of files.

    Raises:
      ConfigError: if a file is missing or differs; names the file, and ends with `remedy`.
    """
    files = read_folder_manifest(folder, remedy)["files"]
    if problem := find_difference(folder, files):
        raise ConfigError(f"{problem}; {remedy}")
    return len(files)


def read_folder_manifest(folder: Path, remedy: str = REMEDY) -> JsonObject:
    """Read a folder's manifest: `files`, the SHA-256 by file name, and `seal`, the SHA-256 of `files`.

    Raises:
      ConfigError: if the manifest is missing, damaged, or does not fit its seal; ends with `remedy`.
    """
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_bytes())
        files, found = dict(content["files"]), content["seal"]
    except OSError:
        raise ConfigError(f"{path}: is missing, so the files cannot be verified; {remedy}") from None
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"{path}: is damaged; {remedy}") from None
    if found != seal(files):
        raise ConfigError(f"{path}: was changed after it was written; {remedy}")
    return {"files": files, "seal": found}


def hash_files(folder: Path) -> dict[str, str]:
    """Wait until a folder's files are on the disk. Return their SHA-256 by file name, without `manifest.json`."""
    digests = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p != folder / MANIFEST):
        digests[path.relative_to(folder).as_posix()] = sha256(path)
        sync(path)
    return digests


def find_difference(folder: Path, files: Mapping[str, str]) -> str | None:
    """Compare files with their SHA-256. Return which one is missing or differs, in one line; None if none does."""
    for name, digest in files.items():
        file = folder / name
        if not file.is_file():
            return f"{file}: is missing"
        if sha256(file) != digest:
            return f"{file}: differs from its SHA-256 in {MANIFEST}"
    return None
