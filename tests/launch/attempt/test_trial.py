import fcntl
import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from launch import trial
from launch.attempt import lease
from launch.attempt.trial_folder import folder_of
from tests.launch import sweeps
from tests.launch.fake_training import CRASHES_ONCE, KILLED, NEVER_ENDS
from tests.launch.kube.forked import LEASES

SEEDS = [3, CRASHES_ONCE, NEVER_ENDS, KILLED, 65, 74]


@pytest.fixture
def trials(tmp_path):
    """Trials, and their lines where a pod finds them."""
    trials = sweeps.trials(tmp_path, seeds=SEEDS)
    lines = [{"number": t.number, "key": t.key, "values": t.values, "config": t.content()} for t in trials]
    text = "".join(json.dumps([line]) + "\n" for line in lines)
    (tmp_path / "trials.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    return trials


@pytest.fixture(autouse=True)
def signal_handlers():
    """Restores the handlers that `trial.main` replaces for the rest of its process."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def pod(tmp_path, trials, monkeypatch, capfd):
    """Runs the pod of a seed in this process: exit code, standard output and error."""

    def run(seed, *flags):
        monkeypatch.setenv("JOB_COMPLETION_INDEX", str(SEEDS.index(seed)))
        with pytest.raises(SystemExit) as end:
            trial.main([str(tmp_path), *flags])
        return end.value.code, *capfd.readouterr()

    return run


@pytest.mark.usefixtures("fake_trainings")
def test_a_pod_tells_by_its_exit_code_how_its_trial_ended(pod):
    code, out, _ = pod(3)
    assert code == 0 and "seed 3" in out and "done" in out
    assert pod(CRASHES_ONCE, "--retries", "1")[0] == 1
    assert pod(CRASHES_ONCE, "--retries", "1")[0] == 0
    assert pod(KILLED)[0] == 137
    code, out, _ = pod(65)
    assert code == 65 and "error: as asked, 65" in out
    assert pod(74)[0] == 74
    assert pod(NEVER_ENDS, "--time-limit-minutes", "0.01")[0] == 124


@pytest.mark.usefixtures("fake_trainings")
def test_a_trial_that_has_ended_is_not_begun_again(pod, trials):
    for seed, code in ((3, 0), (65, 65)):
        assert [pod(seed)[0] for _ in range(2)] == [code, code]
        assert folder_of(trials[SEEDS.index(seed)]).progress().attempts == 1


@pytest.mark.usefixtures("fake_trainings")
def test_a_trial_that_another_pod_runs_is_left_to_it(pod, trials, monkeypatch):
    monkeypatch.setattr(trial, "LOCK_SECONDS", 0.1)
    folder = folder_of(trials[0])
    folder.path.mkdir(parents=True)
    with folder.attempt():
        code, _, error = pod(3)
    assert code == 75 and "another pod runs trial 1" in error


@pytest.mark.usefixtures("fake_trainings")
def test_on_a_shared_volume_a_lease_stands_for_locks_and_a_vanished_pods_is_taken_over(pod, trials, monkeypatch):
    monkeypatch.setenv("FLEXRL_LEASED", "1")
    for name, seconds in LEASES.items():
        monkeypatch.setattr(lease, name, seconds)
    monkeypatch.setattr(trial, "LOCK_SECONDS", 0.1)
    folder = folder_of(trials[0])
    folder.path.mkdir(parents=True)
    with folder.attempt():
        assert folder.is_running()
        code, _, error = pod(3)
    assert code == 75 and "another pod runs trial 1" in error and not folder.is_running()
    (folder.path / "attempt.lease").write_text('{"holder": "vanished", "beat": 3}')
    with (folder.path / "attempt.lock").open("ab") as lock, (folder.path / "lock").open("ab") as other:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as a server of NFSv3 keeps it for a machine that vanished
        fcntl.flock(other, fcntl.LOCK_EX)
        assert pod(3)[0] == 0
    assert folder.progress().state == "done" and not (folder.path / "attempt.lease").exists()


@pytest.mark.usefixtures("fake_trainings")
def test_a_pod_that_lost_its_lease_kills_its_training_and_writes_nothing_more(pod, trials, monkeypatch):
    monkeypatch.setenv("FLEXRL_LEASED", "1")
    for name, seconds in LEASES.items():
        monkeypatch.setattr(lease, name, seconds)
    monkeypatch.setattr(lease, "LOST_SECONDS", 1.0)
    folder = folder_of(trials[SEEDS.index(NEVER_ENDS)])

    def take():
        while not folder.log.exists() or "seed" not in folder.log.read_text():
            time.sleep(0.02)
        (folder.path / "attempt.lease").write_text('{"holder": "another", "beat": 1}')

    thread = threading.Thread(target=take)
    thread.start()
    code, _, error = pod(NEVER_ENDS)
    thread.join()
    assert code == 75 and "another pod has taken over trial 3" in error
    assert folder.recorded().state == "running"  # what the other pod wrote is not overwritten
    assert "another" in (folder.path / "attempt.lease").read_text()


def test_an_index_without_a_trial_is_refused(tmp_path, trials, monkeypatch, capsys):
    for index, named in (("", "''"), ("six", "'six'"), ("6", "6 has no line")):
        monkeypatch.setenv("JOB_COMPLETION_INDEX", index)
        with pytest.raises(SystemExit) as end:
            trial.main([str(tmp_path)])
        assert end.value.code == 65
        assert named in capsys.readouterr().err


POD = """
import sys
from launch import trial
from launch.attempt import training_process as attempt
attempt.TRAINING = (sys.executable, "-m", "tests.launch.fake_training")
trial.main(sys.argv[1:])
"""


def test_a_pod_that_is_taken_away_saves_and_never_ends_with_success(tmp_path, trials):
    environment = {**os.environ, "JOB_COMPLETION_INDEX": str(SEEDS.index(NEVER_ENDS))}
    pod = subprocess.Popen([sys.executable, "-c", POD, str(tmp_path)], env=environment, stdout=subprocess.PIPE)
    folder = folder_of(trials[SEEDS.index(NEVER_ENDS)])
    while not (folder.log.exists() and "seed" in folder.log.read_text()):
        assert pod.poll() is None
        time.sleep(0.02)
    pod.terminate()
    assert pod.wait(timeout=20) == 75
    assert folder.progress().state == "stopped"
