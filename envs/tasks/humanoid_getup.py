"""`humanoid-getup`: a humanoid that lies on the floor gets up and stays on its feet."""

import math
from dataclasses import dataclass, field, fields, replace
from typing import Literal

import jax
import jax.numpy as jnp
from jax import Array

from envs.physics import PhysicsOptions, PhysicsSpec, PhysicsState
from envs.robots import feeling_humanoid as body
from envs.robots.models import feeling_humanoid
from envs.success import MIN_STANDING_SECONDS
from envs.task import MujocoTask, first_state
from envs.tasks.humanoid_skills.motion import Motion, motion_of, unasked
from envs.tasks.humanoid_skills.rewards import upright
from envs.tasks.humanoid_skills.tracking import Tracking
from envs.types import EnvState, Mirror, Reflection

LOW, HIGH = 0.2, 1.2  # m, heights of the torso that earn nothing and everything
PELVIS_LOW, PELVIS_HIGH = 0.15, 0.85  # m, likewise of the pelvis
STANDING_HEIGHT, STANDING_UPRIGHT = 1.15, 0.9  # m, of the torso, and cosine of its angle to the vertical
PULL = 250.0  # N upwards on the torso at the full assistance
STRENGTH = 0.5  # share of the motors' torques that the full assistance adds
DROP_HEIGHT = 0.8  # m, height of the torso of a start in the air
DROP_SPIN = 2.0  # rad/s, largest angular velocity of it
DEEPEST_HIP, KNEE_PER_HIP = -1.3, 1.8  # rad, and knee angle over hip angle, of a crouched start
LARGEST_TILT = 0.4  # rad, of a crouched start, forward or backward
SIDES = {
    "right": 0.0,
    "front": 0.5,
    "left": 1.0,
    "back": 1.5,
}  # direction of the axis that a lying body is turned about
HALF_SIDE = 0.25  # around that direction; both in half turns

Side = Literal["any", "back", "front", "left", "right"]


@dataclass(frozen=True)
class GetUpWeights:
    """Weight of each term: reward per control step and unit of the term, named in parentheses. 0 turns a term off.

    Attributes:
      height: squared share of the torso's standing height, mostly in proportion to uprightness (1).
      pelvis: squared share of the pelvis's standing height, which a humanoid that sits does not have (1).
      upright: torso axis along the vertical (1).
      stand: standing upright, half of it for not moving (1).
      ctrl: squared actions, mean over actuators (1).
      action_rate: squared change of actions, mean over actuators (1).
      posture: squared angle between joints and standing, mean over joints, while it stands (rad^2).
    """

    height: float = 1.0
    pelvis: float = 0.5
    upright: float = 0.2
    stand: float = 1.0
    ctrl: float = -0.02
    action_rate: float = -0.02
    posture: float = -0.3


@dataclass(frozen=True)
class HumanoidGetUpConfig:
    """How episodes start, what helps at first, and the weights of rewards.

    Attributes:
      lying: share of training episodes that start lying, as all evaluations do.
      dropped: share of training episodes that start in the air, turned at random; the rest starts between standing
        and crouching, a little tilted, and teaches to stay up.
      side: side on which a lying humanoid starts; `any` draws one.
      assistance: how much the humanoid is helped up: at 1, the torso is pulled upwards by 250 N and motors are half as
        strong again. It falls to 0 over the first part of a training, and evaluations have none.
      episode_seconds: s after which a training episode is cut, so that many episodes start; null for none. Evaluations
        cut none.
      reset_noise: half-width of the uniform noise on first velocities (m/s, rad/s).
      rewards: weight of each reward term.
    """

    lying: float = 0.5
    dropped: float = 0.1
    side: Side = "any"
    assistance: float = 1.0
    episode_seconds: float | None = 6.0
    reset_noise: float = 0.02
    rewards: GetUpWeights = field(default_factory=GetUpWeights)

    def __post_init__(self) -> None:
        """Raise ValueError if a value is outside its range."""
        if not (self.lying >= 0 and self.dropped >= 0 and self.lying + self.dropped <= 1):
            raise ValueError(
                f"lying, dropped: {self.lying} and {self.dropped} must be shares of episodes, at least 0 and at most 1 "
                "together"
            )
        if self.side not in ("any", *SIDES):
            raise ValueError(f"side: {self.side!r} must be one of any, {', '.join(SIDES)}")
        if self.episode_seconds is not None and self.episode_seconds <= 0:
            raise ValueError(f"episode_seconds: {self.episode_seconds} must be above 0, or null for no cut")
        for name in ("assistance", "reset_noise"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: {getattr(self, name)} is negative")


def getup_terms(motion: Motion) -> dict[str, Array]:
    """Return the value () of each reward term before weighting, by its name in `GetUpWeights`."""
    height = jnp.clip((motion.height - LOW) / (HIGH - LOW), 0, 1)
    pelvis = jnp.clip((motion.pelvis_height - PELVIS_LOW) / (PELVIS_HIGH - PELVIS_LOW), 0, 1)
    speed = jnp.square(motion.velocity).sum() + jnp.square(motion.turn)
    stands = (motion.height > STANDING_HEIGHT) & (upright(motion) > STANDING_UPRIGHT)
    return {
        "height": jnp.square(height) * (0.2 + 0.8 * upright(motion)),
        "pelvis": jnp.square(pelvis),
        "upright": upright(motion),
        "stand": stands * (0.5 + 0.5 * jnp.exp(-speed)),
        "ctrl": jnp.square(motion.action).mean(),
        "action_rate": jnp.square(motion.action - motion.last_action).mean(),
        "posture": stands * jnp.square(motion.posture).mean(),
    }


class HumanoidGetUp(MujocoTask):
    """Get up from the floor and stay on the feet. Nothing but the time limit ends an episode.

    Observation (63): torso height, direction of gravity, velocities, joint angles and velocities, foot contacts and
    last action (`envs.robots.feeling_humanoid.observe`). There is no goal.
    Success: it stands through the last two seconds of the episode (`envs.success`).
    """

    Config = HumanoidGetUpConfig
    weights = ("assistance", *(f"rewards.{term.name}" for term in fields(GetUpWeights)))
    fading = ("assistance",)

    def __init__(self, config: HumanoidGetUpConfig, options: PhysicsOptions) -> None:
        """Compile the model, and set up its simulation by the physics backend named in `options`."""
        self.config = config
        model = feeling_humanoid().compile()
        super().__init__(PhysicsSpec(model, num_substeps=5, fields=body.FIELDS), options)
        self._joints = jnp.asarray(model.qpos0[7:])
        self._joint_range = jnp.asarray(model.jnt_range[1:])
        self._motor_dofs = jnp.asarray(model.jnt_dofadr[model.actuator_trnid[:, 0]])
        self._gears = jnp.asarray(model.actuator_gear[:, 0])
        seconds = config.episode_seconds
        self._cut_at = None if seconds is None else self.num_control_steps(seconds)

    @staticmethod
    def evaluated(config: HumanoidGetUpConfig) -> HumanoidGetUpConfig:
        """Return the config for evaluation: episodes start lying, nothing helps, and the time limit ends them."""
        return replace(config, lying=1.0, dropped=0.0, assistance=0.0, episode_seconds=None)

    @property
    def mirror(self) -> Mirror:
        """The task's left-right symmetry: how observations, goals and actions change in the mirror."""
        obs, action = body.mirror(self.model)
        return Mirror(obs, Reflection.unchanged(0), action)

    def reset(self, key: Array) -> EnvState:
        """Start an episode: the humanoid lies, is in the air, or is between standing and squatting."""
        key_pose, key_velocity, key_model = jax.random.split(key, 3)
        qpos, spin = self._first_pose(key_pose)
        noise = self.config.reset_noise
        qvel = jax.random.uniform(key_velocity, (self.model.nv,), minval=-noise, maxval=noise).at[3:6].add(spin)
        physics = self.start(key_model, qpos, qvel)
        zero, tracking = jnp.zeros(()), Tracking.first()
        names = [f"reward_{term.name}" for term in fields(GetUpWeights)]
        metrics = dict.fromkeys([*names, "height", "assistance", "standing_seconds", "success"], zero)
        last_action = jnp.zeros(self.model.nu)
        info = {"tracking": tracking, "last_action": last_action, "clock": jnp.zeros((), jnp.int32)}
        return first_state(physics, body.observe(physics, last_action), jnp.zeros(0), metrics, info)

    def step(self, state: EnvState, action: Array) -> EnvState:
        """Apply torques in proportion to the action for one control period of 15 ms.

        While training, an upward pull on the torso and stronger motors help, in proportion to `assistance` of the
        config, which fades to 0.
        """
        control = self.control(action)
        physics = self.physics.step(self._assisted(state.physics, control), control)
        motion = motion_of(physics, self._joints, action, state.info["last_action"], *unasked())
        rewards = {name: getattr(self.config.rewards, name) * term for name, term in getup_terms(motion).items()}
        tracking = state.info["tracking"].after(motion, self.control_period)
        clock = state.info["clock"] + 1
        metrics = {
            **{f"reward_{name}": value for name, value in rewards.items()},
            "height": motion.height,
            "assistance": jnp.asarray(self.config.assistance, motion.height.dtype),
            "standing_seconds": tracking.standing_seconds,
            "success": (tracking.standing_seconds >= MIN_STANDING_SECONDS).astype(motion.height.dtype),
        }
        return state.replace(
            physics=physics,
            obs=body.observe(physics, action),
            reward=sum(rewards.values(), jnp.zeros(())),
            terminated=jnp.array(False),
            truncated=jnp.array(False) if self._cut_at is None else clock >= self._cut_at,
            metrics=metrics,
            info={"tracking": tracking, "last_action": action, "clock": clock},
        )

    def _assisted(self, physics: PhysicsState, control: Array) -> PhysicsState:
        """Return the physics with the forces of the assistance, which helps the humanoid up at first.

        It pulls the torso upwards and adds to the torque of each motor, in proportion to its control (17,).
        """
        force = jnp.zeros(self.model.nv).at[2].set(PULL).at[self._motor_dofs].add(STRENGTH * self._gears * control)
        return self.physics.with_force(physics, self.config.assistance * force)

    def _first_pose(self, key: Array) -> tuple[Array, Array]:
        """Draw first positions (24,) and the angular velocity (3,) of the root, rad/s."""
        key_kind, key_lying, key_side, key_dropped, key_spin, key_crouched = jax.random.split(key, 6)
        lying = body.lying_qpos(key_lying, self._joint_range)
        if self.config.side != "any":
            lying = lying.at[3:7].set(laid_on(self.config.side, key_side))
        turned = jax.random.normal(key_dropped, (4,))
        dropped = lying.at[2].set(DROP_HEIGHT).at[3:7].set(turned / jnp.sqrt(jnp.square(turned).sum()))
        kind = jax.random.uniform(key_kind)
        is_lying, falls = kind < self.config.lying, kind < self.config.lying + self.config.dropped
        qpos = jnp.where(is_lying, lying, jnp.where(falls, dropped, self._crouched_qpos(key_crouched)))
        spin = jax.random.uniform(key_spin, (3,), minval=-DROP_SPIN, maxval=DROP_SPIN)
        return qpos, jnp.where(falls & ~is_lying, spin, 0)

    def _crouched_qpos(self, key: Array) -> Array:
        """Draw positions (24,) between standing and squatting, tilted forward or backward."""
        key_standing, key_depth, key_tilt = jax.random.split(key, 3)
        hip = DEEPEST_HIP * jax.random.uniform(key_depth)
        qpos = body.crouched(body.standing_qpos(key_standing, self._joints, 0.05), hip, KNEE_PER_HIP * hip)
        tilt = jax.random.uniform(key_tilt, minval=-LARGEST_TILT, maxval=LARGEST_TILT)
        cosine, sine = jnp.cos(tilt / 2), jnp.sin(tilt / 2)
        w, z = qpos[3], qpos[6]  # the heading; the tilt is about the body's own y axis
        return qpos.at[3:7].set(jnp.stack([w * cosine, -z * sine, w * sine, z * cosine]))


def laid_on(side: str, key: Array) -> Array:
    """Draw the orientation (4,) of a body that lies on a side: `back`, `front`, `left` or `right`.

    It is a quarter turn about a horizontal axis.
    """
    low, high = SIDES[side] - HALF_SIDE, SIDES[side] + HALF_SIDE
    axis = math.pi * jax.random.uniform(key, minval=low, maxval=high)
    return math.sqrt(0.5) * jnp.stack([jnp.ones(()), jnp.cos(axis), jnp.sin(axis), jnp.zeros(())])
