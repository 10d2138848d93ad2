"""Finished runs stay as they are, or go on to a larger total of steps."""

import json
import shutil

import pytest

from flexrl.cli.arguments import parse
from flexrl.common.errors import ConfigError
from flexrl.reporting.html_page import page
from flexrl.storage.run_folder import read_config
from flexrl.storage.run_view import read_run
from flexrl.train import main
from tests.flexrl.runs import ITERATIONS, TINY, num_rows, outcome, rows

STEPS = 8 * 4  # in an iteration
LONGER = 47
EXTENDED = ["--total-steps", str(LONGER * STEPS)]


@pytest.fixture
def finished(trained, tmp_path):
    """A run that has come to its end, which may be changed."""
    shutil.copytree(trained / "parent", tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture(scope="module")
def extended(trained, tmp_path_factory):
    """A run that went on after its end."""
    run = tmp_path_factory.mktemp("extended") / "run"
    shutil.copytree(trained / "parent", run)
    main(["--resume", str(run), *EXTENDED])
    return run


def refused(*arguments):
    with pytest.raises(ConfigError) as error:
        parse(["--resume", *map(str, arguments)])
    return str(error.value)


@pytest.mark.parametrize("flags", [[], ["--total-steps", "960"], ["--physics", "mjx-jax"], ["--pause-after", "9"]])
def test_a_finished_run_says_where_its_result_is_and_stays_as_it_is(finished, capsys, flags):
    before = {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()}
    main(["--resume", str(finished), *flags])
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert f"{finished}: is finished after 960 control steps, see {finished / 'result.json'}" in line
    assert f"--resume {finished} --total-steps N, with N above 960" in line
    assert {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()} == before


def test_a_run_goes_on_after_its_end(trained, extended):
    steps = list(range(1, LONGER + 1))
    assert [row["step"] for row in rows(extended / "metrics.jsonl")] == steps
    assert [row["step"] for row in rows(extended / "evaluations.jsonl")] == [10, 20, 30, 32, 47]
    for name in ("metrics.jsonl", "evaluations.jsonl"):
        before = rows(trained / "parent" / name)
        assert rows(extended / name)[: len(before)] == before
    config = read_config(extended)
    assert config.total_steps == LONGER * STEPS
    best = max(rows(extended / "evaluations.jsonl"), key=lambda row: row["evaluation/return_mean"])
    assert json.loads((extended / "best.json").read_text())["step"] == best["step"]
    result = json.loads((extended / "result.json").read_text())
    assert (result["iterations"], result["config_hash"]) == (LONGER, config.hash())


def test_the_earlier_total_and_its_result_are_on_record(trained, extended):
    metadata = json.loads((extended / "metadata.json").read_text())
    (change,) = metadata["totals"]
    assert (change["from"], change["to"], change["iteration"]) == (960, LONGER * STEPS, ITERATIONS)
    assert change["result"] == json.loads((trained / "parent" / "result.json").read_text())
    assert change["config_hash"] == change["result"]["config_hash"] != metadata["config_hash"]
    assert metadata["config_hash"] == read_config(extended).hash()


def test_a_report_tells_the_earlier_total(extended):
    record = read_run(extended)
    html = page(record, [], [record], {})
    assert "960 until iteration 30" in html and "damaged" not in html


def test_schedules_span_the_new_total(trained, extended):
    rate = {row["step"]: row["update/learning_rate"] for row in rows(extended / "metrics.jsonl")}
    config = read_config(extended).algorithm
    fall = config.learning_rate - config.final_learning_rate
    assert rate[ITERATIONS + 1] == pytest.approx(config.learning_rate - fall * ITERATIONS / LONGER, rel=1e-5)


def test_the_result_of_the_earlier_total_is_none_while_the_run_goes_on(extended, finished, capsys):
    for flags, code, line in (
        ([*EXTENDED, "--pause-after", "4"], 10, "paused: after evaluation 4 of 5"),
        ([*EXTENDED, "--pause-after", "4"], 10, "paused: after evaluation 4 of 5"),
    ):
        with pytest.raises(SystemExit) as end:
            main(["--resume", str(finished), *flags])
        assert end.value.code == code and line in capsys.readouterr().err
    assert num_rows(finished) == 32 and not (finished / "result.json").exists()
    record = read_run(finished)
    assert (record.state, record.control_steps, record.config["total_steps"]) == ("stopped", 32 * STEPS, LONGER * STEPS)
    main(["--resume", str(finished)])
    assert outcome(finished) == outcome(extended)
    assert len(json.loads((finished / "metadata.json").read_text())["totals"]) == 1


def test_seeds_of_one_program_go_on_together_as_each_would_alone(tmp_path):
    main([*TINY, "--workspace", str(tmp_path), "--name", "group", "--num-seeds", "2"])
    shutil.copytree(tmp_path / "group" / "seed-1", tmp_path / "alone")
    main(["--resume", str(tmp_path / "group"), *EXTENDED])
    main(["--resume", str(tmp_path / "alone"), *EXTENDED])
    assert outcome(tmp_path / "group" / "seed-1") == outcome(tmp_path / "alone")
    assert read_config(tmp_path / "group").total_steps == LONGER * STEPS
    assert "one of several runs" in refused(tmp_path / "group" / "seed-0", "--total-steps", "2k")


@pytest.mark.parametrize(
    ("total", "line"),
    [
        ("959", None),
        ("928", "total_steps: 928 is below the 960 that .* has done; choose more"),
        ("0", "total_steps: '0' must be a whole number from 1"),
        ("1.5", "total_steps: '1.5' must be a whole number from 1"),
        ("many", "total_steps: 'many' must be a whole number from 1"),
    ],
)
def test_a_total_below_what_is_done_is_refused(finished, total, line):
    if line is None:  # no iteration less
        assert parse(["--resume", str(finished), "--total-steps", total]).config.num_iterations == ITERATIONS
    else:
        with pytest.raises(ConfigError, match=line):
            parse(["--resume", str(finished), "--total-steps", total])


def test_a_run_that_stopped_early_is_not_given_more_steps(finished):
    path = finished / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"stopped_early": "return 9 has reached 8"}))
    assert "has stopped early: return 9 has reached 8; begin a new run" in refused(finished, *EXTENDED)


def test_a_trial_of_a_sweep_is_not_given_more_steps(finished):
    (finished / "trial.json").write_text("{}")
    assert "is a trial of a sweep" in refused(finished, *EXTENDED)


@pytest.mark.parametrize("damage", [{"return_mean": None}, {"config_hash": "another"}])
def test_a_result_that_is_damaged_is_written_anew(finished, damage):
    path = finished / "result.json"
    whole = json.loads(path.read_text())
    path.write_text(json.dumps(whole | damage))
    main(["--resume", str(finished)])
    assert {**json.loads(path.read_text()), "timing": None, "name": None} == {**whole, "timing": None, "name": None}


def test_other_flags_are_refused_and_help_is_given(finished, capsys):
    assert "leave out --algo --seed 3" in refused(finished, "--seed", "3", "--algo", "ppo")
    with pytest.raises(SystemExit) as end:
        parse(["--resume", str(finished), "--help"])
    assert end.value.code == 0 and "--total-steps" in capsys.readouterr().out
