"""`humanoid-skills`: one humanoid that is asked for many skills, one after the other."""

from dataclasses import dataclass, field, fields, replace
from typing import Literal

import jax
import jax.numpy as jnp
from jax import Array

from envs.physics import PhysicsOptions, PhysicsSpec, PhysicsState
from envs.robots import feeling_humanoid as body
from envs.robots import symmetry
from envs.robots.models import feeling_humanoid
from envs.task import MujocoTask, first_state
from envs.tasks.humanoid_skills import clock
from envs.tasks.humanoid_skills.gait import GaitWeights, Steps, gait_terms, weighted_gait
from envs.tasks.humanoid_skills.goals import SKILL_NAMES, STAND_UP, STRATEGIES, Goals, GoalSampler, Strategy
from envs.tasks.humanoid_skills.motion import Motion, motion_of
from envs.tasks.humanoid_skills.rewards import RewardWeights, reward_terms, weighted
from envs.tasks.humanoid_skills.starts import StartStates, State
from envs.tasks.humanoid_skills.tracking import Tracking
from envs.tasks.velocity_command import TURNED_COMMAND
from envs.types import EnvState, Mirror


@dataclass(frozen=True)
class HumanoidSkillsConfig:
    """Which skills are asked for and how often, how episodes start and end, and the weights of rewards.

    Attributes:
      skills: the skills to ask for; one that is named twice is asked for twice as often.
      goal_strategy: `single` asks for the first skill only, `balanced` for each equally often in shuffled rounds,
        `random` for any at any time.
      goal_seconds: s, shortest and longest time that a goal lasts.
      command_spread: commanded velocities are their nominal values times a factor between 1 minus and 1 plus this.
      initial_state: `default` starts standing, or lying if the first skill is `stand-up`; `fallen` always starts lying.
      termination: `default` ends an episode when the torso is below `min_height`, unless the present skill is
        `stand-up`; `never` leaves it to the time limit.
      min_height: m, torso height below which the humanoid has fallen.
      reset_noise: half-width of the uniform noise on first joint angles (rad) and velocities (m/s, rad/s).
      start_states: file of states that episodes begin in, made by `python -m flexrl.policies.states`; null for none.
      start_states_share: the part of episodes that begin in one of these states.
      rewards: weight of each reward term.
      gait: weight of each term of a natural gait; none is on by default.
      gait_clock: observe the clock of a gait, which tells when each foot is to swing.
    """

    skills: tuple[str, ...] = SKILL_NAMES
    goal_strategy: Strategy = "balanced"
    goal_seconds: tuple[float, float] = (5.0, 10.0)
    command_spread: float = 0.2
    initial_state: Literal["default", "fallen"] = "default"
    termination: Literal["default", "never"] = "default"
    min_height: float = 0.9
    reset_noise: float = 0.02
    start_states: str | None = None
    start_states_share: float = 0.5
    rewards: RewardWeights = field(default_factory=RewardWeights)
    gait: GaitWeights = GaitWeights()
    gait_clock: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError if a value is outside its range."""
        if unknown := [name for name in self.skills if name not in SKILL_NAMES]:
            raise ValueError(f"skills: {unknown} are unknown; known: {', '.join(SKILL_NAMES)}")
        if not self.skills:
            raise ValueError(f"skills: {self.skills} must be one or more skills")
        if self.goal_strategy not in STRATEGIES:
            raise ValueError(f"goal_strategy: {self.goal_strategy!r} must be one of {', '.join(STRATEGIES)}")
        if not 0 < self.goal_seconds[0] <= self.goal_seconds[1]:
            raise ValueError(f"goal_seconds: {self.goal_seconds} must be (shortest, longest), both above 0")
        if not 0 <= self.command_spread < 1:
            raise ValueError(f"command_spread: {self.command_spread} must be at least 0 and below 1")
        if self.min_height <= 0:
            raise ValueError(f"min_height: {self.min_height} must be above 0")
        if self.reset_noise < 0:
            raise ValueError(f"reset_noise: {self.reset_noise} is negative")
        if not 0 <= self.start_states_share <= 1:
            raise ValueError(f"start_states_share: {self.start_states_share} must be between 0 and 1")
        if self.gait.needs_clock and not self.gait_clock:
            raise ValueError("gait_clock: is false, and gait.swing and gait.rhythm need it; set it, or these to 0")


class HumanoidSkills(MujocoTask):
    """Follow a commanded velocity and yaw rate, stand, jump, stand up; goals change within an episode.

    Observation (63): torso height, direction of gravity, velocities, joint angles and velocities, foot contacts and
    last action (`envs.robots.feeling_humanoid.observe`). With `gait_clock`, the sine and cosine of the clock's phase
    follow, 65 numbers in all.
    Goal (17): commanded velocity forward and left (m/s), commanded yaw rate (rad/s, to the left), one-hot skill (14).
    """

    Config = HumanoidSkillsConfig
    weights = tuple(f"rewards.{term.name}" for term in fields(RewardWeights))

    def __init__(self, config: HumanoidSkillsConfig, options: PhysicsOptions) -> None:
        """Compile the model, and set up its simulation by the physics backend named in `options`."""
        self.config = config
        model = feeling_humanoid().compile()
        super().__init__(PhysicsSpec(model, num_substeps=5, fields=body.FIELDS), options)
        self._joints = jnp.asarray(model.qpos0[7:])
        self._joint_range = jnp.asarray(model.jnt_range[1:])
        self._starts = None if config.start_states is None else StartStates.load(config.start_states, model)
        low, high = map(self.num_control_steps, config.goal_seconds)
        spread, strategy = config.command_spread, config.goal_strategy
        self.goals = GoalSampler(config.skills, strategy, spread, (low, high), self.episode_length)

    @staticmethod
    def evaluated(config: HumanoidSkillsConfig) -> HumanoidSkillsConfig:
        """Return the config for evaluation, in which no episode begins in a recorded state."""
        return replace(config, start_states=None)

    @property
    def mirror(self) -> Mirror:
        """The task's left-right symmetry, in which left and right skills change places, too."""
        obs, action = body.mirror(self.model)
        obs = obs + clock.mirror() if self.config.gait_clock else obs
        return Mirror(obs, TURNED_COMMAND + symmetry.swapped_names(list(SKILL_NAMES)), action)

    def reset(self, key: Array) -> EnvState:
        """Start standing or lying, with all goals of the episode drawn."""
        key_goal, key_pose, key_velocity, key_model = jax.random.split(key, 4)
        key_start = jax.random.fold_in(key, 4)  # apart, so that other keys are as they were before
        goals = self.goals.draw(key_goal)
        lies = jnp.array(True) if self.config.initial_state == "fallen" else goals.skill == STAND_UP
        noise = self.config.reset_noise
        qvel = jax.random.uniform(key_velocity, (self.model.nv,), minval=-noise, maxval=noise)
        first = State(self._first_qpos(key_pose, lies), qvel, jnp.zeros(self.model.nu), jnp.zeros(()))
        if self._starts is not None:
            first = self._starts.perhaps(key_start, self.config.start_states_share, first)
        action, steps = first.action, Steps.first().replace(phase=first.phase)
        physics = self.start(key_model, first.qpos, first.qvel)
        motion = self._motion(physics, goals, action, action)
        rewards = self._rewards(motion, steps)
        tracking = Tracking.first()
        metrics = jax.tree.map(jnp.zeros_like, self._metrics(rewards, motion, tracking))
        info = {"goals": goals, "last_action": motion.action, "tracking": tracking, **self._kept(steps)}
        return first_state(physics, self._observe(physics, motion.action, steps), goals.vector(), metrics, info)

    def step(self, state: EnvState, action: Array) -> EnvState:
        """Apply torques for one control period of 15 ms. The reward is for the goal before this step."""
        physics = self.physics.step(state.physics, self.control(action))
        goals = state.info["goals"]
        motion = self._motion(physics, goals, action, state.info["last_action"])
        steps = state.info.get("steps", Steps.first())
        rewards = self._rewards(motion, steps)
        tracking = state.info["tracking"].after(motion, self.control_period)
        goals = goals.later()
        steps = steps.after(motion, self.control_period, goals.is_new)
        return state.replace(
            physics=physics,
            obs=self._observe(physics, motion.action, steps),
            goal=goals.vector(),
            reward=sum(rewards.values(), jnp.zeros(())),
            terminated=self._has_fallen(motion) if self.config.termination == "default" else jnp.array(False),
            metrics=self._metrics(rewards, motion, tracking),
            info={"goals": goals, "last_action": action, "tracking": tracking, **self._kept(steps)},
        )

    def _observe(self, physics: PhysicsState, action: Array, steps: Steps) -> Array:
        obs = body.observe(physics, action)
        return jnp.concatenate([obs, clock.shown(steps.phase)]) if self.config.gait_clock else obs

    def _rewards(self, motion: Motion, steps: Steps) -> dict[str, Array]:
        """Return what each reward term adds to the reward of a control step, by the term's name.

        `steps` is what the gait terms remember of the control steps before: of the feet, the heading and the clock.
        """
        rewards = weighted(reward_terms(motion), self.config.rewards)
        return rewards | weighted_gait(gait_terms(motion, steps), self.config.gait)

    def _kept(self, steps: Steps) -> dict[str, Steps]:
        """Return `steps` as a dictionary that is to be part of `EnvState.info`.

        The dictionary is empty if neither the clock nor a gait term is on: then no later step needs `steps`.
        """
        return {"steps": steps} if self.config.gait.is_on or self.config.gait_clock else {}

    def _first_qpos(self, key: Array, lies: Array) -> Array:
        key_standing, key_lying = jax.random.split(key)
        standing = body.standing_qpos(key_standing, self._joints, self.config.reset_noise)
        return jnp.where(lies, body.lying_qpos(key_lying, self._joint_range), standing)

    def _motion(self, physics: PhysicsState, goals: Goals, action: Array, last_action: Array) -> Motion:
        return motion_of(physics, self._joints, action, last_action, goals.command, goals.skill)

    def _has_fallen(self, motion: Motion) -> Array:
        return (motion.height < self.config.min_height) & (motion.skill != STAND_UP)

    def _metrics(self, rewards: dict[str, Array], motion: Motion, tracking: Tracking) -> dict[str, Array]:
        """Return each term's part of the reward, how well the skill is done, and whether the humanoid has fallen."""
        return {
            **{f"reward_{name}": value for name, value in rewards.items()},
            **tracking.metrics(motion),
            "fallen": self._has_fallen(motion).astype(motion.height.dtype),
        }
