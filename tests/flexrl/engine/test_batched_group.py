"""A group that trains and is evaluated as one batch, as on an accelerator."""

import jax
import pytest

from flexrl.train import main
from tests.flexrl.runs import TINY, outcome


@pytest.mark.slow
def test_members_of_one_batch_are_evaluated_as_they_would_be_alone(tmp_path, monkeypatch):
    """Sums are made in another order, so not to the bit."""
    vary = ["--physics", "native", "--vary", "task.forward-weight=1,8"]
    main([*TINY, "--workspace", str(tmp_path), "--name", "one-by-one", *vary])
    with monkeypatch.context() as patch, jax.debug_key_reuse(False):  # it takes the keys that vmap moves for used ones
        patch.setattr(jax, "default_backend", lambda: "gpu")
        main([*TINY, "--workspace", str(tmp_path), "--name", "batch", *vary])
    for member in ("task.forward_weight-1-seed-0", "task.forward_weight-8-seed-0"):
        alone, batched = (outcome(tmp_path / name / member) for name in ("one-by-one", "batch"))
        for row, expected in zip(batched["evaluations"], alone["evaluations"], strict=True):
            assert row == pytest.approx(expected, rel=0.02, abs=1e-3)
        assert batched["result"]["evaluation"]["stream"] == "final"
