"""Trials pause at rungs, and only the best go on: here, on a cluster, and whoever asks."""

import json

import pytest

from flexrl.common.errors import ConfigError
from launch.attempt.trial_folder import folder_of
from launch.plan.halving import has_arrived, next_rung
from launch.plan.states import Progress
from launch.plan.sweep_file import Halving
from tests.flexrl import runs
from tests.launch import sweeps
from tests.launch.kubernetes.test_remote import ended, wait_until

HALVING = Halving(rungs=(1, 2), factor=2.0)
FIELDS = {"seeds": [3, 4, 5, 6, 65], "halving": {"rungs": [1, 2], "factor": 2}, "retries": 0}
ENDS = {3: ("paused", 1), 4: ("paused", 1), 5: ("paused", 2), 6: ("done", 2), 65: ("failed", 0)}  # and rungs reached


def paused(*returns):
    return Progress("paused", rungs=dict(enumerate(returns, start=1)))


def test_without_halving_all_go_to_their_end():
    assert next_rung(None, [Progress(), paused(1.0)]) == (None, [0, 1])


def test_nobody_passes_a_rung_before_all_are_there():
    assert next_rung(HALVING, [paused(1.0), Progress("running"), paused(3.0)]) == (1, [0, 1, 2])
    assert next_rung(HALVING, [paused(1.0), paused(2.0), paused(3.0)]) == (2, [2, 1])
    assert next_rung(HALVING, [paused(1.0), paused(2.0), paused(3.0, 0.0)]) == (2, [2, 1])
    assert next_rung(HALVING, [paused(1.0), paused(2.0, 1.0), paused(3.0, 0.0)]) == (None, [1])


def test_equal_ones_go_on_in_their_order_and_a_part_of_one_counts_as_one():
    assert next_rung(Halving((1,), 3.0), [paused(1.0)] * 4) == (None, [0, 1])


def test_a_failed_one_leaves_its_place_to_the_next_best():
    found = [Progress("failed", rungs={1: 9.0}), paused(1.0), paused(2.0), paused(3.0)]
    assert next_rung(HALVING, found) == (2, [3, 2])


def test_what_is_done_goes_on_and_has_nothing_to_do():
    found = [Progress("done"), paused(1.0), paused(2.0), paused(3.0)]
    assert next_rung(HALVING, found) == (2, [0, 3])
    assert has_arrived(found[0], 2) and not has_arrived(found[3], 2) and has_arrived(found[3], 1)
    assert not has_arrived(found[3], None)


@pytest.mark.parametrize(
    ("halving", "named"),
    [
        ({"rungs": []}, "halving.rungs: [] must be rising numbers of evaluations"),
        ({"rungs": [2, 2]}, "halving.rungs: [2, 2]"),
        ({"rungs": [0]}, "halving.rungs: [0]"),
        ({"rungs": [1], "factor": 1}, "halving.factor: 1.0 must be above 1"),
        ({"rungs": [1, 3]}, "trial 1: halving.rungs: 3 must be less than the trial's 3 evaluations"),
    ],
)
def test_rungs_that_are_none_are_refused(tmp_path, halving, named):
    with pytest.raises(ConfigError) as refused:
        sweeps.trials(tmp_path, halving=halving)
    assert named in str(refused.value)


def test_an_early_stop_is_refused(tmp_path):
    base = sweeps.TINY | {"early_stop": {"patience": 1}}
    with pytest.raises(ConfigError, match="trial 1: early_stop: excludes halving"):
        sweeps.trials(tmp_path, base=base, halving={"rungs": [1]})


def assert_halved(trials):
    progress = {trial.config.seed: folder_of(trial).progress() for trial in trials}
    assert {seed: (each.state, len(each.rungs)) for seed, each in progress.items()} == ENDS
    assert progress[5].rungs == {1: 5.0, 2: 10.0}
    assert progress[5].reason == "return 10.0 after evaluation 2"
    assert progress[6].attempts == 3 and progress[3].attempts == 1


@pytest.mark.usefixtures("fake_trainings")
@pytest.mark.parametrize("flags", [[], ["--pack", "2"]])
def test_here_the_best_go_on_and_another_submit_runs_nothing(tmp_path, command, flags):
    trials = sweeps.trials(tmp_path, **FIELDS)
    code, out, err = command("submit", *flags)
    assert code == 1 and "1 of 5 trials failed" in err
    assert "5 of 5 trials to run, until evaluation 1" in out
    assert "2 of 5 trials to run, until evaluation 2 (1 failed)" in out
    assert_halved(trials)
    assert "0 of 5 trials to run (1 done, 1 failed)" in command("submit", *flags)[1]
    out = command("results", "--out", str(tmp_path / "out"))[1]
    assert "1 of 5 trials have a result" in out and "(seed=3; paused: return 3.0 after evaluation 1)" in out
    out = command("status")[1]
    assert "1 done, 1 failed, 3 paused; 1 go to their end; nobody submits" in out
    assert "after evaluation 1 the best 3 go on, after evaluation 2 the best 2 go on" in command("plan")[1]


def test_on_a_cluster_each_submit_sends_a_rung(server, controller, on_cluster, tmp_path):
    for number, until in ((5, "until evaluation 1"), (2, "until evaluation 2"), (1, "as Job tiny-")):
        out = on_cluster("submit", **FIELDS)[1]
        assert f"{number} of 5 trials sent" in out and until in out
        assert "submitted before; no change" in on_cluster("submit", **FIELDS)[1]
        wait_until(lambda: ended(server))
    on_cluster("results", "--out", str(tmp_path / "out"), **FIELDS)
    assert "submitted before; no change (1 done, 1 failed, 3 paused)" in on_cluster("submit", **FIELDS)[1]
    trials = sweeps.trials(tmp_path, **FIELDS)
    here = tmp_path / "here" / "tiny"
    assert {json.loads((here / trial.key / "progress.json").read_text())["state"] for trial in trials} == {
        "done",
        "failed",
        "paused",
    }


@pytest.mark.slow
def test_a_trial_that_goes_on_ends_as_if_it_had_never_paused(tmp_path, command):
    fields = {"seeds": [3, 4, 5], "halving": {"rungs": [1, 2], "factor": 2}}
    trials = sweeps.trials(tmp_path, **fields)
    assert command("submit", "--parallel", "2")[0] == 0
    states = [folder_of(trial).progress().state for trial in trials]
    assert sorted(states) == ["done", "paused", "paused"]
    best = trials[states.index("done")]
    runs.finish(runs.start(tmp_path / "alone", "run", *ALONE, "--seed", str(best.config.seed)))
    assert runs.outcome(best.folder) == runs.outcome(tmp_path / "alone" / "run")


ALONE = ["--checkpoint-interval", "1"]
