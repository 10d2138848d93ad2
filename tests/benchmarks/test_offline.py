"""What the offline benchmark counts, worked by hand."""

from types import SimpleNamespace

import pytest

from algos.dt.config import DTConfig
from benchmarks.measure import Measurement
from benchmarks.offline import OfflineConfig, result, table
from benchmarks.offline_subjects import flop_of_an_update


def test_products_of_an_update_are_counted():
    config = SimpleNamespace(
        algorithm=DTConfig(num_layers=1, embed_size=2, num_heads=1, context_length=1, batch_size=5)
    )
    weights = 2 * 6 + 2 * 2 + 2 * 8 + 8 * 2  # query, key and value; attended; widen; narrow
    attention = 2 * 3 * 3 * 2  # scores, and values by them, of three tokens
    assert flop_of_an_update(config) == 3 * 5 * 2 * (3 * weights + attention)


def test_ratios_are_ours_over_theirs_within_a_round():
    subjects = [SimpleNamespace(name=name) for name in ("ours", "theirs")]
    measured = [Measurement(s, 1, 0.0, rates) for s, rates in zip(subjects, ([2.0, 6.0], [1.0, 2.0]), strict=True)]
    case = result(measured)
    assert case["ratios"] == {"ours / theirs": {"median": 2.5, "min": 2.0, "max": 3.0}}
    assert case["rates"]["theirs"]["median"] == pytest.approx(1.5)
    assert table(OfflineConfig().parts[0], case).row_count == 3
