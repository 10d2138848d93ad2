import json

import pytest

from benchmarks.sweeps import SweepsConfig, main


@pytest.mark.slow
def test_every_command_is_timed_at_every_stage_of_a_sweep(tmp_path):
    main(SweepsConfig(seeds=1, repeats=1, out=tmp_path / "sweeps.json"))
    report = json.loads((tmp_path / "sweeps.json").read_text())
    assert report["num_trials"] == 200
    commands = [each["command"] for each in report["results"]]
    assert commands == ["plan", "plan", "submit", "status", "status", "status", "results", "status"]
    assert all(each["seconds"]["median"] > 0 < each["processor_seconds"]["median"] for each in report["results"])


def test_a_benchmark_of_no_trial_is_refused():
    with pytest.raises(ValueError, match="seeds: 0"):
        SweepsConfig(seeds=0)
