"""Process-wide settings of JAX and of the caches of compiled programs, made before their first use."""

import atexit
import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from flexrl.common.errors import ConfigError
from flexrl.common.gpu_driver import has_cuda_packages, why_no_gpu


def prepare_jax() -> None:
    """Keep compiled programs for the next start, and choose a platform that can be used.

    Raises:
      ConfigError: if JAX_PLATFORMS asks for a GPU that cannot be used.
    """
    asked = os.environ.get("JAX_PLATFORMS", "")
    if "cuda" in asked.split(",") and (reason := why_no_gpu()):
        raise ConfigError(f"JAX_PLATFORMS: {asked!r} asks for a GPU, but {reason}; or use JAX_PLATFORMS=cpu")
    cache = cache_home()
    import jax

    if not asked and has_cuda_packages() and why_no_gpu():
        jax.config.update("jax_platforms", "cpu")  # by itself JAX would come to that after a traceback
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        jax.config.update("jax_compilation_cache_dir", str(cache / "flexrl" / "jax"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)


def cache_home() -> Path:
    """The folder of XDG_CACHE_HOME, where JAX and Warp keep what they compiled.

    Where it cannot be written, as on a volume that is mounted read-only, it is a temporary folder from here on: Warp
    does not start without one.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    with contextlib.suppress(OSError):
        (home / "flexrl").mkdir(parents=True, exist_ok=True)
    if not os.access(home / "flexrl", os.W_OK):
        home = Path(tempfile.mkdtemp(prefix="flexrl-cache-"))
        atexit.register(shutil.rmtree, home, ignore_errors=True)
        os.environ["XDG_CACHE_HOME"] = str(home)
    return home
