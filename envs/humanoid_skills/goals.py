"""The skills that a humanoid can be asked for, and when it is asked for which.

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
    """A named behaviour and its nominal command."""

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
JUMP, STAND_UP = SKILL_NAMES.index("jump"), SKILL_NAMES.index("stand-up")
GOAL_SIZE = 3 + len(SKILLS)

Strategy = Literal["single", "balanced", "random"]
STRATEGIES = get_args(Strategy)


@struct.dataclass
class GoalState:
    """One world's present goal, and what decides the next."""

    command: Array  # (3,) forward m/s, left m/s, turn rad/s
    skill: Array  # () int32, index into SKILLS
    steps_left: Array  # () int32, control steps until the next goal
    order: Array  # (S,) int32: the chosen skills in the order of this round
    position: Array  # () int32, in the order
    key: Array  # random key as plain numbers

    def vector(self) -> Array:
        """The goal as a policy sees it, shape (GOAL_SIZE,)."""
        return jnp.concatenate([self.command, jax.nn.one_hot(self.skill, len(SKILLS))])


@dataclass(frozen=True)
class GoalSampler:
    """Draws goals: always the first skill (`single`), each as often in shuffled rounds (`balanced`), any (`random`)."""

    skills: tuple[str, ...]
    strategy: Strategy
    spread: float  # commands are drawn uniformly from their nominal value times 1 -+ this
    steps: tuple[int, int]  # control steps that a goal lasts, drawn uniformly

    def first(self, key: Array) -> GoalState:
        """A first goal."""
        key, key_order = jax.random.split(key)
        num = len(self.skills)
        zero = jnp.zeros((), jnp.int32)
        order = jax.random.permutation(key_order, num).astype(jnp.int32)
        return self._next(GoalState(jnp.zeros(3), zero, zero, order, zero, jax.random.key_data(key)))

    def tick(self, goal: GoalState) -> GoalState:
        """One control step later: the same goal with less time, or the next one."""
        going_on = goal.replace(steps_left=goal.steps_left - 1)
        return jax.tree.map(lambda new, old: jnp.where(goal.steps_left <= 1, new, old), self._next(goal), going_on)

    def _next(self, goal: GoalState) -> GoalState:
        key, key_order, key_skill, key_command, key_steps = jax.random.split(jax.random.wrap_key_data(goal.key), 5)
        num = len(self.skills)
        last_of_round = goal.position + 1 >= num
        order = jnp.where(last_of_round, jax.random.permutation(key_order, num).astype(jnp.int32), goal.order)
        position = jnp.where(last_of_round, 0, goal.position + 1)
        chosen = {
            "single": jnp.zeros((), jnp.int32),
            "balanced": order[position],
            "random": jax.random.randint(key_skill, (), 0, num),
        }[self.strategy]
        indices = jnp.asarray([SKILL_NAMES.index(name) for name in self.skills], jnp.int32)
        skill = indices[chosen]
        factor = jax.random.uniform(key_command, (), minval=1 - self.spread, maxval=1 + self.spread)
        low, high = self.steps
        return GoalState(
            command=jnp.asarray(_COMMANDS)[skill] * factor,
            skill=skill,
            steps_left=jax.random.randint(key_steps, (), low, high + 1),
            order=order,
            position=position,
            key=jax.random.key_data(key),
        )


_COMMANDS = np.array([[skill.forward, skill.left, skill.turn] for skill in SKILLS], np.float32)
