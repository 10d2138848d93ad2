"""Looking at runs, whole and damaged."""

import dataclasses
import fcntl
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from flexrl.cli.arguments import parse
from flexrl.reporting.comparison import compare, differing_fields
from flexrl.reporting.curves import Curve, draw_returns, read_curve
from flexrl.runs import main
from flexrl.storage.run_folder import RunFolder
from flexrl.storage.run_view import read_run, read_runs
from flexrl.training.members import member_configs
from tests.flexrl import runs

EXPORTED = Path(__file__).parents[2] / "pretrained" / "humanoid-skills"


@pytest.fixture
def look(capsys):
    """What a command prints."""

    def run(*arguments):
        main([str(argument) for argument in arguments])
        return capsys.readouterr().out

    return run


@pytest.fixture
def copy(trained, tmp_path):
    """A run's folder that may be changed."""
    shutil.copytree(trained / "parent", tmp_path / "parent")
    return tmp_path / "parent"


def test_a_list_names_every_run_with_its_state_and_returns(trained, look):
    listed = {row["name"]: row for row in json.loads(look("list", "--json", "--workspace", trained))}
    assert listed.keys() == {"parent", "child"}
    evaluations = [row["evaluation/return_mean"] for row in runs.rows(trained / "parent" / "evaluations.jsonl")]
    assert listed["parent"] == {
        **{"name": "parent", "env": "humanoid-walk", "algo": "ppo", "seed": 0, "state": "finished"},
        **{"control_steps": 960, "total_steps": 960, "problems": [], "parent": None, "values": None},
        **{"last_return": evaluations[-1], "best_return": max(evaluations)},
        "final_return": json.loads((trained / "parent" / "result.json").read_text())["return_mean"],
    }
    assert listed["child"]["parent"].startswith("parent:")
    table = look("list", "--workspace", trained)
    assert "parent" in table and "finished" in table and "problems" not in table


def test_a_run_without_a_result_is_running_while_its_lock_is_held(copy):
    (copy / "result.json").unlink()
    assert read_run(copy).state == "stopped"
    with (copy / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert read_run(copy).state == "running"
    assert read_run(copy).state == "stopped"
    assert read_run(EXPORTED).state == "exported"


DAMAGES = {
    "config.yaml": ("seed: [1\n", "config.yaml: "),
    "metadata.json": ("[]", "metadata.json: must hold a mapping"),
    "result.json": ('{"name": "par', "result.json: "),
    "metrics.jsonl": ('{"step": 1}\n', "metrics.jsonl: the last line lacks control_steps"),
    "evaluations.jsonl": ('{"step": 1}\n\0\n', "evaluations.jsonl: "),
    "checkpoints/../evaluations.jsonl": ("3\n", "evaluations.jsonl: line 1 lacks step"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_run_is_listed_with_what_is_wrong(copy, look, name):
    text, problem = DAMAGES[name]
    (copy / name).write_text(text)
    (listed,) = json.loads(look("list", "--json", "--workspace", copy.parent))
    assert len(listed["problems"]) == 1 and listed["problems"][0].startswith(problem)
    assert problem.partition(":")[0] in look("list", "--workspace", copy.parent)


def test_bytes_that_are_no_text_and_a_row_that_was_cut_short_do_not_stop_the_list(copy):
    (copy / "config.yaml").write_bytes(b"\xff\xfe\x00")
    with (copy / "metrics.jsonl").open("a") as file:
        file.write('{"step": 31, "control')
    record = read_run(copy)
    assert len(record.problems) == 1 and record.control_steps == 960


def test_half_written_folders_are_listed_and_others_are_not(tmp_path):
    for name in ("begun", "unrelated"):
        (tmp_path / name).mkdir()
    (tmp_path / "begun" / "lock").touch()
    (tmp_path / "file").touch()
    (record,) = read_runs(tmp_path)
    assert (record.name, record.state, record.problems) == ("begun", "stopped", ("config.yaml: is missing",))


def test_show_says_what_was_chosen_and_what_came_of_it(trained, look):
    shown = json.loads(look("show", "parent", "--json", "--workspace", trained))
    assert shown["differences"]["algorithm.policy_layers"] == [[8], [64, 64, 64]]
    assert "name" not in shown["differences"] and "algorithm.discount" not in shown["differences"]
    assert shown["metadata"] == json.loads((trained / "parent" / "metadata.json").read_text())
    assert shown["result"]["iterations"] == runs.ITERATIONS and len(shown["evaluations"]) == 3
    assert "algorithm.policy_layers" in look("show", "parent", "--workspace", trained)


def test_show_of_a_task_that_is_gone_shows_the_whole_config(copy, look):
    (copy / "config.yaml").write_text((copy / "config.yaml").read_text().replace("humanoid-walk", "gone.py:Task"))
    shown = json.loads(look("show", copy, "--json"))
    assert shown["differences"]["algorithm.discount"] == [0.99, None]
    assert any("defaults: " in problem and "gone.py" in problem for problem in shown["problems"])


def test_seconds_of_a_curve_are_those_of_the_result(trained):
    curve = read_curve(read_run(trained / "parent"))
    result = json.loads((trained / "parent" / "result.json").read_text())
    assert curve.seconds[-1] == pytest.approx(result["timing"]["seconds"])
    assert curve.control_steps == [320, 640, 960]


def test_a_run_is_compared_by_when_it_first_had_a_part_of_the_best_of_all():
    slow = Curve("slow", [10, 20, 30], [1.0, 2.0, 3.0], [0.0, 50.0, 100.0], [0.0] * 3, final=97.0)
    fast = Curve("fast", [10, 20, 30], [2.0, 4.0, 6.0], [60.0, 89.0, 40.0], [0.0] * 3)
    assert compare([slow, fast]) == [
        {
            **{"name": "slow", "last_return": 100.0, "best_return": 100.0, "final_return": 97.0},
            **{"steps_to_50_percent": 20, "seconds_to_50_percent": 2.0},
            **{"steps_to_90_percent": 30, "seconds_to_90_percent": 3.0},
        },
        {
            **{"name": "fast", "last_return": 40.0, "best_return": 89.0, "final_return": None},
            **{"steps_to_50_percent": 10, "seconds_to_50_percent": 2.0},
            **{"steps_to_90_percent": None, "seconds_to_90_percent": None},
        },
    ]
    assert compare([Curve("bad", [10], [1.0], [-5.0], [0.0])])[0]["steps_to_50_percent"] is None


def test_goals_that_are_reached_are_drawn_if_all_runs_have_goals():
    with_goal = Curve("goal", [10, 20], [1.0, 2.0], [0.0, 5.0], [0.0, 0.0], [0.25, 0.75])
    without = Curve("walk", [10, 20], [1.0, 2.0], [0.0, 5.0], [0.0, 0.0])
    *_, success = draw_returns([with_goal]).axes
    np.testing.assert_array_equal(success.lines[0].get_ydata(), [0.25, 0.75])
    assert len(draw_returns([with_goal, without]).axes) == 2


def test_compare_prints_what_differs_and_draws(trained, look, tmp_path):
    out = tmp_path / "pictures" / "compare.png"
    printed = look("compare", "parent", "child", "--workspace", trained, "--out", out)
    assert "steps to 50 percent" in printed and "total_steps" in printed and "num_envs" not in printed
    assert out.read_bytes().startswith(b"\x89PNG")
    fields = differing_fields([read_run(trained / name) for name in ("parent", "child")])
    assert fields["seed"] == [0, 1] and fields.keys() == {"seed", "total_steps", "parent"}


def test_lineage_names_parents_and_children_also_where_the_parent_is_gone(trained, look, tmp_path):
    above, below = look("lineage", "child", "--workspace", trained).splitlines()
    assert above.startswith("parent: finished") and below.startswith("  * child from iteration ")
    assert look("lineage", "parent", "--workspace", trained).startswith("* parent: finished")
    assert "\n  child from iteration " in look("lineage", "parent", "--workspace", trained)
    shutil.copytree(trained / "child", tmp_path / "child")
    orphan = look("lineage", "child", "--workspace", tmp_path).splitlines()
    assert orphan[0].startswith("parent:") and orphan[0].endswith("(not there)") and orphan[1].startswith("  * child")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["show", "nobody"], "'nobody'"),
        (["compare", "parent", "--out", "x.txt"], "out: 'x.txt' must end in .png"),
        (["lineage"], "run"),
        (["remove"], "remove"),
        (["list", "--workspace", "nowhere"], "workspace: nowhere is no folder"),
    ],
)
def test_a_bad_command_line_ends_with_65_and_one_line(trained, monkeypatch, capsys, arguments, named):
    monkeypatch.chdir(trained)
    with pytest.raises(SystemExit) as end:
        main(arguments)
    err = capsys.readouterr().err
    assert end.value.code == 65 and named in err and err.count("\n") == 1


def test_a_run_without_evaluation_is_not_compared(copy, capsys):
    (copy / "evaluations.jsonl").unlink()
    with pytest.raises(SystemExit) as end:
        main(["compare", str(copy)])
    assert end.value.code == 65 and "has no evaluation" in capsys.readouterr().err


@pytest.mark.parametrize("flags", [["--num-seeds", "2"], ["--vary", "learning-rate=1e-3,1e-4"]])
def test_of_several_runs_in_one_training_each_is_listed(tmp_path, flags):
    config = parse([*runs.TINY, "--workspace", str(tmp_path), "--name", "group", *flags]).config
    members = member_configs(config)
    for each in (config, *members, dataclasses.replace(members[0], workspace=str(tmp_path), name="alone")):
        RunFolder(each.folder).start(each, [])
    (members[0].folder / "checkpoints").mkdir()
    assert [record.name for record in read_runs(tmp_path)] == ["alone", *sorted(f"group/{m.name}" for m in members)]


def test_a_group_without_any_member_is_listed_itself(tmp_path):
    (tmp_path / "group").mkdir()
    (tmp_path / "group" / "config.yaml").write_text("num_seeds: 2\n")
    assert [record.name for record in read_runs(tmp_path)] == ["group"]
