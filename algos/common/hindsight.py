"""Hindsight relabelling: condition a dataset's steps on goals that were reached, or on returns that were earned.

Axes: P numbers that describe what a state achieves, G numbers of a goal. Indices have the shape (...) of the sample.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import jax
import jax.numpy as jnp
from jax import Array

from algos.common.dataset import Dataset
from algos.common.requirements import require
from envs.errors import ConfigError
from envs.types import EnvSpec, GoalMap

Strategy = Literal["current", "future-geometric", "future-uniform", "random"]


@dataclass(frozen=True)
class Hindsight:
    """How to choose the state that becomes the goal of a step.

    Attributes:
      strategy: `current` takes the step's own state; `future-geometric` and `future-uniform` take a later state of the
        same episode, near ones more often or all equally often; `random` takes any state of any episode.
      discount: factor by which each later state is less likely than the one before; for `future-geometric`.
    """

    strategy: Strategy = "future-uniform"
    discount: float = 0.99

    def __post_init__(self) -> None:
        """Raise ValueError if a value is outside its range."""
        known = get_args(Strategy)
        require(self.strategy in known, "hindsight.strategy", self.strategy, f"one of {', '.join(known)}")
        require(0 <= self.discount < 1, "hindsight.discount", self.discount, "at least 0 and below 1")


@dataclass(frozen=True)
class HindsightGoals:
    """Replaces the goals of a dataset's steps by goals that the data reached, as the task would show them to a policy.

    Source: Andrychowicz et al. 2017; the four ways to choose are those of Park et al. 2025 (OGBench).
    """

    hindsight: Hindsight
    goal_map: GoalMap

    @classmethod
    def of(cls, hindsight: Hindsight, spec: EnvSpec) -> "HindsightGoals":
        """Return an instance that chooses goals as `hindsight` says, and computes them by the environment's goal map.

        Raises:
          ConfigError: if the environment has no goal map, which tells the goal that a state achieves.
        """
        if spec.goal_map is None:
            raise ConfigError(
                "condition: goal needs an environment that declares which goal a state achieves (goal_map), and this "
                "one does not; choose humanoid-goal, or another condition"
            )
        return cls(hindsight, spec.goal_map)

    def draw(self, data: Dataset, shape: tuple[int, ...], key: Array) -> Array:
        """Draw one random number for each sampled step, from which `reached` chooses the step's goal.

        With the strategy `random` it is the index of a state in `data.achieved`, which tells what each state of the
        dataset achieves; else it is a number from [0, 1). Indices are drawn as integers: float32 numbers from [0, 1)
        are multiples of 2**-23, too coarse for large datasets.
        """
        if self.hindsight.strategy == "random":
            assert data.achieved is not None
            return jax.random.randint(key, shape, 0, len(data.achieved))
        return jax.random.uniform(key, shape)

    def reached(self, data: Dataset, row: Array, drawn: Array) -> Array:
        """Return the index in `data.achieved` of the state that becomes the goal of each sampled step.

        Args:
          data: dataset of E episodes and N steps. `achieved` has N + E rows, because each episode has one more state
            than steps. Each episode must be shorter than 2**23 steps.
          row: index of each sampled step in the dataset.
          drawn: result of `draw`, one number for each step.
        """
        assert data.achieved is not None
        episode = data.episode_of(row)
        now, end = row + episode, data.start[episode + 1] + episode  # rows of `achieved`: this step's, the last state's
        match self.hindsight.strategy:
            case "current":
                return now
            case "random":
                return drawn
            case "future-uniform":
                return now + 1 + _scaled(drawn, end - now)
            case "future-geometric":
                log = jnp.log(jnp.maximum(self.hindsight.discount, 1e-30))
                further = jnp.floor(jnp.log1p(-drawn) / log).astype(row.dtype)
                return jnp.minimum(now + 1 + further, end)

    def shown(self, data: Dataset, row: Array, reached: Array) -> Array:
        """Return the goal (..., G) that the task would have shown at each step, had another state been its goal.

        Args:
          data: the dataset.
          row: indices (...) of the steps in the dataset.
          reached: indices (...) in `data.achieved` of the states that take the place of the goals.
        """
        assert data.achieved is not None
        return self._shown(data.achieved[row + data.episode_of(row)], data.achieved[reached])

    @functools.cached_property
    def _shown(self) -> Callable[[Array, Array], Array]:
        """The task's function that turns a state and a state to reach into the goal that a policy would observe.

        It takes arrays of states (..., P) and returns goals (..., G). It is compiled even outside a compiled program,
        so that it rounds alike everywhere.
        """
        return jax.jit(jnp.vectorize(self.goal_map.shown, signature="(p),(p)->(g)"))

    def outcome(self, data: Dataset, row: Array, drawn: Array) -> Array:
        """Return the goal (..., G) that replaces each sampled step's own: to reach a state that the data reached.

        Args:
          data: the dataset.
          row: indices (...) of the steps in the dataset.
          drawn: random numbers from `draw`, one for each step, that choose the states.
        """
        return self.shown(data, row, self.reached(data, row, drawn))


@dataclass(frozen=True)
class AverageReturn:
    """Conditions a dataset's steps on their average future reward, which is put in front of the recorded goal.

    The average is the return-to-go divided by the control steps left until the time limit. An episode that ends early
    counts as earning nothing in the remaining steps.

    Source: Emmons et al. 2022 (RvS), who take the longest episode in the data for the time limit.
    """

    episode_length: int

    def draw(self, data: Dataset, shape: tuple[int, ...], key: Array) -> Array:
        """Return zeros of the given shape.

        A step's average future reward is computed from the data alone and needs no random numbers.
        """
        return jnp.zeros(shape)

    def outcome(self, data: Dataset, row: Array, drawn: Array) -> Array:
        """Return the average future reward of each step, then its recorded goal, shape (..., 1 + G).

        `row` (...) are indices of steps in the dataset; `drawn` is not used.
        """
        assert data.return_to_go is not None
        steps_left = self.episode_length - (row - data.start[data.episode_of(row)])
        average = data.return_to_go[row] / steps_left
        return jnp.concatenate([average[..., None], data.goal[row]], axis=-1)


def _scaled(chance: Array, count: Array) -> Array:
    """Turn numbers from [0, 1) into integers from 0 to `count` - 1, even where rounding would give `count`."""
    return jnp.minimum((chance * count).astype(jnp.int32), count - 1)
