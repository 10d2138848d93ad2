"""The verdict of a report, and the terms that it explains; without any training."""

from pathlib import Path

import pytest

from flexrl.reporting.html_page import page
from flexrl.reporting.verdict import RULE, verdict
from flexrl.storage.run_view import RunRecord

CONFIG = {"env": "humanoid-walk", "algo": "ppo", "seed": 0, "task": {"ctrl_weight": 0.1}}


def record(returns, interval=1.0, state="finished", folder=Path("run"), config=CONFIG):
    rows = [
        {
            **{"step": i, "control_steps": 100 * i, "evaluation/return_mean": value},
            **{"evaluation/return_interval": interval, "evaluation/forward_velocity": 0.5 * i},
            **{"evaluation/reward_forward": 0.1 * i, "evaluation/ctrl_cost": 0.2, "timing": {"seconds": 1.0}},
        }
        for i, value in enumerate(returns, start=1)
    ]
    return RunRecord(folder, config, {}, None, rows, 100 * len(returns), state, ())


@pytest.mark.parametrize(
    ("returns", "word"),
    [
        ([0, 50, 90, 100, 100, 101, 100, 101], "learned"),
        ([0, 10, 20, 30, 40, 50, 60, 70], "still rising"),
        ([10, 11, 10, 9, 10, 11, 10, 11], "flat"),
        ([10, 9, 5, 4, 3, 2, 1, 0], "flat"),
        ([0, 50, 90, 100, 100, 100, 40, 40], "learned"),
        ([0, 50, 100], "unknown"),
    ],
)
def test_a_verdict_follows_the_rule(returns, word):
    assert verdict(record(returns)).word == word


def test_a_gain_within_the_noise_is_flat_and_one_above_it_is_not():
    assert verdict(record([0, 0, 0, 0, 5, 5, 5, 5], interval=2.5)).word == "flat"
    assert verdict(record([0, 0, 0, 0, 5, 5, 5, 5], interval=2.4)).word == "learned"


def test_a_later_loss_is_told():
    assert verdict(record([0, 50, 90, 100, 100, 100, 40, 40])).reason.endswith("the best quarter had 100.")


def test_a_diverged_run_is_diverged_whatever_its_returns():
    assert verdict(record([0, 10, 20, 30, 40, 50, 60, 70], state="diverged")).word == "diverged"


def test_a_page_begins_with_the_verdict_and_explains_its_terms(tmp_path):
    runs = [record([0, 10, 20, 30, 40, 50, 60, 70], folder=tmp_path / name) for name in ("one", "two")]
    runs[1].config["seed"], runs[0].config["seed"] = 0, 0
    other = record([0, 1, 2, 3], folder=tmp_path / "two", config=CONFIG | {"task": {"ctrl_weight": 0.3}})
    html = page(runs[0], [other], runs, {"task.ctrl_weight": (0.1, 0.5)})
    assert html.index("Still rising") < html.index("<h2>Summary</h2>")
    assert RULE.partition(".")[0] in html
    assert "<td>task.ctrl_weight</td><td>0.1</td><td>0.5</td>" in html  # beside the default
    assert "<td>task.ctrl_weight</td><td>0.1</td><td>0.3</td>" in html  # beside the other run
    assert "velocity of the torso along x in m/s" in html and "a part of the reward, already times" in html
    assert ">forward<" in html and ">forward_velocity<" in html
    assert "What differs between the runs" not in page(runs[0], [], runs, {})
