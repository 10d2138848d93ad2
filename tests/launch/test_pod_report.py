import dataclasses

import pytest

from launch.pod_report import MAX_BYTES, PodReport, decode, encode, last_line, line
from launch.states import Progress

REPORT = PodReport(Progress("done", 2, 1, 3.5, 0, ""), 960, -1.5, {"return_mean": -1.5, "config_hash": "ab"})


def test_a_report_comes_back_as_it_was_sent():
    assert decode(encode(REPORT)) == REPORT


def test_what_is_too_long_goes_without_the_result_and_with_the_beginning_of_the_reason():
    long = dataclasses.replace(REPORT, progress=Progress("failed", reason="é" * 9000), result={"a": "x" * MAX_BYTES})
    text = encode(long)
    assert len(text.encode()) <= MAX_BYTES
    found = decode(text)
    assert found is not None and found.result is None and found.steps == 960
    assert found.progress.reason and long.progress.reason.startswith(found.progress.reason)


@pytest.mark.parametrize("text", [None, "", "Killed", "3", '["a"]', '{"progress": 3}', encode(REPORT)[:-5]])
def test_what_is_no_report_is_none(text):
    assert decode(text) is None


def test_the_last_line_of_a_log_says_how_far_a_trial_is():
    log = f"{line(3, 'ab12', 40, None)}\nsomething\n{line(3, 'ab12', 80, -2.25)}\niteration 7\n"
    assert last_line(log) == (80, -2.25)
    assert last_line(line(3, "ab12", 40, None)) == (40, None)
    assert last_line("iteration 7\n") == (0, None)
