"""Runs in a bucket: the real client library against `tests.launch.bucket.server`."""

import json
import os
import threading
import time

import pytest

from flexrl.common.errors import ConfigError
from flexrl.storage import mirror
from flexrl.storage.bucket import Bucket, BucketDown, Superseded
from flexrl.storage.mirror import Writer, pull, read_file
from tests.launch.bucket.server import Trouble

pytestmark = pytest.mark.usefixtures("storage")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(mirror, "STALE_SECONDS", 0.5)
    monkeypatch.setattr(mirror, "POLL_SECONDS", 0.02)


@pytest.fixture
def place():
    return Bucket("gs://runs/path", patience_seconds=5.0)


@pytest.fixture
def folder(tmp_path):
    """A folder with as many kinds of files as a run has."""
    files = {"config.yaml": "seed: 1\n", "metrics.jsonl": "1\n", "checkpoints/3/manifest.json": ""}
    return fill(tmp_path / "run", files)


def fill(folder, files):
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def contents(folder):
    return {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


def hold(place, run="a/run"):
    """Write as a process does that was killed: the right was not given up."""
    return Writer(place, run)


def test_a_run_is_pulled_as_it_was_pushed(place, folder, storage, tmp_path):
    Writer(place, "a/run").push(folder, release=True)
    assert pull(place, "a/run", tmp_path / "here" / "run")
    assert contents(tmp_path / "here" / "run") == contents(folder)
    assert read_file(place, "a/run", "config.yaml") == b"seed: 1\n"
    assert read_file(place, "a/run", "result.json") is None
    assert len(storage.names("^path/a/run/files/")) == 3


def test_what_the_bucket_has_not_is_told_and_nothing_is_written(place, tmp_path):
    assert not pull(place, "a/run", tmp_path / "run")
    hold(place)  # has pushed nothing yet
    assert not pull(place, "a/run", tmp_path / "run") and read_file(place, "a/run", "config.yaml") is None
    assert list(tmp_path.iterdir()) == []


def test_a_push_sends_what_has_changed_and_removes_what_is_gone(place, folder, storage):
    writer = Writer(place, "run")
    writer.push(folder)
    before = set(storage.names("files"))
    (folder / "config.yaml").unlink()
    with (folder / "metrics.jsonl").open("a") as file:
        file.write("2\n")
    storage.requests.clear()
    writer.push(folder)
    uploads = [name for method, name, _ in storage.requests if method == "POST"]
    assert len(uploads) == 2  # the rows and the manifest
    assert len(storage.names("files")) == 2 and len(before & set(storage.names("files"))) == 1
    writer.push(folder)
    assert len(storage.names()) == 3


def test_a_pulled_run_is_not_uploaded_again(place, folder, storage, tmp_path):
    Writer(place, "run").push(folder, release=True)
    writer, copy = Writer(place, "run"), tmp_path / "copy"
    writer.pull(copy)
    before = storage.names("files")
    writer.push(copy)
    assert storage.names("files") == before
    (copy / "config.yaml").write_text("seed: 1\n")  # the same content in a new file
    writer.push(copy)
    assert storage.names("files") == before


def test_a_run_that_another_process_writes_is_refused_and_free_once_it_is_given_up(place, folder):
    leaving, holder = threading.Event(), Writer(place, "run")

    def keep():
        while not leaving.wait(0.1):
            holder.push(folder)

    thread = threading.Thread(target=keep)
    thread.start()
    with pytest.raises(BlockingIOError, match="gs://runs/path/run: another process writes it"):
        Writer(place, "run")
    leaving.set()
    thread.join()
    holder.push(folder, release=True)
    started = time.monotonic()
    Writer(place, "run").release()
    assert time.monotonic() - started < mirror.STALE_SECONDS


def test_a_run_whose_writer_vanished_is_taken_over_and_the_vanished_one_changes_nothing(place, folder, storage):
    vanished = hold(place, "run")
    vanished.push(folder)
    started = time.monotonic()
    writer = Writer(place, "run")
    assert time.monotonic() - started >= mirror.STALE_SECONDS
    state = dict(storage.objects)
    (folder / "config.yaml").write_text("seed: 2\n")
    for act in (lambda: vanished.push(folder), vanished.release):
        with pytest.raises(Superseded):
            act()
    assert state.items() <= storage.objects.items()
    assert read_file(place, "run", "config.yaml") == b"seed: 1\n"
    assert len(storage.names("files")) == 4  # what it had uploaded before it found out
    writer.pull(folder)
    writer.push(folder)
    third = hold(place, "run")
    third.push(folder)
    assert len(storage.names("files")) == 3  # the next one removes it


def test_of_many_that_want_a_stale_run_one_has_it(place):
    hold(place, "run")
    won, start = [], threading.Barrier(6)

    def want():
        start.wait()
        try:
            won.append(Writer(place, "run"))
        except BlockingIOError:
            pass

    threads = [threading.Thread(target=want) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_readers_find_a_whole_state_while_it_is_written_in_spite_of_faults(place, tmp_path, storage):
    folder, writer, leaving = fill(tmp_path / "run", {"a": "0", "b": "0"}), Writer(place, "run"), threading.Event()
    writer.push(folder)
    storage.trouble = Trouble(errors=0.1, lost=0.05, cut=0.1, slow=0.1, seconds=0.02, seed=3)

    def write():
        number = 0
        while not leaving.is_set():
            number += 1
            for name in ("a", "b"):
                (folder / f"{name}.tmp").write_text(f"{number} {os.urandom(8).hex() if name == 'b' else ''}")
            for name in ("a", "b"):
                (folder / f"{name}.tmp").replace(folder / name)
            writer.push(folder)

    thread = threading.Thread(target=write)
    thread.start()
    seen = set()
    try:
        for i in range(25):
            assert pull(place, "run", tmp_path / "pulled" / str(i))
            found = contents(tmp_path / "pulled" / str(i))
            assert found["a"].split()[0] == found["b"].split()[0]
            seen.add(found["a"])
    finally:
        leaving.set()
        thread.join()
    assert len(seen) > 3 and {412, 503} <= {code for _, _, code in storage.requests}


def test_a_pull_that_is_killed_leaves_no_run_and_the_next_one_ends_it(place, folder, tmp_path, monkeypatch):
    Writer(place, "run").push(folder, release=True)
    target, fetch = tmp_path / "workspace" / "run", Bucket.fetch

    def dies(self, name, path):
        fetch(self, name, path)
        raise KeyboardInterrupt

    monkeypatch.setattr(Bucket, "fetch", dies)
    with pytest.raises(KeyboardInterrupt):
        pull(place, "run", target)
    assert not target.exists() and [p.name for p in target.parent.iterdir()] == [".pulling"]
    monkeypatch.undo()
    assert pull(place, "run", target) and contents(target) == contents(folder)


def test_a_push_that_fails_leaves_the_old_state_and_is_made_up_for(place, folder, storage, tmp_path):
    short = Bucket("gs://runs/path", patience_seconds=0.1)
    writer = Writer(short, "run")
    writer.push(folder)
    (folder / "metrics.jsonl").write_text("1\n2\n")
    storage.trouble = Trouble(down=True)
    with pytest.raises(BucketDown):
        writer.push(folder)
    storage.trouble = Trouble()
    assert read_file(place, "run", "metrics.jsonl") == b"1\n"
    writer.push(folder)
    assert read_file(place, "run", "metrics.jsonl") == b"1\n2\n"


def test_a_swap_whose_answer_was_lost_for_good_does_not_make_its_writer_stop(place, folder, storage, monkeypatch):
    writer = Writer(place, "run")
    writer.push(folder)
    swap = Bucket.swap

    def lost(self, name, content, generation):
        swap(self, name, content, generation)
        raise BucketDown("its answer was lost")

    monkeypatch.setattr(Bucket, "swap", lost)
    (folder / "config.yaml").write_text("seed: 3\n")
    with pytest.raises(BucketDown):
        writer.push(folder)
    monkeypatch.undo()
    writer.push(folder)
    assert read_file(place, "run", "config.yaml") == b"seed: 3\n"


def damage(storage, change):
    content = json.loads(storage.objects["path/run/manifest.json"].content)
    change(content)
    storage.put("path/run/manifest.json", json.dumps(content).encode())


def test_a_damaged_run_is_refused_with_its_name_and_never_appears(place, folder, storage, tmp_path):
    def check(message):
        with pytest.raises(ConfigError, match=message):
            pull(place, "run", tmp_path / "copy")
        assert not (tmp_path / "copy").exists()

    Writer(place, "run").push(folder, release=True)
    (name, *_) = storage.names("files")
    good = storage.objects[name].content
    storage.put(name, good + b"x")
    check("gs://runs/path/run: is damaged .*differs from its SHA-256.*push or train it anew")
    del storage.objects[name]
    check("an object that its manifest names is missing")
    storage.put(name, good)
    damage(storage, lambda content: content["files"].update({"../x": content["files"]["config.yaml"]}))
    check(r"names '\.\./x', outside of the run")
    damage(storage, lambda content: content.update(files=[]))
    check("manifest.json: files: ")
    storage.put("path/run/manifest.json", b"{")
    check("manifest.json is no JSON")
