"""Imports point one way: `envs <- algos <- flexrl <- launch <- benchmarks`."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ALLOWED = {
    "envs": (),
    "algos": ("envs.types", "envs.worlds.vector", "envs.worlds.shards", "envs.errors"),
    "flexrl": ("envs", "algos"),
    "launch": ("envs", "algos", "flexrl"),
    "benchmarks": ("envs", "algos", "flexrl", "launch"),
}


def imported_names(source: str) -> set[str]:
    """Dotted names that a source imports, at any depth of it."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def turned_round(room: str, source: str) -> list[str]:
    """Imports that a file of this room may not have."""
    others = (name for name in imported_names(source) if name.split(".")[0] in ALLOWED.keys() - {room})
    return sorted(name for name in others if not f"{name}.".startswith(tuple(f"{x}." for x in ALLOWED[room])))


@pytest.mark.parametrize("room", ALLOWED)
def test_imports_point_one_way(room):
    wrong = {str(path): turned_round(room, path.read_text()) for path in (ROOT / room).rglob("*.py")}
    assert {path: names for path, names in wrong.items() if names} == {}


def test_one_file_of_launch_talks_to_kubernetes():
    files = [path for room in ALLOWED for path in (ROOT / room).rglob("*.py")]
    users = [f for f in files if any(name.split(".")[0] == "kubernetes" for name in imported_names(f.read_text()))]
    assert len(users) <= 1 and all(path.parent == ROOT / "launch" for path in users)


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("envs", "import algos.ppo.learner"),
        ("envs", "def late():\n    from flexrl import engine"),
        ("algos", "from envs.physics import make_physics"),
        ("algos", "from envs import models"),
        ("algos", "import envs"),
        ("flexrl", "import numpy, launch.sweep as sweep"),
        ("launch", "from benchmarks.throughput import main"),
    ],
)
def test_a_wrong_import_is_found(room, source):
    assert turned_round(room, source)


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("envs", "from envs.types import Env\nimport jax"),
        ("algos", "from envs.types import Env\nfrom envs import vector"),
        ("flexrl", "import envs.physics, algos"),
        ("benchmarks", "from launch import sweep"),
    ],
)
def test_a_right_import_is_let_pass(room, source):
    assert not turned_round(room, source)
