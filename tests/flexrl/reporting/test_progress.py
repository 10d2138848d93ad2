"""Seconds and rates of a run's rows, by a clock of our own."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

from flexrl.cli.arguments import parse
from flexrl.reporting import progress as report
from flexrl.reporting.curves import read_curve
from flexrl.reporting.progress import Reporter
from flexrl.storage.run_view import read_run
from flexrl.storage.schedule import Schedule
from tests.flexrl.runs import ITERATIONS, TINY, rows

STEPS = 8 * 4  # of an iteration of TINY
EVALUATION = {"return_mean": 5.0, "return_std": 2.0, "return_interval": 1.0, "episode_length_mean": 40.0}


@pytest.fixture
def config(tmp_path):
    return parse([*TINY, "--workspace", str(tmp_path), "--name", "run"]).config


@pytest.fixture
def clock(monkeypatch):
    """Seconds that are set by hand."""
    now = [1000.0]
    monkeypatch.setattr(report.time, "monotonic", lambda: now[0])
    return now


def reported(config, clock, last_iteration=0):
    config.folder.mkdir(exist_ok=True)
    reporter = Reporter(Schedule(config), last_iteration, shows_progress=False)
    clock[0] += 500  # to compile
    reporter.restart_clock()
    return reporter


def test_an_iterations_seconds_are_those_since_the_one_before_without_evaluations(config, clock):
    reporter = reported(config, clock)
    for iteration in range(1, 12):
        clock[0] += 2.0 if iteration < 11 else 4.0
        row = reporter.iteration(iteration, {"loss": jnp.array(1.0)})
        if iteration == 10:
            clock[0] += 100.0
            reporter.evaluation(iteration, EVALUATION, 99.0)
    assert row["timing"] == {"seconds": 4.0, "steps_per_second": STEPS / 4.0}
    assert (row["step"], row["control_steps"], row["loss"]) == (11, 11 * STEPS, 1.0)
    assert reporter.training_seconds() == 10 * 2.0 + 4.0
    (evaluation,) = reporter.evaluations()
    assert (evaluation["step"], evaluation["control_steps"], evaluation["timing"]) == (10, 320, {"seconds": 99.0})
    assert evaluation["evaluation/return_mean"] == 5.0 and reporter.last_evaluation() == evaluation
    reporter.end("finished")
    reporter.close()


def test_after_a_resumption_the_seconds_of_kept_rows_count_and_those_of_cut_ones_do_not(config, clock):
    first = reported(config, clock)
    for iteration in range(1, 6):
        clock[0] += iteration
        first.iteration(iteration, {})
    first.end("stopped")
    first.close()
    again = reported(config, clock, last_iteration=3)
    assert again.training_seconds() == 1 + 2 + 3
    clock[0] += 10
    again.iteration(4, {})
    assert again.training_seconds() == 1 + 2 + 3 + 10
    again.end("finished")
    again.close()


def test_a_curve_stands_at_the_seconds_of_all_iterations_until_each_evaluation(tmp_path):
    lines = [{"step": i, "control_steps": 10 * i, "timing": {"seconds": float(i)}} for i in range(1, 5)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    evaluations = [
        {
            **{"step": step, "control_steps": 10 * step, "timing": {"seconds": 1e6}},
            **{f"evaluation/{name}": value * step for name, value in EVALUATION.items()},
        }
        for step in (2, 4)
    ]
    (tmp_path / "evaluations.jsonl").write_text("".join(json.dumps(line) + "\n" for line in evaluations))
    curve = read_curve(read_run(tmp_path))
    assert (curve.control_steps, curve.seconds) == ([20, 40], [1.0 + 2, 1.0 + 2 + 3 + 4])
    assert (curve.returns, curve.intervals, curve.final) == ([10.0, 20.0], [2.0, 4.0], None)


def test_a_results_seconds_and_rate_are_of_all_iterations(trained):
    seconds = [json.loads(line)["timing"]["seconds"] for line in (trained / "parent" / "metrics.jsonl").open()]
    result = json.loads((trained / "parent" / "result.json").read_text())
    assert len(seconds) == ITERATIONS and result["steps"] == ITERATIONS * STEPS
    assert result["timing"]["seconds"] == pytest.approx(sum(seconds))
    assert result["timing"]["steps_per_second"] == pytest.approx(ITERATIONS * STEPS / sum(seconds))
    assert "timing" not in rows(trained / "parent" / "metrics.jsonl")[0]


def test_a_number_that_is_not_finite_is_null_in_its_row(config, clock):
    reporter = reported(config, clock)
    clock[0] += 1
    row = reporter.iteration(1, {"a": jnp.array(np.nan), "b": jnp.array(np.inf), "c": jnp.array(3)})
    assert (row["a"], row["b"], row["c"]) == (None, None, 3)
    reporter.end("finished")
    reporter.close()
