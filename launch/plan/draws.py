"""The fields of a sweep whose values are drawn, at random or by a search."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

MAX_POINTS = 500  # of a search: every command proposes all of them again


@dataclass(frozen=True)
class Draw:
    """The distribution from which a field's values are drawn. Exactly one of the attributes is given.

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
    """Points (values of several fields together) that are drawn at random, or proposed by a search.

    Drawn at random, each field has its own random stream; raising `num` keeps the points drawn before.

    Attributes:
      num: number of points; not given in a search, which has `search.trials`.
      fields: distribution of each field, by the field's dotted name.
      seed: seed of the draws or proposals.
    """

    num: int | None = None
    fields: dict[str, Draw] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError if there are no points or no fields."""
        if self.num is not None and self.num < 1:
            raise ValueError(f"random: {self.num} points; num must be at least 1")
        if not self.fields:
            raise ValueError("random: points of 0 fields; name one or more in random.fields")


@dataclass(frozen=True)
class Search:
    """A search: points (values of the fields in `random`) are proposed from the results so far.

    They come in rounds: a round is proposed once all trials of the last one have ended. So what is proposed follows
    from the file and the results alone, and a search that was killed goes on as it would have.

    Attributes:
      sampler: how points are proposed: `tpe` is Optuna's tree-structured Parzen estimator.
      trials: number of points in all; with `seeds` each has a trial for each seed, and their mean return counts.
      parallel: number of points in a round. It decides what is proposed; the sweep's `parallelism` decides how many
        trials run at once.
    """

    sampler: Literal["tpe"]
    trials: int
    parallel: int = 1

    def __post_init__(self) -> None:
        """Raise ValueError if a number is outside its range."""
        if not 1 <= self.trials <= MAX_POINTS:
            raise ValueError(f"search.trials: {self.trials} must be from 1 to {MAX_POINTS}")
        if not 1 <= self.parallel <= self.trials:
            raise ValueError(f"search.parallel: {self.parallel} must be from 1 to search.trials, {self.trials}")


def require_distinct(name: str, number: int, fields: Mapping[str, Draw]) -> None:
    """Raise ValueError if the fields have fewer combinations of values (points) than are asked for.

    Args:
      name: name of the field of the sweep's file that gives the number of points, for the message.
      number: how many points are asked for.
      fields: distribution of each field.
    """
    if any(draw.choice is None for draw in fields.values()):
        return  # a range of numbers has enough of them
    known = math.prod(len({json.dumps(value) for value in draw.choice or ()}) for draw in fields.values())
    if number > known:
        raise ValueError(
            f"{name}: {number} points are more than the {known} that {', '.join(fields)} have together; use at most "
            f"{known}, or more choices"
        )
