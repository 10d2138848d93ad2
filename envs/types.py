"""The contract of environments: pure functions of one world, from which `jax.vmap` makes many worlds.

Shapes below are those of one world. `VecEnv` adds a leading axis B (worlds).
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
    """Everything that one world carries from one control step to the next.

    It has the state of the physics, what policies and critics observe, the last step's reward, whether the episode
    terminated or was truncated, metrics to log, and the task's own state (`info`).
    """

    physics: Any  # the backend's state, see envs.physics
    obs: Array  # (O,) contents and units as documented by each task
    goal: Array  # (G,), G may be zero
    reward: Array  # () per control step
    terminated: Array  # () bool: the episode ended in a state without future rewards
    truncated: Array  # () bool: the task cut the episode, which could have gone on
    metrics: dict[str, Array]  # () each: reward terms and other numbers worth logging
    info: dict[str, Any]  # the task's own state
    privileged: Array | None = None  # (P,) seen by critics in training, never by policies; `step` does not read it


@dataclass(frozen=True)
class Reflection:
    """How a vector changes when left and right change places: entry i becomes `sign[i]` times entry `order[i]`."""

    order: tuple[int, ...]
    sign: tuple[int, ...]

    def __call__(self, x: Array) -> Array:
        """Return the reflection of vectors (..., size)."""
        return x[..., jnp.array(self.order, int)] * jnp.array(self.sign, x.dtype)

    def __add__(self, other: "Reflection") -> "Reflection":
        """Return the reflection of longer vectors: `self` reflects their first part, and `other` the part behind it."""
        size = len(self.order)
        return Reflection(self.order + tuple(size + i for i in other.order), self.sign + other.sign)

    @staticmethod
    def unchanged(size: int) -> "Reflection":
        """Return the reflection of `size` entries that are the same on both sides."""
        return Reflection(tuple(range(size)), (1,) * size)


@dataclass(frozen=True)
class Mirror:
    """Left-right symmetry of an environment: mirrored actions in mirrored states lead to mirrored states.

    It has one reflection each for the vectors of observations, goals and actions.
    """

    obs: Reflection
    goal: Reflection
    action: Reflection


@dataclass(frozen=True)
class GoalMap:
    """Two functions of a task whose goals are states to reach; they turn any state into a goal that a policy observes.

    `achieved` takes a state's qpos, MuJoCo's joint positions, and returns P numbers that describe what the state
    achieves, such as the body's place. `shown` takes two such vectors of P numbers, first that of the present state and
    then that of the state to reach. It returns the goal (G,) that the policy observes in the present state, such as the
    direction and the distance to the place.
    """

    achieved: Callable[[Array], Array]  # qpos of one world -> what it achieves (P,), in the world's frame
    shown: Callable[[Array, Array], Array]  # (present state's (P,), goal state's (P,)) -> goal (G,)


@struct.dataclass
class EnvSpec:
    """Sizes, durations and symmetry of an environment. All fields are static.

    Sizes are those of observations, actions, goals and privileged observations. Durations are the control period in s
    and the time limit of an episode in control steps. `mirror` and `goal_map` are None where a task has none.
    """

    obs_size: int = struct.field(pytree_node=False)
    action_size: int = struct.field(pytree_node=False)
    goal_size: int = struct.field(pytree_node=False)
    control_period: float = struct.field(pytree_node=False)  # seconds
    episode_length: int = struct.field(pytree_node=False)  # control steps
    privileged_size: int = struct.field(pytree_node=False, default=0)
    mirror: Mirror | None = struct.field(pytree_node=False, default=None)
    goal_map: GoalMap | None = struct.field(pytree_node=False, default=None)


class Env(Protocol):
    """An environment with one world: `reset` makes its first state, and `step` advances it by an action.

    Actions are in [-1, 1]; the task scales them to its actuators. `spec` tells the sizes of all vectors.
    """

    @property
    def spec(self) -> EnvSpec:
        """Sizes, durations and symmetry."""
        ...

    @property
    def model(self) -> mujoco.MjModel:
        """The simulated model, for drawing."""
        ...

    @property
    def has_host_callback(self) -> bool:
        """Whether stepping calls Python from within the compiled program, which JAX then never caches."""
        ...

    def reset(self, key: Array) -> EnvState:
        """Return a random first state."""
        ...

    def reweighted(self, weights: Mapping[str, Array]) -> Self:
        """Return a copy of the environment with other reward weights: `weights` has values by their names.

        It is only called if the task has reward weights.
        """
        ...

    def step(self, state: EnvState, action: Array) -> EnvState:
        """Advance the world by one control step with action (A,) in [-1, 1]."""
        ...

    def where(self, condition: Array, chosen: EnvState, other: EnvState) -> EnvState:
        """Return the state `chosen` where the condition () holds, else `other`; this serves to restart episodes."""
        ...


@struct.dataclass
class Observation:
    """What a policy sees in B worlds: observation, goal, last reward, and whether an episode begins.

    `privileged` observations are for critics only; they are None if nothing uses them.
    """

    obs: Array  # (B, O)
    goal: Array  # (B, G)
    reward: Array  # (B,) reward of the step that led here, 0 on the first
    is_first: Array  # (B,) bool: first step of an episode
    privileged: Array | None = None  # (B, P) for critics only
