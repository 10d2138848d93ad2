"""DeepMind Control's humanoid: `stand`, `walk` (1 m/s) and `run` (10 m/s)."""

import dataclasses
import functools
import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from jax import Array

from envs.physics import PhysicsOptions, PhysicsSpec, PhysicsState
from envs.robots.models import package_file
from envs.task import MujocoTask, first_state
from envs.tasks.tolerance import tolerance
from envs.types import EnvState

STAND_HEIGHT = 1.4  # m, height of the head
VELOCITY_SENSOR = "torso_subtreelinvel"
EXTREMITIES = ("left_hand", "left_foot", "right_hand", "right_foot")
NUM_RANDOM_POSES = 4096


@dataclass(frozen=True)
class DMCHumanoidConfig:
    """How episodes of DeepMind Control's humanoid start and end, and how exactly it is simulated.

    Attributes:
      initial_state: `standing` with noise, as in MuJoCo Playground, or `random` joint angles and orientation, as in
        DeepMind Control.
      reset_noise: half-width of the uniform noise on a standing start's joint angles (rad) and on all velocities
        (m/s and rad/s).
      end_below_height: head height in m below which an episode terminates, to train faster; null for the task's own
        rule, by which episodes never terminate.
      solver: `fast` takes MuJoCo Playground's options (4 solver iterations, 8 line-search iterations, joint damping
        integrated explicitly, and on mjx-jax at most 8 contacts of each kind); `exact` takes DeepMind Control's (100
        and 50 iterations, joint damping integrated implicitly, all contacts).
    """

    initial_state: Literal["standing", "random"] = "standing"
    reset_noise: float = 0.05
    end_below_height: float | None = None
    solver: Literal["fast", "exact"] = "fast"

    def __post_init__(self) -> None:
        """Raise ValueError if a value is outside its range."""
        for name, known in (("initial_state", ("standing", "random")), ("solver", ("fast", "exact"))):
            if getattr(self, name) not in known:
                raise ValueError(f"{name}: {getattr(self, name)!r} must be one of {', '.join(known)}")
        if self.reset_noise < 0:
            raise ValueError(f"reset_noise: {self.reset_noise} is negative")
        if self.end_below_height is not None and not 0 < self.end_below_height < STAND_HEIGHT:
            raise ValueError(
                f"end_below_height: {self.end_below_height} must be above 0 and below {STAND_HEIGHT} m, where standing "
                "begins, or null for no limit"
            )


class DMCHumanoid(MujocoTask):
    """Base class of the three tasks. The reward is a product of factors in [0, 1]; episodes last 1,000 control steps.

    Observation (67): joint angles (21, rad), head height (1, m), hands and feet in the torso's frame (4 x 3, m),
    the world's up direction in the torso's frame (3), velocity of the centre of mass (3, m/s, world frame),
    generalised velocities (27: m/s world frame, rad/s torso frame, rad/s joints).

    The model is MuJoCo Playground's: DeepMind Control's bodies, joints, geoms and actuators, with other solver options
    (see `DMCHumanoidConfig.solver`) and without touch sensors. DeepMind Control draws random starts until one is free
    of contacts. Here the joint angles of a random start come from a fixed pool of poses without contacts, and each
    reset draws a new orientation, which cannot cause a contact because no limb reaches the floor.
    Source: dm_control 1.0 `suite/humanoid.py`.
    """

    Config = DMCHumanoidConfig
    move_speed: ClassVar[float]  # m/s, horizontal, of the centre of mass

    @staticmethod
    def evaluated(config: DMCHumanoidConfig) -> DMCHumanoidConfig:
        """Return the config for evaluation, without `end_below_height`, so that episodes do not end early."""
        return dataclasses.replace(config, end_below_height=None)

    def __init__(self, config: DMCHumanoidConfig, options: PhysicsOptions) -> None:
        """Compile the model, and set up its simulation by the physics backend named in `options`."""
        self.config = config
        model = dmc_humanoid_model(config.solver)
        fields = ("xpos", "xmat", "sensordata")
        super().__init__(PhysicsSpec(model, num_substeps=5, fields=fields, timing="current"), options)
        self._initial_qpos = jnp.asarray(model.qpos0)
        self._random_poses = jnp.asarray(poses_without_contact(model))
        self._torso, self._head = model.body("torso").id, model.body("head").id
        self._extremities = jnp.array([model.body(name).id for name in EXTREMITIES])
        address = model.sensor(VELOCITY_SENSOR).adr[0]
        self._velocity = slice(address, address + 3)

    def reset(self, key: Array) -> EnvState:
        """Start standing with noise, or at rest in a random pose."""
        key_state, key_model = jax.random.split(key)
        start = self._standing if self.config.initial_state == "standing" else self._random
        physics = self.start(key_model, *start(key_state))
        names = ("stand", "upright", "control", "move", "horizontal_speed")
        return first_state(physics, self._observe(physics), jnp.zeros(0), {name: jnp.zeros(()) for name in names}, {})

    def step(self, state: EnvState, action: Array) -> EnvState:
        """Apply torques for one control period of 25 ms."""
        ctrl = self.control(action)
        physics = self.physics.step(state.physics, ctrl)
        head_height, velocity = physics["xpos"][self._head, 2], physics["sensordata"][self._velocity]
        factors = {
            "stand": tolerance(head_height, STAND_HEIGHT, math.inf, margin=STAND_HEIGHT / 4),
            "upright": tolerance(self._up(physics)[2], 0.9, math.inf, 1.9, "linear", value_at_margin=0),
            "control": (4 + tolerance(ctrl, 0, 0, 1, "quadratic", value_at_margin=0).mean()) / 5,
            "move": self._move(velocity[:2]),
        }
        fell = jnp.array(False) if self.config.end_below_height is None else head_height < self.config.end_below_height
        return state.replace(
            physics=physics,
            obs=self._observe(physics),
            reward=factors["stand"] * factors["upright"] * factors["control"] * factors["move"],
            terminated=fell,
            metrics=factors | {"horizontal_speed": jnp.linalg.norm(velocity[:2])},
        )

    def _move(self, velocity: Array) -> Array:
        """Return the reward's factor () in [0, 1] for a horizontal velocity (2,) in m/s."""
        if self.move_speed == 0:
            return tolerance(velocity, 0, 0, margin=2).mean()
        speed = jnp.linalg.norm(velocity)
        return (5 * tolerance(speed, self.move_speed, math.inf, self.move_speed, "linear", value_at_margin=0) + 1) / 6

    def _standing(self, key: Array) -> tuple[Array, Array]:
        key_qpos, key_qvel = jax.random.split(key)
        noise = functools.partial(jax.random.uniform, minval=-self.config.reset_noise, maxval=self.config.reset_noise)
        qpos = self._initial_qpos.at[7:].add(noise(key_qpos, (self.model.nq - 7,)))
        return qpos, noise(key_qvel, (self.model.nv,))

    def _random(self, key: Array) -> tuple[Array, Array]:
        key_pose, key_orientation = jax.random.split(key)
        orientation = jax.random.uniform(key_orientation, (4,))  # as in dm_control: not uniform
        qpos = self._initial_qpos.at[3:7].set(orientation / jnp.linalg.norm(orientation))
        qpos = qpos.at[7:].set(self._random_poses[jax.random.randint(key_pose, (), 0, NUM_RANDOM_POSES)])
        return qpos, jnp.zeros(self.model.nv)

    def _up(self, physics: PhysicsState) -> Array:
        """Return the world's up direction (3,) in the torso's frame."""
        return physics["xmat"][self._torso].reshape(3, 3)[2]

    def _observe(self, physics: PhysicsState) -> Array:
        xpos, torso_frame = physics["xpos"], physics["xmat"][self._torso].reshape(3, 3)
        extremities = (xpos[self._extremities] - xpos[self._torso]) @ torso_frame
        parts = [physics["qpos"][7:], xpos[self._head, 2:], extremities.reshape(-1), self._up(physics)]
        return jnp.concatenate([*parts, physics["sensordata"][self._velocity], physics["qvel"]])


class DMCHumanoidStand(DMCHumanoid):
    """Stand still. Reward: standing x upright x little control x little horizontal velocity."""

    move_speed = 0.0


class DMCHumanoidWalk(DMCHumanoid):
    """Move at 1 m/s or more, in any direction. Reward: standing x upright x little control x horizontal speed."""

    move_speed = 1.0


class DMCHumanoidRun(DMCHumanoid):
    """Move at 10 m/s or more, in any direction. Reward: standing x upright x little control x horizontal speed."""

    move_speed = 10.0


def dmc_humanoid_model(solver: Literal["fast", "exact"]) -> mujoco.MjModel:
    """Compile MuJoCo Playground's copy of DeepMind Control's humanoid.

    It keeps only the sensor that the tasks read, because others cost time. `solver` chooses the solver's options, as
    `DMCHumanoidConfig.solver` does.
    """
    path = package_file("mujoco_playground", "_src/dm_control_suite/xmls/humanoid.xml")
    spec = mujoco.MjSpec.from_file(str(path))
    for sensor in list(spec.sensors):
        if sensor.name != VELOCITY_SENSOR:
            spec.delete(sensor)
    if solver == "exact":
        default = mujoco.MjSpec().option
        spec.option.iterations, spec.option.ls_iterations = default.iterations, default.ls_iterations
        spec.option.disableflags = default.disableflags
        for cap in list(spec.numerics):
            spec.delete(cap)
    return spec.compile()


def poses_without_contact(model: mujoco.MjModel) -> np.ndarray:
    """Draw joint angles (P, nq - 7) uniformly within their limits, keeping P poses in which the model touches nothing.

    The pool is the same in every run.
    """
    rng, data = np.random.default_rng(0), mujoco.MjData(model)
    low, high = model.jnt_range[1:].T
    poses = np.empty((NUM_RANDOM_POSES, model.nq - 7))
    for i in range(NUM_RANDOM_POSES):
        while True:
            data.qpos[7:] = rng.uniform(low, high)
            mujoco.mj_fwdPosition(model, data)
            if data.ncon == 0:
                break
        poses[i] = data.qpos[7:]
    return poses
