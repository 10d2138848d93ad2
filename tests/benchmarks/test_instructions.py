"""Plans that follow one another in one schedule, and the benchmark of instructions in a few worlds."""

import numpy as np
import pytest

from benchmarks.instructions import InstructionsConfig, in_a_row, joined, measure, padded
from flexrl.execution.schedule import DEGREES, METRES, SECONDS, stacked
from flexrl.language.plan import Plan, Segment, Until


def test_plans_in_a_row_stop_where_each_would_alone_and_pause_between():
    walk = Plan((Segment("walk-forward", until=Until("metres", 2)),))
    both = Plan((Segment("walk-forward", until=Until("metres", 1)), Segment("turn-left")))
    schedule = joined([walk, both])
    assert schedule.measures.tolist() == [METRES, SECONDS, METRES, DEGREES, SECONDS]
    assert schedule.amounts.tolist() == [2, 1, 1, 90, 1]
    assert schedule.stops.tolist() == [True, False, True, True, False]
    assert schedule.count == 5 and schedule.recovers.shape == ()
    longer = padded(schedule, 7)
    assert longer.count == 5 and longer.commands.shape == (7, 3)
    assert stacked([longer, longer]).recovers.tolist() == [False, False]
    assert np.array_equal(longer.commands[:5], schedule.commands) and longer.amounts.tolist()[5:] == [1, 1]


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="worlds: 0"):
        InstructionsConfig(worlds=0)
    with pytest.raises(ValueError, match="in_a_row: -1"):
        InstructionsConfig(in_a_row=-1)


@pytest.mark.slow
def test_shares_of_a_few_worlds_add_up():
    shares = measure(InstructionsConfig(worlds=4), "s0")
    assert 0 <= shares["read_plans"] <= shares["true_plans"] <= 1
    assert shares["gap"] == pytest.approx(shares["true_plans"] - shares["read_plans"])
    row = in_a_row(InstructionsConfig(worlds=2, in_a_row=2))
    assert row["ended"] == 1 and row["mean_seconds"] > 2
