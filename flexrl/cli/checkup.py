"""Checks of this machine, which `flexrl.doctor` prints: what is there, whether it works, and what to do if not."""

import importlib.metadata
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from envs.errors import ConfigError
from envs.view.gl import open_gl
from flexrl.common.gpu_driver import has_cuda_packages, why_no_gpu
from flexrl.common.jax_setup import cache_home, prepare_jax

PYTHON = (3, 11)  # the oldest that works
LOW_DISK, NO_DISK = 2e9, 2e8  # bytes: a run writes tens of MB, a dataset or a wide sweep some GB
LOW_MEMORY, NO_MEMORY = 2e9, 5e8  # bytes: a training of humanoid-walk takes about 1 GB
TRAINING = {"extra": "train"}  # the extra that training needs, for markers of requirements
INSTALL = "make setup, or pip install 'flex-rl[train]'"
NVIDIA = Path("/proc/driver/nvidia/version")
MODEL = "<mujoco><worldbody><body pos='0 0 1'><freejoint/><geom size='.1'/></body></worldbody></mujoco>"


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
      name: what was checked.
      state: `ok`; `note`: training works, but something does not; `broken`: training does not work.
      text: what is there.
      advice: what to do; empty if there is nothing to do.
    """

    name: str
    state: Literal["ok", "note", "broken"]
    text: str
    advice: str = ""


def findings(workspace: str) -> Iterator[Finding]:
    """Run one check after the other and yield its finding. A check that raises an error is `broken`.

    Args:
      workspace: folder that holds the runs.
    """
    checks: dict[str, Callable[[], Finding]] = {
        "Python": python,
        "packages": packages,
        "JAX": jax_devices,
        "driver": driver,
        "MuJoCo": mujoco_steps,
        "OpenGL": opengl,
        "processor": processor,
        "memory": memory,
        "disk": lambda: disk(Path(workspace)),
        "cache": cache,
    }
    for name, check in checks.items():
        try:
            yield check()
        except Exception as error:
            yield Finding(name, "broken", f"{type(error).__name__}: {str(error).partition(chr(10))[0]}", INSTALL)


def python() -> Finding:
    """Check the version of Python."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < PYTHON:
        return Finding("Python", "broken", found, f"install Python {PYTHON[0]}.{PYTHON[1]} or newer")
    return Finding("Python", "ok", f"{found} at {sys.executable}")


def packages() -> Finding:
    """Check that the packages are installed that running policies and training need, in versions that work."""
    required = [Requirement(text) for text in importlib.metadata.requires("flex-rl") or []]
    base = [each for each in required if each.marker is None or each.marker.evaluate({"extra": ""})]
    training = [each for each in required if each not in base and each.marker and each.marker.evaluate(TRAINING)]
    name = f"flex-rl {importlib.metadata.version('flex-rl')}"
    if wrong := _wrong(base):
        return Finding("packages", "broken", f"{name}: {', '.join(wrong)}", INSTALL)
    if wrong := _wrong(training):
        return Finding("packages", "note", f"{name} runs policies; of the extra train, {', '.join(wrong)}", INSTALL)
    return Finding("packages", "ok", f"{name}; the {len(base) + len(training)} packages that training needs are there")


def _wrong(required: list[Requirement]) -> list[str]:
    """Return for each requirement that is not met a phrase such as `jax is missing`."""
    wrong = []
    for each in required:
        try:
            version = importlib.metadata.version(each.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{each.name} is missing")
            continue
        if not each.specifier.contains(version, prereleases=True):
            wrong.append(f"{each.name} is {version}, not {each.specifier}")
    return wrong


def jax_devices() -> Finding:
    """Check that JAX computes, and name its devices."""
    prepare_jax()
    import jax
    import jax.numpy as jnp

    total = float(jax.jit(jnp.sum)(jnp.ones(3)))
    kinds = sorted({f"{device.platform} ({device.device_kind})" for device in jax.devices()})
    text = f"{jax.__version__}, {len(jax.devices())} device(s): {', '.join(kinds)}"
    if total != 3:
        return Finding("JAX", "broken", f"{text}; 1 + 1 + 1 gave {total}", INSTALL)
    return Finding("JAX", "ok", text)


def driver() -> Finding:
    """Check whether an NVIDIA GPU can be used, if there is one or JAX's CUDA packages are installed."""
    has_driver = NVIDIA.exists()
    if has_cuda_packages():
        reason = why_no_gpu()
        return Finding("driver", "note", "no GPU can be used", reason) if reason else Finding("driver", "ok", _driver())
    if has_driver:
        advice = "install the extra cuda12 or cuda13: make train LOCK=requirements-cuda12.lock"
        return Finding("driver", "note", f"{_driver()}, but JAX has no CUDA packages, so the CPU computes", advice)
    return Finding("driver", "ok", "no NVIDIA GPU: the CPU computes")


def _driver() -> str:
    return NVIDIA.read_text().partition("\n")[0].strip() if NVIDIA.exists() else "an NVIDIA GPU can be used"


def mujoco_steps() -> Finding:
    """Check that MuJoCo steps a model: a ball must fall."""
    import mujoco

    model = mujoco.MjModel.from_xml_string(MODEL)
    data = mujoco.MjData(model)
    for _ in range(10):
        mujoco.mj_step(model, data)
    if not data.qpos[2] < 1:
        return Finding("MuJoCo", "broken", f"{mujoco.__version__}: a ball in the air does not fall", INSTALL)
    return Finding("MuJoCo", "ok", mujoco.__version__)


def opengl() -> Finding:
    """Check that an image can be drawn, which videos need."""
    try:
        context = open_gl(16, 16)
    except ConfigError as error:
        return Finding("OpenGL", "note", "no videos can be drawn", str(error))
    module = type(context).__module__
    context.free()
    return Finding("OpenGL", "ok", f"{module.removeprefix('mujoco.')} draws")


def processor() -> Finding:
    """Count the processor's cores that this process may use."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Finding("processor", "ok", f"{usable} core(s) for native MuJoCo's threads")


def memory() -> Finding:
    """Check how much memory is left, also within the limit of a container."""
    left = _memory_left()
    if left is None:
        return Finding("memory", "ok", "unknown on this system")
    text = f"{left / 1e9:.1f} GB are free"
    if left < NO_MEMORY:
        return Finding("memory", "broken", text, "end other programs, or give the container more")
    if left < LOW_MEMORY:
        return Finding("memory", "note", text, "train with fewer worlds: --num-envs 64")
    return Finding("memory", "ok", text)


def _memory_left() -> int | None:
    """Return the bytes that are left, by Linux's own count and by the limit of the control group; None if unknown."""
    info, group = Path("/proc/meminfo"), Path("/sys/fs/cgroup")
    if not info.exists():
        return None
    lines = dict(line.split(":") for line in info.read_text().splitlines())
    left = int(lines["MemAvailable"].split()[0]) * 1024
    limit = group / "memory.max"
    if limit.exists() and (text := limit.read_text().strip()) != "max":
        left = min(left, int(text) - int((group / "memory.current").read_text()))
    return left


def disk(workspace: Path) -> Finding:
    """Check that the workspace can be written, and how much room is left there."""
    there = next(folder for folder in (workspace.absolute(), *workspace.absolute().parents) if folder.is_dir())
    free = shutil.disk_usage(there).free
    text = f"{free / 1e9:.1f} GB are free at {workspace}"
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        return Finding("disk", "broken", f"{there} cannot be written ({error.strerror})", "choose another --workspace")
    if free < NO_DISK:
        return Finding("disk", "broken", text, "free space, or choose another --workspace")
    if free < LOW_DISK:
        return Finding("disk", "note", text, "free space before you record datasets or sweep")
    return Finding("disk", "ok", text)


def cache() -> Finding:
    """Check that compiled programs can be kept, so that later starts are faster."""
    asked = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    if cache_home() != asked:
        return Finding("cache", "note", f"{asked} cannot be written", "set XDG_CACHE_HOME: every start compiles anew")
    return Finding("cache", "ok", f"compiled programs are kept in {asked / 'flexrl'}")
