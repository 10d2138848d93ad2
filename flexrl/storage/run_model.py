"""The copy of a user's MJCF in a run's folder, from which the run is resumed, evaluated and drawn later."""

import json
import shutil
from pathlib import Path

import mujoco

from envs.built_in import is_model_file
from envs.robots.mjcf import common_folder, files_of
from flexrl.common.errors import ConfigError
from flexrl.common.files import new_folder, seal, sha256, write_json
from flexrl.common.types import JsonObject

FOLDER = "model"  # within the run's folder
RECORD = "model.json"  # names the main file within FOLDER, and holds the SHA-256 of each file and of all together


def keep_model(env: str, run: Path) -> JsonObject | None:
    """Copy the user's MJCF file that a run trains, with all files that it names, into the run's folder.

    Args:
      env: name of the run's environment.
      run: the run's folder.

    Returns:
      The content of `model.json`: `file` (the main file), `files` (SHA-256 by path) and `sha256` of all together; None
      if the environment is no MJCF file.

    Raises:
      ConfigError: if MuJoCo cannot read the copy.
    """
    if not is_model_file(env):
        return None
    files = files_of(env)
    top = common_folder(files)
    names = {file.relative_to(top).as_posix(): file for file in files}
    shutil.rmtree(run / FOLDER, ignore_errors=True)  # of a start that was killed
    with new_folder(run / FOLDER) as folder:
        for name, file in names.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, folder / name)
        sums = {name: sha256(folder / name) for name in sorted(names)}
        record = {"file": files[0].relative_to(top).as_posix(), "sha256": seal(sums), "files": sums}
        _require_readable(folder / record["file"], env)
        write_json(folder / RECORD, record)
    return record


def kept_model(run: Path) -> str | None:
    """Return the path of the copy of a user's MJCF file in a run's folder; None if there is none."""
    record = run / FOLDER / RECORD
    if not record.is_file():
        return None
    return str(run / FOLDER / json.loads(record.read_bytes())["file"])


def copy_model(run: Path, to: Path) -> None:
    """Copy a user's MJCF files, if the run's folder keeps a copy of them, to another folder."""
    if (run / FOLDER / RECORD).is_file():
        shutil.copytree(run / FOLDER, to / FOLDER)


def _require_readable(copy: Path, env: str) -> None:
    try:
        mujoco.MjModel.from_xml_path(str(copy))
    except (ValueError, mujoco.FatalError) as error:
        line = str(error).strip().partition("\n")[0]
        raise ConfigError(
            f"env: {env}: the run's copy of its files cannot be read: {line}; name included files, meshes and "
            "textures by paths relative to the MJCF file"
        ) from None
