import json
import os
import threading
import time

from flexrl.storage.snapshot import signature, snapshot


def write(path, text):
    """Replace a file as a run does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text)
    os.replace(temporary, path)


def contents(folder, known=None):
    with snapshot(folder, known or {}) as files:
        return {path: each.file and each.file.read(each.size).decode() for path, each in files.items()}


def test_a_snapshot_has_what_belongs_to_the_run_and_whole_checkpoints(tmp_path):
    for path in ("config.yaml", "checkpoints/3/state/a", "checkpoints/3/manifest.json", "checkpoints/6/state/a"):
        write(tmp_path / path, path)
    for path in ("lock", "attempt.lock", "best.json.tmp", "seed-1/lock"):
        write(tmp_path / path, path)
    (tmp_path / "link").symlink_to(tmp_path / "config.yaml")
    assert sorted(contents(tmp_path)) == ["checkpoints/3/manifest.json", "checkpoints/3/state/a", "config.yaml"]


def test_a_file_that_is_known_stays_closed_until_it_changes(tmp_path):
    write(tmp_path / "a", "one")
    write(tmp_path / "b", "one")
    known = {name: signature(tmp_path / name) for name in ("a", "b")}
    write(tmp_path / "b", "two")
    assert contents(tmp_path, known) == {"a": None, "b": "two"}


def test_a_large_file_is_read_as_it_was_even_if_it_is_removed_or_grows(tmp_path):
    large = "x" * (3 << 20)
    write(tmp_path / "gone", large)
    write(tmp_path / "grows", large)
    with snapshot(tmp_path, {}) as files:
        (tmp_path / "gone").unlink()
        with (tmp_path / "grows").open("a") as file:
            file.write("more")
        assert {each.file.read(each.size).decode() for each in files.values()} == {large}


def test_files_of_a_snapshot_fit_together_while_they_are_replaced(tmp_path):
    """Each round writes a checkpoint, then what names it, then removes the one before, as a training does."""
    leaving = threading.Event()

    def train():
        step = 1
        while not leaving.is_set():
            for name in ("state/a", "state/b", "manifest.json"):
                write(tmp_path / "checkpoints" / str(step) / name, str(step))
            write(tmp_path / "best.json", json.dumps(step))
            if step > 1:
                for name in ("manifest.json", "state/a", "state/b"):
                    (tmp_path / "checkpoints" / str(step - 1) / name).unlink()
                (tmp_path / "checkpoints" / str(step - 1) / "state").rmdir()
                (tmp_path / "checkpoints" / str(step - 1)).rmdir()
            step += 1
            time.sleep(0.003)

    thread = threading.Thread(target=train)
    thread.start()
    seen = set()
    try:
        while len(seen) < 15:
            found = contents(tmp_path)
            best = found.get("best.json")
            for path in [path for path in found if path.endswith("manifest.json")]:
                step = path.split("/")[1]
                if step == best:
                    assert found[f"checkpoints/{step}/state/a"] == found[f"checkpoints/{step}/state/b"] == step
            assert best is None or f"checkpoints/{best}/manifest.json" in found
            seen.add(best)
    finally:
        leaving.set()
        thread.join()
