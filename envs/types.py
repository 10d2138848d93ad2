"""The environment contract: one world, pure functions, `jax.vmap` makes many.

Shapes below are those of one world; `VecEnv` adds a leading axis B (worlds).
"""

from typing import Any, Protocol

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


@struct.dataclass
class EnvSpec:
    """Sizes and clocks of an environment; all static."""

    obs_size: int = struct.field(pytree_node=False)
    action_size: int = struct.field(pytree_node=False)
    goal_size: int = struct.field(pytree_node=False)
    control_period: float = struct.field(pytree_node=False)  # seconds
    episode_length: int = struct.field(pytree_node=False)  # control steps


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
