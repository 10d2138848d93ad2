"""`humanoid-jump`: a humanoid that jumps, lands on its feet, and jumps again."""

from dataclasses import dataclass, field, fields, replace

import jax
import jax.numpy as jnp
from jax import Array

from envs.physics import PhysicsOptions, PhysicsSpec
from envs.robots import feeling_humanoid as body
from envs.robots.models import feeling_humanoid
from envs.success import MIN_AIR_SECONDS
from envs.task import MujocoTask, first_state
from envs.tasks.humanoid_skills.motion import Motion, motion_of, unasked
from envs.tasks.humanoid_skills.rewards import STRAIGHT_HEIGHT, upright
from envs.tasks.humanoid_skills.tracking import Tracking
from envs.types import EnvState, Mirror, Reflection

GRAVITY = 9.81  # m/s^2
UPRIGHT = 0.85  # cosine of the torso's angle to the vertical, at least, of a height that counts
DEEPEST_HIP = -0.9  # rad, of a crouched start
KNEE_PER_HIP = 1.77  # knee angle over hip angle that keeps the centre of mass above the feet


@dataclass(frozen=True)
class JumpWeights:
    """Weight of each term: reward per control step and unit of the term, named in parentheses. 0 turns a term off.

    Attributes:
      reach: increase of the highest ballistic height of the episode (m), which teaches to push off.
      air: upright with both feet in the air, for the first part of each flight (1).
      upright: torso axis along the vertical (1).
      turn: squared yaw rate (rad^2/s^2).
      drift: squared horizontal velocity (m^2/s^2).
      ctrl: squared actions, mean over actuators (1).
    """

    reach: float = 10.0
    air: float = 1.0
    upright: float = 0.1
    turn: float = -0.02
    drift: float = -0.05
    ctrl: float = -0.02


@dataclass(frozen=True)
class HumanoidJumpConfig:
    """How episodes start and end, and the weights of rewards.

    Attributes:
      crouched: share of training episodes that start with bent legs.
      rising: share of training episodes that start with an upward velocity.
      rise_speed: m/s, largest upward velocity of a start with an upward velocity.
      longest_flight: s of each flight that are rewarded; longer ones earn no more.
      episode_seconds: s after which a training episode is cut, so that many episodes start; null for none. Evaluations
        cut none.
      min_height: m, torso height below which the humanoid has fallen.
      reset_noise: half-width of the uniform noise on first joint angles (rad) and velocities (m/s, rad/s).
      rewards: weight of each reward term.
    """

    crouched: float = 0.5
    rising: float = 0.25
    rise_speed: float = 2.0
    longest_flight: float = 0.4
    episode_seconds: float | None = 4.5
    min_height: float = 0.9
    reset_noise: float = 0.02
    rewards: JumpWeights = field(default_factory=JumpWeights)

    def __post_init__(self) -> None:
        """Raise ValueError if a value is outside its range."""
        for name in ("crouched", "rising"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: {getattr(self, name)} must be a share of episodes, between 0 and 1")
        for name in ("rise_speed", "reset_noise"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: {getattr(self, name)} is negative")
        for name in ("longest_flight", "min_height"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name}: {getattr(self, name)} must be above 0")
        if self.episode_seconds is not None and self.episode_seconds <= 0:
            raise ValueError(f"episode_seconds: {self.episode_seconds} must be above 0, or null for no cut")


def ballistic_height(motion: Motion) -> Array:
    """Return how high (m) the torso would rise without further force; 0 if it is not upright."""
    height = motion.height + jnp.square(jnp.maximum(motion.rise, 0)) / (2 * GRAVITY)
    return jnp.where(upright(motion) > UPRIGHT, height, 0)


def jump_terms(motion: Motion, flight: Array, rise: Array, longest_flight: float) -> dict[str, Array]:
    """Return the value () of each reward term before weighting, by its name in `JumpWeights`.

    Args:
      motion: the body's motion in the step.
      flight: () s, duration of the present flight after the step.
      rise: () m, increase of the episode's highest ballistic height in the step.
      longest_flight: s of each flight that are rewarded.
    """
    flies = (flight > 0) & (flight <= longest_flight) & (upright(motion) > UPRIGHT)
    return {
        "reach": rise,
        "air": flies.astype(motion.height.dtype),
        "upright": upright(motion),
        "turn": jnp.square(motion.turn),
        "drift": jnp.square(motion.velocity).sum(),
        "ctrl": jnp.square(motion.action).mean(),
    }


class HumanoidJump(MujocoTask):
    """Jump again and again without a fall.

    Observation (63): torso height, direction of gravity, velocities, joint angles and velocities, foot contacts and
    last action (`envs.robots.feeling_humanoid.observe`). There is no goal.
    Success: a flight of at least 0.15 s, and no fall in the episode (`envs.success`).
    """

    Config = HumanoidJumpConfig
    weights = tuple(f"rewards.{term.name}" for term in fields(JumpWeights))

    def __init__(self, config: HumanoidJumpConfig, options: PhysicsOptions) -> None:
        """Compile the model, and set up its simulation by the physics backend named in `options`."""
        self.config = config
        model = feeling_humanoid().compile()
        super().__init__(PhysicsSpec(model, num_substeps=5, fields=body.FIELDS), options)
        self._joints = jnp.asarray(model.qpos0[7:])
        seconds = config.episode_seconds
        self._cut_at = None if seconds is None else self.num_control_steps(seconds)

    @staticmethod
    def evaluated(config: HumanoidJumpConfig) -> HumanoidJumpConfig:
        """Return the config for evaluation, without the changes that only help training.

        All episodes start standing, without an upward push (`crouched` and `rising` are 0). The task does not cut them
        (`episode_seconds` is None): they end with a fall or at the environment's time limit, `episode_length`.
        """
        return replace(config, crouched=0.0, rising=0.0, episode_seconds=None)

    @property
    def mirror(self) -> Mirror:
        """The task's left-right symmetry: how observations, goals and actions change in the mirror."""
        obs, action = body.mirror(self.model)
        return Mirror(obs, Reflection.unchanged(0), action)

    def reset(self, key: Array) -> EnvState:
        """Start an episode: the humanoid stands or has its legs bent, and in some episodes moves upward already."""
        key_start, key_model = jax.random.split(key)
        physics = self.start(key_model, *self._first_pose(key_start))
        zero = jnp.zeros(())
        info = {
            "tracking": Tracking.first(),
            "reach": jnp.array(STRAIGHT_HEIGHT),  # m, highest ballistic height so far, at least that of straight legs
            "clock": jnp.zeros((), jnp.int32),  # control steps since the episode began
            "last_action": jnp.zeros(self.model.nu),
        }
        names = [f"reward_{term.name}" for term in fields(JumpWeights)]
        metrics = dict.fromkeys([*names, "air_seconds", "best_height", "success", "fallen"], zero)
        return first_state(physics, body.observe(physics, info["last_action"]), jnp.zeros(0), metrics, info)

    def step(self, state: EnvState, action: Array) -> EnvState:
        """Apply torques for one control period of 15 ms."""
        physics = self.physics.step(state.physics, self.control(action))
        info = state.info
        motion = motion_of(physics, self._joints, action, info["last_action"], *unasked())
        tracking = info["tracking"].after(motion, self.control_period)
        reach = jnp.maximum(info["reach"], ballistic_height(motion))
        terms = jump_terms(motion, tracking.flight_seconds, reach - info["reach"], self.config.longest_flight)
        rewards = {name: getattr(self.config.rewards, name) * term for name, term in terms.items()}
        fallen = motion.height < self.config.min_height
        clock = info["clock"] + 1
        dtype = motion.height.dtype
        metrics = {
            **{f"reward_{name}": value for name, value in rewards.items()},
            "air_seconds": tracking.longest_flight,
            "best_height": reach,
            "success": (is_jump(tracking) & ~fallen).astype(dtype),
            "fallen": fallen.astype(dtype),
        }
        return state.replace(
            physics=physics,
            obs=body.observe(physics, action),
            reward=sum(rewards.values(), jnp.zeros(())),
            terminated=fallen,
            truncated=jnp.array(False) if self._cut_at is None else clock >= self._cut_at,
            metrics=metrics,
            info={"tracking": tracking, "reach": reach, "clock": clock, "last_action": action},
        )

    def _first_pose(self, key: Array) -> tuple[Array, Array]:
        """Draw first positions (24,), standing or with bent legs, and velocities (23,), in some episodes upward."""
        key_pose, key_velocity, key_depth, key_chance, key_speed = jax.random.split(key, 5)
        noise = self.config.reset_noise
        standing_qpos = body.standing_qpos(key_pose, self._joints, noise)
        hip = DEEPEST_HIP * jax.random.uniform(key_depth)
        bent = body.crouched(standing_qpos, hip, KNEE_PER_HIP * hip)
        crouches, rises = jax.random.uniform(key_chance, (2,)) < jnp.array([self.config.crouched, self.config.rising])
        qvel = jax.random.uniform(key_velocity, (self.model.nv,), minval=-noise, maxval=noise)
        speed = rises * jax.random.uniform(key_speed, maxval=self.config.rise_speed)
        return jnp.where(crouches, bent, standing_qpos), qvel.at[2].add(speed)


def is_jump(tracking: Tracking) -> Array:
    """Return whether the episode's longest flight so far lasted at least 0.15 s (`MIN_AIR_SECONDS`)."""
    return tracking.longest_flight >= MIN_AIR_SECONDS
