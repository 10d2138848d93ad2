import pytest

from flexrl.common.errors import ConfigError
from flexrl.storage.rows import MetricsFile, read_rows


def write_steps(path, steps):
    file = MetricsFile(path, [])
    for step in steps:
        file.write({"step": step, "x": step / 2})


def test_rows_past_the_checkpoint_are_cut_and_written_anew(tmp_path):
    path = tmp_path / "metrics.jsonl"
    write_steps(path, [1, 2, 3, 4])
    file = MetricsFile(path, [1, 2])
    file.write({"step": 3, "x": -1.0})
    assert read_rows(path) == [{"step": 1, "x": 0.5}, {"step": 2, "x": 1.0}, {"step": 3, "x": -1.0}]


def test_a_row_that_a_crash_cut_short_is_left_out(tmp_path):
    path = tmp_path / "metrics.jsonl"
    write_steps(path, [1, 2, 3])
    path.write_text(path.read_text()[:-4])
    assert [row["step"] for row in MetricsFile(path, [1, 2]).rows] == [1, 2]


def test_a_missing_row_is_refused(tmp_path):
    path = tmp_path / "metrics.jsonl"
    write_steps(path, [1, 3])
    with pytest.raises(ConfigError, match=r"metrics.jsonl: lacks rows"):
        MetricsFile(path, [1, 2, 3])
