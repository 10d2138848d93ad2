import json
import signal
import subprocess
import sys
import time

import pytest

from launch import commands, sweep
from launch.attempt.trial_folder import folder_of
from launch.plan.states import Progress
from tests.flexrl import runs
from tests.launch import sweeps


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["plan", "missing.yaml"], "missing.yaml"),
        (["plan"], "sweep"),
        (["fly", "x.yaml"], "fly"),
        (["submit", "SWEEP", "--parallel", "0"], "parallel: 0 must be at least 1"),
        (["submit", "SWEEP", "--backend", "kubernetes"], "cluster: is missing"),
        (["logs", "SWEEP", "9"], "trial: '9' is neither a number from 1 to 2"),
        (["logs", "SWEEP", "1"], "has printed nothing yet"),
        (["retry", "SWEEP", "--only", "x"], "trial: 'x'"),
        (["results", "SWEEP"], "no trial has one yet"),
    ],
)
def test_bad_input_ends_in_one_line_and_65(tmp_path, monkeypatch, capsys, arguments, named):
    monkeypatch.chdir(tmp_path)
    path = sweeps.write(tmp_path, seeds=2)
    with pytest.raises(SystemExit) as end:
        sweep.main([str(path) if argument == "SWEEP" else argument for argument in arguments])
    error = capsys.readouterr().err
    assert end.value.code == 65
    assert error.startswith("error: ") and error.count("\n") == 1
    assert named in error


def test_two_trials_do_not_share_a_gpu_here(tmp_path, command):
    sweeps.write(tmp_path, resources={"gpu": {"count": 1}}, parallelism=2)
    code, _, error = command("submit")
    assert code == 65 and "--parallel 1" in error


def test_a_plan_starts_nothing(tmp_path, command):
    sweeps.write(tmp_path, grid={"num_envs": [8, 16]}, seeds=2)
    for name, flags in (("plan", []), ("plan", ["--dry-run"]), ("submit", ["--dry-run"])):
        code, out, _ = command(name, *flags)
        assert code == 0
        assert "4 trials, 3,840 control steps; 0 trials done, 4 trials and 3,840 control steps left" in out
        assert "num_envs" in out and "seed" in out and "total_steps" not in out
    assert not (tmp_path / "workspace").exists()


def test_a_long_table_is_cut_unless_all_of_it_is_asked_for(tmp_path, command):
    sweeps.write(tmp_path, seeds=202)
    assert "and 2 more" in command("plan")[1]
    assert "more; --all" not in command("plan", "--all")[1]


def test_variables_are_set_on_the_command_line(tmp_path, command):
    sweeps.write(tmp_path, variables={"seeds": 3}, seeds="${seeds}")
    assert "3 trials, 2,880 control steps" in command("plan")[1]
    assert "2 trials, 1,920 control steps" in command("plan", "--set", "seeds=2")[1]
    code, _, error = command("plan", "--set", "seed=2")
    assert code == 65 and error == "error: --set: 'seed=2' must be NAME=VALUE; variables: seeds\n"


@pytest.mark.usefixtures("fake_trainings")
def test_failed_trials_are_told_skipped_and_cleared(tmp_path, command):
    sweeps.write(tmp_path, seeds=[3, 65])
    code, out, error = command("submit")
    assert code == 1 and "1 of 2 trials failed" in error
    assert "trial 1" in out and "done: return 3.0" in out
    code, out, _ = command("status")
    assert code == 0 and "error: as asked, 65" in out and "1 done, 1 failed; nobody submits" in out
    assert "0 of 2 trials to run (1 done, 1 failed)" in command("submit")[1]
    assert "error: as asked, 65" in command("logs", "2")[1]
    assert "1 failed trials would be cleared" in command("retry", "--dry-run")[1]
    assert "none of 1 trials has failed; there is nothing to retry" in command("retry", "--only", "1")[1]
    assert "1 failed trials cleared" in command("retry", "--only", "2")[1]
    assert "1 of 2 trials to run (1 done)" in command("submit")[1]
    code, out, _ = command("results", "--out", str(tmp_path / "out"))
    assert code == 0 and "1 of 2 trials have a result" in out and "missing: trial 2" in out
    assert "1 done, 1 failed" in command("watch")[1]
    assert f"wrote {tmp_path}/workspace/tiny/results/results.csv" in command("results")[1]
    assert "50 % of 1,920 control steps; about" in command("status")[1]
    out = command("plan")[1]
    assert "left on this machine (by the steps a second of 1 done trials)" in out and "USD" not in out


def test_a_log_is_followed_until_its_trial_has_ended_and_each_character_is_there_once(monkeypatch, capsys):
    monkeypatch.setattr(commands, "FOLLOW_SECONDS", 0.0)
    texts, runs_on = iter(["", "one\ntw", "one\ntwo\n", "one\ntwo\nend\n"]), iter([True, True, True, False])
    commands.follow(lambda: next(texts), lambda: next(runs_on))
    assert capsys.readouterr().out == "one\ntwo\nend\n"


@pytest.mark.usefixtures("fake_trainings")
def test_following_what_has_ended_ends(tmp_path, command):
    sweeps.write(tmp_path, seeds=[3])
    command("submit")
    assert command("logs", "1", "--follow") == command("logs", "1")


def test_a_plan_knows_the_pace_of_runs_of_the_same_task(tmp_path, command):
    sweeps.write(tmp_path, seeds=2)
    assert "time: unknown before a trial is done" in command("plan")[1]
    result = {"algo": "ppo", "env": "humanoid-walk", "timing": {"steps_per_second": 0.5}}
    for name, changes in (("a", {}), ("b", {"env": "Hopper-v5"}), ("c", {"timing": None})):
        (tmp_path / "workspace" / name).mkdir(parents=True)
        (tmp_path / "workspace" / name / "result.json").write_text(json.dumps({**result, **changes}))
    assert f"about 64 minutes left on this machine (by 1 runs of the same task in {tmp_path}" in command("plan")[1]


@pytest.mark.usefixtures("fake_trainings")
def test_a_full_disk_ends_a_submit_with_74(tmp_path, command):
    sweeps.write(tmp_path, seeds=[74])
    code, _, error = command("submit")
    assert code == 74 and error.startswith("error: the disk is full")


def test_cancelling_where_nothing_runs_changes_nothing(tmp_path, command):
    (trial,) = sweeps.trials(tmp_path)
    assert "0 trials would be stopped" in command("cancel", "--dry-run")[1]
    assert "0 trials stopped" in command("cancel")[1]
    assert folder_of(trial).progress() == Progress()


def submit(path, workspace, *flags):
    arguments = [sys.executable, "-m", "launch.sweep", "submit", str(path), "--workspace", str(workspace), *flags]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_sweep_that_is_stopped_and_killed_half_way_ends_as_if_undisturbed(tmp_path, command):
    base = {**sweeps.TINY, "total_steps": 9600}  # long enough to be still running when it is stopped
    fields = {"base": base, "grid": {"algorithm.learning_rate": [3e-4, 1e-3]}, "seeds": [0, 1], "parallelism": 2}
    path, trials = sweeps.write(tmp_path, **fields), sweeps.trials(tmp_path, **fields)
    runs.finish(submit(path, tmp_path / "undisturbed"))
    expected = [runs.outcome(tmp_path / "undisturbed" / "tiny" / trial.key) for trial in trials]
    assert len({str(outcome["result"]) for outcome in expected}) == len(trials)

    for number in (signal.SIGTERM, signal.SIGKILL):
        process = submit(path, tmp_path / "workspace")
        rows = runs.num_rows(trials[0].folder)
        while runs.num_rows(trials[0].folder) < rows + 8:  # rows of this attempt, so the lock is held
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        assert command("submit")[0] == 65  # two at once are one too many
        process.send_signal(number)
        _, error = process.communicate()
        assert process.returncode == (75 if number == signal.SIGTERM else -9)
        assert "Traceback" not in error
    assert command("cancel")[0] == 0  # what outlived the killed one
    states = [folder_of(trial).progress() for trial in trials]
    assert [state.state for state in states[:1]] == ["stopped"]
    runs.finish(submit(path, tmp_path / "workspace"))
    for trial, outcome in zip(trials, expected, strict=True):
        assert runs.outcome(trial.folder) == outcome
    assert folder_of(trials[0]).progress().attempts == 3
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "workspace").rglob("*.json*")}
    again = submit(path, tmp_path / "workspace")
    assert "0 of 4 trials to run (4 done)" in again.communicate()[0]
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "workspace").rglob("*.json*")} == before


@pytest.mark.slow
def test_a_pack_that_is_stopped_half_way_ends_as_its_trials_would_alone(tmp_path):
    fields = {"grid": {"algorithm.learning_rate": [3e-4, 1e-3]}, "seeds": [0, 1]}
    path, trials = sweeps.write(tmp_path, **fields), sweeps.trials(tmp_path, **fields)
    runs.finish(submit(path, tmp_path / "alone"))
    process = submit(path, tmp_path / "workspace", "--pack", "4")
    while runs.num_rows(trials[3].folder) < 8:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 75
    assert [folder_of(trial).progress().state for trial in trials] == ["stopped"] * 4
    runs.finish(submit(path, tmp_path / "workspace", "--pack", "4"))
    for trial in trials:
        assert runs.outcome(trial.folder) == runs.outcome(tmp_path / "alone" / "tiny" / trial.key)
        assert folder_of(trial).progress().attempts == 2
