"""`humanoid-goal`: walk to a place and face a direction there."""

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax import Array

from envs.limits import require_not_negative, require_positive
from envs.physics import PhysicsOptions, PhysicsSpec, PhysicsState
from envs.robots import feeling_humanoid as body
from envs.robots import symmetry
from envs.robots.models import feeling_humanoid
from envs.robots.rotations import heading_of, turned_back
from envs.success import GOAL_RADIUS, is_at_goal
from envs.task import MujocoTask, first_state
from envs.tasks.humanoid_skills import clock
from envs.types import EnvState, GoalMap, Mirror, Reflection


@dataclass(frozen=True)
class HumanoidGoalConfig:
    """Where goals lie, and how much each part of the reward counts.

    Attributes:
      goal_distance: m, smallest and largest distance of a new goal from the humanoid.
      goals_per_episode: number of goals in an episode; a goal is replaced by the next once it was held for
        `hold_seconds`; null for one goal.
      hold_seconds: s that the humanoid must stay at a goal, in place and heading, before the next goal.
      progress_weight: reward per m/s towards the goal, up to `target_speed`.
      target_speed: m/s above which more speed towards the goal earns nothing.
      reach_weight: reward per control step within the goal's radius, whatever the heading.
      heading_weight: largest reward per control step for facing the goal's heading; within the radius only.
      survive_weight: reward per control step, also for the one in which it falls.
      upright_weight: largest reward per control step for an upright torso.
      ctrl_weight: cost of the mean squared action.
      posture_weight: cost of the mean squared joint angle from standing (rad^2).
      min_height: m, torso height below which the humanoid has fallen.
      reset_noise: half-width of the uniform noise on first joint angles (rad) and velocities (m/s, rad/s).
      gait_clock: observe the clock of a gait, as a parent that was trained with `gait_clock` does.
    """

    goal_distance: tuple[float, float] = (1.0, 10.0)
    goals_per_episode: int | None = None
    hold_seconds: float = 1.0
    progress_weight: float = 1.5
    target_speed: float = 1.5
    reach_weight: float = 3.0
    heading_weight: float = 1.0
    survive_weight: float = 0.5
    upright_weight: float = 0.5
    ctrl_weight: float = 0.2
    posture_weight: float = 0.5
    min_height: float = 0.9
    reset_noise: float = 0.02
    gait_clock: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError if a value is outside its range."""
        if not 0 < self.goal_distance[0] <= self.goal_distance[1]:
            raise ValueError(f"goal_distance: {self.goal_distance} must be (nearest, farthest), both above 0 m")
        if self.goals_per_episode is not None and self.goals_per_episode < 1:
            raise ValueError(f"goals_per_episode: {self.goals_per_episode} must be at least 1, or null for one")
        require_positive(self, "hold_seconds", "target_speed", "min_height")
        require_not_negative(self, "reset_noise")


class HumanoidGoal(MujocoTask):
    """Walk to a place in the plane and face a given heading there.

    Observation (63): torso height, direction of gravity, velocities, joint angles and velocities, foot contacts and
    last action (`envs.robots.feeling_humanoid.observe`). With `gait_clock`, the sine and cosine of the clock's phase
    follow, 65 numbers in all.
    Goal (5), as the humanoid sees it: direction to the goal, forward and left (unit vector); distance (m, at most 10);
    cosine and sine of the angle to the goal's heading.
    Success: within 0.5 m of the goal, facing within 30 degrees of its heading (`envs.success`).
    """

    Config = HumanoidGoalConfig
    weights = (
        "progress_weight",
        "reach_weight",
        "heading_weight",
        "survive_weight",
        "upright_weight",
        "ctrl_weight",
        "posture_weight",
    )

    def __init__(self, config: HumanoidGoalConfig, options: PhysicsOptions) -> None:
        """Compile the model, and set up its simulation by the physics backend named in `options`."""
        self.config = config
        model = feeling_humanoid().compile()
        super().__init__(PhysicsSpec(model, num_substeps=5, fields=body.FIELDS), options)
        self._joints = jnp.asarray(model.qpos0[7:])
        self._hold_steps = self.num_control_steps(config.hold_seconds)

    @property
    def mirror(self) -> Mirror:
        """The task's left-right symmetry: how observations, goals and actions change in the mirror."""
        obs, action = body.mirror(self.model)
        obs = obs + clock.mirror() if self.config.gait_clock else obs
        return Mirror(obs, symmetry.PLANAR + Reflection.unchanged(1) + symmetry.PLANAR, action)

    @property
    def goal_map(self) -> GoalMap:
        """How to tell the goal that a state achieves: the humanoid's place and heading."""
        return GoalMap(place_and_heading, goal_seen)

    def reset(self, key: Array) -> EnvState:
        """Start standing at the origin, with a random heading and a random goal."""
        key_pose, key_velocity, key_goal, key_model, key_own = jax.random.split(key, 5)
        noise = self.config.reset_noise
        qpos = body.standing_qpos(key_pose, self._joints, noise)
        qvel = jax.random.uniform(key_velocity, (self.model.nv,), minval=-noise, maxval=noise)
        physics = self.start(key_model, qpos, qvel)
        info = {
            "goal": self._draw_goal(key_goal, qpos[:2]),
            "held": jnp.zeros((), jnp.int32),
            "goals_left": jnp.array((self.config.goals_per_episode or 1) - 1, jnp.int32),
            "key": jax.random.key_data(key_own),
        }
        names = ("distance", "success", "heading_error", "speed_to_goal", "fallen")
        metrics = {name: jnp.zeros(()) for name in names}
        if self.config.gait_clock:
            info["phase"] = jnp.zeros(())
        obs = self._observe(physics, jnp.zeros(self.model.nu), info)
        return first_state(physics, obs, self._goal_vector(physics, info["goal"]), metrics, info)

    def step(self, state: EnvState, action: Array) -> EnvState:
        """Apply torques for one control period of 15 ms."""
        physics = self.physics.step(state.physics, self.control(action))
        goal = state.info["goal"]
        before, distance = (jnp.sqrt(_squared_distance(p, goal) + 1e-12) for p in (state.physics, physics))
        speed = (before - distance) / self.control_period
        reached = distance < GOAL_RADIUS
        fallen = physics["qpos"][2] < self.config.min_height
        alignment = self._goal_vector(physics, goal)[3]  # cosine
        heading_error = jnp.arccos(jnp.clip(alignment, -1, 1))
        success = is_at_goal(distance, heading_error)
        info = self._next_goal(state.info, physics, success)
        return state.replace(
            physics=physics,
            obs=self._observe(physics, action, info),
            goal=self._goal_vector(physics, info["goal"]),
            reward=self._reward(physics, speed, reached, alignment, action),
            terminated=fallen,
            metrics={
                "distance": distance,
                "success": success.astype(distance.dtype),
                "heading_error": heading_error,
                "speed_to_goal": speed,
                "fallen": fallen.astype(distance.dtype),
            },
            info=info,
        )

    def _observe(self, physics: PhysicsState, action: Array, info: dict) -> Array:
        obs = body.observe(physics, action)
        return jnp.concatenate([obs, clock.shown(info["phase"])]) if "phase" in info else obs

    def _reward(self, physics: PhysicsState, speed: Array, reached: Array, alignment: Array, action: Array) -> Array:
        weights = self.config
        qpos = physics["qpos"]
        upright = jnp.maximum(-body.gravity(physics)[2], 0)
        # Within the radius there is no way left to go, so progress earns its largest reward there.
        progress = jnp.where(reached, weights.target_speed, jnp.minimum(speed, weights.target_speed))
        return (
            weights.progress_weight * progress
            + reached * (weights.reach_weight + weights.heading_weight * 0.5 * (1 + alignment))
            + weights.survive_weight
            + weights.upright_weight * upright
            - weights.ctrl_weight * jnp.square(action).mean()
            - weights.posture_weight * jnp.square(qpos[7:] - self._joints).mean()
        )

    def _next_goal(self, info: dict, physics: PhysicsState, success: Array) -> dict:
        """Return `info` for the next step, with a new goal if the present one was held long enough and goals are left.

        `success` () says whether the humanoid is at its goal now.
        """
        held = jnp.where(success, info["held"] + 1, 0)
        changes = (held >= self._hold_steps) & (info["goals_left"] > 0)
        key, key_goal = jax.random.split(jax.random.wrap_key_data(info["key"]))
        return self._later_phase(info, physics) | {
            "goal": jnp.where(changes, self._draw_goal(key_goal, physics["qpos"][:2]), info["goal"]),
            "held": jnp.where(changes, 0, held),
            "goals_left": info["goals_left"] - changes,
            "key": jax.random.key_data(key),
        }

    def _later_phase(self, info: dict, physics: PhysicsState) -> dict[str, Array]:
        """Return the phase of the gait's clock after the step, as a part of `info`; nothing without a clock."""
        if "phase" not in info:
            return {}
        return {"phase": clock.later(info["phase"], body.velocity(physics), self.control_period)}

    def _draw_goal(self, key: Array, position: Array) -> Array:
        """Draw a place (m) around a position (2,) and a heading (unit vector), shape (4,)."""
        key_distance, key_angle, key_heading = jax.random.split(key, 3)
        nearest, farthest = self.config.goal_distance
        distance = jax.random.uniform(key_distance, minval=nearest, maxval=farthest)
        angle, heading = (jax.random.uniform(k, maxval=2 * math.pi) for k in (key_angle, key_heading))
        place = position + distance * jnp.stack([jnp.cos(angle), jnp.sin(angle)])
        return jnp.concatenate([place, jnp.stack([jnp.cos(heading), jnp.sin(heading)])])

    def _goal_vector(self, physics: PhysicsState, goal: Array) -> Array:
        return goal_seen(place_and_heading(physics["qpos"]), goal)


def place_and_heading(qpos: Array) -> Array:
    """Return the humanoid's place (m) and heading (unit vector) in the plane of the world, shape (4,)."""
    return jnp.concatenate([qpos[:2], heading_of(qpos[3:7])])


def goal_seen(here: Array, goal: Array) -> Array:
    """Return a goal as the humanoid sees it.

    Args:
      here: the humanoid's place (m) and heading (unit vector) in the world's plane, shape (4,).
      goal: the goal's place (m) and heading (unit vector) in the world's plane, shape (4,).

    Returns:
      Shape (5,): direction to the goal (unit vector), distance (m, at most 10), and the goal's heading (unit vector);
      vectors are in the frame (forward, left) of the humanoid's heading.
    """
    heading = here[2:]
    offset = turned_back(heading, goal[:2] - here[:2])
    distance = jnp.sqrt(jnp.square(offset).sum() + 1e-12)
    angle = turned_back(heading, goal[2:])
    return jnp.concatenate([offset / distance, jnp.minimum(distance, 10.0)[None], angle])


def _squared_distance(physics: PhysicsState, goal: Array) -> Array:
    return jnp.square(goal[:2] - physics["qpos"][:2]).sum()
