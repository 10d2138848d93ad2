"""The folder of one run: its lock, its records, and where everything lies."""

import datetime
import fcntl
import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

from flexrl.config import RunConfig, decode, encode, load_yaml
from flexrl.errors import ConfigError
from flexrl.files import write_json, write_text

PACKAGES = ("jax", "jaxlib", "mujoco", "mujoco-mjx", "warp-lang", "flax", "optax", "orbax-checkpoint", "numpy")


class RunFolder:
    """`workspace/<name>/`, owned by one process at a time."""

    def __init__(self, path: Path) -> None:
        """Take the lock of the folder at `path`, creating the folder if need be.

        Raises:
          ConfigError: if another process trains there.
        """
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self._lock: IO[str] = (path / "lock").open("a+")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.seek(0)
            owner = self._lock.read().strip() or "an unknown process"
            raise ConfigError(
                f"{path}: {owner} is training in this folder; wait for it, or use another --name"
            ) from None
        self._lock.truncate(0)
        self._lock.write(f"process {os.getpid()} on {platform.node()}")
        self._lock.flush()

    def start(self, config: RunConfig, arguments: list[str]) -> None:
        """Record what a new run is: its config, and what a reader needs to repeat it.

        Raises:
          ConfigError: if the folder holds a run already.
        """
        import yaml

        if (self.path / "config.yaml").exists():
            raise ConfigError(f"{self.path}: holds a run already; go on with it by --resume, or choose another --name")
        write_json(self.path / "metadata.json", metadata(config, arguments))
        text = yaml.safe_dump(encode(config), sort_keys=False)
        write_text(self.path / "config.yaml", text)


def read_config(path: Path) -> RunConfig:
    """The config that a run's folder was started with.

    Raises:
      ConfigError: if there is no run, or its config does not decode.
    """
    if not (path / "config.yaml").is_file():
        raise ConfigError(f"{path}: holds no run (no config.yaml); name a folder in the workspace")
    return decode(load_yaml(path / "config.yaml"), str(path / "config.yaml"))


def find_run(name: str, workspace: str = "workspace") -> Path:
    """The folder of a run, given its path or its name in the workspace.

    Raises:
      ConfigError: if neither is there.
    """
    for path in (Path(name), Path(workspace) / name):
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


def metadata(config: RunConfig, arguments: list[str]) -> dict[str, Any]:
    """Commit, versions, device, command line and identity of a run."""
    import jax

    return {
        "config_hash": config.hash(),
        "seed": config.seed,
        "parent": None,
        "command": ["python", "-m", "flexrl.train", *arguments],
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "git": git_state(),
        "device": device_name(),
        "num_devices": jax.device_count(),
        "cpu_count": os.cpu_count(),
        "python": sys.version.split()[0],
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
    }


def device_name() -> str:
    """What computes: a GPU's name, or the CPU's."""
    import jax

    device = jax.devices()[0]
    if device.platform != "cpu":
        return device.device_kind
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def git_state() -> dict[str, Any] | None:
    """The source's commit and whether it was changed since; None outside of a git checkout."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(Path(__file__).parent), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return {"commit": git("rev-parse", "HEAD"), "changed": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        return None
