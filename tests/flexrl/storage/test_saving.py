"""What a run saves while it trains, and how often."""

import json
import shutil

import pytest

from flexrl.storage import checkpoint
from flexrl.train import main
from tests.flexrl.runs import ITERATIONS, TINY


def test_the_state_is_copied_once_an_iteration_also_where_it_is_evaluated(tmp_path, monkeypatch):
    copies = []

    def copied(tree):
        copies.append(tree)
        return checkpoint_leaves_of(tree)

    checkpoint_leaves_of = checkpoint.leaves_of
    monkeypatch.setattr(checkpoint, "leaves_of", copied)
    main([*TINY, "--workspace", str(tmp_path), "--name", "run"])
    assert len(copies) == ITERATIONS  # each is saved; three of them are evaluated


@pytest.mark.parametrize("left", [None, {"step": 10, "score": -1.0}])
def test_a_score_that_a_kill_left_unnoted_is_noted_on_resuming(trained, tmp_path, left):
    """Between an evaluation's row and its note in `best.json` a run can be killed."""
    shutil.copytree(trained / "parent", tmp_path / "run")
    (tmp_path / "run" / "result.json").unlink()
    best = tmp_path / "run" / "best.json"
    expected = json.loads(best.read_text())
    if left:
        best.write_text(json.dumps(left))
    else:
        best.unlink()
    main(["--resume", "run", "--workspace", str(tmp_path)])
    assert json.loads(best.read_text()) == expected
