"""The skills that a humanoid can be asked for, and the sequence of goals in an episode.

A goal is a vector: commanded velocity in the heading frame (forward and left, m/s), commanded yaw rate (rad/s, to the
left), and the skill one-hot.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array


@dataclass(frozen=True)
class Skill:
    """A named behaviour, such as `walk-forward`, and the velocity and yaw rate that it is usually commanded with."""

    name: str
    forward: float = 0.0  # m/s
    left: float = 0.0  # m/s
    turn: float = 0.0  # rad/s


SKILLS = (
    Skill("stand-still"),
    Skill("walk-forward", forward=1.0),
    Skill("walk-backward", forward=-0.7),
    Skill("strafe-left", left=0.5),
    Skill("strafe-right", left=-0.5),
    Skill("walk-forward-left", forward=0.6, left=0.4),
    Skill("walk-forward-right", forward=0.6, left=-0.4),
    Skill("walk-backward-left", forward=-0.5, left=0.4),
    Skill("walk-backward-right", forward=-0.5, left=-0.4),
    Skill("turn-left", turn=0.8),
    Skill("turn-right", turn=-0.8),
    Skill("run", forward=3.0),
    Skill("jump"),
    Skill("stand-up"),
)
SKILL_NAMES = tuple(skill.name for skill in SKILLS)
STAND_STILL, JUMP, STAND_UP = map(SKILL_NAMES.index, ("stand-still", "jump", "stand-up"))
COMMAND_SIZE = 3  # numbers of a goal in front of the skill's one-hot
GOAL_SIZE = COMMAND_SIZE + len(SKILLS)

Strategy = Literal["single", "balanced", "random"]
STRATEGIES = get_args(Strategy)


@struct.dataclass
class Goals:
    """The K goals of one world's episode, one after the other, and the time in the episode.

    Each goal has a commanded velocity and yaw rate, a skill, and the control step at which it is over.
    """

    commands: Array  # (K, 3) forward m/s, left m/s, turn rad/s
    skills: Array  # (K,) int32, indices into SKILLS
    ends: Array  # (K,) int32, control step from which on each goal is over
    clock: Array  # () int32, control steps since the episode began

    @property
    def command(self) -> Array:
        """The present goal's command (3,): velocity forward and to the left (m/s), yaw rate to the left (rad/s)."""
        return self.commands[self._index()]

    @property
    def skill(self) -> Array:
        """The skill of the present goal, as its index () int32 in SKILLS."""
        return self.skills[self._index()]

    @property
    def end(self) -> Array:
        """The control step () int32 from which on the present goal is over."""
        return self.ends[self._index()]

    @property
    def is_new(self) -> Array:
        """Whether () a new goal begins at this control step; false for the first goal of the episode."""
        return (self.clock == self.ends[:-1]).any()

    def vector(self) -> Array:
        """Return the present goal as a policy sees it, shape (17,): the command (3,), then the skill as a one-hot."""
        return jnp.concatenate([self.command, jax.nn.one_hot(self.skill, len(SKILLS))])

    def later(self) -> "Goals":
        """Return the same goals one control step later in the episode, when another of them may be the present one."""
        return self.replace(clock=self.clock + 1)

    def _index(self) -> Array:
        return jnp.sum(self.clock >= self.ends[:-1])


def nominal_goal(name: str) -> np.ndarray:
    """Return the goal of a skill with its usual velocity and yaw rate, as a policy sees it: (17,) float32.

    These are the command (forward m/s, left m/s, turn rad/s), then the skill as a one-hot.
    """
    number = SKILL_NAMES.index(name)
    return np.concatenate([_COMMANDS[number], np.eye(len(SKILLS), dtype=np.float32)[number]])


@dataclass(frozen=True)
class GoalSampler:
    """Draws all goals of an episode at its start, because drawing costs more than a step of physics.

    A goal is a skill, a velocity to follow and a time that it lasts. The strategy `single` takes the first skill only,
    `balanced` each skill once in every shuffled round, and `random` any skill for every goal.
    """

    skills: tuple[str, ...]
    strategy: Strategy
    spread: float  # commands are their nominal values times a factor, uniform within 1 -+ this
    steps: tuple[int, int]  # control steps that a goal lasts, drawn uniformly
    episode_length: int  # control steps

    def draw(self, key: Array) -> Goals:
        """Draw the goals of one episode."""
        key, key_order = jax.random.split(key)
        return self.in_order(key, self._order(key_order))

    def in_order(self, key: Array, order: Array) -> Goals:
        """Draw the commands and durations of an episode's K goals, whose skills are given by `order`.

        `order` has at least K indices into `self.skills`; further ones are ignored.
        """
        num = self.num_goals
        key_command, key_steps = jax.random.split(key)
        skills = jnp.asarray([SKILL_NAMES.index(name) for name in self.skills], jnp.int32)[order[:num]]
        factor = jax.random.uniform(key_command, (num, 1), minval=1 - self.spread, maxval=1 + self.spread)
        low, high = self.steps
        lengths = jax.random.randint(key_steps, (num,), low, high + 1)
        return Goals(jnp.asarray(_COMMANDS)[skills] * factor, skills, jnp.cumsum(lengths), jnp.zeros((), jnp.int32))

    def _order(self, key: Array) -> Array:
        num_goals, num_skills = self.num_goals, len(self.skills)
        if self.strategy == "single":
            return jnp.zeros(num_goals, jnp.int32)
        if self.strategy == "random":
            return jax.random.randint(key, (num_goals,), 0, num_skills)
        keys = jax.random.split(key, -(-num_goals // num_skills))
        return jax.vmap(lambda key: jax.random.permutation(key, num_skills))(keys).reshape(-1)

    @property
    def num_goals(self) -> int:
        """K, the largest number of goals that an episode can need."""
        return -(-self.episode_length // self.steps[0])


_COMMANDS = np.array([[skill.forward, skill.left, skill.turn] for skill in SKILLS], np.float32)
