"""The fields of a sweep whose values are drawn: distributions, random points and searches."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

MAX_POINTS = 500  # of a search: every command proposes them all anew


@dataclass(frozen=True)
class Draw:
    """The distribution of a random field. Exactly one of the attributes is given.

    Attributes:
      uniform: (low, high) of a uniform distribution.
      log_uniform: (low, high), both above 0, of a distribution that is uniform in the logarithm.
      choice: values that are equally likely.
    """

    uniform: tuple[float, float] | None = None
    log_uniform: tuple[float, float] | None = None
    choice: tuple[Any, ...] | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if not exactly one distribution is given, or a range or the choice is empty."""
        given = [name for name in ("uniform", "log_uniform", "choice") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"random: a field needs one of uniform, log_uniform, choice, not {len(given)} of them")
        for name in ("uniform", "log_uniform"):
            low, high = getattr(self, name) or (1.0, 2.0)
            if not (math.isfinite(low) and math.isfinite(high) and low < high):
                raise ValueError(f"{name}: ({low}, {high}) must be finite (low, high) with low below high")
            if name == "log_uniform" and low <= 0:
                raise ValueError(f"log_uniform: {low} must be above 0; use uniform")
        if self.choice == ():
            raise ValueError("choice: must name one value or more")


@dataclass(frozen=True)
class Random:
    """Points drawn at random. Each field has its own random stream; raising `num` keeps the points drawn before.

    Attributes:
      num: number of points.
      fields: distribution of each field, by the field's dotted name.
      seed: seed of the draws.
    """

    num: int
    fields: dict[str, Draw]
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError if there are no points or no fields."""
        if self.num < 1 or not self.fields:
            raise ValueError(f"random: {self.num} points of {len(self.fields)} fields; both must be at least 1")


@dataclass(frozen=True)
class Search:
    """Points proposed from the results so far, in rounds: a round is proposed once all trials of the last one ended.

    What is proposed follows from the seed and the results alone, so a search that was killed goes on as it would have.

    Attributes:
      sampler: how points are proposed: `tpe` is Optuna's tree-structured Parzen estimator.
      trials: number of points in all; with `seeds` each has a trial for each seed, and their mean return counts.
      fields: distribution of each field, by the field's dotted name.
      parallel: number of points in a round. It decides what is proposed; `parallelism` decides how many trials run at
        once.
      seed: seed of the proposals.
    """

    sampler: Literal["tpe"]
    trials: int
    fields: dict[str, Draw]
    parallel: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError if a number is outside its range, or fewer different points exist than are asked for."""
        if not self.fields:
            raise ValueError("search.fields: must name one field or more, such as {algorithm.learning_rate: ...}")
        if not 1 <= self.trials <= MAX_POINTS:
            raise ValueError(f"search.trials: {self.trials} must be from 1 to {MAX_POINTS}")
        if self.parallel < 1:
            raise ValueError(f"search.parallel: {self.parallel} must be at least 1")
        if self.seed < 0:
            raise ValueError(f"search.seed: {self.seed} must be at least 0")
        if (known := num_distinct(self.fields)) is not None and self.trials > known:
            raise ValueError(
                f"search.trials: {self.trials} points are more than the {known} that {', '.join(self.fields)} have "
                f"together; use at most {known}, or a grid"
            )


def num_distinct(fields: Mapping[str, Draw]) -> int | None:
    """Return how many different points exist; None if a field is drawn from a range of numbers."""
    if any(draw.choice is None for draw in fields.values()):
        return None
    return math.prod(len({json.dumps(value) for value in draw.choice or ()}) for draw in fields.values())
