"""Proposes the points of a search by Optuna, in rounds, from the outcomes of the rounds before.

Nothing is stored: the study is made anew from the outcomes, and each round has a sampler with a seed of its own. So the
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
from launch.plan.axes import DIGITS, MORE_DIGITS, Point, describe, value_of
from launch.plan.draws import Draw, Search

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import Trial

TRIES = 10  # how often a point is proposed again if it was proposed before, until one is drawn at random
MAX_SEED = 2**32  # seeds of NumPy's generators are below


@dataclass(frozen=True)
class Outcome:
    """What became of a point. With neither value nor rungs it is known to be worse than all others.

    Attributes:
      value: mean return, to be maximised; None if the point has none.
      rungs: if halving left the point behind, its mean return at each rung, by the rung's number of evaluations.
      is_known: whether anything follows from it; False if its trials failed for another reason than the point.
    """

    value: float | None = None
    rungs: dict[int, float] = field(default_factory=dict)
    is_known: bool = True


class Proposer:
    """Proposes one round of points after the other."""

    def __init__(self, search: Search) -> None:
        """Begin a study without outcomes.

        Raises:
          ConfigError: if Optuna is not installed.
        """
        if importlib.util.find_spec("optuna") is None:
            raise ConfigError("search: needs Optuna; pip install -e '.[search]' in the clone of flex-rl, or use random")
        import optuna  # imported late: it takes a second, and only searches need it

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._search = search
        self._study = optuna.create_study(direction="maximize")
        self._known: set[str] = set()  # descriptions of all points so far
        self._round: list[Trial] = []  # Optuna's trials of the round that was proposed last
        self._num_rounds = 0

    def ask(self) -> list[Point]:
        """Return the points of the next round: `parallel` of them, or as many as are left; none if none is left."""
        from optuna.samplers import TPESampler

        assert not self._round, "the outcomes of the last round were not told"
        seed = random.Random(f"{self._search.seed} {self._num_rounds}").randrange(MAX_SEED)
        # `constant_liar` keeps the points of a round apart: those without an outcome count as bad.
        self._study.sampler = TPESampler(seed=seed, multivariate=True, constant_liar=True)
        self._num_rounds += 1
        number = min(self._search.parallel, self._search.trials - len(self._known))
        return [self._ask_new() for _ in range(number)]

    def _ask_new(self) -> Point:
        """Propose a point that differs from all before."""
        from optuna.trial import TrialState

        fields = self._search.fields
        for _ in range(TRIES):
            trial = self._study.ask({name: _distribution(draw) for name, draw in fields.items()})
            point = {name: _value(draw, trial.params[name], DIGITS) for name, draw in fields.items()}
            if describe(point) not in self._known:
                return self._kept(trial, point)
            self._study.tell(trial, state=TrialState.FAIL)
        number = len(self._known)
        for again in itertools.count():
            stream = random.Random(f"{self._search.seed} {number} {again}")
            params = {name: _drawn(draw, stream.random()) for name, draw in fields.items()}
            point = {name: _value(draw, params[name], MORE_DIGITS) for name, draw in fields.items()}
            if describe(point) not in self._known:
                break
        self._study.enqueue_trial(params)
        return self._kept(self._study.ask({name: _distribution(draw) for name, draw in fields.items()}), point)

    def _kept(self, trial: "Trial", point: Point) -> Point:
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
    """Return the distribution in which Optuna proposes: a number from 0 to 1, or the index of a choice."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    return FloatDistribution(0.0, 1.0) if draw.choice is None else CategoricalDistribution(range(len(draw.choice)))


def _value(draw: Draw, proposed: Any, digits: int) -> Any:
    return value_of(draw, proposed, digits) if draw.choice is None else draw.choice[proposed]


def _drawn(draw: Draw, uniform: float) -> float | int:
    return uniform if draw.choice is None else int(uniform * len(draw.choice))
