"""When a run is evaluated and saved."""

import pytest

from flexrl.cli.arguments import parse
from flexrl.storage.schedule import Schedule
from tests.flexrl.runs import TINY

STEPS = 8 * 4  # in an iteration


def schedule(total, *earlier):
    config = parse([*TINY, "--workspace", "nowhere", "--total-steps", str(total * STEPS)]).config
    return Schedule(config, tuple((before * STEPS, iteration) for before, iteration in earlier))


@pytest.mark.parametrize(
    ("plan", "evaluated"),
    [
        (schedule(30), [10, 20, 30]),
        (schedule(25), [9, 17, 25]),
        (schedule(60, (30, 30)), [10, 20, 30, 40, 60]),
        (schedule(60, (30, 15)), [10, 20, 40, 60]),
        (schedule(20, (30, 12)), [10, 14, 20]),
        (schedule(60, (20, 20), (30, 20)), [7, 14, 20, 40, 60]),
        (schedule(90, (30, 30), (60, 60)), [10, 20, 30, 40, 60, 90]),
    ],
)
def test_evaluations_are_spread_over_each_total_from_where_it_began(plan, evaluated):
    last = plan.config.num_iterations
    assert [i for i in range(last + 1) if plan.evaluates_after(i)] == evaluated
    assert plan.evaluations_until(last) == len(evaluated)


def test_a_checkpoint_follows_each_evaluation_and_each_interval():
    config = parse([*TINY, "--workspace", "nowhere", "--checkpoint-interval", "8"]).config
    assert [i for i in range(1, 31) if Schedule(config).saves_after(i)] == [8, 10, 16, 20, 24, 30]
