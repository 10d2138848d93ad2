"""The base class of Gymnasium's v5 tasks: it loads a model, starts episodes, and steps."""

import functools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp
import mujoco
from jax import Array

from envs.errors import ConfigError
from envs.physics import PhysicsOptions, PhysicsSpec, PhysicsState, resolve_backend
from envs.robots.models import package_file
from envs.task import MujocoTask, first_state
from envs.types import EnvState

Range = tuple[float | None, float | None]  # null is no limit
Terms = dict[str, Array]  # () each


@dataclass(frozen=True)
class GymnasiumConfig:
    """Arguments that all of Gymnasium's v5 tasks take, under Gymnasium's names.

    Attributes:
      xml_file: path of an MJCF file in place of Gymnasium's own; null for Gymnasium's.
      frame_skip: physics steps per control step.
      ctrl_cost_weight: cost per squared actuator control, summed over actuators.
      reset_noise_scale: size of the noise on first positions (m, rad) and velocities (m/s, rad/s).
      exclude_current_positions_from_observation: leave the robot's position along the ground out of the observation.
    """

    xml_file: str | None = None
    frame_skip: int = 5
    ctrl_cost_weight: float = 0.1
    reset_noise_scale: float = 0.01
    exclude_current_positions_from_observation: bool = True

    def __post_init__(self) -> None:
        """Raise ValueError if a value is outside its range, or if a field named `*_range` is no range."""
        if self.frame_skip < 1:
            raise ValueError(f"frame_skip: {self.frame_skip} must be at least 1")
        if self.reset_noise_scale < 0:
            raise ValueError(f"reset_noise_scale: {self.reset_noise_scale} must not be negative")
        for name, value in vars(self).items():
            if name.endswith("_range"):
                low, high = limits(value)
                if not low < high:
                    raise ValueError(f"{name}: {value} must be (low, high) with low below high, or null for no limit")


def limits(span: Range) -> tuple[float, float]:
    """Return both ends of a range, infinite where it has no limit."""
    low, high = span
    return -math.inf if low is None else low, math.inf if high is None else high


def within(x: Array, span: Range) -> Array:
    """Return whether x lies between the ends of a range, both excluded; false for NaN."""
    low, high = limits(span)
    return (low < x) & (x < high)


class GymnasiumTask(MujocoTask):
    """One world of a Gymnasium task. Subclasses define observations and rewards.

    The metrics are Gymnasium's `info`, without tendons. Actions in [-1, 1] span the actuators' ranges, which are
    Gymnasium's action space. As in Gymnasium, fields that MuJoCo derives from positions and velocities are those of the
    last evaluation within a control step; with the Euler integrator they are one physics step old. Native physics runs
    exactly Gymnasium's model. MJX has no PGS solver, so models that ask for it (both humanoids) are solved by Newton
    there: over a control step, this changes positions and velocities by at most 4e-5 of the largest, and contact forces
    by at most 1e-3.
    """

    weights = ("ctrl_cost_weight",)  # not those of contacts, which decide which fields physics computes

    gymnasium_file: ClassVar[str]  # name of the MJCF file in Gymnasium's assets
    constant_reward: ClassVar[float] = 0.0  # per control step; Gymnasium adds it without a term in `info`
    first_velocities: ClassVar[Literal["uniform", "normal"]] = "uniform"  # distribution of the noise on them

    def __init__(self, config: Any, options: PhysicsOptions, fields: tuple[str, ...] = ()) -> None:
        """Compile the model, and set up its simulation by the physics backend named in `options`.

        Args:
          config: instance of the task's `Config` class.
          options: the run's physics options.
          fields: names of the `MjData` fields that the task reads besides positions and velocities.
        """
        self.config = config
        model = _load(config.xml_file, self.gymnasium_file)
        if resolve_backend(options.backend) != "native" and model.opt.solver == mujoco.mjtSolver.mjSOL_PGS:
            model.opt.solver = mujoco.mjtSolver.mjSOL_NEWTON
        super().__init__(PhysicsSpec(model, num_substeps=config.frame_skip, fields=fields), options)
        self._initial_qpos = jnp.asarray(model.qpos0)

    def reset(self, key: Array) -> EnvState:
        """Start in the model's first pose, with noise on positions and velocities."""
        key_qpos, key_qvel, key_model = jax.random.split(key, 3)
        scale = self.config.reset_noise_scale
        uniform = functools.partial(jax.random.uniform, minval=-1.0, maxval=1.0)
        velocity_noise = uniform if self.first_velocities == "uniform" else jax.random.normal
        qpos = self._initial_qpos + scale * uniform(key_qpos, (self.model.nq,))
        physics = self.start(key_model, qpos, scale * velocity_noise(key_qvel, (self.model.nv,)))
        terms = self._velocity(physics, physics) | self._rewards(physics, physics, jnp.zeros(self.model.nu))
        metrics = jax.tree.map(jnp.zeros_like, terms) | self._position(physics)
        return first_state(physics, self._observe(physics), jnp.zeros(0), metrics, {})

    def step(self, state: EnvState, action: Array) -> EnvState:
        """Apply controls for `frame_skip` physics steps."""
        ctrl = self.control(action)
        before, after = state.physics, self.physics.step(state.physics, ctrl)
        rewards = self._rewards(before, after, ctrl)
        return state.replace(
            physics=after,
            obs=self._observe(after),
            reward=sum(rewards.values()) + self.constant_reward,
            terminated=self._terminated(after),
            metrics=rewards | self._velocity(before, after) | self._position(after),
        )

    def _observe(self, physics: PhysicsState) -> Array:
        raise NotImplementedError

    def _rewards(self, before: PhysicsState, after: PhysicsState, ctrl: Array) -> Terms:
        """Return the terms of a control step's reward, by name. The reward is their sum plus `constant_reward`.

        `before` and `after` are the world before and after the step; `ctrl` (A,) are its actuator controls. Subclasses
        define this method.
        """
        raise NotImplementedError

    def _velocity(self, before: PhysicsState, after: PhysicsState) -> Terms:
        """Return the velocities in m/s that are metrics, by name: means over a control step.

        Subclasses define this method.
        """
        raise NotImplementedError

    def _position(self, physics: PhysicsState) -> Terms:
        """Return the positions in m that are metrics, by name: along the world's axes.

        Subclasses define this method.
        """
        raise NotImplementedError

    def _terminated(self, physics: PhysicsState) -> Array:
        return jnp.array(False)

    def _ctrl_cost(self, ctrl: Array) -> Array:
        return self.config.ctrl_cost_weight * jnp.sum(jnp.square(ctrl))


def _load(xml_file: str | None, gymnasium_file: str) -> mujoco.MjModel:
    path = package_file("gymnasium", f"envs/mujoco/assets/{gymnasium_file}") if xml_file is None else Path(xml_file)
    if not path.is_file():
        raise ConfigError(f"xml_file: {xml_file} must be an existing MJCF file, or null for Gymnasium's")
    try:
        model = mujoco.MjModel.from_xml_path(str(path))
    except ValueError as error:
        raise ConfigError(f"xml_file: {xml_file} is no MJCF file that MuJoCo can compile: {error}") from None
    low, high = model.actuator_ctrlrange.T
    if (low >= high).any():
        raise ConfigError(f"xml_file: {xml_file} must give every actuator a ctrlrange, which actions span")
    return model
