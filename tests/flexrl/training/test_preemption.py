"""When training ends before its steps are used up."""

import json

import pytest

from flexrl.config.early_stop import EarlyStop
from tests.flexrl import runs


def reason(returns, seconds=0.0, **settings):
    return EarlyStop(**settings).reason([{"evaluation/return_mean": x} for x in returns], seconds)


def test_nothing_ends_a_run_unless_asked_to():
    assert reason([5.0] * 100, seconds=1e9) is None
    assert reason([], patience=1, reward_threshold=-1.0, max_minutes=1.0) is None


@pytest.mark.parametrize(
    ("returns", "stops"),
    [([1, 2, 3], False), ([3, 1], False), ([3, 1, 2], True), ([3, 1, 4, 1], False), ([3, 1, 4, 1, 4], True)],
)
def test_patience_counts_evaluations_since_the_best(returns, stops):
    assert (reason(returns, patience=2) is not None) == stops


def test_a_gain_must_exceed_min_delta():
    assert reason([1.0, 1.4, 1.8], patience=2, min_delta=0.5) is None  # together they do
    assert reason([1.0, 1.2, 1.4], patience=2, min_delta=0.5) is not None


def test_a_threshold_is_reached_by_the_newest_return():
    assert reason([6.0, 4.9], reward_threshold=5.0) is None
    assert "reward_threshold" in reason([4.9, 5.0], reward_threshold=5.0)


def test_time_is_counted_in_minutes_of_training():
    assert reason([1.0], seconds=59.0, max_minutes=1.0) is None
    assert "max_minutes" in reason([1.0], seconds=60.0, max_minutes=1.0)


@pytest.mark.parametrize(("field", "value"), [("patience", 0), ("min_delta", -1.0), ("max_minutes", 0.0)])
def test_a_bad_value_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=f"^{field}: "):
        EarlyStop(**{field: value})


def test_a_run_ends_at_the_evaluation_that_suffices_and_resuming_adds_nothing(tmp_path):
    for flags in (("--early-stop.reward-threshold", "-1000"), ("--resume",)):
        runs.finish(runs.start(tmp_path, "enough", *flags))
        result = json.loads((tmp_path / "enough" / "result.json").read_text())
        assert result["iterations"] == runs.ITERATIONS // 3 and "reward_threshold" in result["stopped_early"]
        assert runs.num_rows(tmp_path / "enough") == runs.ITERATIONS // 3
