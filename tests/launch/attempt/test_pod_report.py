import dataclasses

import pytest

from launch.attempt.pod_report import MAX_BYTES, PodReport, decode, encode, last_line, line, result_line, results
from launch.kubernetes.manifests import MAX_PACK
from launch.plan.states import Progress

REPORT = PodReport("ab12", Progress("done", 2, 1, 3.5, 0, ""), 960, -1.5, {"return_mean": -1.5, "config_hash": "ab"})


def test_a_report_comes_back_as_it_was_sent():
    other = dataclasses.replace(REPORT, key="cd34", steps=3)
    text = encode([REPORT, other])
    assert (decode(text, "ab12"), decode(text, "cd34"), decode(text, "ef56")) == (REPORT, other, None)


def test_the_last_words_of_a_full_pack_name_all_of_its_trials():
    result = {f"metric_{i}": -1234.567890123456 for i in range(40)}
    progress = Progress("waiting", 10, 10, 12345.678901234567, -15, "why " * 100)
    reports = [PodReport(f"{i:016x}", progress, 10**9, -1234.567890123456, result) for i in range(MAX_PACK)]
    text = encode(reports)
    assert len(text.encode()) <= MAX_BYTES
    assert [decode(text, report.key).progress.attempts for report in reports] == [10] * MAX_PACK


def test_results_are_found_in_a_log_by_key():
    lines = [line(3, "ab12", 4, 1.0), result_line("ab12", {"a": {"b": 1.5}}), "result none", result_line("cd34", {})]
    assert results("\n".join(lines) + "\n") == {"ab12": {"a": {"b": 1.5}}, "cd34": {}}


def test_what_is_too_long_goes_without_the_result_and_with_the_beginning_of_the_reason():
    long = dataclasses.replace(REPORT, progress=Progress("failed", reason="é" * 9000), result={"a": "x" * MAX_BYTES})
    text = encode([long])
    assert len(text.encode()) <= MAX_BYTES
    found = decode(text, "ab12")
    assert found is not None and found.result is None and found.steps == 960
    assert found.progress.reason and long.progress.reason.startswith(found.progress.reason)


@pytest.mark.parametrize(
    "text", [None, "", "Killed", "3", '["a"]', '[{"key": "ab12"}]', '{"key": "ab12"}', encode([REPORT])[:-5]]
)
def test_what_is_no_report_is_none(text):
    assert decode(text, "ab12") is None


def test_the_last_line_of_a_log_says_how_far_a_trial_is():
    log = f"{line(3, 'ab12', 40, None)}\nsomething\n{line(3, 'ab12', 80, -2.25)}\n{line(4, 'cd34', 90, None)}\n"
    assert last_line(log, "ab12") == (80, -2.25)
    assert last_line(line(3, "ab12", 40, None), "ab12") == (40, None)
    assert last_line("iteration 7\n", "ab12") == (0, None)
