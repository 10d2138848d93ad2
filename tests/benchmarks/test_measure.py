"""Rates, medians, ratios and shares of what is measured, worked by hand."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from benchmarks.measure import Measurement, interleave, pairwise_ratio, summary, warm_up
from benchmarks.report import result, table
from benchmarks.tasks import cost_of


class Scripted:
    """A subject whose calls take as long as they are told."""

    num_steps = 100

    def __init__(self, name, seconds, calls):
        self.name, self._seconds, self._calls = name, iter(seconds), calls

    def run(self, num_calls):
        self._calls.append((self.name, num_calls))
        return next(self._seconds) * num_calls


def measured(name, rates, num_steps=100):
    return Measurement(SimpleNamespace(name=name, num_steps=num_steps), 3, 1.5, list(rates))


def test_the_first_call_compiles_and_a_repeat_lasts_long_enough():
    calls = []
    found = warm_up(Scripted("a", [5.0, 2.0], calls), seconds=7.0)
    assert (found.num_calls, found.compile_seconds, found.rates) == (4, 3.0, [])  # 4 calls of 2 s are 7 s at least
    assert calls == [("a", 1), ("a", 1)]
    assert warm_up(Scripted("a", [1.0, 2.0], calls), seconds=1.0).compile_seconds == 0.0


def test_subjects_are_measured_in_turn_and_a_rate_is_of_all_steps_of_a_repeat():
    calls = []
    a = Measurement(Scripted("a", [2, 4], calls), 3, 0.0)
    b = Measurement(Scripted("b", [5, 10], calls), 1, 0.0)
    interleave([a, b], repeats=2)
    assert calls == [("a", 3), ("b", 1)] * 2
    assert (a.rates, b.rates) == ([50.0, 25.0], [20.0, 10.0])  # 100 steps a call


@pytest.mark.parametrize(
    ("values", "median"), [([3.0, 1.0, 2.0], 2.0), ([100.0, 1.0, 2.0, 4.0], 3.0), ([5.0], 5.0)], ids=str
)
def test_of_several_repeats_the_median_and_the_extremes_are_told(values, median):
    assert summary(values) == {"median": median, "min": min(values), "max": max(values)}


def test_a_ratio_is_taken_within_each_round():
    # The machine is ten times slower in the second round: a ratio of medians would be 2.
    found = pairwise_ratio(measured("a", [20, 3, 60]), measured("b", [10, 1, 20]))
    assert found == {"median": 3.0, "min": 2.0, "max": 3.0}


CASE = [
    measured("physics alone", [120, 1200, 240]),
    measured("physics in JAX", [60, 600, 120]),
    measured("worlds", [40, 400, 80]),
    measured("rollout", [30, 300, 60]),
    measured("training", [20, 200, 40]),
    measured("brax PPO", [5, 40, 10]),
]


def test_a_case_holds_each_rate_over_physics_alone_and_over_peers():
    found = result("native", 8, CASE)
    medians = {name: ratio["median"] for name, ratio in found["ratios"].items()}
    assert medians == {
        **{f"{name} / physics alone": pytest.approx(x) for name, x in ALONE.items()},
        "training / brax PPO": 4.0,
    }
    assert found["measurements"]["rollout"] == {
        **{"median": 60, "min": 30, "max": 300, "rates": [30, 300, 60]},
        **{"compile_seconds": 1.5, "steps_per_repeat": 300},
    }


ALONE = {"physics in JAX": 1 / 2, "worlds": 1 / 3, "rollout": 1 / 4, "training": 1 / 6}


def test_shares_are_what_each_program_adds_to_the_time_of_training():
    """A step takes 1/60 s in physics, 1/40 with the task, 1/30 with the policy, 1/20 with the update."""
    shares = result("native", 8, CASE)["shares"]
    assert shares == {
        "physics": pytest.approx(1 / 3),
        "observations, rewards and resets": pytest.approx(1 / 2 - 1 / 3),
        "policy": pytest.approx(2 / 3 - 1 / 2),
        "update": pytest.approx(1 - 2 / 3),
    }


def test_the_table_of_a_case_tells_rates_ratios_and_shares():
    out = io.StringIO()
    Console(file=out, width=160).print(table(result("native", 8, CASE)))
    lines = [line.split() for line in out.getvalue().splitlines()]
    assert ["physics", "alone", "240", "120", "1,200", "1.5"] in lines
    assert ["training", "/", "brax", "PPO", "4", "4", "5"] in lines
    assert "physics 33 %, observations, rewards and resets 17 %, policy 17 %, update 33 %" in " ".join(
        out.getvalue().split()
    )


def test_a_tasks_cost_is_what_it_adds_to_the_time_of_physics():
    found = cost_of("Hopper-v5", measured("physics alone", [120, 1100, 230]), measured("task", [100, 1000, 200]))
    assert (found["physics_alone"], found["task"]) == (230, 200)
    assert found["cost"] == pytest.approx(0.15) and found["ratio"]["max"] == pytest.approx(1.2)
    assert found["rates"] == {"physics alone": [120, 1100, 230], "task": [100, 1000, 200]}
