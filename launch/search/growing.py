"""The trials of a sweep so far: all of them, or in a search those that were proposed from the results so far."""

from collections.abc import Sequence
from statistics import mean

from flexrl.common.errors import EXIT_DIVERGED
from launch.attempt.trial_folder import folder_of
from launch.plan.axes import corners, points, seed_points
from launch.plan.halving import has_arrived, next_rung
from launch.plan.states import Progress
from launch.plan.trials import Planner, Trial
from launch.search.proposer import Outcome, Proposer


class GrowingTrials:
    """The trials of a sweep so far.

    A search proposes its trials in rounds, several at a time. The list grows by the next round once all trials of the
    last one have ended. The list of any other sweep is complete from the start.

    Attributes:
      trials: the trials so far; `grow` appends to this list.
    """

    def __init__(self, planner: Planner) -> None:
        """Make the trials that the sweep has so far.

        Those of a search are all rounds that can be proposed from the results on this machine. Any other sweep has all
        its trials.

        Raises:
          ConfigError: if a trial, or a point at the edge of what a search may propose, is not valid; or if a search
            needs Optuna, which is not installed.
        """
        self._planner, self._sweep = planner, planner.sweep
        self.trials: list[Trial] = []
        if self._sweep.search is None:
            self.trials = planner.trials(points(self._sweep, planner.first_seed))
            return
        assert self._sweep.random is not None  # it was required with the search
        planner.require_valid(corners(self._sweep.random.fields))
        self._proposer = Proposer(self._sweep.search, self._sweep.random)
        self._last_round: list[Trial] = []
        while self.grow():
            pass

    def grow(self) -> bool:
        """Append the next round of a search if all trials of the last one have ended; return whether it did."""
        if self._sweep.search is None:
            return False
        if self._last_round:
            outcomes = _outcomes(self._planner, self._last_round)
            if outcomes is None:
                return False
            self._proposer.tell(outcomes)
        seeds = seed_points(self._sweep, self._planner.first_seed)
        axes = [{**point, **seed} for point in self._proposer.ask() for seed in seeds]
        self._last_round = self._planner.trials(axes, self.trials)
        self.trials += self._last_round
        return bool(self._last_round)


def _outcomes(planner: Planner, trials: list[Trial]) -> list[Outcome] | None:
    """Return what became of each point of a search's round; None if some of the round's `trials` have not ended.

    A point, the values of the fields that were proposed, has one trial for each seed.
    """
    progress = [folder_of(trial).progress() for trial in trials]
    rung, left = next_rung(planner.sweep.halving, progress)
    if rung is not None or not all(has_arrived(progress[i], None) for i in left):
        return None
    size = planner.sweep.num_seeds
    return [
        _outcome(trials[start : start + size], progress[start : start + size]) for start in range(0, len(trials), size)
    ]


def _outcome(trials: Sequence[Trial], progress: Sequence[Progress]) -> Outcome:
    """Return the outcome of a point, whose trials differ in their seed only.

    A trial that diverged makes the point worse than all others. Trials that failed for another reason do not count.
    """
    if any(each.state == "failed" and each.exit_code == EXIT_DIVERGED for each in progress):
        return Outcome()
    results = [folder_of(trial).result() for trial in trials]
    if returns := [result["return_mean"] for result in results if result is not None]:
        return Outcome(mean(returns))
    if rungs := next((each.rungs for each in progress if each.state == "paused"), None):
        return Outcome(rungs=rungs)
    return Outcome(is_known=False)
