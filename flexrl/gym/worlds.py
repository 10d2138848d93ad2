"""Building worlds for Gymnasium from what a user gives to `gymnasium.make`."""

import dataclasses
import functools
import json
import os
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from envs.physics import PhysicsOptions
from envs.registry import env_type, make_env
from envs.types import Env
from flexrl.decoding import decode_as
from flexrl.gym.one_world import OneWorld

_process = os.getpid()  # that imported this module, and JAX with it


def one_world(name: str, physics: str, arguments: Mapping[str, Any]) -> OneWorld:
    """One world; environments with the same arguments share its programs, which hold no state.

    Args:
      name: as in `envs.registry`.
      physics: backend.
      arguments: fields of the task's config.

    Raises:
      ConfigError: naming the argument that cannot be used.
    """
    return _one_world(name, physics, json.dumps(_plain(arguments), default=str), jax.config.values["jax_enable_x64"])


@functools.lru_cache(maxsize=8)
def _one_world(name: str, physics: str, arguments: str, _has_float64: bool) -> OneWorld:
    return OneWorld(build(name, physics, 1, json.loads(arguments)))


def build(name: str, physics: str, max_worlds: int, arguments: Mapping[str, Any]) -> Env:
    """An environment for at most so many worlds; other arguments as in `one_world`.

    Raises:
      ConfigError: naming the argument that cannot be used.
    """
    refuse_fork()
    config = decode_as(env_type(name).Config, _plain(arguments), name)
    return make_env(name, config, PhysicsOptions(physics, max_worlds))


def _plain(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as a file would hold them: without dataclasses and NumPy's types."""

    def plain(value: Any) -> Any:
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return dataclasses.asdict(value)
        return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else value

    return {name: plain(value) for name, value in arguments.items()}


def refuse_fork() -> None:
    """Raise in a process that was forked after JAX had started its threads, because it would wait for them forever.

    Raises:
      RuntimeError: saying what to do instead.
    """
    if os.getpid() != _process:
        raise RuntimeError(
            "flexrl: worlds cannot run in a process forked from one that uses JAX; give make_vec "
            "vector_kwargs={'context': 'spawn'}, or no vectorization_mode, so that one process steps all worlds"
        )
