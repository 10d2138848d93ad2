"""Process-wide settings of JAX and of the cache of compiled programs. Make them before JAX or Warp is first used."""

import atexit
import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from flexrl.common.errors import ConfigError
from flexrl.common.gpu_driver import has_cuda_packages, why_no_gpu


def prepare_jax() -> None:
    """Let JAX keep compiled programs on the disk, and let it use the CPU if no GPU can be used.

    Raises:
      ConfigError: if JAX_PLATFORMS asks for a GPU that cannot be used.
    """
    asked = os.environ.get("JAX_PLATFORMS", "")
    if "cuda" in asked.split(",") and (reason := why_no_gpu()):
        raise ConfigError(f"JAX_PLATFORMS: {asked!r} asks for a GPU, but {reason}; or use JAX_PLATFORMS=cpu")
    cache = cache_home()
    import jax

    if not asked and has_cuda_packages() and why_no_gpu():
        jax.config.update("jax_platforms", "cpu")  # JAX would choose it, too, but print a traceback first
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        jax.config.update("jax_compilation_cache_dir", str(cache / "flexrl" / "jax"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)


def cache_home() -> Path:
    """Return the folder in which JAX and Warp cache compiled programs: XDG_CACHE_HOME, or `~/.cache`.

    If that folder cannot be written, as on a volume mounted read-only, create a temporary one and set XDG_CACHE_HOME to
    it, because Warp does not start without a cache. The temporary folder is removed when the process exits.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    with contextlib.suppress(OSError):
        (home / "flexrl").mkdir(parents=True, exist_ok=True)
    if not os.access(home / "flexrl", os.W_OK):
        home = Path(tempfile.mkdtemp(prefix="flexrl-cache-"))
        atexit.register(shutil.rmtree, home, ignore_errors=True)
        os.environ["XDG_CACHE_HOME"] = str(home)
    return home
