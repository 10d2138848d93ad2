"""Pods whose workspace is a bucket, with trainings that end as their seeds say."""

import gzip
import json
import shutil
import threading
import time

import pytest

from flexrl.storage import bucket, mirror
from flexrl.storage.bucket import Bucket
from flexrl.storage.mirror import Writer, pull, read_file
from launch import trial
from launch.attempt import bucket_copies
from launch.attempt.trial_folder import folder_of
from tests.launch import sweeps
from tests.launch.bucket.server import Trouble
from tests.launch.fake_training import CRASHES_ONCE, NEVER_ENDS

pytestmark = pytest.mark.usefixtures("storage", "fake_trainings")

SEEDS = [3, CRASHES_ONCE, NEVER_ENDS, 65]
ADDRESS = "gs://runs/team"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    for module, name, value in (
        (mirror, "STALE_SECONDS", 1.5),
        (mirror, "POLL_SECONDS", 0.02),
        (bucket_copies, "FIRST_SECONDS", 0.1),
        (bucket_copies, "PUSH_SECONDS", 0.2),
        (trial, "LOCK_SECONDS", 2.0),
    ):
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(Bucket.__init__, "__defaults__", (0.5,))


@pytest.fixture
def trials(tmp_path):
    return sweeps.trials(tmp_path, seeds=SEEDS)


@pytest.fixture
def pod(tmp_path, trials):
    """Runs the pod of a seed in this thread, with an empty workspace of its own: exit code, and the trial's folder."""

    def run(seed, *flags, asked=None, pack=()):
        shutil.rmtree(tmp_path / "workspace", ignore_errors=True)
        chosen = [trials[SEEDS.index(each)] for each in (seed, *pack)]
        line = [{"number": t.number, "key": t.key, "values": t.values, "config": t.content()} for t in chosen]
        (tmp_path / "trials.jsonl.gz").write_bytes(gzip.compress(json.dumps(line).encode()))
        options = trial._parse([str(tmp_path), "--bucket", ADDRESS, "--report", str(tmp_path / "report"), *flags])
        (tmp_path / "report").unlink(missing_ok=True)
        try:
            return trial.run(options, [] if asked is None else asked), chosen[0]
        except trial.Preempted as error:
            return 75, str(error)

    return run


@pytest.fixture(autouse=True)
def first_index(monkeypatch):
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "0")


def run_of(trial):
    return f"tiny/{trial.key}"


def test_a_trial_is_in_the_bucket_before_its_pod_reports_and_the_next_pod_finds_it(pod, tmp_path, storage):
    code, mine = pod(3)
    assert code == 0 and json.loads((tmp_path / "report").read_text())[0]["result"]["return_mean"] == 3.0
    assert json.loads(read_file(Bucket(ADDRESS), run_of(mine), "result.json"))["return_mean"] == 3.0
    before = set(storage.names("files"))
    code, _ = pod(3)  # on another machine
    assert code == 0 and folder_of(mine).recorded().attempts == 1
    assert set(storage.names("files")) <= before


def test_an_attempt_goes_on_from_what_the_one_before_pushed(pod):
    code, _ = pod(CRASHES_ONCE, "--retries", "1")
    assert code == 1
    code, mine = pod(CRASHES_ONCE, "--retries", "1")
    assert code == 0 and folder_of(mine).recorded().attempts == 2
    assert folder_of(mine).log.read_text().count("--- attempt") == 2


def test_a_pack_has_a_copy_of_each_trial(pod, trials):
    assert pod(3, "--retries", "0", pack=(CRASHES_ONCE,))[0] == 1
    assert pod(3, "--retries", "1", pack=(CRASHES_ONCE,))[0] in (0, 1)
    assert read_file(Bucket(ADDRESS), run_of(trials[0]), "progress.json")
    assert read_file(Bucket(ADDRESS), run_of(trials[1]), "progress.json")


def test_what_a_run_has_done_is_pushed_while_it_trains(pod, trials):
    asked, mine = [], trials[SEEDS.index(NEVER_ENDS)]
    seen = []

    def wait():
        while not (log := read_file(Bucket(ADDRESS), run_of(mine), "log.txt")) or b"seed 2" not in log:
            time.sleep(0.05)
        seen.append(json.loads(read_file(Bucket(ADDRESS), run_of(mine), "progress.json"))["state"])
        asked.append(15)

    thread = threading.Thread(target=wait)
    thread.start()
    code, _ = pod(NEVER_ENDS, asked=asked)
    thread.join()
    assert code == 75 and seen == ["running"]
    assert json.loads(read_file(Bucket(ADDRESS), run_of(mine), "progress.json"))["state"] == "stopped"
    started = time.monotonic()
    Writer(Bucket(ADDRESS), run_of(mine)).release()  # the pod gave it up
    assert time.monotonic() - started < mirror.STALE_SECONDS


def test_a_result_that_cannot_be_pushed_is_not_reported(pod, tmp_path, storage, monkeypatch):
    finish = bucket_copies.BucketCopies.finish

    def goes_down(self):
        storage.trouble = Trouble(down=True)
        finish(self)

    monkeypatch.setattr(bucket_copies.BucketCopies, "finish", goes_down)
    code, error = pod(3)
    assert code == 75 and "gs://runs/team: did not answer" in error and "is done again" in error
    assert not (tmp_path / "report").exists()
    monkeypatch.setattr(bucket_copies.BucketCopies, "finish", finish)
    storage.trouble = Trouble()
    assert pod(3)[0] == 0 and (tmp_path / "report").exists()


def test_a_bucket_that_is_down_at_the_start_is_tried_again_later(pod, storage):
    storage.trouble = Trouble(down=True)
    code, error = pod(3)
    assert code == 75 and "did not answer" in error


def test_a_training_goes_on_while_the_bucket_does_not_answer(pod, trials, storage, capfd):
    mine, out = trials[SEEDS.index(NEVER_ENDS)], []

    def trouble():
        while not (folder_of(mine).log.exists() and "seed 2" in folder_of(mine).log.read_text()):
            time.sleep(0.02)
        storage.trouble = Trouble(down=True)
        while not any("goes on" in line for line in out):
            out.append(capfd.readouterr().err)
            time.sleep(0.05)
        storage.trouble = Trouble()
        asked.append(15)

    asked = []
    thread = threading.Thread(target=trouble)
    thread.start()
    code, _ = pod(NEVER_ENDS, asked=asked)
    thread.join()
    assert code == 75
    assert json.loads(read_file(Bucket(ADDRESS), run_of(mine), "progress.json"))["state"] == "stopped"


def test_a_trial_that_another_pod_trains_is_left_to_it(pod, trials, tmp_path):
    leaving, holder = threading.Event(), Writer(Bucket(ADDRESS), run_of(trials[0]))
    (tmp_path / "of-another").mkdir()

    def keep():
        while not leaving.wait(0.1):
            holder.push(tmp_path / "of-another")

    thread = threading.Thread(target=keep)
    thread.start()
    code, error = pod(3)
    leaving.set()
    thread.join()
    assert code == 75 and "another pod runs trial 1" in error
    assert not folder_of(trials[0]).log.exists()  # nothing was trained


def test_of_two_pods_that_train_a_trial_the_one_that_was_taken_over_ends_with_75(pod, trials, tmp_path):
    mine, other = trials[SEEDS.index(NEVER_ENDS)], {}

    def take():
        while not read_file(Bucket(ADDRESS), run_of(mine), "log.txt"):
            time.sleep(0.05)
        found = Bucket(ADDRESS).read(f"{run_of(mine)}/manifest.json")
        while True:  # as if this pod had not answered for two minutes
            content = json.loads(found.content) | {"writer": "another", "held": True}
            try:
                Bucket(ADDRESS).swap(f"{run_of(mine)}/manifest.json", json.dumps(content).encode(), found.generation)
                break
            except bucket.Superseded:
                found = Bucket(ADDRESS).read(f"{run_of(mine)}/manifest.json")
        other["state"] = read_file(Bucket(ADDRESS), run_of(mine), "progress.json")

    thread = threading.Thread(target=take)
    thread.start()
    code, error = pod(NEVER_ENDS)
    thread.join()
    assert code == 75 and "was written by another process" in error
    assert read_file(Bucket(ADDRESS), run_of(mine), "progress.json") == other["state"]
    assert not (tmp_path / "report").exists()


def test_a_refusal_is_told_once_and_ends_the_trial(pod, storage):
    storage.refuses = True
    with pytest.raises(trial.ConfigError, match="gs://runs/team: refused .*storage.objectUser"):
        pod(3)


def test_a_parent_is_copied_from_the_bucket_and_one_that_is_not_there_is_named(tmp_path, storage):
    (tmp_path / "parent").mkdir()
    (tmp_path / "parent" / "config.yaml").write_text("x")
    Writer(Bucket(ADDRESS), "parents/first").push(tmp_path / "parent", release=True)
    (one,) = sweeps.trials(tmp_path)
    workspace = one.folder.parent.parent

    def with_parent(name):
        object.__setattr__(one.config, "parent", f"{workspace}/{name}:30")
        bucket_copies.BucketCopies(Bucket(ADDRESS), [one]).close()

    with_parent("parents/first")
    assert (workspace / "parents" / "first" / "config.yaml").read_text() == "x"
    with pytest.raises(trial.ConfigError, match=r"trial 1: parent: .*missing:30' is not in gs://runs/team"):
        with_parent("missing")
    assert not pull(Bucket(ADDRESS), "missing", tmp_path / "missing")
