"""Every command that writes refuses a place that cannot be written, in one line and with 65."""

import pytest

from envs import __main__ as envs
from flexrl import collect, dataset, export, html_report, render, runs, train
from launch import sweep
from tests.flexrl.runs import TINY

NOWHERE = "/proc/nope"  # which nobody can make, not even root
COMMANDS = {
    "train": (train, [*TINY, "--workspace", NOWHERE]),
    "collect": (collect, ["parent", "--tier", "expert", "--out", f"{NOWHERE}/data"]),
    "export": (export, ["parent", "--out", f"{NOWHERE}/policy"]),
    "html_report": (html_report, ["parent", "--out", f"{NOWHERE}/report.html"]),
    "render": (render, ["parent", "--out", f"{NOWHERE}/x.gif"]),
    "compare": (runs, ["compare", "parent", "child", "--out", f"{NOWHERE}/x.png"]),
    "merge": (dataset, ["merge", "one", "other", "--out", f"{NOWHERE}/data"]),
    "preview": (envs, ["preview", "Hopper-v5", "--out", f"{NOWHERE}/x.png"]),
    "submit": (sweep, ["submit", "examples/humanoid_sweep.yaml", "--workspace", NOWHERE]),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_place_that_cannot_be_written_is_refused_in_one_line(name, trained, capsys):
    command, arguments = COMMANDS[name]
    known = [] if name in ("train", "merge", "preview", "submit") else ["--workspace", str(trained)]
    with pytest.raises(SystemExit) as end:
        command.main([*arguments, *known])
    line = capsys.readouterr().err
    assert end.value.code == 65 and line.count("\n") == 1 and NOWHERE in line, line
    assert "cannot be written (No such file or directory); name a place that can be written by --" in line
