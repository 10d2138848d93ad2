"""An exported policy is no run: it is measured, drawn and begun from, and its folder stays as it is."""

import json
import shutil
from pathlib import Path

import pytest

from flexrl import collect, export, html_report, skills, track, train
from flexrl.common.decoding import dump_yaml, load_yaml
from tests.flexrl.runs import TINY

POLICY = Path(__file__).parents[3] / "pretrained" / "humanoid-skills"


@pytest.fixture
def policy(tmp_path):
    """A copy, which has one skill to be measured."""
    folder = tmp_path / "policies" / "walker"
    shutil.copytree(POLICY, folder)
    config = load_yaml(folder / "config.yaml")
    config["task"]["skills"] = ["walk-forward"]
    (folder / "config.yaml").write_text(dump_yaml(config))
    before = content(folder)
    yield folder
    assert content(folder) == before


def content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(command, capsys, *arguments):
    """The one line with which a command refuses."""
    with pytest.raises(SystemExit) as end:
        command.main([str(argument) for argument in arguments])
    line = capsys.readouterr().err
    assert end.value.code == 65 and line.count("\n") == 1, line
    return line


def test_training_does_not_go_on_with_it(policy, capsys):
    line = refused(train, capsys, "--resume", policy)
    assert f"{policy}: holds an exported policy" in line and f"--parent {policy}" in line
    line = refused(train, capsys, "--resume", policy, "--total-steps", "1M")
    assert f"--parent {policy}" in line


def test_a_new_run_is_not_begun_in_its_place(policy, capsys, tmp_path):
    line = refused(train, capsys, *TINY, "--workspace", policy.parent, "--name", policy.name)
    assert "holds an exported policy" in line
    member = tmp_path / "member.yaml"
    member.write_text(f"name: {policy.name}\nworkspace: {policy.parent}\n")
    assert "holds an exported policy" in refused(train, capsys, "--members", member)


def test_it_has_no_rows_to_send(policy, capsys):
    assert "has no rows to send; name a run" in refused(track, capsys, policy, "--to", "mlflow")


def test_it_is_not_exported_again(policy, capsys, tmp_path):
    assert "is an exported policy already; copy the folder" in refused(export, capsys, policy, "--out", tmp_path / "x")
    assert "is there already" in refused(export, capsys, policy, "--out", policy)


def test_its_report_is_written_where_the_user_says(policy, capsys, tmp_path):
    assert "name a file by --out" in refused(html_report, capsys, policy)
    html_report.main([str(policy), "--out", str(tmp_path / "walker.html")])
    text = (tmp_path / "walker.html").read_text()
    assert "<h1>walker</h1>" in text and "Success of the skill in the column" in text


def test_a_dataset_of_it_is_not_written_over_it(policy, capsys):
    assert "is there already" in refused(collect, capsys, policy, "--tier", "expert", "--out", policy)


FEW = ["--episodes", "2", "--transition-episodes", "0"]


def test_its_skills_are_printed(policy, capsys):
    skills.main([str(policy), *FEW])
    out = capsys.readouterr().out
    assert "walk-forward" in out and "switching_with_pushes" in out and "nothing was written" in out


@pytest.mark.slow
def test_its_skills_are_written_where_the_user_says(policy, capsys, tmp_path):
    skills.main([str(policy), *FEW, "--out", str(tmp_path / "numbers" / "skills.json")])
    assert json.loads((tmp_path / "numbers" / "skills.json").read_text())["episodes"] == 2
    capsys.readouterr()
    assert "is a folder; name a file" in refused(skills, capsys, policy, "--out", tmp_path)
