"""The folder of one run: its lock, `config.yaml`, `metadata.json` and `result.json`, and how to find it by name."""

import dataclasses
import datetime
import json
import os
import platform
from pathlib import Path
from typing import IO

from envs.places import writing_to
from flexrl.common.decoding import dump_yaml, load_yaml
from flexrl.common.errors import ConfigError
from flexrl.common.files import write_json, write_text
from flexrl.common.locks import hold, is_held
from flexrl.common.types import JsonObject
from flexrl.common.workspaces import require_file_system, require_no_bucket
from flexrl.config.run_config import RunConfig, decode, encode
from flexrl.storage.policy_file import is_exported
from flexrl.storage.provenance import git_state, machine, versions
from flexrl.storage.run_model import keep_model, kept_model

HOME = Path(__file__).parents[2]  # holds `pretrained/`: the repository, or the installed packages
CHANGES = "totals"  # key in metadata.json: the changes of the run's total_steps, oldest first


class RunFolder:
    """The folder `workspace/<name>/` of a run. The process that trains in it holds its lock, which keeps others out."""

    def __init__(self, path: Path) -> None:
        """Create the folder at `path` if it does not exist, and take its lock.

        Raises:
          ConfigError: if another process trains in the folder, if it holds an exported policy, if it cannot be written,
            or if it is a mounted bucket.
        """
        self.path = path
        require_no_policy(path)
        with writing_to(path, "workspace"):
            path.mkdir(parents=True, exist_ok=True)
        require_file_system(path)
        with writing_to(path, "workspace"):
            self._lock: IO[str] = (path / "lock").open("a+")
        try:
            with writing_to(path, "workspace"):
                hold(self._lock)
        except BlockingIOError:
            self._lock.seek(0)
            owner = self._lock.read().strip() or "an unknown process"
            raise ConfigError(
                f"{path}: {owner} is training in this folder; wait for it, or use another --name"
            ) from None
        self._lock.truncate(0)
        self._lock.write(f"process {os.getpid()} on {platform.node()}")
        self._lock.flush()

    def close(self) -> None:
        """Release the lock."""
        self._lock.close()

    def start(
        self,
        config: RunConfig,
        arguments: list[str],
        parent: JsonObject | None = None,
        data: JsonObject | None = None,
    ) -> None:
        """Write what is needed to repeat a new run: its config, `metadata.json`, and a copy of a user's MJCF.

        Args:
          config: config of the run.
          arguments: command-line arguments of the run.
          parent: record of what the run took from its parent, the run whose networks it begins with; None without a
            parent.
          data: record of the dataset that the run learns from; None without a dataset.

        Raises:
          ConfigError: if the folder holds a run already.
        """
        if (self.path / "config.yaml").exists():
            raise ConfigError(f"{self.path}: holds a run already; go on with it by --resume, or choose another --name")
        model = keep_model(config.env, self.path)
        kept = {} if model is None else {"model": model}
        write_json(self.path / "metadata.json", metadata(config, arguments, parent, data) | kept)
        self._write_config(config)

    def move(self, config: RunConfig) -> None:
        """Store the physics engine and the profile with which a run is resumed, and record the move.

        Args:
          config: config with which the run continues; only `physics` and `profile` (`cpu` or `gpu`) are stored.
        """
        stored = read_config(self.path)
        if (stored.physics, stored.profile) == (config.physics, config.profile):
            return
        content = read_metadata(self.path)
        move = {"from": stored.physics, "to": config.physics, "date": now(), "machine": machine()}
        write_json(self.path / "metadata.json", content | {"moves": [*content.get("moves", []), move]})
        self._write_config(dataclasses.replace(stored, physics=config.physics, profile=config.profile))

    def change_total(self, config: RunConfig, iteration: int) -> None:
        """Store the `total_steps` with which a run is resumed, and record the change in `metadata.json`.

        The result of the earlier total moves from `result.json` to the record in `metadata.json`. The config is written
        last: if the process is killed before, the run still has its earlier total.

        Args:
          config: config with which the run continues.
          iteration: iteration from which it continues.
        """
        stored = read_config(self.path)
        if stored.total_steps == config.total_steps:
            return
        content = read_metadata(self.path)
        change = {"from": stored.total_steps, "to": config.total_steps, "iteration": iteration, "date": now()}
        change |= {"config_hash": content.get("config_hash"), "machine": machine(), "result": read_result(self.path)}
        earlier = [each | {"iteration": min(each["iteration"], iteration)} for each in content.get(CHANGES, [])]
        stored = dataclasses.replace(stored, total_steps=config.total_steps)
        write_json(self.path / "metadata.json", content | {"config_hash": stored.hash(), CHANGES: [*earlier, change]})
        (self.path / "result.json").unlink(missing_ok=True)
        self._write_config(stored)

    def _write_config(self, config: RunConfig) -> None:
        write_text(self.path / "config.yaml", dump_yaml(encode(config)))


def read_config(path: Path) -> RunConfig:
    """Read the config in a run's folder.

    If the run trains a user's MJCF file, of which the folder keeps a copy, the config's `env` is the path of the copy.

    Raises:
      ConfigError: if the folder holds no run, or its config cannot be decoded.
    """
    if not (path / "config.yaml").is_file():
        raise ConfigError(f"{path}: holds no run (no config.yaml); name a folder in the workspace")
    content = load_yaml(path / "config.yaml")
    if (model := kept_model(path)) is not None:
        content["env"] = model
    return decode(content, str(path / "config.yaml"))


def read_metadata(path: Path) -> JsonObject:
    """Read a run's `metadata.json`; return an empty dictionary if the file is missing.

    Raises:
      ConfigError: if the file is damaged.
    """
    file = path / "metadata.json"
    try:
        content = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ConfigError(f"{file}: is damaged ({error}); restore it from a copy") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{file}: is damaged (must hold a mapping); restore it from a copy")
    return content


def read_result(path: Path) -> JsonObject | None:
    """Read a run's `result.json`; return None if the file is missing or damaged."""
    try:
        content = json.loads((path / "result.json").read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return content if isinstance(content, dict) and isinstance(content.get("return_mean"), int | float) else None


def is_in_use(path: Path) -> bool:
    """Return whether a process trains in a folder and holds its lock."""
    return is_held(path / "lock")


def require_no_policy(path: Path) -> None:
    """Raise ConfigError if a folder that must hold a run holds an exported policy.

    Raises:
      ConfigError: naming the folder, and how to begin a run from the policy.
    """
    if is_exported(path):
        raise ConfigError(
            f"{path}: holds an exported policy, which has no training to go on with; begin a new run from it by "
            f"--parent {path}"
        )


def find_run(name: str, workspace: str = "workspace") -> Path:
    """Return the folder of a run, given its path or its name in the workspace.

    `pretrained/NAME` is found everywhere: without such a folder here, that of the repository or of the installed
    package is used.

    `workspace` may also be the folder of a group, whose runs train together in one program; it holds a config, too.
    Then the name is also looked for beside the group's folder, where other runs of the workspace are.

    Raises:
      ConfigError: if there is no such run.
    """
    for field, place in (("run", name), ("workspace", workspace)):
        require_no_bucket(field, place, "copy the run here by python -m flexrl.runs pull gs://BUCKET/PATH RUN")
    beside = [Path(workspace).parent / name] if (Path(workspace) / "config.yaml").is_file() else []
    installed = [HOME / name] if Path(name).parts[:1] == ("pretrained",) else []
    for path in (Path(name), Path(workspace) / name, *beside, *installed):
        if (path / "config.yaml").is_file():
            return path
    raise ConfigError(f"run: {name!r} is neither a run's folder nor the name of a run in {workspace}/")


def pretrained_folders() -> list[Path]:
    """Return the folders of the policies that come with the repository or the installed package, by name."""
    return sorted(config.parent for config in (HOME / "pretrained").glob("*/config.yaml"))


def free_name(workspace: str, stem: str) -> str:
    """Return the first of `stem`, `stem-2`, `stem-3` and so on that is not in the workspace."""
    taken = Path(workspace)
    number, name = 1, stem
    while (taken / name).exists():
        number += 1
        name = f"{stem}-{number}"
    return name


def now() -> str:
    """Return the date and time in UTC, as ISO 8601 text."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def metadata(config: RunConfig, arguments: list[str], parent: JsonObject | None, data: JsonObject | None) -> JsonObject:
    """Return the content of a new run's `metadata.json`, such as its config's hash, command line, commit and machine.

    Args:
      config: config of the run.
      arguments: command-line arguments of the run.
      parent: record of what the run took from its parent, the run whose networks it begins with; None without a parent.
      data: record of the dataset that the run learns from; None without a dataset.
    """
    return {
        "config_hash": config.hash(),
        "seed": config.seed,
        "parent": parent,
        "data": data,
        "command": ["python", "-m", "flexrl.train", *arguments],
        "started": now(),
        "git": git_state(),
        "machine": machine(),
        "versions": versions(),
    }
