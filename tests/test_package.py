"""The built package: its version, its extras, and that it works where no repository is."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from flexrl.common.errors import EXTRAS

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PACKAGES = ("algos", "envs", "flexrl", "launch", "pretrained")
BUILD_SDIST = "import sys, setuptools.build_meta as m; m.build_sdist(sys.argv[1])"
LOAD = """
import importlib.abc, sys
from flexrl.common.errors import EXTRAS

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in EXTRAS:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
import numpy
import flexrl
policy = flexrl.load("pretrained/humanoid-skills")
observation = flexrl.make("humanoid-skills").reset(seed=0)[0]
action = policy(observation, goal="walk-forward")
assert numpy.isfinite(action).all()
print(flexrl.__file__, action.shape)
"""


def run(*command, cwd, code=0):
    """Run a program that sees nothing of the repository; return what it printed."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def tracked(*folders):
    """The files of the repository, as git lists them."""
    names = run("git", "ls-files", *folders, cwd=ROOT).split("\n")
    return {name for name in names if name and (ROOT / name).is_file()}


def git(folder, *arguments):
    run("git", "-c", "user.name=A", "-c", "user.email=a@b.c", *arguments, cwd=folder)


def test_the_version_is_that_of_the_newest_tag(tmp_path):
    def version():
        return run(sys.executable, "setup.py", "--version", cwd=tmp_path).splitlines()[-1]

    shutil.copy(ROOT / "setup.py", tmp_path)
    assert version() == "0.1.0"
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-qm", "First", "--allow-empty")
    git(tmp_path, "tag", "other")
    assert version() == "0.1.0"
    git(tmp_path, "tag", "v1.9.3")
    assert version() == "1.9.3"
    git(tmp_path, "commit", "-qm", "Second", "--allow-empty")
    assert re.fullmatch(r"1\.9\.4\.dev1\+g[0-9a-f]{7,}", version())
    (tmp_path / "PKG-INFO").write_text("Metadata-Version: 2.4\nName: flex-rl\nVersion: 3.2.1\n")
    assert version() == "3.2.1"


def test_a_module_that_is_missing_is_one_of_the_extra_that_is_named():
    owners = importlib.metadata.packages_distributions()
    base = {Requirement(text).name for text in PROJECT["dependencies"]}
    for module, extra in EXTRAS.items():
        names = {
            re.sub("[-_.]+", "-", distribution).lower().removesuffix("-skinny")
            for distribution in owners.get(module, [module])
        }
        needed = [Requirement(text) for text in PROJECT["optional-dependencies"][extra]]
        found = {each.name.removesuffix("-skinny") for each in needed} | {x for each in needed for x in each.extras}
        aliases = {"warp-lang": "warp", "h5py": "hdf5"}
        assert found & {aliases.get(name, name) for name in names}, (module, extra, names)
        assert not base & names


def test_the_extra_all_has_everything_but_devices_and_exports():
    optional = PROJECT["optional-dependencies"]
    (everything,) = optional["all"]
    assert Requirement(everything).extras | {"all", "cuda12", "cuda13", "export", "mlflow", "wandb"} == set(optional)


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_refuses_an_old_python_in_a_sentence(tmp_path):
    old = tmp_path / "old"
    old.write_text(f'#!/bin/sh\nshift; exec {sys.executable} -c "import sys; sys.version_info = (3, 10, 4); $1"\n')
    old.chmod(0o755)
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    for name in (*(lock.name for lock in ROOT.glob("requirements*.lock")), "pyproject.toml", "setup.py"):
        (tmp_path / name).touch()
    said = run("make", "setup", f"PYTHON={old}", cwd=tmp_path, code=2)
    assert "is Python 3.10, and flex-rl needs 3.11 or newer; name one by PYTHON=python3.11" in said
    assert not (tmp_path / ".venv").exists()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from the sdist, built from the files that git lists."""
    folder = tmp_path_factory.mktemp("package")
    for name in tracked():
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / "source" / name)
    run(sys.executable, "-c", BUILD_SDIST, folder, cwd=folder / "source")
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as file:
        file.extractall(folder, filter="data")
    source = folder / sdist.name.removesuffix(".tar.gz")
    shutil.rmtree(folder / "source")
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", source, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The `bin` folder of a new environment with the wheel, which sees this one's other packages."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "others.pth").write_text(str(Path(pytest.__file__).parents[1]) + "\n")
    bin_folder = folder / "bin"
    pip = (sys.executable, "-m", "pip", "-q", "--python", bin_folder / "python")
    run(*pip, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    return bin_folder


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_packages(wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == tracked(*PACKAGES)


@pytest.mark.slow
def test_commands_work_in_an_empty_folder(installed, tmp_path):
    assert "Try a policy" in run(installed / "flexrl", cwd=tmp_path)
    assert "ok      packages" in run(installed / "flexrl", "doctor", cwd=tmp_path)
    sizes = ("--num-envs", "8", "--algorithm.unroll-length", "4", "--algorithm.num-minibatches", "2")
    sizes += ("--total-steps", "64", "--num-evaluations", "1", "--evaluation-episodes", "2", "--no-video")
    run(installed / "flexrl", "train", "--profile", "cpu", "--name", "tiny", *sizes, cwd=tmp_path)
    assert len((tmp_path / "workspace" / "tiny" / "metrics.jsonl").read_text().splitlines()) == 2


@pytest.mark.slow
def test_the_pretrained_policy_is_found_anywhere_and_acts_without_the_extras(installed, tmp_path):
    said = run(installed / "python", "-c", LOAD, cwd=tmp_path)
    assert str(installed.parent) in said and "(17,)" in said
