"""The workflows of GitHub Actions call only commands, targets, files and jobs that exist."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from tests.docs.test_pages import TARGETS, wrong_program, wrong_targets

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def jobs(workflow: Path) -> dict[str, dict]:
    return yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]


def steps(workflow: Path) -> list[dict]:
    return [step for job in jobs(workflow).values() for step in job["steps"]]


def commands(workflow: Path) -> list[str]:
    return [line for step in steps(workflow) for line in step.get("run", "").splitlines()]


def problems(command: str) -> list[str]:
    """Return what is wrong with a line of a shell: its program, its targets, and the files that it names."""
    found = wrong_program(command, whole=True) + wrong_targets(command)
    first, *rest = shlex.split(command)
    if first not in ("make", ".venv/bin/python") and not (ROOT / first).is_file():
        found.append(f"{command}: no program {first}")
    words = [word for argument in rest for word in argument.partition("=")[2].split()]
    return found + [f"{command}: no {word}" for word in words if "/" in word and not (ROOT / word).exists()]


def recipe(target: str) -> str:
    """Return the lines of a target of the Makefile, and of those that it needs."""
    rule = re.search(rf"^{target}:([^\n=]*)\n((?:\t.*\n)*)", MAKEFILE, re.MULTILINE)
    assert rule is not None
    return "".join(recipe(needed) for needed in rule[1].split() if needed in TARGETS - {"setup"}) + rule[2]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.name)
def test_commands_of_a_workflow_exist(workflow):
    assert commands(workflow)
    assert [problem for command in commands(workflow) for problem in problems(command)] == []


@pytest.mark.parametrize(
    "command", ["make no-such-target", "python -m flexrl.nowhere", ".ci/walk", 'make test ARGS="tests/no/where"']
)
def test_a_wrong_command_of_a_workflow_is_noticed(command):
    assert problems(command)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.name)
def test_jobs_have_a_limit_and_wait_for_jobs_that_exist(workflow):
    for job in jobs(workflow).values():
        assert job["timeout-minutes"] <= 120 and job.get("needs", next(iter(jobs(workflow)))) in jobs(workflow)
        assert all(("uses" in step) != ("run" in step) for step in job["steps"])
        assert all(re.search(r"@v\d+$", step["uses"]) for step in job["steps"] if "uses" in step)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.name)
def test_choices_of_a_workflow_are_files_that_exist(workflow):
    trigger = yaml.safe_load(workflow.read_text(encoding="utf-8"))[True]  # YAML reads the key `on` as true
    inputs = ((trigger.get("workflow_dispatch") or {}).get("inputs") or {}).values()
    assert [option for each in inputs for option in each.get("options", []) if not (ROOT / option).exists()] == []


def test_a_release_deploys_the_site_with_the_page_that_runs_the_pretrained_policy():
    release = ROOT / ".github/workflows/release.yml"
    (upload,) = [step for step in steps(release) if step.get("uses", "").startswith("actions/upload-pages-artifact@")]
    assert commands(release) == ["make pages"]
    made = recipe("pages")
    site = re.search(r"^site_dir: (\S+)", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert site is not None and upload["with"]["path"] == f"{site[1]}/"
    assert "mkdocs build --strict" in made and "npm install" in made
    export = re.search(r"python -m flexrl.export (\S+) --out (\S+) --format web", made)
    assert export is not None and (ROOT / export[1] / "config.yaml").is_file() and export[2] == f"{site[1]}/play"
    assert made.index("mkdocs build") < made.index("flexrl.export")  # which empties the site's folder first
    assert wrong_program(export[0], whole=True) == []
    deploy = jobs(release)["deploy"]
    assert deploy["needs"] == "build" and deploy["permissions"] == {"pages": "write", "id-token": "write"}
    assert [step["uses"] for step in deploy["steps"]] == ["actions/deploy-pages@v4"]
