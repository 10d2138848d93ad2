"""The README and the pages of `docs/` name only commands, flags, targets, files and messages that exist."""

import re
import shlex
from pathlib import Path

import griffe
import pytest

from docs.hooks import api, commands, fields, repository
from flexrl.__main__ import COMMANDS
from tests.images.test_recipes import pins

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TARGETS = set(
    " ".join(re.findall(r"^([\w. -]+?):(?!=)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)).split()
)
PROGRAM = re.compile(r"(?:^|[\s`])(?:\.venv/bin/)?python -m ([\w.]+)(.*)")
CONSOLE = re.compile(r"^(?:\.venv/bin/)?flexrl ([a-z_]+)(.*)")


def lines_of_code(page: Path) -> list[str]:
    """Return the lines in blocks of code, with continued lines joined and comments removed."""
    text = re.sub(r"\\\n\s*", "", page.read_text(encoding="utf-8"))
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    indented = [
        line for line in text.splitlines() if line.startswith("    ") and not line.strip().startswith(("-", "|"))
    ]
    lines = [line for block in blocks for line in block.splitlines()] + indented
    return [re.sub(r"(^|\s)#\s.*", "", line).strip() for line in lines]


def spans(page: Path) -> list[str]:
    """Return the texts between backticks in a page's prose."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S))


def problems(page: Path) -> list[str]:
    """Return what is wrong with the commands of a page."""
    found = []
    for line in lines_of_code(page):
        for part in line.split("&&"):
            found += wrong_program(part, whole=True) + wrong_targets(part)
    for span in spans(page):
        found += wrong_program(span, whole=False) + wrong_targets(span)
    return found


def wrong_program(text: str, *, whole: bool) -> list[str]:
    """Check one command. In prose a command may stand without the arguments that it needs."""
    if console := CONSOLE.search(text.strip()):
        if console[1] not in COMMANDS:
            return [f"{text.strip()}: no command {console[1]}"]
        text = f"python -m {COMMANDS[console[1]].module}{console[2]}"
    if (match := PROGRAM.search(text)) is None:
        return []
    module, arguments = match[1], shlex.split(match[2].partition(";")[0])
    if not whole and not any(word.startswith("-") for word in arguments):
        arguments = ["--help"]
    if any("..." in word or "|" in word for word in arguments):
        arguments = ["--help"]
    problem = commands.problem(module, arguments)
    return [f"{text.strip()}: {problem}"] if problem else []


def wrong_targets(text: str) -> list[str]:
    """Return the targets of a call of `make` that the Makefile does not have."""
    words = text.split()
    if not words or words[0] != "make":
        return []
    named = [word for word in words[1:] if re.fullmatch(r"[a-z0-9-]+", word)]
    return [f"{text}: no target {word}" for word in named if word not in TARGETS]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_of_a_page_exist_and_know_their_flags(page):
    assert problems(page) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_of_a_page_lead_to_files_or_to_generated_pages(page):
    generated = ("reference/", "api/")

    def is_there(address: str) -> bool:
        target = (page.parent / address).resolve()
        inside = target.is_relative_to(ROOT / "docs")
        return target.exists() or (inside and str(target.relative_to(ROOT / "docs")).startswith(generated))

    assert [address for address in repository.links(page.read_text(encoding="utf-8")) if not is_there(address)] == []


def test_messages_under_troubleshooting_are_those_of_the_code():
    page = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)
    packages = ("flexrl", "envs", "algos", "launch")
    code = "\n".join(file.read_text(encoding="utf-8") for name in packages for file in (ROOT / name).rglob("*.py"))
    code = re.sub(r'"\s*\n\s*f?"', "", code)  # texts that go on in the next line
    pieces = [piece.strip(" ;,") for row in rows if " " in row for piece in row.split("...")]
    wanted = [piece for piece in pieces if len(piece) > 3]
    assert len(wanted) > 30
    assert [piece for piece in wanted if piece not in code and piece not in KUBERNETES] == []


KUBERNETES = ("exceeded quota", "the Job is suspended")  # words of the cluster, or put together


@pytest.mark.parametrize(
    ("module", "arguments", "problem"),
    [
        ("flexrl.train", ["--env", "humanoid-walk", "--task.target-speed", "2.0"], None),
        ("flexrl.train", ["--task.no-such-field", "2.0"], "unknown flags ['--task.no-such-field']"),
        ("flexrl.evaluate", ["RUN", "--episode", "3"], "unknown flags ['--episode']"),
        ("launch.sweep", ["submit", "sweep.yaml", "--pack", "2"], None),
        ("flexrl.no_such_command", [], "no module flexrl.no_such_command"),
    ],
)
def test_a_wrong_command_is_noticed(module, arguments, problem):
    assert commands.problem(module, arguments) == problem


def test_a_wrong_argument_of_a_subcommand_is_noticed():
    assert "sumbit" in (commands.problem("launch.sweep", ["sumbit", "sweep.yaml"]) or "")


def test_the_site_and_the_tests_are_locked_at_the_same_versions_as_runs():
    docs = pins("requirements-docs.lock")
    assert {"mkdocs", "mkdocs-material", "mkdocstrings-python", "nbclient"} <= docs.keys()
    for lock in ("requirements.lock", "requirements-dev.lock"):
        assert {name: found for name, found in pins(lock).items() if name in docs and docs[name] != found} == {}


def test_every_command_has_a_page_with_its_flags():
    pages = {module: commands.page(module) for module in commands.modules()}
    assert {"flexrl.train", "flexrl.instruct", "launch.sweep", "envs"} <= set(pages)
    bare = {
        module for module in pages if commands.command(module).parser is None and not commands.command(module).fields
    }
    assert bare == {"launch.stage"}  # which pods call, with one argument
    assert "`--early-stop.max-minutes`" in pages["flexrl.train"]
    assert "| `--follow`, `-f` |" in pages["launch.sweep"]
    assert [module for module, text in pages.items() if str(ROOT) in text] == []


def test_docstrings_are_read_without_a_warning_which_would_stop_the_strict_build(caplog):
    def read(item):
        if item.docstring:
            assert item.docstring.parse("google", warn_unknown_params=False, warn_missing_types=False) is not None
        for member in item.members.values():
            if not member.is_alias:
                read(member)

    for package in api.PACKAGES:
        read(griffe.load(package, search_paths=[ROOT], allow_inspection=False))
    assert [record.getMessage() for record in caplog.records if record.name.startswith("griffe")] == []


def test_fields_have_the_texts_and_defaults_of_their_dataclass():
    from algos.ppo.config import PPOConfig
    from launch.plan.sweep_file import Sweep

    found = {field.name: field for field in fields.fields_of(PPOConfig, prefix="algorithm.")}
    rate = found["algorithm.final_learning_rate"]
    assert (rate.kind, rate.default) == ("number or null", "null")
    assert rate.text.startswith("learning rate at the end of a linear decay")
    assert found["algorithm.symmetric"].flags == ["--algorithm.symmetric", "--algorithm.no-symmetric"]
    assert {"resources.gpu.kind", "cluster.image", "random.fields.FIELD.choice"} <= {
        f.name for f in fields.fields_of(Sweep)
    }


def test_no_field_of_a_config_lacks_a_text():
    from algos.registry import ALGORITHMS
    from envs.built_in import BUILT_IN
    from envs.registry import env_type
    from flexrl.config.run_config import RunConfig
    from launch.plan.sweep_file import Sweep

    kinds = [Sweep, *(entry.config for entry in ALGORITHMS.values()), *(env_type(name).Config for name in BUILT_IN)]
    found = [(kind.__name__, field) for kind in kinds for field in fields.fields_of(kind)]
    found += [("RunConfig", field) for field in fields.fields_of(RunConfig, without=("algorithm", "task"))]
    assert [f"{kind}.{field.name}" for kind, field in found if not field.text] == []


def blocks(page: str) -> list[str]:
    """Return the blocks of YAML in a page."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_the_sweeps_in_the_guide_are_whole_and_have_the_trials_that_they_say(tmp_path):
    from launch.plan.trials import load_trials

    whole, draws = blocks("guides/sweep.md")
    (tmp_path / "grid.yaml").write_text(whole, encoding="utf-8")
    (tmp_path / "random.yaml").write_text(f"name: drawn\n{draws}", encoding="utf-8")
    assert len(load_trials(tmp_path / "grid.yaml", tmp_path)[1]) == 2 * 2 * 2 * 3
    assert len(load_trials(tmp_path / "random.yaml", tmp_path)[1]) == 20


def test_the_config_and_the_resources_in_the_guides_are_valid():
    import yaml

    from flexrl.cli.arguments import with_defaults
    from flexrl.common.decoding import decode_as
    from launch.plan.sweep_file import Resources

    (config,) = blocks("guides/reward.md")
    assert with_defaults(yaml.safe_load(config) | {"profile": "cpu"}, "guide").task.target_speed == 2.0
    (resources,) = blocks("guides/gke.md")
    assert decode_as(Resources, yaml.safe_load(resources)["resources"], "guide").gpu.kind == "nvidia-l4"
