"""A run's page: whole, self-contained, and there also when files are damaged."""

import json
import re
import shutil
from pathlib import Path

import pytest

from flexrl.html_report import main
from flexrl.reporting import html_page

SKILLS = Path(__file__).parents[3] / "pretrained" / "humanoid-skills" / "skills.json"


@pytest.fixture
def workspace(trained, tmp_path):
    """The trained runs, to be changed."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    return tmp_path


def report(workspace, *arguments):
    main([*arguments, "--workspace", str(workspace)])
    return (workspace / arguments[0] / "report.html").read_text()


def legend(page):
    return re.findall(r"<text[^>]*>([a-z]+)</text>", page)


def test_a_page_needs_nothing_but_itself(workspace):
    (workspace / "child" / "videos").mkdir()
    (workspace / "child" / "videos" / "final.mp4").write_bytes(b"frames")
    page = report(workspace, "child")
    assert '<video controls loop src="data:video/mp4;base64,ZnJhbWVz">' in page
    assert "<script" not in page and "@import" not in page
    targets = re.findall(r'(?:src|href)="([^"]*)"|url\(([^)]*)\)', page)
    assert targets and all((a or b).startswith(("data:", "#")) for a, b in targets)


def test_the_parents_curve_stands_beside_unless_another_is_asked_for(workspace):
    assert {"child", "parent"} <= set(legend(report(workspace, "child")))
    assert "child" not in legend(report(workspace, "parent"))
    assert {"child", "parent"} <= set(legend(report(workspace, "parent", "--compare", "child")))


def test_a_page_holds_summary_config_lineage_and_curves(workspace):
    page = report(workspace, "child")
    for text in ("<td>finished</td>", "<td>algorithm.discount</td><td>0.99</td>", "  * child from iteration", "<svg"):
        assert text in page
    assert "episode/length" in page and "policy/kl" in page and 'class="problem"' not in page
    assert "Skills" not in page and "Clips" not in page
    assert page == report(workspace, "child")


def test_skills_and_transitions_are_tables(workspace):
    shutil.copyfile(SKILLS, workspace / "parent" / "skills.json")
    page = report(workspace, "parent")
    shipped = json.loads(SKILLS.read_text())
    success = shipped["transitions"]["walk-backward"]["walk-forward"]
    diagonal = shipped["skills"]["walk-backward-right"]["success"]
    assert f"<td>walk-backward-right</td><td>{diagonal:.3g}</td>" in page
    assert f"hsl({120 * success:.0f} 60% 75%)" in page


def test_a_large_clip_is_named_and_left_out(workspace, monkeypatch):
    monkeypatch.setattr(html_page, "MAX_CLIP_BYTES", 3)
    (workspace / "parent" / "videos").mkdir()
    (workspace / "parent" / "videos" / "long.gif").write_bytes(b"four")
    page = report(workspace, "parent")
    assert "long.gif, 0.0 MB: left out" in page and "data:image/gif" not in page


@pytest.mark.parametrize("name", ["skills.json", "metrics.jsonl", "evaluations.jsonl", "result.json"])
def test_a_damaged_file_is_named_on_the_page(workspace, name):
    (workspace / "parent" / name).write_text('{"step": 1}\n{"skills"\n')
    page = report(workspace, "parent")
    assert re.search(f'class="problem">[^<]*{name}', page) and "<h2>Config</h2>" in page


def test_what_a_config_holds_is_text(workspace):
    config = workspace / "parent" / "config.yaml"
    config.write_text(config.read_text().replace("humanoid-walk", "'<script>x.py:A</script>'"))
    assert "&lt;script&gt;x.py:A" in report(workspace, "parent")


def test_a_run_that_is_not_there_is_refused(workspace, capsys):
    with pytest.raises(SystemExit) as end:
        report(workspace, "nobody")
    assert end.value.code == 65 and "'nobody'" in capsys.readouterr().err
