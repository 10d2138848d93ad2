"""The table of offline methods: what it states, and that it goes on."""

import dataclasses
import json

import pytest

from benchmarks import methods
from benchmarks.methods import METHODS, MethodsConfig
from flexrl.common.errors import ConfigError
from flexrl.data.dataset_folder import write_dataset
from tests.flexrl.episodes import expert

NARROW = "{num_envs: 8, algorithm: {num_updates: 1, batch_size: 2, context_length: 2, num_layers: 1, embed_size: 8}}"


def test_an_interval_is_of_the_mean_over_seeds():
    found = methods._summary([1.0, 2.0, 3.0])
    assert found["mean"] == 2.0
    assert found["interval"] == pytest.approx(4.303 / 3**0.5, rel=1e-3)  # Student's t with two degrees of freedom
    assert methods._summary([1.0]) == {"mean": 1.0, "interval": None}


@pytest.mark.slow
def test_each_method_has_a_row_and_nothing_is_learnt_twice(tmp_path):
    recording = expert()
    data, dt = tmp_path / "data", tmp_path / "dt.yaml"
    write_dataset(data, recording.episodes, recording.minari_metadata, recording.provenance)
    dt.write_text(NARROW)
    config = MethodsConfig(
        "humanoid-skills", data, (0.0, 100.0), dt, 3, 2, 1, 2, tmp_path / "runs", tmp_path / "found.json"
    )
    methods.main(config)
    report = json.loads((tmp_path / "found.json").read_text())
    assert [each["method"] for each in report["results"]] == list(METHODS)
    asked, achieved = zip(*report["asked"][0], strict=True)
    assert asked[0] == 0.0 and asked[4] == pytest.approx(report["data"]["max"]) and len(set(achieved)) > 1
    assert (tmp_path / "found.png").exists()
    with pytest.raises(ConfigError, match="is a run of other settings"):
        methods.learn(dataclasses.replace(config, updates=4), "DT", 0)
    before = (tmp_path / "runs" / methods.name_of(config, "DT", 0) / "result.json").stat().st_mtime_ns
    assert methods.learn(config, "DT", 0)["steps"] == 3 * 2 * 2
    assert (tmp_path / "runs" / methods.name_of(config, "DT", 0) / "result.json").stat().st_mtime_ns == before
