"""The environment contract: one world, pure functions, `jax.vmap` makes many.

Shapes below are those of one world; `VecEnv` adds a leading axis B (worlds).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import jax.numpy as jnp
import mujoco
from flax import struct
from jax import Array


@struct.dataclass
class EnvState:
    """Everything that one world carries from one control step to the next."""

    physics: Any  # the backend's state, see envs.physics
    obs: Array  # (O,) unitless mix, documented by each task
    goal: Array  # (G,), G may be zero
    reward: Array  # () per control step
    terminated: Array  # () bool: the task ended in a state without a future
    truncated: Array  # () bool: the task cut the episode although it had a future
    metrics: dict[str, Array]  # () each: reward terms and other numbers worth logging
    info: dict[str, Any]  # the task's own state
    privileged: Array | None = None  # (P,) what a critic may know while it trains, and no policy; `step` never reads it


@dataclass(frozen=True)
class Reflection:
    """How a vector changes when left and right change places: entry i becomes `sign[i]` times entry `order[i]`."""

    order: tuple[int, ...]
    sign: tuple[int, ...]

    def __call__(self, x: Array) -> Array:
        """The reflection of vectors (..., size)."""
        return x[..., jnp.array(self.order, int)] * jnp.array(self.sign, x.dtype)

    def __add__(self, other: "Reflection") -> "Reflection":
        """Of the concatenation of two vectors."""
        size = len(self.order)
        return Reflection(self.order + tuple(size + i for i in other.order), self.sign + other.sign)

    @staticmethod
    def unchanged(size: int) -> "Reflection":
        """Of entries that are the same on both sides."""
        return Reflection(tuple(range(size)), (1,) * size)


@dataclass(frozen=True)
class Mirror:
    """Left-right symmetry of an environment: mirrored actions in mirrored states lead to mirrored states."""

    obs: Reflection
    goal: Reflection
    action: Reflection


@dataclass(frozen=True)
class GoalMap:
    """Of a task whose goals are reached by states: which one a state achieves, and how the task shows one."""

    achieved: Callable[[Array], Array]  # MuJoCo's qpos, of one world -> (P,), in the world's frame
    shown: Callable[[Array, Array], Array]  # what the present state and a goal's achieve, (P,) each -> goal (G,)


@struct.dataclass
class EnvSpec:
    """Sizes and clocks of an environment; all static."""

    obs_size: int = struct.field(pytree_node=False)
    action_size: int = struct.field(pytree_node=False)
    goal_size: int = struct.field(pytree_node=False)
    control_period: float = struct.field(pytree_node=False)  # seconds
    episode_length: int = struct.field(pytree_node=False)  # control steps
    privileged_size: int = struct.field(pytree_node=False, default=0)
    mirror: Mirror | None = struct.field(pytree_node=False, default=None)
    goal_map: GoalMap | None = struct.field(pytree_node=False, default=None)


class Env(Protocol):
    """One world. Actions are in [-1, 1]; the task scales them to its actuators."""

    @property
    def spec(self) -> EnvSpec:
        """Sizes and clocks."""
        ...

    @property
    def model(self) -> mujoco.MjModel:
        """The simulated model, to draw it."""
        ...

    @property
    def has_host_callback(self) -> bool:
        """Whether stepping leaves the compiled program (JAX never caches such a program)."""
        ...

    def reset(self, key: Array) -> EnvState:
        """Draw a first state."""
        ...

    def reweighted(self, weights: Mapping[str, Array]) -> Self:
        """The same environment with other reward weights; asked only of those that have some."""
        ...

    def step(self, state: EnvState, action: Array) -> EnvState:
        """Advance one control step with action (A,) in [-1, 1]."""
        ...

    def where(self, condition: Array, chosen: EnvState, other: EnvState) -> EnvState:
        """Choose one of two states; backends own how their state merges."""
        ...


@struct.dataclass
class Observation:
    """What a policy sees, for B worlds."""

    obs: Array  # (B, O)
    goal: Array  # (B, G)
    reward: Array  # (B,) reward of the step that led here, 0 on the first
    is_first: Array  # (B,) bool: first step of an episode
    privileged: Array | None = None  # (B, P) for critics only
