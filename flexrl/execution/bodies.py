"""The bodies that follow plans: the humanoid, and robots that follow the velocity of a joystick.

A plan asks for a skill with a velocity. The humanoid's policy sees both; a robot's policy sees the velocity alone.
"""

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import jax.numpy as jnp
from jax import Array

from envs.physics import PhysicsState
from envs.robots import feeling_humanoid
from envs.tasks.humanoid_skills.goals import COMMAND_SIZE, SKILL_NAMES, SKILLS, STAND_STILL
from envs.tasks.humanoid_skills.task import HumanoidSkillsConfig
from envs.tasks.joystick import Joystick
from envs.tasks.joystick_config import JoystickConfig
from envs.tasks.velocity_command import STANDS_STILL_BELOW
from envs.types import Env
from flexrl.common.errors import ConfigError
from flexrl.execution.motion import BodyMotion
from flexrl.execution.schedule import Velocities
from flexrl.storage.run_folder import read_config

ENVIRONMENTS = ("humanoid-skills", "g1-joystick", "h1-joystick", "t1-joystick")  # whose policies follow plans
WALKING = ("walk", "strafe", "turn")  # first words of the skills that are no more than a velocity
ON_THE_SPOT = 2 * STANDS_STILL_BELOW  # m/s: commanded this, a robot takes steps on the spot
STANDS_BELOW = 0.1  # m/s: a robot that is slower may be commanded to stand
LONG = 1e6  # s without a command of the task's own


class Embodiment(Protocol):
    """A kind of body that follows plans: tells what its policy is to be asked for, and how the body moves."""

    def goal(self, wanted: Array, physics: PhysicsState) -> Array:
        """Return the goal that the body's policy sees.

        Args:
          wanted: a goal of `humanoid-skills` (17,): a velocity and a skill.
          physics: state of the body's world.
        """
        ...

    def motion(self, physics: PhysicsState) -> BodyMotion:
        """Return how the body of one world moves."""
        ...


class Humanoid:
    """The body of the task `humanoid-skills`."""

    def goal(self, wanted: Array, physics: PhysicsState) -> Array:
        """Return the goal as it is."""
        return wanted

    def motion(self, physics: PhysicsState) -> BodyMotion:
        """Return how the body of one world moves."""
        return _motion(physics, physics["qpos"][2], feeling_humanoid.foot_force(physics) > 0)


@dataclass(frozen=True)
class Robot:
    """A robot of a joystick task.

    Attributes:
      task: the task, which knows the robot's feet and how high it stands.
    """

    task: Joystick

    def goal(self, wanted: Array, physics: PhysicsState) -> Array:
        """Return the velocity (3,) of a goal (17,).

        A robot that is to walk at no velocity, or to stand while it still moves, takes steps on the spot: one that has
        to stand keeps both feet on the floor, and would fall over them.
        """
        velocity, stands = wanted[:COMMAND_SIZE], wanted[COMMAND_SIZE + STAND_STILL] > 0
        moves = jnp.linalg.norm(feeling_humanoid.velocity(physics)) > STANDS_BELOW
        is_on_the_spot = (jnp.abs(velocity).sum() == 0) & (~stands | moves)
        return velocity.at[0].add(jnp.where(is_on_the_spot, ON_THE_SPOT, 0.0))

    def motion(self, physics: PhysicsState) -> BodyMotion:
        """Return how the robot of one world moves. Its height is scaled such that it stands as high as the humanoid."""
        height = physics["qpos"][2] * (feeling_humanoid.ROOT_HEIGHT_ON_THE_FLOOR / self.task.standing_height)
        return _motion(physics, height, self.task.touches(physics))


def _motion(physics: PhysicsState, height: Array, touches: Array) -> BodyMotion:
    velocity = jnp.append(feeling_humanoid.velocity(physics), feeling_humanoid.turn(physics))
    tilt = jnp.linalg.norm(feeling_humanoid.gravity(physics)[:2])
    return BodyMotion(velocity, height, touches, tilt)


def embodiment_of(env: Env) -> Embodiment:
    """Return the body of an environment from `told_by_plans`."""
    return Robot(env) if isinstance(env, Joystick) else Humanoid()


def told_by_plans(task: Any, run: object, *, is_lying: bool = False) -> Any:
    """Return the config of a task, changed so that plans give the goals, and that no episode ends with a fall.

    Args:
      task: config of the run's task.
      run: folder or name of the run, for the error.
      is_lying: whether the body begins lying on the floor; robots always begin standing.

    Raises:
      ConfigError: if policies of the task cannot be told skills.
    """
    if isinstance(task, HumanoidSkillsConfig):
        start = "fallen" if is_lying else "default"
        return dataclasses.replace(
            task, skills=("stand-still",), goal_strategy="single", termination="never", initial_state=start
        )
    if isinstance(task, JoystickConfig):
        never = {"max_tilt": math.pi, "command_interval": LONG}
        return dataclasses.replace(task, **never, stand_probability=1.0, reset_pose_noise=0.0, reset_velocity_noise=0.0)
    raise ConfigError(
        f"run: {run} was not trained on {' or '.join(ENVIRONMENTS)}, so it cannot be told skills; name one that was"
    )


def taught_skills(folder: Path) -> tuple[str, ...]:
    """Return the skills that the policy of a run or an export was taught, as plans name them, such as `stand`.

    A robot was taught each way to walk and turn whose direction was among the commands of its training.

    Raises:
      ConfigError: if policies of its task cannot be told skills.
    """
    task = read_config(folder).task
    told_by_plans(task, folder)
    if isinstance(task, HumanoidSkillsConfig):
        return tuple("stand" if name == "stand-still" else name for name in SKILL_NAMES if name in task.skills)
    can = [
        skill.name
        for skill in SKILLS
        if skill.name.split("-")[0] in WALKING
        and all(
            low < 0 if wanted < 0 else high > 0 or wanted == 0
            for wanted, (low, high) in zip((skill.forward, skill.left, skill.turn), _ranges(task), strict=True)
        )
    ]
    return ("stand", *can)


def taught_velocities(folder: Path) -> Velocities | None:
    """Return the least and the most velocity that a robot's policy was commanded with, None for the humanoid.

    These are three pairs: forward and left in m/s, and turn in rad/s.

    Raises:
      ConfigError: if policies of its task cannot be told skills.
    """
    task = read_config(folder).task
    told_by_plans(task, folder)
    return _ranges(task) if isinstance(task, JoystickConfig) else None


def _ranges(task: JoystickConfig) -> Velocities:
    return task.forward_velocity, task.sideways_velocity, task.yaw_rate
