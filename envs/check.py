"""Check that a task keeps the contract of `envs.types`. Every task that is not built in is checked before training."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from envs.errors import ConfigError
from envs.types import Env, EnvSpec, EnvState


def check_env(env: Env, name: str) -> None:
    """Check a task by a reset and a step of one world: first shapes and types, traced only, then the numbers.

    Raises:
      ConfigError: if the task breaks the contract; naming the task, the field, what it is and what it must be.
    """
    first = jax.eval_shape(env.reset, jax.random.key(0))
    _check_vectors(first, f"env {name}: reset")
    _check_spec(env.spec, f"env {name}")
    _check_state(first, f"env {name}: reset", env)
    action = jax.ShapeDtypeStruct((env.spec.action_size,), jnp.result_type(float))
    after = jax.eval_shape(env.step, first, action)
    _check_state(after, f"env {name}: step", env)
    _check_same(first, after, name)
    _check_finite(env, name)


def _check_vectors(state: Any, where: str) -> None:
    """Raise ConfigError unless `obs`, `goal` and, if there is one, `privileged` of a task's state are vectors.

    The sizes of the environment are read from these vectors. `where` begins the message.
    """
    if not isinstance(state, EnvState):
        raise ConfigError(f"{where} must return an EnvState, not {type(state).__name__}")
    for field in ("obs", "goal", "privileged"):
        value = getattr(state, field)
        if (field != "privileged" or value is not None) and getattr(value, "ndim", None) != 1:
            found = f"shape {value.shape}" if hasattr(value, "shape") else f"type {type(value).__name__}"
            raise ConfigError(f"{where}: {field} has {found}; expected an array of shape (size,)")


def _check_spec(spec: EnvSpec, where: str) -> None:
    for field in ("episode_length", "action_size"):
        value = getattr(spec, field)
        if not isinstance(value, int) or value < 1:
            raise ConfigError(f"{where}: {field}: {value} must be a whole number, at least 1")
    if not (math.isfinite(spec.control_period) and spec.control_period > 0):
        raise ConfigError(f"{where}: control_period: {spec.control_period} must be above 0 s")


def _check_state(state: Any, where: str, env: Env) -> None:
    if not isinstance(state, EnvState):
        raise ConfigError(f"{where} must return an EnvState, not {type(state).__name__}")
    number = jnp.result_type(float)
    for field, shape, dtype in (
        ("obs", (env.spec.obs_size,), number),
        ("goal", (env.spec.goal_size,), number),
        ("reward", (), number),
        ("terminated", (), jnp.bool_),
        ("truncated", (), jnp.bool_),
    ):
        _check_array(getattr(state, field), f"{where}: {field}", shape, dtype)
    for field, value in state.metrics.items():
        _check_array(value, f"{where}: metrics[{field!r}]", (), number)
    if (state.privileged is not None) != (env.spec.privileged_size > 0):
        raise ConfigError(f"{where}: privileged must come from reset and step, or from neither")
    if state.privileged is not None:
        _check_array(state.privileged, f"{where}: privileged", (env.spec.privileged_size,), number)


def _check_array(value: Any, where: str, shape: tuple[int, ...], dtype: Any) -> None:
    actual = (jnp.shape(value), jnp.result_type(value))
    if actual != (shape, dtype):
        raise ConfigError(
            f"{where} has shape {actual[0]} and type {actual[1].name}; expected shape {shape} and type "
            f"{jnp.dtype(dtype).name}"
        )


def _check_same(first: EnvState, after: EnvState, name: str) -> None:
    """Raise ConfigError unless `step` keeps the keys, shapes and types of the state that `reset` made.

    Compiled programs need this. `name` is the environment's name, for the message.
    """
    for field in ("metrics", "info"):
        names = [sorted(getattr(state, field)) for state in (first, after)]
        if names[0] != names[1]:
            raise ConfigError(f"env {name}: step: {field} has the keys {names[1]}; reset made {names[0]}")
    for path, value in jax.tree_util.tree_leaves_with_path(first.info):
        other = dict(jax.tree_util.tree_leaves_with_path(after.info)).get(path)
        where = f"env {name}: step: info{jax.tree_util.keystr(path)}"
        if other is None:
            raise ConfigError(f"{where} is missing; reset made it")
        _check_array(other, where, value.shape, value.dtype)


def _check_finite(env: Env, name: str) -> None:
    @jax.jit
    def two_states(key: Array) -> tuple[EnvState, EnvState]:
        first = env.reset(key)
        return first, env.step(first, jnp.zeros(env.spec.action_size))

    for where, state in zip(("reset", "step"), jax.device_get(two_states(jax.random.key(0))), strict=True):
        for field in ("obs", "goal", "reward"):
            if not jnp.isfinite(getattr(state, field)).all():
                raise ConfigError(f"env {name}: {where}: {field} is not finite: {getattr(state, field)}")
