"""`humanoid-jump`: a humanoid that jumps once for each command, lands, and stands still until the next."""

from dataclasses import dataclass, field, fields, replace

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from envs.physics import PhysicsOptions, PhysicsSpec
from envs.robots import feeling_humanoid as body
from envs.robots.models import feeling_humanoid
from envs.success import MIN_AIR_SECONDS
from envs.task import MujocoTask, first_state
from envs.tasks.humanoid_skills.motion import Motion, motion_of, unasked
from envs.tasks.humanoid_skills.rewards import STRAIGHT_HEIGHT, is_airborne, standing, upright
from envs.types import EnvState, Mirror, Reflection

GRAVITY = 9.81  # m/s^2
HOP_SECONDS = 0.05  # s of a flight that earn nothing: a stumble, or the drop to the floor at the start
LONGEST_CLOCK = 3.0  # s since the command; the observation of longer ones is this
REACH_MARGIN = 1.5  # factor on the height that a flight of the asked duration needs, up to which height is rewarded
UPRIGHT = 0.85  # cosine of the torso's angle to the vertical, at least, of a landing
LANDED_SECONDS = 0.5  # s on both feet after a flight that make a landing
DEEPEST_HIP = -0.9  # rad, of a crouched start
KNEE_PER_HIP = 1.77  # knee angle over hip angle that keeps the centre of mass above the feet
SOFT_CONTACT = 1.5  # body weights on one foot that cost nothing
BODY_WEIGHT = 413.0  # N


@dataclass(frozen=True)
class JumpWeights:
    """Weight of each term: reward per control step and unit of the term, named in parentheses. 0 turns a term off.

    Attributes:
      reach: increase of the highest ballistic height since the command, up to the one that the flight needs (m).
      flight: increase of the longest flight since the command, up to the one that is asked for (control steps). What
        paid every step in the air taught to hop on and on.
      landing: 0.5 s on both feet after a flight, once for a command, times the share of the flight (1).
      still: standing upright and without moving after a flight, times the share of the flight (1).
      upright: torso axis along the vertical (1).
      ctrl: squared actions, mean over actuators (1).
      action_rate: squared change of actions, mean over actuators (1).
      posture: squared angle between joints and standing, mean over joints, from the landing on (rad^2).
      contact: force on the feet beyond 1.5 body weights (body weights).
    """

    reach: float = 10.0
    flight: float = 1.0
    landing: float = 3.0
    still: float = 1.0
    upright: float = 0.1
    ctrl: float = -0.02
    action_rate: float = -0.3
    posture: float = -0.2
    contact: float = -0.02


@dataclass(frozen=True)
class HumanoidJumpConfig:
    """How long flights are asked for, how episodes start, and the weights of rewards.

    Attributes:
      flight_seconds: s, shortest and longest flight that a command asks for; short ones are the curriculum of long
        ones. Evaluations ask for the longest.
      command_seconds: s, shortest and longest time until the next command.
      commands_per_episode: number of commands after which a training episode is cut, so that many episodes start;
        null for none. With one, it never learns to jump from where it landed. Evaluations cut none.
      crouched: share of training episodes that start with bent legs.
      rising: share of training episodes that start with an upward velocity.
      rise_speed: m/s, largest upward velocity of those.
      min_height: m, torso height below which the humanoid has fallen.
      reset_noise: half-width of the uniform noise on first joint angles (rad) and velocities (m/s, rad/s).
      rewards: weight of each reward term.
    """

    flight_seconds: tuple[float, float] = (0.10, 0.25)
    command_seconds: tuple[float, float] = (2.0, 4.0)
    commands_per_episode: int | None = 3
    crouched: float = 0.5
    rising: float = 0.25
    rise_speed: float = 2.0
    min_height: float = 0.9
    reset_noise: float = 0.02
    rewards: JumpWeights = field(default_factory=JumpWeights)

    def __post_init__(self) -> None:
        """Raise ValueError if a value is outside its range."""
        for name in ("flight_seconds", "command_seconds"):
            low, high = getattr(self, name)
            least = HOP_SECONDS if name == "flight_seconds" else 0
            if not least < low <= high:
                raise ValueError(f"{name}: {getattr(self, name)} must be (shortest, longest), both above {least} s")
        if self.commands_per_episode is not None and self.commands_per_episode < 1:
            raise ValueError(
                f"commands_per_episode: {self.commands_per_episode} must be at least 1, or null for no cut"
            )
        for name in ("crouched", "rising"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: {getattr(self, name)} must be a share of episodes, between 0 and 1")
        for name in ("rise_speed", "reset_noise"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: {getattr(self, name)} is negative")
        if self.min_height <= 0:
            raise ValueError(f"min_height: {self.min_height} must be above 0")


@struct.dataclass
class Jump:
    """One command to jump, and what became of it so far."""

    target: Array  # () s, flight that is asked for
    clock: Array  # () s since the command
    reach: Array  # () m, highest ballistic height of the torso since the command, at least that of straight legs
    flight: Array  # () s, duration of the present flight
    longest: Array  # () s, duration of the longest flight since the command
    down: Array  # () s on both feet and upright, without a break, after a flight
    landed: Array  # () bool, whether `down` has reached LANDED_SECONDS

    @classmethod
    def commanded(cls, target: Array) -> "Jump":
        """Return a new command for a flight of `target` s."""
        zero = jnp.zeros(())
        return cls(target, zero, jnp.array(STRAIGHT_HEIGHT), zero, zero, zero, jnp.array(False))

    @property
    def flown(self) -> Array:
        """The longest flight as a share of the target, both less HOP_SECONDS, between 0 and 1."""
        return jnp.clip((self.longest - HOP_SECONDS) / (self.target - HOP_SECONDS), 0, 1)

    @property
    def needed_reach(self) -> Array:
        """The ballistic height (m) up to which height is rewarded: with the launch speed that the target needs."""
        return STRAIGHT_HEIGHT + REACH_MARGIN * launch_speed(self.target) ** 2 / (2 * GRAVITY)

    def goal(self) -> Array:
        """Return what the policy is shown, shape (3,); see `HumanoidJump`."""
        return jnp.stack([jnp.minimum(self.clock, LONGEST_CLOCK), launch_speed(self.target), self.flown])

    def after(self, motion: Motion, period: float) -> "Jump":
        """Return the command's state after a control step of `period` s."""
        flight = jnp.where(is_airborne(motion), self.flight + period, 0)
        longest = jnp.maximum(self.longest, flight)
        stands = (motion.foot_force > 0).all() & (upright(motion) > UPRIGHT)
        down = jnp.where(stands & (longest > HOP_SECONDS), self.down + period, 0)
        reach = jnp.maximum(self.reach, ballistic_height(motion))
        landed = self.landed | (down >= LANDED_SECONDS)
        return Jump(self.target, self.clock + period, reach, flight, longest, down, landed)


def launch_speed(flight: Array) -> Array:
    """Return the upward speed (m/s) that begins a ballistic flight of `flight` s back to the same height."""
    return GRAVITY * flight / 2


def ballistic_height(motion: Motion) -> Array:
    """Return how high (m) the torso would rise without further force; 0 if it is not upright."""
    height = motion.height + jnp.square(jnp.maximum(motion.rise, 0)) / (2 * GRAVITY)
    return jnp.where(upright(motion) > UPRIGHT, height, 0)


def jump_terms(motion: Motion, before: Jump, after: Jump, period: float) -> dict[str, Array]:
    """Return the value () of each reward term, by the name of its weight, of a control step of `period` s.

    Args:
      motion: the body's motion in the step.
      before: the command's state before the step.
      after: the command's state after the step.
      period: s.
    """
    needed = after.needed_reach
    speed = jnp.square(motion.velocity).sum() + jnp.square(motion.rise) + jnp.square(motion.turn)
    return {
        "reach": jnp.minimum(after.reach, needed) - jnp.minimum(before.reach, needed),
        "flight": jnp.maximum(jnp.minimum(after.longest, after.target) - before.longest, 0) / period * upright(motion),
        "landing": (after.landed & ~before.landed) * after.flown,
        "still": standing(motion) * upright(motion) * jnp.exp(-speed) * (after.flight <= 0) * after.flown,
        "upright": upright(motion),
        "ctrl": jnp.square(motion.action).mean(),
        "action_rate": jnp.square(motion.action - motion.last_action).mean(),
        "posture": jnp.square(motion.posture).mean() * ((after.flown > 0) & (after.flight <= 0)),
        "contact": jnp.maximum(motion.foot_force / BODY_WEIGHT - SOFT_CONTACT, 0).sum(),
    }


class HumanoidJump(MujocoTask):
    """Jump once for each command, land, and stand still until the next command.

    Observation (63): see `envs.robots.feeling_humanoid.observe`.
    Goal (3): time since the command (s, at most 3); the upward speed that the flight asked for needs (m/s); the longest
    flight since the command as a share of the one asked for.
    Success: a flight of at least 0.15 s without a fall (`envs.success`), for the episode and for each of its commands.
    """

    Config = HumanoidJumpConfig
    weights = tuple(f"rewards.{term.name}" for term in fields(JumpWeights))

    def __init__(self, config: HumanoidJumpConfig, options: PhysicsOptions) -> None:
        """Compile the model for a backend."""
        self.config = config
        model = feeling_humanoid().compile()
        super().__init__(PhysicsSpec(model, num_substeps=5, fields=body.FIELDS), options)
        self._joints = jnp.asarray(model.qpos0[7:])
        self._steps = tuple(map(self.num_control_steps, config.command_seconds))
        self._num_commands = -(-self.episode_length // self._steps[0])

    @staticmethod
    def evaluated(config: HumanoidJumpConfig) -> HumanoidJumpConfig:
        """See `MujocoTask.evaluated`: episodes start standing, are not cut, and ask for the longest flight."""
        longest = config.flight_seconds[1]
        return replace(config, crouched=0.0, rising=0.0, commands_per_episode=None, flight_seconds=(longest, longest))

    @property
    def mirror(self) -> Mirror:
        """See `MujocoTask.mirror`."""
        obs, action = body.mirror(self.model)
        return Mirror(obs, Reflection.unchanged(3), action)

    def reset(self, key: Array) -> EnvState:
        """Start standing, crouched or rising, with all commands of the episode drawn."""
        key_command, key_start, key_model = jax.random.split(key, 3)
        key_target, key_steps = jax.random.split(key_command)
        low, high = self.config.flight_seconds
        targets = jax.random.uniform(key_target, (self._num_commands,), minval=low, maxval=high)
        steps = jax.random.randint(key_steps, (self._num_commands,), self._steps[0], self._steps[1] + 1)
        physics = self.start(key_model, *self._first_pose(key_start))
        jump = Jump.commanded(targets[0])
        none = jnp.zeros((), jnp.int32)
        info = {
            "targets": targets,
            "ends": jnp.cumsum(steps),
            "index": none,  # of the present command
            "clock": none,  # control steps since the episode began
            "jump": jump,
            "longest": jnp.zeros(()),  # s, longest flight of the episode
            "missed": jnp.zeros(()),  # commands that ended without a flight of MIN_AIR_SECONDS
            "last_action": jnp.zeros(self.model.nu),
        }
        zero = jnp.zeros(())
        rewards = {f"reward_{term.name}": zero for term in fields(JumpWeights)}
        measured = ("air_seconds", "best_height", "missed", "success", "fallen")
        metrics = {**rewards, **dict.fromkeys(measured, zero)}
        return first_state(physics, body.observe(physics, info["last_action"]), jump.goal(), metrics, info)

    def step(self, state: EnvState, action: Array) -> EnvState:
        """Apply torques for one control period of 15 ms. The reward is for the command before this step."""
        physics = self.physics.step(state.physics, self.control(action))
        info = state.info
        motion = motion_of(physics, self._joints, action, info["last_action"], *unasked())
        jump = info["jump"].after(motion, self.control_period)
        terms = jump_terms(motion, info["jump"], jump, self.control_period)
        rewards = {name: getattr(self.config.rewards, name) * term for name, term in terms.items()}
        fallen = motion.height < self.config.min_height
        longest = jnp.maximum(info["longest"], jump.longest)
        info, jump = self._next_command(info, jump, longest, action)
        metrics = {
            **{f"reward_{name}": value for name, value in rewards.items()},
            "air_seconds": longest,
            "best_height": info["jump"].reach,
            "missed": info["missed"],
            "success": ((longest >= MIN_AIR_SECONDS) & (info["missed"] == 0)).astype(longest.dtype),
            "fallen": fallen.astype(longest.dtype),
        }
        return state.replace(
            physics=physics,
            obs=body.observe(physics, action),
            goal=jump.goal(),
            reward=sum(rewards.values(), jnp.zeros(())),
            terminated=fallen,
            truncated=self._is_cut(info),
            metrics=metrics,
            info=info,
        )

    def _next_command(self, info: dict, jump: Jump, longest: Array, action: Array) -> tuple[dict, Jump]:
        """Return `info` for the next step and its command: a new one if the time of the present one is over."""
        clock = info["clock"] + 1
        ended = clock >= info["ends"][info["index"]]
        index = jnp.minimum(info["index"] + ended, self._num_commands - 1)
        fresh = Jump.commanded(info["targets"][index])
        missed = info["missed"] + (ended & (jump.longest < MIN_AIR_SECONDS))
        jump = jax.tree.map(lambda new, old: jnp.where(ended, new, old), fresh, jump)
        after = {"index": index, "clock": clock, "jump": jump, "longest": longest, "missed": missed}
        return info | after | {"last_action": action}, jump

    def _is_cut(self, info: dict) -> Array:
        number = self.config.commands_per_episode
        return jnp.array(False) if number is None else info["index"] >= number

    def _first_pose(self, key: Array) -> tuple[Array, Array]:
        """Draw positions (24,) and velocities (23,) of standing, crouching or rising."""
        key_pose, key_velocity, key_depth, key_chance, key_speed = jax.random.split(key, 5)
        noise = self.config.reset_noise
        standing_qpos = body.standing_qpos(key_pose, self._joints, noise)
        hip = DEEPEST_HIP * jax.random.uniform(key_depth)
        bent = body.crouched(standing_qpos, hip, KNEE_PER_HIP * hip)
        crouches, rises = jax.random.uniform(key_chance, (2,)) < jnp.array([self.config.crouched, self.config.rising])
        qvel = jax.random.uniform(key_velocity, (self.model.nv,), minval=-noise, maxval=noise)
        speed = rises * jax.random.uniform(key_speed, maxval=self.config.rise_speed)
        return jnp.where(crouches, bent, standing_qpos), qvel.at[2].add(speed)
