"""Where a result comes from: the machine, the package versions and the git commit."""

import importlib.metadata
import os
import platform
import re
import subprocess
from pathlib import Path

from flexrl.common.types import JsonObject

PACKAGES = (
    *("jax", "jaxlib", "mujoco", "mujoco-mjx", "warp-lang", "brax"),
    *("flax", "optax", "orbax-checkpoint", "numpy", "minari", "h5py"),
)
REPOSITORY = Path(__file__).parents[2]


def machine() -> JsonObject:
    """Return what computes here: `cpu`, `cores`, `accelerator` (a name, None on a CPU) and `num_accelerators`."""
    import jax

    devices = jax.devices()
    is_cpu = devices[0].platform == "cpu"
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "accelerator": None if is_cpu else devices[0].device_kind,
        "num_accelerators": 0 if is_cpu else len(devices),
    }


def device_name() -> str:
    """Return the accelerator's name or, if there is none, the processor's name and number of cores."""
    return name_of(machine())


def name_of(found: JsonObject) -> str:
    """Return the accelerator's name, or the processor's with its number of cores, from a result of `machine`."""
    return found["accelerator"] or f"{found['cpu']}, {found['cores']} cores"


def machine_slug() -> str:
    """Return the device's name for use in file names, such as `amd-epyc-2-cores` or `nvidia-h200`."""
    return re.sub(r"[^a-z0-9]+", "-", device_name().lower()).strip("-")


def versions() -> dict[str, str | None]:
    """Return the versions of Python and of packages that affect results; None for one that is not installed."""
    return {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}


def git_state() -> JsonObject | None:
    """Return `commit` of flex-rl's source and whether files are `changed` since; None outside of a git checkout."""
    commit = _git("rev-parse", "HEAD")
    return None if commit is None else {"commit": commit, "changed": bool(changed_files())}


def changed_files(besides: str | None = None) -> list[str]:
    """Return the files of flex-rl's source that differ from the commit or are untracked; none if this is no checkout.

    Files in the folder `besides` are left out.
    """
    found = _git("status", "--porcelain", "--", ".", *([f":(exclude){besides}"] if besides else []))
    return [line[2:].strip() for line in (found or "").splitlines()]


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*: (.+)$", info.read_text(), re.MULTILINE) if info.exists() else None
    return found[1].strip() if found else platform.processor() or platform.machine()


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
