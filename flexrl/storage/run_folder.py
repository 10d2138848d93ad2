"""The folder of one run: its lock, its records, and where everything lies."""

import dataclasses
import datetime
import json
import os
import platform
from pathlib import Path
from typing import IO, Any

from envs.places import writing_to
from flexrl.common.decoding import dump_yaml, load_yaml
from flexrl.common.errors import ConfigError
from flexrl.common.files import write_json, write_text
from flexrl.common.locks import hold, is_held
from flexrl.config.run_config import RunConfig, decode, encode
from flexrl.storage.policy_file import is_exported
from flexrl.storage.provenance import git_state, machine, versions

CHANGES = "totals"  # of a run's metadata.json: each change of its total of steps, oldest first


class RunFolder:
    """`workspace/<name>/`, owned by one process at a time."""

    def __init__(self, path: Path) -> None:
        """Take the lock of the folder at `path`, creating the folder if need be.

        Raises:
          ConfigError: if another process trains there, it holds an exported policy, or it cannot be written.
        """
        self.path = path
        require_no_policy(path)
        with writing_to(path, "workspace"):
            path.mkdir(parents=True, exist_ok=True)
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
        """Let go of the lock."""
        self._lock.close()

    def start(
        self,
        config: RunConfig,
        arguments: list[str],
        parent: dict[str, Any] | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        """Record what a new run is: its config, and what a reader needs to repeat it.

        Args:
          config: of the run.
          arguments: its command line.
          parent: what it took from another run, see `flexrl.training.warm_start.Inheritance`.
          data: what it learns from, see `flexrl.engine.training_data.TrainingData`.

        Raises:
          ConfigError: if the folder holds a run already.
        """
        if (self.path / "config.yaml").exists():
            raise ConfigError(f"{self.path}: holds a run already; go on with it by --resume, or choose another --name")
        write_json(self.path / "metadata.json", metadata(config, arguments, parent, data))
        self._write_config(config)

    def move(self, config: RunConfig) -> None:
        """Note that a run goes on on other physics, if it does; its config says so from here on."""
        stored = read_config(self.path)
        if (stored.physics, stored.profile) == (config.physics, config.profile):
            return
        content = read_metadata(self.path)
        move = {"from": stored.physics, "to": config.physics, "date": now(), "machine": machine()}
        write_json(self.path / "metadata.json", content | {"moves": [*content.get("moves", []), move]})
        self._write_config(dataclasses.replace(stored, physics=config.physics, profile=config.profile))

    def change_total(self, config: RunConfig, iteration: int) -> None:
        """Note that a run goes on from an iteration to another total of steps, if it does.

        The result of the earlier total moves to the note, because it is not one of the new total. The config is
        written last, so that a kill before leaves a run of the earlier total.
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
    """The config that a run's folder was started with.

    Raises:
      ConfigError: if there is no run, or its config does not decode.
    """
    if not (path / "config.yaml").is_file():
        raise ConfigError(f"{path}: holds no run (no config.yaml); name a folder in the workspace")
    return decode(load_yaml(path / "config.yaml"), str(path / "config.yaml"))


def read_metadata(path: Path) -> dict[str, Any]:
    """What was recorded in a run's folder when it began, and since; nothing where the file is missing.

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


def read_result(path: Path) -> dict[str, Any] | None:
    """The result in a run's folder, None where there is none or it is damaged."""
    try:
        content = json.loads((path / "result.json").read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return content if isinstance(content, dict) and isinstance(content.get("return_mean"), int | float) else None


def is_in_use(path: Path) -> bool:
    """Whether a process trains in a folder."""
    return is_held(path / "lock")


def require_no_policy(path: Path) -> None:
    """Refuse a folder that holds an exported policy where a run is needed.

    Raises:
      ConfigError: with the way out.
    """
    if is_exported(path):
        raise ConfigError(
            f"{path}: holds an exported policy, which has no training to go on with; begin a new run from it by "
            f"--parent {path}"
        )


def find_run(name: str, workspace: str = "workspace") -> Path:
    """The folder of a run, given its path or its name in the workspace.

    The workspace of one of several runs that train together is the folder of their group, which holds a config, too.
    Other runs lie beside the group.

    Raises:
      ConfigError: if neither is there.
    """
    beside = [Path(workspace).parent / name] if (Path(workspace) / "config.yaml").is_file() else []
    for path in (Path(name), Path(workspace) / name, *beside):
        if (path / "config.yaml").is_file():
            return path
    raise ConfigError(f"run: {name!r} is neither a run's folder nor the name of a run in {workspace}/")


def free_name(workspace: str, stem: str) -> str:
    """`stem`, or `stem-2` and so on if a run of that name is there."""
    taken = Path(workspace)
    number, name = 1, stem
    while (taken / name).exists():
        number += 1
        name = f"{stem}-{number}"
    return name


def now() -> str:
    """The date and time, in UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def metadata(
    config: RunConfig, arguments: list[str], parent: dict[str, Any] | None, data: dict[str, Any] | None
) -> dict[str, Any]:
    """Commit, versions, machine, command line, identity and origin of a run."""
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
