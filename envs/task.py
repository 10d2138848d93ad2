"""The base class of tasks on MuJoCo physics. A task adds `reset` and `step`."""

import copy
import functools
from collections.abc import Mapping
from typing import Any, ClassVar, Self, TypeVar

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from jax import Array

from envs.built_in import EPISODE_LENGTH
from envs.errors import ConfigError
from envs.physics import PhysicsOptions, PhysicsSpec, PhysicsState, make_physics
from envs.types import EnvSpec, EnvState, GoalMap, Mirror

TaskConfig = TypeVar("TaskConfig")  # a task's config
MAX_CONTROL_STEPS = 1_000_000  # of the longest duration that a task can time within an episode


class MujocoTask:
    """One world of a task on MuJoCo physics; see `envs.types.Env` for the contract.

    A subclass names its config dataclass in `Config`, is made as `Task(config, options)`, and hands a `PhysicsSpec`
    to this class's constructor.
    """

    config: Any
    Config: ClassVar[type[Any]]
    weights: ClassVar[tuple[str, ...]] = ()  # dotted names of reward weights in `self.config`; only `step` reads them
    fading: ClassVar[tuple[str, ...]] = ()  # those of `weights` that only help at first: training takes them to 0
    episode_length: ClassVar[int] = EPISODE_LENGTH  # control steps

    def __init__(self, spec: PhysicsSpec, options: PhysicsOptions) -> None:
        """Set up the simulation of the model in `spec` by the physics backend named in `options`.

        Raises:
          ConfigError: if the model has no actuators.
        """
        if spec.model.nu == 0:
            raise ConfigError(f"env: the model of {type(self).__name__} has no actuators; give its MJCF at least one")
        self.physics = make_physics(spec, options)
        self.control_period = spec.model.opt.timestep * spec.num_substeps  # s
        low, high = spec.model.actuator_ctrlrange.T
        self._ctrl_middle, self._ctrl_reach = jnp.asarray((high + low) / 2), jnp.asarray((high - low) / 2)

    @staticmethod
    def evaluated(config: TaskConfig) -> TaskConfig:
        """Return the config for evaluation: it has the task's own rules, without changes that only help learning."""
        return config

    @classmethod
    def reward_weights(cls, config: object) -> dict[str, float]:
        """Return a config's reward weights, by dotted field name. Changing them needs no recompilation."""
        return {name: functools.reduce(getattr, name.split("."), config) for name in cls.weights}

    def reweighted(self, weights: Mapping[str, Array]) -> Self:
        """Return a copy of the task with other reward weights.

        `weights` has values by the dotted names of their fields in the config; weights that it does not name stay as
        they are. Values may be traced by JAX, so that changing them needs no recompilation.
        """
        task = copy.copy(self)
        for name, weight in weights.items():
            task.config = _changed(task.config, name.split("."), weight)
        return task

    def reset(self, key: Array) -> EnvState:
        """Return a random first state. Every task defines this method; here it raises ConfigError."""
        raise ConfigError(f"env: the task {type(self).__name__} defines no reset(key)")

    def step(self, state: EnvState, action: Array) -> EnvState:
        """Advance the world by one control step with action (A,) in [-1, 1].

        Every task defines this method; here it raises ConfigError.
        """
        raise ConfigError(f"env: the task {type(self).__name__} defines no step(state, action)")

    @functools.cached_property
    def spec(self) -> EnvSpec:
        """Sizes, durations and symmetry of the task. Sizes are read from a first state."""
        first = jax.eval_shape(self.reset, jax.random.key(0))
        return EnvSpec(
            obs_size=first.obs.shape[0],
            action_size=self.model.nu,
            goal_size=first.goal.shape[0],
            control_period=self.control_period,
            episode_length=self.episode_length,
            mirror=self.mirror,
            goal_map=self.goal_map,
            privileged_size=0 if first.privileged is None else first.privileged.shape[0],
        )

    @property
    def mirror(self) -> Mirror | None:
        """The task's left-right symmetry; None if it has none."""
        return None

    @property
    def goal_map(self) -> GoalMap | None:
        """Functions that tell the goal that a state achieves; None if the task has none.

        Hindsight relabelling needs them, to replace goals in a dataset by goals that were reached.
        """
        return None

    @property
    def model(self) -> mujoco.MjModel:
        """The simulated MuJoCo model, for drawing."""
        return self.physics.spec.model

    @property
    def has_host_callback(self) -> bool:
        """Whether stepping calls Python from within the compiled program; see `Env.has_host_callback`."""
        return self.physics.has_host_callback

    def where(self, condition: Array, chosen: EnvState, other: EnvState) -> EnvState:
        """Return the state `chosen` where the condition () holds, else `other`."""
        physics = self.physics.where(condition, chosen.physics, other.physics)
        rest = jax.tree.map(
            lambda a, b: jnp.where(condition, a, b), chosen.replace(physics=None), other.replace(physics=None)
        )
        return rest.replace(physics=physics)

    def control(self, action: Array) -> Array:
        """Return the actuator controls (A,) of an action (A,): -1 and 1 are the ends of the actuators' ranges.

        Raises:
          ConfigError: if actuators have no range; naming them.
        """
        _require_control_ranges(self.model, type(self).__name__)
        return self._ctrl_middle + self._ctrl_reach * action

    def num_control_steps(self, seconds: float) -> int:
        """Return how many control steps last `seconds` s: at least 1, and at most MAX_CONTROL_STEPS."""
        return min(max(round(seconds / self.control_period), 1), MAX_CONTROL_STEPS)

    def start(self, key: Array, qpos: Array, qvel: Array) -> PhysicsState:
        """Return physics at the given positions (nq,) and velocities (nv,).

        The model is a variant drawn with `key`, if domain randomization made variants.
        """
        return self.physics.reset(qpos, qvel, jax.random.randint(key, (), 0, self.physics.num_variants))


def first_state(physics: PhysicsState, obs: Array, goal: Array, metrics: dict[str, Array], info: dict) -> EnvState:
    """Return the state after a reset: no reward yet, neither terminated nor truncated."""
    never = jnp.array(False)
    return EnvState(physics, obs, goal, jnp.zeros(()), terminated=never, truncated=never, metrics=metrics, info=info)


def _require_control_ranges(model: mujoco.MjModel, task: str) -> None:
    low, high = model.actuator_ctrlrange.T
    has_range = np.isfinite(high - low) & (low < high)
    if not has_range.all():
        names = ", ".join(model.actuator(i).name or f"number {i}" for i in np.flatnonzero(~has_range))
        raise ConfigError(
            f"env: actuators of {task} without a control range, which actions in [-1, 1] span: {names}; give each "
            'ctrllimited="true" and a ctrlrange in the MJCF, or let the task define its own control(action)'
        )


def _changed(config: Any, path: list[str], value: Array) -> Any:
    """Return a copy of a frozen config in which one field, also of a config within it, has another value.

    The value is not validated, because a traced value cannot be compared. `path` are the names that lead to the field.
    """
    name, *rest = path
    changed = copy.copy(config)
    object.__setattr__(changed, name, _changed(getattr(config, name), rest, value) if rest else value)
    return changed
