"""Proposes the points of a search by Optuna, in rounds, from the outcomes of the rounds before.

Nothing is stored: the study is made anew from the outcomes, and each point has a sampler with a seed of its own. So the
same seed and outcomes give the same points, whoever asks and however often the search was interrupted.
"""

import importlib.util
import itertools
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flexrl.common.errors import ConfigError
from launch.plan.axes import DIGITS, MORE_DIGITS, Point, describe, rounded
from launch.plan.draws import Draw, Random, Search

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.distributions import BaseDistribution

MAX_SEED = 2**32  # seeds of NumPy's generators are below


@dataclass(frozen=True)
class Outcome:
    """What became of a point (field values that a search proposed).

    With neither value nor rungs, the point counts as worse than all others.

    Attributes:
      value: mean return, to be maximised; None if the point has none.
      rungs: if halving left the point behind, its mean return at each rung, by the rung's number of evaluations.
      is_known: whether the search learns from it; False if its trials failed for a reason that its values do not
        explain.
    """

    value: float | None = None
    rungs: dict[int, float] = field(default_factory=dict)
    is_known: bool = True


class Proposer:
    """Proposes the points of a search (values of its fields), one round after the other.

    `ask` returns the points of the next round. `tell` takes what became of them, from which Optuna's sampler learns.
    Holds the Optuna study and all points so far.
    """

    def __init__(self, search: Search, axes: Random) -> None:
        """Begin an Optuna study without outcomes.

        Args:
          search: how many points are proposed, and how many in a round.
          axes: distribution of each field, and the seed.

        Raises:
          ConfigError: if Optuna is not installed.
        """
        if importlib.util.find_spec("optuna") is None:
            raise ConfigError(
                f"search.sampler: {search.sampler} needs Optuna; pip install -e '.[search]' in the clone of flex-rl, "
                "or leave search out and give random.num"
            )
        import optuna  # imported late: only searches need it

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._search, self._axes = search, axes
        self._study = optuna.create_study(direction="maximize")
        self._distributions = {name: _distribution(draw) for name, draw in axes.fields.items()}
        self._known: set[str] = set()  # descriptions of all points so far
        self._round: list[Trial] = []  # Optuna's trials of the round that was proposed last

    def ask(self) -> list[Point]:
        """Return the points of the next round: `parallel` of them, or as many as are left; none if none is left."""
        assert not self._round, "the outcomes of the last round were not told"
        number = min(self._search.parallel, self._search.trials - len(self._known))
        return [self._ask_new() for _ in range(number)]

    def _ask_new(self) -> Point:
        """Propose a point that differs from all before: the sampler's, or if that one is not new, one drawn at random.

        The sampler counts the points of the same round, which have no outcome yet, as bad ones. That keeps them apart.
        """
        from optuna.samplers import RandomSampler, TPESampler
        from optuna.trial import TrialState

        seed = random.Random(f"{self._axes.seed} {len(self._known)}").randrange(MAX_SEED)
        for sampler in itertools.chain([TPESampler(seed=seed)], itertools.repeat(RandomSampler(seed=seed))):
            self._study.sampler = sampler
            trial = self._study.ask(self._distributions)
            digits = DIGITS if isinstance(sampler, TPESampler) else MORE_DIGITS
            point = {name: _value(draw, trial.params[name], digits) for name, draw in self._axes.fields.items()}
            if describe(point) not in self._known:
                break
            self._study.tell(trial, state=TrialState.FAIL)
        self._round.append(trial)
        self._known.add(describe(point))
        return point

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """Add the outcomes of the round's points to the study, in the order in which `ask` returned the points."""
        from optuna.trial import TrialState

        for trial, outcome in zip(self._round, outcomes, strict=True):
            if not outcome.is_known:
                self._study.tell(trial, state=TrialState.FAIL)
            elif outcome.value is not None and math.isfinite(outcome.value):
                self._study.tell(trial, outcome.value)
            else:
                for rung, value in sorted(outcome.rungs.items()):
                    trial.report(value, rung)
                self._study.tell(trial, state=TrialState.PRUNED)  # after all that have a value, the farthest first
        self._round = []


def _distribution(draw: Draw) -> "BaseDistribution":
    """Return Optuna's distribution of a field; for a choice, of the index of the value, which may be of any type."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if draw.choice is not None:
        return CategoricalDistribution(range(len(draw.choice)))
    low, high = draw.uniform or draw.log_uniform or (0.0, 1.0)
    return FloatDistribution(low, high, log=draw.log_uniform is not None)


def _value(draw: Draw, proposed: Any, digits: int) -> Any:
    return rounded(proposed, digits) if draw.choice is None else draw.choice[proposed]
