"""`humanoid-walk`: run forward without falling."""

import functools
import math
from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import mujoco
from jax import Array

from envs.models import brax_humanoid
from envs.physics import PhysicsSpec, PhysicsState, make_physics
from envs.types import EnvSpec, EnvState

OBSERVATION_FIELDS = {"compact": (), "full": ("cinert", "cvel", "qfrc_actuator")}


@dataclass(frozen=True)
class HumanoidWalkConfig:
    """What the humanoid is rewarded for.

    Attributes:
      forward_weight: reward per m/s of forward velocity, per control step.
      target_speed: m/s above which more speed earns nothing; null for no limit.
      survive_weight: reward per control step on its feet.
      ctrl_weight: cost per squared actuator control, summed over actuators.
      min_height: torso height in m below which it has fallen.
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
        """Refuse values that make no task."""
        if self.min_height >= self.max_height:
            raise ValueError(f"min_height: {self.min_height} is not below max_height {self.max_height}")
        if self.target_speed is not None and self.target_speed <= 0:
            raise ValueError(f"target_speed: {self.target_speed} must be above 0 m/s, or null for no limit")
        if self.reset_noise < 0:
            raise ValueError(f"reset_noise: {self.reset_noise} is negative")


class HumanoidWalk:
    """Brax's humanoid task: forward velocity, survival and control cost; an episode ends with a fall.

    Observation (compact, 45): height (m), orientation (quaternion), joint angles (rad); linear (m/s, world
    frame), angular (rad/s, torso frame) and joint velocities (rad/s).
    Source: brax 0.14 `envs/humanoid.py`. Forward velocity here is the root's mean over the control step.
    """

    def __init__(self, config: HumanoidWalkConfig, physics: str = "auto", max_worlds: int = 1) -> None:
        """Compile the model for a backend; `max_worlds` as in `make_physics`."""
        self.config = config
        model = brax_humanoid().compile()
        fields = OBSERVATION_FIELDS[config.observation]
        self.physics = make_physics(PhysicsSpec(model, num_substeps=5, fields=fields), physics, max_worlds)
        self._initial_qpos = jnp.asarray(model.qpos0)
        self._ctrl_scale = jnp.asarray(model.actuator_ctrlrange[:, 1])
        self._num_qvel = model.nv
        obs_size = jax.eval_shape(self.reset, jax.random.key(0)).obs.shape[0]
        period = model.opt.timestep * self.physics.spec.num_substeps
        self.spec = EnvSpec(obs_size, model.nu, goal_size=0, control_period=period, episode_length=1000)

    @property
    def model(self) -> mujoco.MjModel:
        """See `Env.model`."""
        return self.physics.spec.model

    @property
    def has_host_callback(self) -> bool:
        """See `Env.has_host_callback`."""
        return self.physics.has_host_callback

    def reset(self, key: Array) -> EnvState:
        """Standing, with uniform noise on positions and velocities."""
        key_qpos, key_qvel = jax.random.split(key)
        noise = functools.partial(jax.random.uniform, minval=-self.config.reset_noise, maxval=self.config.reset_noise)
        qpos = self._initial_qpos + noise(key_qpos, self._initial_qpos.shape)
        physics = self.physics.reset(qpos, noise(key_qvel, (self._num_qvel,)))
        zero = jnp.zeros(())
        return EnvState(
            physics=physics,
            obs=self._observe(physics),
            goal=jnp.zeros(0),
            reward=zero,
            terminated=jnp.array(False),
            truncated=jnp.array(False),
            metrics={"forward_velocity": zero, "ctrl_cost": zero},
            info={},
        )

    def step(self, state: EnvState, action: Array) -> EnvState:
        """Apply torques for one control period of 15 ms."""
        ctrl = self._ctrl_scale * action
        physics = self.physics.step(state.physics, ctrl)
        velocity = (physics["qpos"][0] - state.physics["qpos"][0]) / self.spec.control_period
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

    def where(self, condition: Array, chosen: EnvState, other: EnvState) -> EnvState:
        """See `Env.where`."""
        physics = self.physics.where(condition, chosen.physics, other.physics)
        rest = jax.tree.map(
            lambda a, b: jnp.where(condition, a, b), chosen.replace(physics=None), other.replace(physics=None)
        )
        return rest.replace(physics=physics)

    def _observe(self, physics: PhysicsState) -> Array:
        extra = [physics[name].reshape(-1) for name in OBSERVATION_FIELDS[self.config.observation]]
        return jnp.concatenate([physics["qpos"][2:], physics["qvel"], *extra])
