"""What episodes turned out to achieve, as what a policy could have been asked for: goals and returns.

Axes: P numbers of what a state achieves, G goal. Indices have the shape (...) of whatever is sampled.
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
    """Which state is taken as the goal of a step.

    Attributes:
      strategy: the `current` one; one that followed in the episode, `future-geometric` with near ones likelier or
        `future-uniform`; or a `random` one of all episodes.
      discount: by which each later step is less likely than the one before it, where geometric.
    """

    strategy: Strategy = "future-uniform"
    discount: float = 0.99

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        known = get_args(Strategy)
        require(self.strategy in known, "hindsight.strategy", self.strategy, f"one of {', '.join(known)}")
        require(0 <= self.discount < 1, "hindsight.discount", self.discount, "at least 0 and below 1")


@dataclass(frozen=True)
class HindsightGoals:
    """Goals that were reached, as the task would have shown them.

    Source: Andrychowicz et al. 2017; the four ways to choose are those of Park et al. 2025 (OGBench).
    """

    hindsight: Hindsight
    goal_map: GoalMap

    @classmethod
    def of(cls, hindsight: Hindsight, spec: EnvSpec) -> "HindsightGoals":
        """For an environment.

        Raises:
          ConfigError: if it has no goals that states achieve.
        """
        if spec.goal_map is None:
            raise ConfigError(
                "condition: goal is learnt from what states achieve, and this environment does not say what that is "
                "(goal_map); choose humanoid-goal, or another condition"
            )
        return cls(hindsight, spec.goal_map)

    def draw(self, data: Dataset, shape: tuple[int, ...], key: Array) -> Array:
        """What `reached` chooses by: a row of `achieved` where any may be the goal, else a number from [0, 1).

        Rows are drawn as integers: float32 numbers from [0, 1) are multiples of 2**-23, too few for larger datasets.
        """
        if self.hindsight.strategy == "random":
            assert data.achieved is not None
            return jax.random.randint(key, shape, 0, len(data.achieved))
        return jax.random.uniform(key, shape)

    def reached(self, data: Dataset, row: Array, drawn: Array) -> Array:
        """Which row of `achieved` becomes the goal of a step.

        Args:
          data: with E episodes in N rows, and in N + E rows what their states achieved, the last ones included. Each
            episode is shorter than 2**23 steps.
          row: of the step.
          drawn: by `draw`, one for each step.
        """
        assert data.achieved is not None
        episode = data.episode_of(row)
        now, end = row + episode, data.start[episode + 1] + episode  # of what the episode's last action led to
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
        """The goal (..., G) that the task would have shown at a step, for a row of `achieved`."""
        assert data.achieved is not None
        return self._shown(data.achieved[row + data.episode_of(row)], data.achieved[reached])

    @functools.cached_property
    def _shown(self) -> Callable[[Array, Array], Array]:
        """Of any number of states; compiled as one also where the rest is not, so that it rounds alike."""
        return jax.jit(jnp.vectorize(self.goal_map.shown, signature="(p),(p)->(g)"))

    def outcome(self, data: Dataset, row: Array, drawn: Array) -> Array:
        """The goal (..., G) that each step alone is told to be asked for."""
        return self.shown(data, row, self.reached(data, row, drawn))


@dataclass(frozen=True)
class AverageReturn:
    """The return that was still to come, for each control step until the time limit; in front of the goal.

    What ends early earned nothing from then on.

    Source: Emmons et al. 2022 (RvS), who take the longest episode in the data for the time limit.
    """

    episode_length: int

    def draw(self, data: Dataset, shape: tuple[int, ...], key: Array) -> Array:
        """Zeros: nothing is left to chance."""
        return jnp.zeros(shape)

    def outcome(self, data: Dataset, row: Array, drawn: Array) -> Array:
        """What each step is told to be asked for, (..., 1 + G)."""
        assert data.return_to_go is not None
        steps_left = self.episode_length - (row - data.start[data.episode_of(row)])
        average = data.return_to_go[row] / steps_left
        return jnp.concatenate([average[..., None], data.goal[row]], axis=-1)


def _scaled(chance: Array, count: Array) -> Array:
    """An index below a count; rounding must not reach it."""
    return jnp.minimum((chance * count).astype(jnp.int32), count - 1)
