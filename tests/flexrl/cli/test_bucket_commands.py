"""`flexrl.runs pull` and `push` against the server of `tests.launch.bucket`."""

import pytest

from flexrl import runs
from flexrl.storage import mirror
from flexrl.storage.bucket import Bucket
from flexrl.storage.mirror import Writer
from tests.launch.bucket.server import Trouble


@pytest.fixture
def run(tmp_path, capsys, storage, monkeypatch):
    """`flexrl.runs` in this process: exit code, standard output and error."""
    monkeypatch.setattr(Bucket.__init__, "__defaults__", (0.5,))
    monkeypatch.setattr(mirror, "STALE_SECONDS", 0.3)
    monkeypatch.setattr(mirror, "POLL_SECONDS", 0.02)

    def call(name, run="walk", *flags, workspace="here"):
        try:
            runs.main([name, "gs://runs/team", run, "--workspace", str(tmp_path / workspace), *flags])
            code = 0
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "here" / "walk"
    (folder / "checkpoints" / "3").mkdir(parents=True)
    for path in ("config.yaml", "metrics.jsonl", "checkpoints/3/manifest.json", "lock"):
        (folder / path).write_text(path)
    return folder


def test_a_run_that_was_pushed_is_pulled_elsewhere_and_a_second_time_nothing_is_done(run, folder, tmp_path):
    assert "gs://runs/team/walk: 3 files, " in run("push")[1]
    assert "nothing to do" in run("push")[1]
    assert "walk: 3 files, " in run("pull", workspace="there")[1]
    copy = tmp_path / "there" / "walk"
    assert (copy / "checkpoints" / "3" / "manifest.json").exists() and not (copy / "lock").exists()
    assert "nothing to do" in run("pull", workspace="there")[1]


def test_more_files_are_pushed_and_another_state_only_replaces_one_when_asked(run, folder, tmp_path):
    run("push")
    run("pull", workspace="there")
    (folder / "result.json").write_text("{}")
    assert "4 files" in run("push")[1]
    code, _, error = run("pull", workspace="there")
    assert code == 65 and "differs from gs://runs/team (result.json); add --replace" in error
    assert run("pull", "walk", "--replace", workspace="there")[0] == 0
    (folder / "metrics.jsonl").write_text("other")
    code, _, error = run("push")
    assert code == 65 and "gs://runs/team/walk: is there and differs from" in error and "(metrics.jsonl)" in error
    assert run("push", "walk", "--replace")[0] == 0
    assert run("pull", "walk", "--replace", workspace="there")[0] == 0
    assert (tmp_path / "there" / "walk" / "metrics.jsonl").read_text() == "other"


def test_a_trial_has_the_same_place_in_the_bucket_as_in_the_workspace(run, folder, tmp_path):
    (tmp_path / "here" / "sweep").mkdir()
    folder.rename(tmp_path / "here" / "sweep" / "key")
    assert "gs://runs/team/sweep/key: 3 files" in run("push", "sweep/key")[1]
    assert run("pull", "sweep/key", workspace="there")[0] == 0
    assert (tmp_path / "there" / "sweep" / "key" / "config.yaml").exists()


def test_what_cannot_be_copied_is_one_line(run, folder, storage):
    code, _, error = run("pull", "missing")
    assert code == 65 and "run: gs://runs/team has no run 'missing'" in error
    code, _, error = run("push", "missing")
    assert code == 65 and "run: 'missing' is neither" in error
    storage.trouble = Trouble(down=True)
    code, _, error = run("push")
    assert code == 69 and "gs://runs/team: did not answer" in error and error.count("\n") == 1


def test_a_run_that_a_pod_writes_is_left_to_it(run, folder, monkeypatch):
    writer = Writer(Bucket("gs://runs/team"), "walk")
    watched = mirror.time.sleep

    def renews(seconds):
        writer.push(folder)
        watched(seconds)

    monkeypatch.setattr(mirror.time, "sleep", renews)
    (folder / "result.json").write_text("{}")
    code, _, error = run("push")
    assert code == 75 and "another process writes it; wait until it has ended" in error
