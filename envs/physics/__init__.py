"""Physics behind one interface: native MuJoCo threads, MJX on JAX, MJX on Warp.

A task builds a `PhysicsSpec` and never asks which backend serves it.
"""

import jax

from envs.physics.base import Physics, PhysicsSpec, PhysicsState

BACKENDS = ("native", "mjx-jax", "mjx-warp")

__all__ = ["BACKENDS", "Physics", "PhysicsSpec", "PhysicsState", "make_physics", "resolve_backend"]


def resolve_backend(name: str) -> str:
    """The backend that `name` means on this machine; `auto` chooses by device.

    Raises:
      ValueError: for an unknown name.
    """
    if name == "auto":
        return {"cpu": "native", "gpu": "mjx-warp"}.get(jax.default_backend(), "mjx-jax")
    if name not in BACKENDS:
        raise ValueError(f"physics: {name!r} is unknown; use auto or one of {', '.join(BACKENDS)}")
    return name


def make_physics(spec: PhysicsSpec, backend: str = "auto", max_worlds: int = 1) -> Physics:
    """Build a backend for a model.

    Args:
      spec: the model and how a task reads it.
      backend: `auto`, `native`, `mjx-jax` or `mjx-warp`.
      max_worlds: the most worlds one program will step; sizes Warp's shared contact buffer.
    """
    backend = resolve_backend(backend)
    if backend == "native":
        from envs.physics.native import NativePhysics

        return NativePhysics(spec)
    from envs.physics.mjx import MjxPhysics  # importing MJX takes seconds, so only on demand

    return MjxPhysics(spec, impl=backend.removeprefix("mjx-"), max_worlds=max_worlds)
