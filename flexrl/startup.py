"""Process-wide settings of JAX, made before its first use."""

import os
from pathlib import Path


def prepare_jax() -> None:
    """Exact matrix products, unless JAX is told otherwise, and compiled programs kept for the next start."""
    import jax

    if "JAX_DEFAULT_MATMUL_PRECISION" not in os.environ:
        jax.config.update("jax_default_matmul_precision", "highest")  # TF32 is too coarse for control
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "flexrl" / "jax"
        jax.config.update("jax_compilation_cache_dir", str(cache))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
