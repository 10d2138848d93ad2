"""The list of commands, the help of the training, the commands that go on, and the doctor."""

import re
import subprocess
import sys
import threading
import tomllib
from pathlib import Path

import pytest

from flexrl import __main__ as front
from flexrl import doctor, train
from flexrl.cli import checkup
from flexrl.cli.train_help import SHORT_HELP
from flexrl.common.tables import clock, command_line, say, say_if_slow
from flexrl.training.preemption import way_on

ROOT = Path(__file__).parents[2]


def run(monkeypatch, capsys, *arguments):
    """What `flexrl` prints, and its exit code."""
    monkeypatch.setattr(sys, "argv", ["flexrl", *arguments])
    code = 0
    try:
        front.main()
    except SystemExit as end:
        code = end.code or 0
    return code, *capsys.readouterr()


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_without_a_command_all_are_listed_in_groups(monkeypatch, capsys, arguments):
    code, out, _ = run(monkeypatch, capsys, *arguments)
    assert code == 0 and len(out.splitlines()) <= 60 and max(map(len, out.splitlines())) <= 80
    for title, group in front.GROUPS.items():
        assert f"\n{title}\n" in out
        assert all(re.search(rf"^  {command.name} +{re.escape(command.text)}$", out, re.M) for command in group)


def test_every_command_of_the_package_is_listed():
    programs = [file for file in (ROOT / "flexrl").glob("*.py") if '__name__ == "__main__"' in file.read_text()]
    modules = {f"flexrl.{file.stem}" for file in programs if file.stem != "__main__"}
    listed = {command.module for command in front.COMMANDS.values()}
    in_rooms = {"envs", "flexrl.hub", "flexrl.policies.states", "launch.pipeline", "launch.sweep"}
    assert modules | in_rooms == listed


@pytest.mark.filterwarnings("ignore:.*found in sys.modules")  # other tests have imported the commands
def test_a_command_is_run_with_the_rest_of_the_line(monkeypatch, capsys):
    code, out, err = run(monkeypatch, capsys, "runs", "show", "nobody", "--workspace", "nowhere")
    assert code == 65 and "nobody" in err and not out
    code, out, _ = run(monkeypatch, capsys, "html-report", "--help")
    assert code == 0 and "usage: python -m flexrl.html_report" in out


def test_an_unknown_command_is_refused_with_the_likely_one(monkeypatch, capsys):
    code, _, err = run(monkeypatch, capsys, "trian")
    assert code == 65 and err.startswith("error: command: 'trian' is unknown; did you mean 'train'? known: train,")


def test_the_console_script_is_the_same_program():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, function = scripts["flexrl"].partition(":")
    assert getattr(sys.modules[module], function) is front.main


def test_the_help_of_the_training_fits_a_screen_and_imports_nothing_slow():
    program = "import sys; from flexrl.train import main; main(['--help']); print('jax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    *help_lines, imported = done.stdout.splitlines()
    assert len(help_lines) <= 60 and imported == "False"
    assert "\n".join(help_lines) == SHORT_HELP


def test_every_flag_of_the_short_help_is_one_of_the_training(capsys):
    with pytest.raises(SystemExit) as end:
        train.main(["--help-all", "--algo", "bc", "--env", "humanoid-walk", "--profile", "cpu"])
    whole = capsys.readouterr().out
    with pytest.raises(SystemExit):
        train.main(["--help-all", "--profile", "cpu"])
    whole += capsys.readouterr().out
    assert end.value.code == 0 and "Attributes:" not in whole
    parsed_before = {"--config", "--resume", "--pause-after", "--help-all", "--task.FIELD", "--randomization.FIELD"}
    for flag in set(re.findall(r"--[\w.-]+\w", SHORT_HELP)) - parsed_before:
        assert re.search(rf"{re.escape(flag)}\b", whole), flag


def test_a_stopped_training_names_the_command_that_goes_on(monkeypatch):
    monkeypatch.setattr(sys, "executable", str(Path.cwd() / ".venv" / "bin" / "python"))
    assert way_on(["--seed", "1"], Path("workspace/a run"), 1) == (
        ".venv/bin/python -m flexrl.train --resume 'workspace/a run'"
    )
    assert way_on(["--members", "a.yaml", "b.yaml"], Path("x"), 1) == (
        ".venv/bin/python -m flexrl.train --members a.yaml b.yaml"
    )
    assert "on each host" in way_on([], Path("x"), 2)
    monkeypatch.setattr(sys, "executable", "/elsewhere/python3.11")
    assert command_line("flexrl.runs", "list") == "/elsewhere/python3.11 -m flexrl.runs list"


def test_a_slow_command_says_what_it_does_and_a_fast_one_does_not(monkeypatch, capsys):
    said = threading.Event()
    with monkeypatch.context() as patch:
        patch.setattr("flexrl.common.tables.SLOW", 0.01)
        patch.setattr("flexrl.common.tables.say", lambda text: (say(text), said.set()))
        with say_if_slow("reading"):
            assert said.wait(60)
    assert capsys.readouterr().err == "reading ...\n"
    monkeypatch.setattr("flexrl.common.tables.SLOW", 60.0)
    with say_if_slow("reading"):
        pass
    assert capsys.readouterr().err == ""


def test_durations_are_told_as_on_a_clock():
    assert [clock(seconds) for seconds in (0, 59.6, 61, 3600, 86_399)] == [
        "0:00",
        "1:00",
        "1:01",
        "1:00:00",
        "23:59:59",
    ]


def test_the_doctor_finds_this_machine_fit(tmp_path, capsys):
    doctor.main(["--workspace", str(tmp_path)])
    out = capsys.readouterr().out
    for name in ("Python", "packages", "JAX", "driver", "MuJoCo", "OpenGL", "processor", "memory", "disk", "cache"):
        assert re.search(rf"^(ok|note) +{name} ", out, re.M), out


def test_the_doctor_ends_with_1_and_says_what_to_do_if_something_is_broken(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(checkup, "NO_DISK", 1e18)
    with pytest.raises(SystemExit) as end:
        doctor.main(["--workspace", str(tmp_path)])
    out = capsys.readouterr().out
    assert end.value.code == doctor.EXIT_BROKEN
    assert re.search(r"^broken +disk .*\n +-> free space, or choose another --workspace", out, re.M)
    assert "1 of 10 checks found something broken" in out


def test_the_doctor_tells_a_check_that_fails_itself_from_one_that_passes(monkeypatch, tmp_path):
    monkeypatch.setattr(checkup, "MODEL", "<mujoco><nonsense/></mujoco>")
    found = {finding.name: finding for finding in checkup.findings(str(tmp_path))}
    assert found["MuJoCo"].state == "broken" and "XML Error" in found["MuJoCo"].text
    assert found["Python"].state == "ok"


def test_the_doctor_names_packages_of_other_versions(monkeypatch):
    monkeypatch.setattr(
        checkup.importlib.metadata, "requires", lambda name: ["jax>=99", "no-such-package", "x; extra == 'y'"]
    )
    found = checkup.packages()
    assert found.state == "broken"
    assert re.search(r"jax is [\d.]+, not >=99, no-such-package is missing", found.text)


def test_the_doctor_notes_what_only_training_lacks(monkeypatch):
    monkeypatch.setattr(
        checkup.importlib.metadata, "requires", lambda name: ["jax", "no-such-package; extra == 'train'"]
    )
    found = checkup.packages()
    assert found.state == "note" and "of the extra train, no-such-package is missing" in found.text
    assert "pip install 'flex-rl[train]'" in found.advice
