"""Imports point one way: between the packages, between the rooms of a package, and between a room's files."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ALLOWED = {  # by package, what it may import of others
    "envs": (),
    "algos": ("envs.types", "envs.worlds.vector", "envs.worlds.shards", "envs.errors"),
    "flexrl": ("envs", "algos"),
    "launch": ("envs", "algos", "flexrl"),
    "benchmarks": ("envs", "algos", "flexrl", "launch"),
}
ROOMS = {  # by package, folders and files from the lowest to the highest: each imports only from those before it
    "envs": [
        *("types", "errors", "limits", "success", "places", "built_in", "physics", "robots", "worlds", "task", "tasks"),
        "check",
        "imported",
        *("registry", "view", "bridges", "__main__"),
    ],
    "algos": ["common", "ppo", "bc", "dt", "registry"],
    "flexrl": [
        *("common", "config", "storage", "data", "tracking", "reporting", "engine", "policies", "language"),
        *("execution", "serving", "web", "training", "hub", "cli"),
        "COMMANDS",
    ],
    "launch": [
        *("exits", "plan", "attempt", "search", "show", "backend", "local", "kubernetes", "pipelines", "commands"),
        "COMMANDS",
    ],
}
MAX_FILES, MAX_FLOORS = 15, 8  # of a folder


def modules() -> dict[str, Path]:
    """Every file of the packages, by its dotted name."""
    files = (file for package in ALLOWED for file in (ROOT / package).rglob("*.py"))
    return {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


MODULES = modules()


def imported_names(source: str) -> set[str]:
    """Dotted names that a source imports, at any depth of it."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def imports() -> dict[str, set[str]]:
    """The modules of ours that each module imports."""

    def known(name: str) -> str:
        return name if name in MODULES else name.rpartition(".")[0]

    found = {name: {known(x) for x in imported_names(file.read_text())} for name, file in MODULES.items()}
    return {name: (others & MODULES.keys()) - {name} for name, others in found.items()}


IMPORTS = imports()


def room_of(module: str) -> str:
    """The folder or file of its package that a module belongs to."""
    package, *rest = module.split(".")
    if not rest:
        return ROOMS[package][-1]  # `__init__.py`: empty, or the package's interface, which nothing within it imports
    return rest[0] if rest[0] in ROOMS[package] else "COMMANDS"


def turned_round(package: str, source: str) -> list[str]:
    """Imports from other packages that a file of this package may not have."""
    others = (name for name in imported_names(source) if name.split(".")[0] in ALLOWED.keys() - {package})
    return sorted(name for name in others if not f"{name}.".startswith(tuple(f"{x}." for x in ALLOWED[package])))


def upward(package: str, imports: dict[str, set[str]]) -> list[str]:
    """Imports inside a package from a room that stands above, or from one command by another."""

    def arrows() -> Iterator[str]:
        order = ROOMS[package]
        for name, others in imports.items():
            for other in others if name.startswith(f"{package}.") else ():
                if not other.startswith(f"{package}."):
                    continue
                mine, its = order.index(room_of(name)), order.index(room_of(other))
                if its > mine or order[its] == order[mine] == "COMMANDS":
                    yield f"{name} -> {other}"

    return sorted(arrows())


def floors(folder: Path, imports: dict[str, set[str]]) -> int:
    """The longest chain of imports between the files of a folder.

    Raises:
      RecursionError: if they import one another in a circle.
    """
    names = {name for name, file in MODULES.items() if file.parent == folder}
    heights: dict[str, int] = {}

    def height(name: str) -> int:
        if name not in heights:
            heights[name] = 1 + max((height(other) for other in imports[name] & names), default=0)
        return heights[name]

    return max(map(height, names))


FOLDERS = sorted({file.parent for file in MODULES.values()})


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_between_packages_point_one_way(package):
    wrong = {str(path): turned_round(package, path.read_text()) for path in (ROOT / package).rglob("*.py")}
    assert {path: names for path, names in wrong.items() if names} == {}


@pytest.mark.parametrize("package", ROOMS)
def test_a_room_imports_from_those_below_it(package):
    assert upward(package, IMPORTS) == []


@pytest.mark.parametrize("package", ROOMS)
def test_every_room_that_is_named_is_there(package):
    there = {room_of(name) for name in MODULES if name.startswith(f"{package}.")}
    assert there == set(ROOMS[package])


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_a_folder_is_small_and_its_files_form_no_circle(folder):
    if folder.is_relative_to(ROOT / "benchmarks"):
        pytest.skip("programs side by side")
    assert len([name for name in folder.glob("*.py") if name.name != "__init__.py"]) <= MAX_FILES
    assert floors(folder, IMPORTS) <= MAX_FLOORS


def test_a_circle_and_an_arrow_that_points_up_are_found():
    circle = IMPORTS | {
        "flexrl.common.errors": {"flexrl.common.files"},
        "flexrl.common.files": {"flexrl.common.errors"},
    }
    with pytest.raises(RecursionError):
        floors(ROOT / "flexrl" / "common", circle)
    up = IMPORTS | {"flexrl.common.errors": {"flexrl.engine.engine"}, "flexrl.render": {"flexrl.evaluate"}}
    assert upward("flexrl", up) == [
        "flexrl.common.errors -> flexrl.engine.engine",
        "flexrl.render -> flexrl.evaluate",
    ]


@pytest.mark.parametrize(
    ("library", "file"), [("kubernetes", "launch.kubernetes.client"), ("optuna", "launch.search.proposer")]
)
def test_one_file_of_launch_talks_to(library, file):
    assert [name for name, path in MODULES.items() if library in tops(path.read_text())] == [file]


def tops(source: str) -> set[str]:
    """Packages that a source imports."""
    return {name.split(".")[0] for name in imported_names(source)}


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("envs", "import algos.ppo"),
        ("envs", "def late():\n    from flexrl import engine"),
        ("algos", "from envs.physics import make_physics"),
        ("algos", "from envs import models"),
        ("algos", "import envs"),
        ("flexrl", "import numpy, launch.sweep as sweep"),
        ("launch", "from benchmarks.throughput import main"),
    ],
)
def test_a_wrong_import_is_found(package, source):
    assert turned_round(package, source)


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("envs", "from envs.types import Env\nimport jax"),
        ("algos", "from envs.types import Env\nfrom envs.worlds import vector"),
        ("flexrl", "import envs.physics, algos"),
        ("benchmarks", "from launch import sweep"),
    ],
)
def test_a_right_import_is_let_pass(package, source):
    assert not turned_round(package, source)
