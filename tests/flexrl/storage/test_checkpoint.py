import errno
import json
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from flexrl.common.errors import CheckpointError
from flexrl.storage.checkpoint import Checkpoints


def tree(fill):
    return {
        "params": {"kernel": jnp.full((3, 2), fill, jnp.float32), "bias": jnp.arange(2.0)},
        "key": jax.random.key(int(fill)),
        "count": jnp.array(int(fill), jnp.int32),
        "flags": jnp.array([True, False]),
        "nothing": jnp.zeros((4, 0)),
    }


def as_data(tree):
    return [np.asarray(jax.random.key_data(x) if "key" in str(x.dtype) else x) for x in jax.tree.leaves(tree)]


def assert_same(a, b):
    for x, y in zip(as_data(a), as_data(b), strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)


def save(checkpoints, step, score):
    checkpoints.save(step, tree(step))
    if score is not None:
        checkpoints.note_score(step, score)


@pytest.fixture
def saved(tmp_path):
    """Checkpoints of steps 1 to 3, of which 1 scored best."""
    checkpoints = Checkpoints(tmp_path, keep=2)
    for step, score in ((1, 5.0), (2, 4.0), (3, None)):
        save(checkpoints, step, score)
    checkpoints.wait()
    return checkpoints, tmp_path / "checkpoints"


def test_a_whole_tree_comes_back_to_the_bit(saved):
    checkpoints, _ = saved
    step, restored = checkpoints.restore(jax.eval_shape(lambda: tree(0)))
    assert step == 3
    assert_same(restored, tree(3))


def test_the_newest_and_the_best_are_kept(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=2)
    for step, score in ((1, 1.0), (2, 9.0), (3, 3.0), (4, 4.0), (5, 5.0)):
        save(checkpoints, step, score)
    checkpoints.wait()
    assert checkpoints.steps() == [2, 4, 5]
    assert checkpoints.best() == {"step": 2, "score": 9.0}


def test_a_save_copies_before_the_buffers_are_reused(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    overwrite = jax.jit(lambda x: x * 0 - 1, donate_argnums=0)
    run = {"x": jnp.full((1000, 1000), 7.0)}
    checkpoints.save(1, run)
    overwrite(run["x"]).block_until_ready()
    checkpoints.wait()
    _, restored = checkpoints.restore({"x": jax.ShapeDtypeStruct((1000, 1000), jnp.float32)})
    assert (restored["x"] == 7).all()


def test_what_is_saved_already_is_neither_copied_nor_written_again(saved):
    checkpoints, folder = saved
    manifest = (folder / "3" / "manifest.json").stat().st_mtime_ns
    gone = jnp.zeros(3)
    gone.delete()
    checkpoints.save(3, {"x": gone})  # a copy of it would raise
    checkpoints.wait()
    assert (folder / "3" / "manifest.json").stat().st_mtime_ns == manifest


def test_of_equal_scores_the_first_is_best_and_noting_one_twice_changes_nothing(saved):
    checkpoints, _ = saved
    for step, score in ((1, 5.0), (2, 4.0), (3, 5.0)):
        checkpoints.note_score(step, score)
    checkpoints.wait()
    assert checkpoints.best() == {"step": 1, "score": 5.0}


def test_a_score_of_a_step_whose_save_failed_is_not_best(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    (tmp_path / "checkpoints").touch()  # no folder can be made in it
    checkpoints.save(1, tree(1))
    checkpoints.note_score(1, 5.0)
    with pytest.raises(OSError):
        checkpoints.wait()
    checkpoints.close()
    assert checkpoints.best() is None


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGES = {
    "flipped": flip,
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-2]),
    "emptied": lambda path: path.write_bytes(b""),
    "deleted": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damage_to_any_file_is_noticed_and_the_one_before_is_used(saved, damage, capsys):
    checkpoints, folder = saved
    copy = folder.parent / "copy"
    shutil.copytree(folder / "3", copy)
    files = sorted(p.relative_to(copy) for p in copy.rglob("*") if p.is_file())
    assert len(files) > 3
    for file in files:
        shutil.rmtree(folder / "3")
        shutil.copytree(copy, folder / "3")
        damage(folder / "3" / file)
        step, restored = checkpoints.restore(tree(0))
        assert step == 2, file
        assert_same(restored, tree(2))
        message = capsys.readouterr().err
        assert "checkpoint 3 is damaged" in message
        assert "trying the one before" in message


EDITS = {
    "leaves": lambda content: content["leaves"].update({"count": [[], "float32"]}),
    "files": lambda content: content["files"].popitem(),
    "step": lambda content: content.update(step=2),
    "seal": lambda content: content.update(seal="0" * 64),
    "more": lambda content: content.update(more=1),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_a_manifest_that_was_edited_is_noticed_and_the_checkpoint_before_is_used(saved, edit, capsys):
    checkpoints, folder = saved
    manifest = folder / "3" / "manifest.json"
    content = json.loads(manifest.read_text())
    edit(content)
    manifest.write_text(json.dumps(content))
    assert not checkpoints.is_intact(3)
    assert checkpoints.restore(tree(0))[0] == 2
    assert "checkpoint 3 is damaged" in (err := capsys.readouterr().err)
    assert "manifest.json was changed after it was written" in err


def test_when_all_are_damaged_nothing_starts_silently_at_zero(saved):
    checkpoints, folder = saved
    for manifest in folder.glob("*/manifest.json"):
        manifest.unlink()
    with pytest.raises(CheckpointError, match="no intact checkpoint"):
        checkpoints.restore(tree(0))


def test_only_a_first_save_that_never_ended_is_no_damage(saved):
    checkpoints, folder = saved
    assert not checkpoints.no_save_ended()
    shutil.rmtree(folder / "2")
    shutil.rmtree(folder / "1", ignore_errors=True)
    assert not checkpoints.no_save_ended()
    (folder / "3" / "manifest.json").unlink()
    assert checkpoints.no_save_ended()


def test_foreign_folders_are_no_checkpoints(saved):
    checkpoints, folder = saved
    (folder / "9").mkdir()
    (folder / "note").mkdir()
    (folder / "8").symlink_to(folder / "2")
    assert 8 not in checkpoints.steps()
    assert checkpoints.restore(tree(0))[0] == 3


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            lambda t: {**t, "params": {**t["params"], "kernel": jnp.zeros((3, 5))}},
            r"params.kernel must have shape \(3, 5\)",
        ),
        (lambda t: {**t, "count": jnp.zeros(())}, "count must have shape .* float32"),
        (lambda t: {**t, "more": jnp.zeros(2)}, "more must have .* nothing of that name"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused_with_the_leaf(saved, change, named):
    checkpoints, _ = saved
    with pytest.raises(CheckpointError, match=named):
        checkpoints.restore(change(tree(0)))


def test_a_part_can_be_restored(saved):
    checkpoints, _ = saved
    _, restored = checkpoints.restore({"params": {"kernel": jax.ShapeDtypeStruct((3, 2), jnp.float32)}})
    assert (restored["params"]["kernel"] == 3).all()


def test_going_back_forgets_later_steps_and_a_later_best(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=9)
    for step, score in ((1, 1.0), (2, 2.0), (3, 3.0)):
        save(checkpoints, step, score)
    checkpoints.wait()
    checkpoints.forget_after(1)
    assert checkpoints.steps() == [1]
    assert checkpoints.best() is None


def test_a_failed_save_is_raised_at_the_next_and_the_older_ones_stay(saved, monkeypatch):
    checkpoints, folder = saved

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("flexrl.storage.checkpoint.write_manifest", full)
    checkpoints.save(4, tree(4))
    with pytest.raises(OSError, match="No space left"):
        checkpoints.wait()
    assert checkpoints.restore(tree(0))[0] == 3


def test_a_save_that_would_fill_the_disk_is_refused_before_it_begins(saved, monkeypatch):
    checkpoints, _ = saved
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    checkpoints.save(4, tree(4))
    with pytest.raises(OSError, match="1,000 bytes are free") as refused:
        checkpoints.wait()
    assert refused.value.errno == errno.ENOSPC
    assert checkpoints.restore(tree(0))[0] == 3
