import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flexrl.common.errors import ConfigError
from launch.show.results import collate, draw, write_results
from launch.show.tables import print_ranking
from tests.launch import sweeps

AXES = {"algorithm.learning_rate": [1e-4, 1e-2], "algorithm.activation": ["elu", "swish"]}


@pytest.fixture
def trials(tmp_path):
    """Four trials, of which the last has no result."""
    trials = sweeps.trials(tmp_path, grid=AXES)
    for trial in trials[:3]:
        trial.folder.mkdir(parents=True)
        result = {"config_hash": trial.key, "name": trial.key, "return_mean": 10.0 * trial.number}
        (trial.folder / "result.json").write_text(json.dumps(result | {"timing": {"seconds": 2.5}}))
    return trials


def test_results_stand_beside_the_values_of_their_axes(tmp_path, trials):
    rows, missing = collate(trials)
    assert missing == [trials[3]]
    table, _, picture = write_results(rows, trials, tmp_path / "out", "tiny")
    found = list(csv.DictReader(table.open()))
    assert [row["return_mean"] for row in found] == ["10.0", "20.0", "30.0"]
    assert [row["algorithm.activation"] for row in found] == ["elu", "swish", "elu"]
    assert [float(row["algorithm.learning_rate"]) for row in found] == [1e-4, 1e-4, 1e-2]
    assert found[0]["timing.seconds"] == "2.5"
    assert picture.stat().st_size > 1000


def test_parquet_has_the_same_rows_with_their_types(tmp_path, trials):
    rows, _ = collate(trials)
    rows[1] |= {"stopped_early": "why", "algorithm.layers": [8, 8], "mixed": 1, "none": None}
    rows[2] |= {"mixed": 2.5, "odd": True}
    rows[0]["odd"] = "text"
    table = pq.read_table(write_results(rows, trials, tmp_path / "out", "tiny")[1])
    assert table.column_names == list(csv.DictReader((tmp_path / "out" / "results.csv").open()).fieldnames)
    assert table["trial"].to_pylist() == [1, 2, 3]
    assert table["algorithm.learning_rate"].to_pylist() == [1e-4, 1e-4, 1e-2]
    assert table["return_mean"].type == table["mixed"].type == pa.float64()
    assert table["mixed"].to_pylist() == [None, 1.0, 2.5]
    assert table["stopped_early"].to_pylist() == [None, "why", None]
    assert table["algorithm.layers"].to_pylist() == [None, "[8, 8]", None]
    assert table["odd"].to_pylist() == ["text", None, "true"] and table["none"].null_count == 3


def test_each_axis_has_a_panel_with_the_mean_of_its_trials(trials):
    panels = draw(collate(trials)[0], list(AXES)).axes
    rate, activation = panels[:2]
    assert rate.get_xscale() == "log"
    assert [list(line.get_ydata()) for line in rate.lines] == [[10, 20, 30], [15, 30]]
    assert [list(line.get_ydata()) for line in activation.lines] == [[10, 20, 30], [20, 20]]
    assert [label.get_text() for label in activation.get_xticklabels()] == ["elu", "swish"]


def test_seeds_are_names_and_no_numbers(trials):
    rows = [row | {"seed": row["trial"]} for row in collate(trials)[0]]
    assert [label.get_text() for label in draw(rows, ["seed"]).axes[0].get_xticklabels()] == ["1", "2", "3"]


def test_without_any_result_there_is_nothing_to_collate(tmp_path, trials):
    with pytest.raises(ConfigError, match="no trial has one yet"):
        write_results([], trials, tmp_path / "out", "tiny")


def test_results_of_another_sweep_are_not_overwritten(tmp_path, trials):
    rows, _ = collate(trials)
    write_results(rows, trials, tmp_path / "out", "tiny")
    write_results(rows, trials, tmp_path / "out", "tiny")
    with pytest.raises(ConfigError, match=r"out: .*out holds results of the sweep 'tiny'; choose another folder"):
        write_results(rows, trials, tmp_path / "out", "other")


def test_a_ranking_has_the_best_first_with_the_values_that_differ(trials, capsys):
    rows, _ = collate(trials)
    rows[1]["return_interval"] = 1.5
    print_ranking(rows, trials, everything=False)
    table = [
        line.split() for line in capsys.readouterr().out.splitlines() if line.split()[:1] and line.split()[0].isdigit()
    ]
    assert [line[:2] for line in table] == [["1", "3"], ["2", "2"], ["3", "1"]]
    assert table[1][3:] == ["0.0001", "swish", "20", "±", "1.5", "-"]
