from pathlib import Path

import pytest

from flexrl.common.errors import EXIT_BAD_INPUT, EXIT_DIVERGED, ConfigError
from launch.plan.states import Progress
from launch.plan.trials import load_planner
from launch.search import growing
from launch.search.growing import GrowingTrials
from launch.search.proposer import Outcome
from tests.launch import sweeps
from tests.launch.search import searches

EXAMPLE = Path(__file__).parents[3] / "examples" / "humanoid_search.yaml"
FAILED = Progress("failed", attempts=1, failures=1, exit_code=EXIT_BAD_INPUT)
DIVERGED = Progress("failed", attempts=1, failures=1, exit_code=EXIT_DIVERGED)


@pytest.fixture
def told(monkeypatch):
    """The outcomes that were told to the proposer."""
    told = []
    tell = growing.Proposer.tell
    monkeypatch.setattr(growing.Proposer, "tell", lambda self, outcomes: (told.append(outcomes), tell(self, outcomes)))
    return told


def paused(value):
    return Progress("paused", attempts=1, rungs={1: value})


def test_a_round_is_proposed_once_all_trials_of_the_last_one_have_ended(tmp_path):
    search = searches.growing(tmp_path, **searches.fields(5, 2))
    assert [trial.number for trial in search.trials] == [1, 2]
    searches.finish(search.trials[1])
    assert not search.grow()
    searches.end(search.trials[0], Progress("stopped", attempts=1))
    assert not search.grow()
    searches.finish(search.trials[0])
    assert search.grow() and [trial.number for trial in search.trials] == [1, 2, 3, 4]
    assert not search.grow()
    for trial in search.trials[2:]:
        searches.finish(trial)
    assert search.grow() and len(search.trials) == 5
    searches.finish(search.trials[4])
    assert not search.grow()
    again = searches.growing(tmp_path, **searches.fields(5, 2))
    assert [trial.key for trial in again.trials] == [trial.key for trial in search.trials]


def test_a_proposed_trial_has_the_key_of_a_sweep_that_names_its_values(tmp_path):
    (trial,) = searches.growing(tmp_path, **searches.fields(1, 1)).trials
    (named,) = sweeps.trials(tmp_path, grid={name: [value] for name, value in trial.values.items()})
    assert trial.key == named.key and trial.num_steps == named.num_steps


def test_the_outcome_of_a_point_is_the_mean_over_its_seeds(tmp_path, told):
    fields = {searches.RATE: {"log_uniform": [1e-4, 1e-2]}}
    others = searches.fields(6, 3, seeds=[20, 30]) | {"random": {"fields": fields}}
    search = searches.growing(tmp_path, **others)
    assert [trial.values["seed"] for trial in search.trials] == [20, 30] * 3
    ends = [None, None, None, FAILED, None, DIVERGED]
    for trial, progress in zip(search.trials, ends, strict=True):
        searches.end(trial, progress) if progress else searches.finish(trial)
    assert search.grow() and len(search.trials) == 12
    assert told == [[Outcome(25.0), Outcome(20.0), Outcome()]]


def test_what_failed_for_another_reason_than_the_point_is_unknown(tmp_path, told):
    search = searches.growing(tmp_path, **searches.fields(4, 2))
    searches.end(search.trials[0], FAILED)
    searches.finish(search.trials[1])
    assert search.grow()
    assert told == [[Outcome(is_known=False), Outcome(float(search.trials[1].config.seed))]]


def test_halving_compares_the_points_of_a_round(tmp_path, told):
    search = searches.growing(tmp_path, **searches.fields(6, 3, halving={"rungs": [1], "factor": 3}))
    for trial, value in zip(search.trials, (5.0, 7.0, 6.0), strict=True):
        assert not search.grow()
        searches.end(trial, paused(value))
    assert not search.grow()  # the best one goes on
    searches.finish(search.trials[1])
    assert search.grow() and len(search.trials) == 6
    best = Outcome(float(search.trials[1].config.seed))
    assert told == [[Outcome(rungs={1: 5.0}), best, Outcome(rungs={1: 6.0})]]


def test_the_example_is_a_search(tmp_path):
    search = GrowingTrials(load_planner(EXAMPLE, tmp_path))
    assert [trial.number for trial in search.trials] == [1, 2, 3, 4]
    assert set(search.trials[0].values) == {f"algorithm.{n}" for n in ("learning_rate", "entropy_weight", "num_epochs")}


def test_a_sweep_that_does_not_search_has_all_its_trials_at_once(tmp_path):
    plain = searches.growing(tmp_path, seeds=3)
    assert [trial.key for trial in plain.trials] == [trial.key for trial in sweeps.trials(tmp_path, seeds=3)]
    assert not plain.grow() and len(plain.trials) == 3


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"algorithm.learning_rate": {"uniform": [-1.0, 1.0]}}, ["algorithm.learning_rate=-1.0", "above 0"]),
        ({"num_envs": {"choice": [8, 16, 0]}}, ["num_envs=0", "num_envs: 0"]),
        ({"num_envs": {"uniform": [8.5, 16.0]}}, ["num_envs=8.5"]),
        ({"algorithm.learning_rat": {"choice": [1e-3]}}, ["did you mean 'learning_rate'?"]),
        ({"algorithm.num_minibatches": {"choice": [1, 5]}, "num_envs": {"choice": [8, 10]}}, ["num_minibatches"]),
        ({"workspace": {"choice": ["x"]}}, ["workspace: cannot be an axis"]),
    ],
)
def test_what_a_search_may_propose_is_checked_before_it_begins(tmp_path, fields, named):
    others = searches.fields(1, 1) | {"random": {"fields": fields}}
    with pytest.raises(ConfigError) as refused:
        searches.growing(tmp_path, **others)
    assert all(part in str(refused.value) for part in named), refused.value
    assert "\n" not in str(refused.value)
