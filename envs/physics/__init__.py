"""Physics behind one interface: native MuJoCo on CPU threads, MJX on JAX, MJX on Warp.

A task builds a `PhysicsSpec` and does not depend on the backend that serves it.
"""

import jax

from envs.errors import ConfigError
from envs.physics.base import Physics, PhysicsSpec, PhysicsState
from envs.physics.options import PhysicsOptions, Randomization, WarpOptions
from envs.physics.randomization import model_variants

BACKENDS = ("native", "mjx-jax", "mjx-warp")

__all__ = [
    "BACKENDS",
    "Physics",
    "PhysicsOptions",
    "PhysicsSpec",
    "PhysicsState",
    "Randomization",
    "WarpOptions",
    "make_physics",
    "resolve_backend",
]


def resolve_backend(name: str) -> str:
    """Return the physics backend that `name` means on this machine: `native`, `mjx-jax` or `mjx-warp`.

    `auto` means `native` if JAX runs on a CPU, `mjx-warp` on a GPU, and `mjx-jax` on any other device.

    Raises:
      ConfigError: if the name is unknown.
    """
    if name == "auto":
        return {"cpu": "native", "gpu": "mjx-warp"}.get(jax.default_backend(), "mjx-jax")
    if name not in BACKENDS:
        raise ConfigError(f"physics: {name!r} is unknown; use auto or one of {', '.join(BACKENDS)}")
    return name


def make_physics(spec: PhysicsSpec, options: PhysicsOptions) -> Physics:
    """Build a backend for a model.

    Args:
      spec: the model and how a task reads it.
      options: backend, number of worlds and randomization that the run chose.
    """
    backend = resolve_backend(options.backend)
    variants = model_variants(spec.model, options.randomization)
    if backend == "native":
        from envs.physics.native import NativePhysics

        return NativePhysics(spec, variants)
    from envs.physics.mjx import MjxPhysics  # importing MJX takes seconds, so only on demand

    return MjxPhysics(spec, variants, backend.removeprefix("mjx-"), options)
