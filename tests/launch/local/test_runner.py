import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from flexrl.common.errors import ConfigError
from flexrl.storage.divergence import note_divergence
from launch.attempt import training_process as attempt
from launch.attempt.trial_folder import folder_of
from launch.local.runner import Runner, StorageFull, cancel, submitter, submitting
from launch.plan import states
from launch.plan.packs import packed
from launch.plan.sweep_file import load_sweep
from tests.launch import sweeps
from tests.launch.fake_training import CRASHES_ONCE, DIVERGES, KILLED, NEVER_ENDS, NO_RESULT

pytestmark = pytest.mark.usefixtures("fake_trainings")


def runner(folder, seeds, parallel=2, pack=1, **fields):
    """A sweep's runner and its trials."""
    trials = sweeps.trials(folder, seeds=seeds, **fields)
    return Runner(load_sweep(folder / "sweep.yaml")[0], trials, parallel, pack), trials


def progress(trials):
    return [folder_of(trial).progress() for trial in trials]


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def signal_when_running(trial):
    """Ask this process to stop as soon as the trial runs and can save."""
    return signal_when(lambda: folder_of(trial).log.exists() and "\nseed" in folder_of(trial).log.read_text())


def signal_when(condition):
    """Ask this process to stop as soon as a condition holds."""

    def ask():
        wait_until(condition)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=ask)
    thread.start()
    return thread


def test_each_end_is_told_and_only_crashes_are_tried_again(tmp_path):
    seeds = [0, CRASHES_ONCE, 65, 70, KILLED, NO_RESULT]
    run, trials = runner(tmp_path, seeds, parallel=3, retries=1)
    assert run.run()
    found = {trial.config.seed: p for trial, p in zip(trials, progress(trials), strict=True)}
    assert {seed: (p.state, p.attempts) for seed, p in found.items()} == {
        0: ("done", 1),
        CRASHES_ONCE: ("done", 2),
        65: ("failed", 1),
        70: ("failed", 1),
        KILLED: ("failed", 2),
        NO_RESULT: ("failed", 2),
    }
    assert found[65].reason == "error: as asked, 65"
    assert found[KILLED].reason == f"killed by SIGKILL: seed {KILLED}, --resume"
    assert found[NO_RESULT].reason.startswith("ended without a result")


def test_a_full_disk_stops_the_sweep_and_lets_the_others_save(tmp_path):
    run, trials = runner(tmp_path, [NEVER_ENDS, 74, 0])
    with pytest.raises(StorageFull, match="as asked, 74"):
        run.run()
    assert [p.state for p in progress(trials)] == ["stopped", "stopped", "waiting"]
    assert not any(folder_of(trial).is_running() for trial in trials)


def test_asked_to_stop_it_lets_trials_save_and_another_submit_goes_on(tmp_path):
    run, trials = runner(tmp_path, [0, NEVER_ENDS, 3], parallel=1)
    thread = signal_when_running(trials[1])
    assert not run.run()
    thread.join()
    assert [p.state for p in progress(trials)] == ["done", "stopped", "waiting"]
    (trials[1].folder / "let-end").touch()
    again, _ = runner(tmp_path, [0, NEVER_ENDS, 3])
    assert again.run()
    assert [(p.state, p.attempts, p.failures) for p in progress(trials)] == [
        ("done", 1, 0),
        ("done", 2, 0),
        ("done", 1, 0),
    ]


def test_a_pack_is_one_process_and_each_of_its_trials_ends_for_itself(tmp_path):
    """Another's crash counts for all, since nobody knows whose it was; what names one trial is that trial's alone."""
    run, trials = runner(tmp_path, [0, CRASHES_ONCE, 3, 70, 4], pack=4, parallel=1, retries=1)
    assert run.run()
    found = [(p.state, p.attempts, p.failures) for p in progress(trials)]
    assert found == [("done", 1, 0), ("done", 2, 1), ("done", 2, 1), ("failed", 2, 2), ("done", 1, 0)]
    assert "as asked, 70" in progress(trials)[3].reason
    logs = [folder_of(trial).log.read_text() for trial in trials]
    assert "seed 3" in logs[1] and "seed 3" in logs[2] and logs[4].count("seed") == 1
    assert len({p.seconds for p in progress(trials)[1:3]}) == 1  # shared alike


def test_a_pack_goes_on_without_the_trial_that_failed(tmp_path):
    run, trials = runner(tmp_path, [70, 5, 6], pack=3, retries=0)
    assert run.run()
    assert [(p.state, p.attempts, p.failures) for p in progress(trials)] == [
        ("failed", 1, 1),
        ("done", 2, 0),
        ("done", 2, 0),
    ]


def test_a_trial_of_a_pack_that_diverges_has_failed_and_the_others_end_in_the_same_attempt(tmp_path):
    run, trials = runner(tmp_path, [DIVERGES, 5, 6], pack=3, retries=1)
    assert run.run()
    assert [(p.state, p.attempts) for p in progress(trials)] == [("failed", 1), ("done", 1), ("done", 1)]
    assert progress(trials)[0].exit_code == 70
    assert progress(trials)[0].reason == f"diverged: {trials[0].folder}: 20 updates in a row were not finite"


def test_a_trial_that_diverged_before_its_pack_was_stopped_is_not_trained_again_unless_cleared(tmp_path):
    seeds = [DIVERGES, NEVER_ENDS]
    run, trials = runner(tmp_path, seeds, pack=2)
    thread = signal_when(lambda: folder_of(trials[0]).divergence())
    assert not run.run()
    thread.join()
    assert [(p.state, p.exit_code) for p in progress(trials)] == [("failed", 70), ("stopped", 75)]
    (trials[1].folder / "let-end").touch()
    assert runner(tmp_path, seeds, pack=2)[0].run()
    assert [(p.state, p.attempts) for p in progress(trials)] == [("failed", 1), ("done", 2)]
    folder = folder_of(trials[0])
    folder.write(states.cleared(folder.progress()))
    assert folder.progress().state == "waiting"
    assert runner(tmp_path, seeds)[0].run()
    assert (folder.progress().state, folder.progress().attempts) == ("failed", 2)


def test_a_divergence_is_known_also_where_the_end_of_the_attempt_was_lost(tmp_path):
    _, (trial,) = runner(tmp_path, [DIVERGES])
    folder = folder_of(trial)
    folder.prepare(trial)
    folder.write(states.begun(folder.recorded()))
    assert folder.progress().state == "stopped"
    note_divergence(trial.folder, 3, "20 updates")
    assert (folder.progress().state, folder.progress().reason) == ("failed", "20 updates")


def test_a_pack_that_is_stopped_is_known_trial_by_trial_and_goes_on(tmp_path):
    run, trials = runner(tmp_path, [3, NEVER_ENDS, 5], pack=3)
    thread = signal_when_running(trials[0])
    assert not run.run()
    thread.join()
    assert [p.state for p in progress(trials)] == ["done", "stopped", "stopped"]
    (trials[1].folder / "let-end").touch()
    assert runner(tmp_path, [3, NEVER_ENDS, 5], pack=3)[0].run()
    assert [(p.state, p.attempts) for p in progress(trials)] == [("done", 1), ("done", 2), ("done", 2)]


def test_trials_of_a_pack_share_its_time(tmp_path):
    run, trials = runner(tmp_path, [NEVER_ENDS, 5], pack=2, time_limit_minutes=0.02)
    started = time.monotonic()
    assert run.run()
    assert time.monotonic() - started > 2 * 60 * 0.02
    assert [p.exit_code for p in progress(trials)] == [124, 124]


def test_packs_are_of_one_program_and_size(tmp_path):
    axes = {"algorithm.learning_rate": [1e-3, 1e-4], "num_envs": [8, 16]}
    trials = sweeps.trials(tmp_path, grid=axes, seeds=2)
    numbers = [[trial.number for trial in pack] for pack in packed(trials, 3)]
    assert numbers == [[1, 2, 5], [3, 4, 7], [6], [8]]
    assert [len(pack) for pack in packed(trials, 1)] == [1] * 8
    early = {**sweeps.TINY, "early_stop": {"patience": 3}}
    assert len(packed(sweeps.trials(tmp_path, base=early, seeds=3), 3)) == 3
    with pytest.raises(ConfigError, match="pack: 0"):
        packed(trials, 0)


def test_a_trial_over_its_time_is_stopped_and_not_tried_again(tmp_path):
    run, trials = runner(tmp_path, [NEVER_ENDS], time_limit_minutes=0.02)
    assert run.run()
    (found,) = progress(trials)
    assert (found.state, found.exit_code, found.attempts) == ("failed", 124, 1)
    assert "time_limit_minutes 0.02" in found.reason


def test_a_training_that_does_not_stop_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(attempt, "STOP_SECONDS", 0.2)
    deaf = "import signal, sys, time; signal.signal(15, lambda *_: None); print('seed', flush=True); time.sleep(60)"
    monkeypatch.setattr(attempt, "TRAINING", (sys.executable, "-c", deaf))
    run, trials = runner(tmp_path, [0])
    thread = signal_when_running(trials[0])
    assert not run.run()
    thread.join()
    assert [(p.state, p.exit_code, p.failures) for p in progress(trials)] == [("stopped", -9, 0)]


def test_a_task_changed_since_the_plan_is_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    task = tmp_path / "task.py"
    task.write_text("from envs.tasks.humanoid_walk import HumanoidWalk as Mine\n")
    run, trials = runner(tmp_path, [0], base={**sweeps.TINY, "env": "task.py:Mine"})
    task.write_text(task.read_text() + "# changed\n")
    with pytest.raises(ConfigError, match="task.py:Mine.*changed"):
        run.run()
    assert progress(trials)[0].attempts == 0


def test_a_trial_that_outlives_its_launcher_is_waited_for_and_not_run_twice(tmp_path, capsys):
    run, trials = runner(tmp_path, [NEVER_ENDS])
    folder = folder_of(trials[0])
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCH_AND_DIE, str(tmp_path / "sweep.yaml"), str(tmp_path / "workspace")],
    )
    wait_until(lambda: folder.log.exists() and "seed" in folder.log.read_text())
    launcher.kill()
    launcher.wait()
    assert folder.progress().state == "running"
    assert [trial.key for trial in cancel(trials[0].folder.parent, trials)] == [trials[0].key]
    assert (folder.progress().state, folder.progress().attempts) == ("stopped", 1)
    (trials[0].folder / "let-end").touch()
    with folder.attempt():  # somebody else runs it
        thread = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGTERM))
        thread.start()
        assert not run.run()
    assert capsys.readouterr().out.count("is run by another process") == 1
    assert folder.progress().attempts == 1


LAUNCH_AND_DIE = """
import sys
from pathlib import Path
from launch.attempt import training_process as attempt
from launch.local.runner import Runner
from launch.plan.trials import load_trials
attempt.TRAINING = (sys.executable, "-m", "tests.launch.fake_training")
sweep, trials = load_trials(Path(sys.argv[1]), Path(sys.argv[2]))
Runner(sweep, trials, 1).run()
"""


def test_two_launchers_of_one_sweep_are_one_too_many(tmp_path):
    with submitting(tmp_path / "tiny"):
        assert submitter(tmp_path / "tiny") == os.getpid()
        with pytest.raises(ConfigError, match=f"process {os.getpid()} submits this sweep"):
            with submitting(tmp_path / "tiny"):
                pass
    assert submitter(tmp_path / "tiny") is None
