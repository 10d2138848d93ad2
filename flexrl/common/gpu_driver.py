"""Check whether an NVIDIA GPU can be used: look for JAX's CUDA packages and the driver's library. Imports no JAX."""

import ctypes
import functools
import importlib.util
import os
import sys

PACKAGES = ("jax_cuda12_plugin", "jax_cuda13_plugin")
LIBRARY = "libcuda.so.1"


def has_cuda_packages() -> bool:
    """Return whether this Python environment has JAX's CUDA packages."""
    return any(importlib.util.find_spec(name) for name in PACKAGES)


@functools.cache
def why_no_gpu() -> str | None:
    """Return one line on why no GPU can be used, and what to do about it; None if the driver sees a GPU."""
    if not has_cuda_packages():
        return f"neither {' nor '.join(PACKAGES)} is installed; install the extra cuda12 or cuda13, or use its image"
    try:
        driver = ctypes.CDLL(LIBRARY)
    except OSError as error:
        places = os.environ.get("LD_LIBRARY_PATH") or "which is not set"
        return (
            f"the driver's {LIBRARY} is neither in LD_LIBRARY_PATH ({places}) nor where the system's loader looks "
            f"({error}); check the driver with nvidia-smi, start a container with --gpus all, or ask for a GPU in the "
            "sweep's resources"
        )
    if code := driver.cuInit(0):
        visible = os.environ.get("NVIDIA_VISIBLE_DEVICES", "not set")
        return (
            f"the driver's {LIBRARY} was found, but sees no device it can use (cuInit: {code}; NVIDIA_VISIBLE_DEVICES: "
            f"{visible}); check the driver with nvidia-smi, and that the container or pod was given a GPU"
        )
    return None


@functools.cache
def say_why_no_gpu() -> None:
    """Print once why the CPU is used, if JAX's CUDA packages are installed but no GPU can be used.

    JAX itself would print a traceback.
    """
    if not os.environ.get("JAX_PLATFORMS") and has_cuda_packages() and (reason := why_no_gpu()):
        print(f"goes on on the CPU: {reason}", file=sys.stderr, flush=True)
