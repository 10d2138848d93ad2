"""Searches by the commands of `launch.sweep`, here and on a cluster, with trainings that return their seed."""

import json
import subprocess
import sys
import time

import pytest

from flexrl.common.errors import EXIT_DIVERGED
from launch import commands
from launch.plan.states import Progress
from tests.launch import sweeps
from tests.launch.fake_training import DIVERGES
from tests.launch.search import searches

SUBMIT = """
import sys
from launch import sweep
from launch.attempt import training_process as attempt
attempt.TRAINING = (sys.executable, "-m", "tests.launch.fake_training")
sweep.main(["submit", *sys.argv[1:]])
"""


def keys(folder):
    """The trials of the sweep in a workspace that have a result."""
    return {path.parent.name for path in folder.glob("tiny/*/result.json")}


def submit_and_kill(tmp_path, results):
    """Kill a submit as soon as there are so many results."""
    workspace = tmp_path / "workspace"
    launcher = subprocess.Popen(
        [sys.executable, "-c", SUBMIT, str(tmp_path / "sweep.yaml"), "--workspace", str(workspace)],
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 300
    while len(keys(workspace)) < results:
        assert launcher.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    launcher.kill()
    launcher.wait()


@pytest.mark.usefixtures("fake_trainings")
def test_a_search_that_is_killed_twice_goes_on_to_the_same_points(tmp_path, command):
    fields = searches.fields(24, 4)
    expected = [(trial.number, trial.key) for trial in searches.undisturbed(tmp_path, **fields)]
    submit_and_kill(tmp_path, 3)
    submit_and_kill(tmp_path, 13)  # the points from 13 on follow from results
    assert len(keys(tmp_path / "workspace")) < 24
    code, out, _ = command("submit")
    assert code == 0 and "all 24 trials are done" in out and "24 of 24 points are proposed; best return" in out
    found = searches.growing(tmp_path, **fields).trials
    assert [(trial.number, trial.key) for trial in found] == expected
    assert keys(tmp_path / "workspace") == {key for _, key in expected}
    assert "0 of 24 trials to run" in command("submit")[1]
    assert "24 of 24 trials have a result" in command("results")[1]


@pytest.mark.usefixtures("fake_trainings")
def test_halving_leaves_points_behind_in_each_round(tmp_path, command):
    sweeps.write(tmp_path, **searches.fields(6, 3, halving={"rungs": [1], "factor": 3}))
    code, out, _ = command("submit", "--parallel", "3")
    assert code == 0 and "2 trials are done, halving left 4 behind" in out
    trials = searches.growing(tmp_path, **searches.fields(6, 3, halving={"rungs": [1], "factor": 3})).trials
    best = {max(some, key=lambda trial: trial.config.seed).key for some in (trials[:3], trials[3:])}
    assert keys(tmp_path / "workspace") == best


def test_a_plan_counts_what_is_to_come_and_starts_nothing(tmp_path, command):
    sweeps.write(tmp_path, **searches.fields(40, 4))
    code, out, _ = command("plan")
    assert code == 0 and not (tmp_path / "workspace").exists()
    assert "40 trials, 38,400 control steps; 0 trials done, 40 trials and 38,400 control steps left" in out
    assert "search: tpe proposes 4 points at a time from results so far; 4 of 40 points are proposed" in out
    assert "4 at a time; 2 retries" in out  # trials, as many as points


def test_a_failure_from_which_trials_followed_stays(tmp_path, command):
    search = searches.growing(tmp_path, **searches.fields(6, 2))
    failed = Progress("failed", attempts=1, failures=1, exit_code=EXIT_DIVERGED, reason="diverged")
    searches.end(search.trials[0], failed)
    searches.finish(search.trials[1])
    assert "1 failed trials would be cleared" in command("retry", "--dry-run")[1]  # nothing has begun since
    assert search.grow()
    searches.finish(search.trials[2])
    code, out, error = command("retry")
    assert (code, out) == (65, "") and error.count("\n") == 1
    assert "retry: trial 1 failed, and what the search has begun since follows from that" in error
    assert "1 failed" in command("status")[1]


BAD = [
    ({"search": {"sampler": "cmaes", "trials": 4}}, ["search.sampler: 'cmaes'", "'tpe'"]),
    ({"search": {"sampler": "tpe", "trials": 3, "parallel": 4}}, ["search.parallel: 4", "from 1 to search.trials, 3"]),
    ({"search": {"sampler": "tpe", "trials": 0}}, ["search.trials: 0 must be from 1 to 500"]),
    ({"search": {"sampler": "tpe", "trials": 501}}, ["search.trials: 501 must be from 1 to 500"]),
    ({"search": {"sampler": "tpe"}}, ["search.trials"]),
    ({"search": {"sampler": "tpe", "trials": 4, "metric": "x"}}, ["search.metric: is not a field"]),
    ({"random": None}, ["search: tpe has no fields to propose", "random.fields"]),
    ({"random": {"num": 9, "fields": searches.FIELDS}}, ["random.num: 9 excludes search.trials, 4"]),
    ({"random": {"fields": {"seed": {"choice": [1, 2]}}}}, ["search.trials: 4 points are more than the 2 that seed"]),
    ({"search": None}, ["random.num: must be given"]),
    ({"grid": {"num_envs": [8, 16]}}, ["grid.num_envs: [8, 16] excludes search", "num_envs: {choice: [8, 16]}"]),
    ({"zip": {"num_envs": [8, 16]}}, ["zip.num_envs: [8, 16] excludes search"]),
    ({"seeds": 2}, ["seed: is set by two axes"]),
    (
        {"halving": {"rungs": [1]}, "seeds": 2, "random": {"fields": {searches.RATE: searches.FIELDS[searches.RATE]}}},
        ["seeds: 2 exclude halving in a search"],
    ),
    ({"halving": {"rungs": [1]}}, ["search.parallel: 1 must be at least 2 with halving"]),
    ({"halving": {"rungs": [3]}, "search": {"sampler": "tpe", "trials": 4, "parallel": 2}}, ["halving.rungs: 3"]),
]


@pytest.mark.parametrize(("fields", "named"), BAD)
def test_bad_input_is_refused_in_one_line_with_field_value_limit_and_way_out(tmp_path, command, fields, named):
    given = {**searches.fields(4, 1), **fields}
    sweeps.write(tmp_path, **{name: value for name, value in given.items() if value is not None})
    code, out, error = command("plan")
    assert (code, out) == (65, "") and error.startswith("error: ") and error.count("\n") == 1
    assert all(part in error for part in named), error


def test_on_a_cluster_watch_sends_what_is_proposed_and_any_machine_finds_it(
    server, controller, on_cluster, tmp_path, monkeypatch
):
    monkeypatch.setattr(commands, "WATCH_SECONDS", 0.1)
    choices = {"seed": {"choice": [*searches.SEEDS[:5], DIVERGES]}}
    fields = searches.fields(6, 2) | {"random": {"fields": choices}}
    assert "2 of 2 trials sent, as Job tiny-" in on_cluster("submit", **fields)[1]
    code, out, _ = on_cluster("watch", **fields)
    assert code == 0 and out.count("2 trials sent, as Job") == 2
    assert "5 done, 1 failed; no Job goes on" in out and "6 of 6 points are proposed; best return 14.0" in out
    sent = [trial for each in server.all("jobs") for trial in each["metadata"]["annotations"].values() if trial]
    assert all(trial.key in json.dumps(sent) for trial in searches.growing(tmp_path, "here", **fields).trials)
    assert "no change (5 done, 1 failed)" in on_cluster("submit", **fields)[1]
    assert "2 of 6 points are proposed" in on_cluster("status", workspace="another", **fields)[1]
    assert "no change (5 done, 1 failed)" in on_cluster("submit", workspace="another", **fields)[1]


def test_on_a_cluster_what_is_proposed_next_shares_pods_as_the_first_trials_did(
    server, controller, on_cluster, monkeypatch
):
    monkeypatch.setattr(commands, "WATCH_SECONDS", 0.1)
    fields = searches.fields(4, 2)
    assert "2 of 2 trials sent" in on_cluster("submit", "--pack", "2", **fields)[1]
    assert on_cluster("watch", **fields)[0] == 0
    assert [job["spec"]["completions"] for job in server.all("jobs")] == [1, 1]
