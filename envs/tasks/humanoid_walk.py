"""`humanoid-walk`: run forward without falling."""

import functools
import math
from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
from jax import Array

from envs.physics import PhysicsOptions, PhysicsSpec, PhysicsState
from envs.robots import symmetry
from envs.robots.models import brax_humanoid
from envs.task import MujocoTask, first_state
from envs.types import EnvState, Mirror, Reflection

OBSERVATION_FIELDS = {"compact": (), "full": ("cinert", "cvel", "qfrc_actuator")}


@dataclass(frozen=True)
class HumanoidWalkConfig:
    """What the humanoid is rewarded for, when an episode ends, and what is observed.

    Attributes:
      forward_weight: reward per m/s of forward velocity, per control step.
      target_speed: m/s above which more speed earns nothing; null for no limit.
      survive_weight: reward per control step, also for the one in which it falls.
      ctrl_weight: cost per squared actuator control, summed over actuators.
      min_height: torso height in m below which the humanoid has fallen.
      max_height: torso height in m above which it has left the ground.
      reset_noise: half-width of the uniform noise on first positions and velocities.
      observation: `compact` is positions and velocities; `full` adds what Brax and Gymnasium observe (inertias,
        body velocities, actuator forces).
    """

    forward_weight: float = 1.25
    target_speed: float | None = None
    survive_weight: float = 5.0
    ctrl_weight: float = 0.1
    min_height: float = 1.0
    max_height: float = 2.0
    reset_noise: float = 0.01
    observation: Literal["compact", "full"] = "compact"

    def __post_init__(self) -> None:
        """Raise ValueError if a value is outside its range."""
        if self.min_height >= self.max_height:
            raise ValueError(f"min_height: {self.min_height} is not below max_height {self.max_height}")
        if self.target_speed is not None and self.target_speed <= 0:
            raise ValueError(f"target_speed: {self.target_speed} must be above 0 m/s, or null for no limit")
        if self.reset_noise < 0:
            raise ValueError(f"reset_noise: {self.reset_noise} is negative")


class HumanoidWalk(MujocoTask):
    """Brax's humanoid task: forward velocity, survival and control cost; an episode ends with a fall.

    Observation (compact, 45): height (m), orientation (quaternion), joint angles (rad); linear (m/s, world
    frame), angular (rad/s, torso frame) and joint velocities (rad/s).
    Source: brax 0.14 `envs/humanoid.py`. Forward velocity here is the root's mean over the control step.
    """

    Config = HumanoidWalkConfig
    weights = ("forward_weight", "survive_weight", "ctrl_weight")

    def __init__(self, config: HumanoidWalkConfig, options: PhysicsOptions) -> None:
        """Compile the model, and set up its simulation by the physics backend named in `options`."""
        self.config = config
        model = brax_humanoid().compile()
        super().__init__(PhysicsSpec(model, num_substeps=5, fields=OBSERVATION_FIELDS[config.observation]), options)
        self._initial_qpos = jnp.asarray(model.qpos0)

    @property
    def mirror(self) -> Mirror | None:
        """The task's left-right symmetry; None for the full observation."""
        if self.config.observation == "full":
            return None
        joints = symmetry.hinges(self.model)
        position = Reflection.unchanged(1) + symmetry.QUATERNION + joints
        velocity = symmetry.VECTOR + symmetry.ANGULAR + joints
        return Mirror(position + velocity, Reflection.unchanged(0), symmetry.actuators(self.model))

    def reset(self, key: Array) -> EnvState:
        """Start standing, with uniform noise on positions and velocities."""
        key_qpos, key_qvel, key_model = jax.random.split(key, 3)
        noise = functools.partial(jax.random.uniform, minval=-self.config.reset_noise, maxval=self.config.reset_noise)
        qpos = self._initial_qpos + noise(key_qpos, self._initial_qpos.shape)
        physics = self.start(key_model, qpos, noise(key_qvel, (self.model.nv,)))
        metrics = {"forward_velocity": jnp.zeros(()), "ctrl_cost": jnp.zeros(())}
        return first_state(physics, self._observe(physics), jnp.zeros(0), metrics, {})

    def step(self, state: EnvState, action: Array) -> EnvState:
        """Apply torques for one control period of 15 ms."""
        ctrl = self.control(action)
        physics = self.physics.step(state.physics, ctrl)
        velocity = (physics["qpos"][0] - state.physics["qpos"][0]) / self.control_period
        rewarded_speed = jnp.minimum(velocity, self.config.target_speed or math.inf)
        ctrl_cost = self.config.ctrl_weight * jnp.sum(jnp.square(ctrl))
        height = physics["qpos"][2]
        return state.replace(
            physics=physics,
            obs=self._observe(physics),
            reward=self.config.forward_weight * rewarded_speed + self.config.survive_weight - ctrl_cost,
            terminated=(height < self.config.min_height) | (height > self.config.max_height),
            metrics={"forward_velocity": velocity, "ctrl_cost": ctrl_cost},
        )

    def _observe(self, physics: PhysicsState) -> Array:
        extra = [physics[name].reshape(-1) for name in OBSERVATION_FIELDS[self.config.observation]]
        return jnp.concatenate([physics["qpos"][2:], physics["qvel"], *extra])
