"""Results say which commit they are of, and those that are kept are of a whole one."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks import report
from flexrl.common.errors import ConfigError
from flexrl.storage import provenance as machine


@dataclass(frozen=True)
class Config:
    out: Path | None = None
    commit: str | None = None


def git(folder, *arguments):
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository with one commit, taken for ours."""
    folder = tmp_path / "checkout"
    (folder / report.RESULTS).mkdir(parents=True)
    (folder / "code.py").write_text("1\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    for module in (report, machine):
        monkeypatch.setattr(module, "REPOSITORY", folder)
    return folder


def change(folder):
    (folder / "code.py").write_text("2\n")


def add(folder):
    (folder / "more.py").write_text("3\n")


def test_a_result_of_a_whole_commit_names_it(checkout):
    (checkout / report.RESULTS / "earlier.json").write_text("{}")  # results do not count
    assert report.header(Config())["git"] == {"commit": git(checkout, "rev-parse", "HEAD"), "changed": False}


@pytest.mark.parametrize(("differ", "name"), [(change, "code.py"), (add, "more.py")])
def test_files_that_differ_from_the_commit_are_refused_where_results_are_kept(checkout, differ, name):
    differ(checkout)
    for out in (None, checkout / report.RESULTS / "mine.json"):
        with pytest.raises(ConfigError, match=f"^out: benchmarks/results keeps .* {name} are not as in commit .*--out"):
            report.header(Config(out))


def test_elsewhere_a_result_says_that_it_is_of_no_commit(checkout, tmp_path, capsys):
    change(checkout)
    add(checkout)
    assert report.header(Config(tmp_path / "mine.json"))["git"]["changed"] is True
    assert "dirty: code.py and 1 more are not as in commit " in capsys.readouterr().err


def test_without_a_checkout_the_commit_must_be_named(tmp_path, monkeypatch):
    for module in (report, machine):
        monkeypatch.setattr(module, "REPOSITORY", tmp_path)
    with pytest.raises(ConfigError, match="^out: benchmarks/results .* --commit"):
        report.header(Config())
    assert report.header(Config(commit="abc"))["git"] == {"commit": "abc", "changed": None}
    assert report.header(Config(tmp_path / "mine.json"))["git"] == {"commit": None, "changed": None}


def test_a_benchmark_that_is_refused_ends_at_once_with_65_and_one_line(tmp_path):
    """In this very source, of which a copy is no checkout."""
    import shutil
    import sys

    for room in ("benchmarks", "flexrl", "envs", "algos"):
        ignored = shutil.ignore_patterns("__pycache__", "results")
        shutil.copytree(machine.REPOSITORY / room, tmp_path / room, ignore=ignored)
    command = [sys.executable, "-m", "benchmarks.tasks", "--envs", "Hopper-v5"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 65 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: out: benchmarks/results keeps results whose commit is known")
