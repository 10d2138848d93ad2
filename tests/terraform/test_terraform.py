"""`terraform/` is well formed, valid, and passes its own tests, with Terraform itself and a mocked provider.

Where the Google provider cannot be downloaded, `offline_provider` tells Terraform the names and types of its resources.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.terraform.offline_provider import serving

FOLDER = Path(__file__).parents[2] / "terraform"
pytestmark = pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed: NOT CHECKED")


@pytest.fixture
def terraform(tmp_path):
    """Terraform in a copy of the folder, so that nothing is left in the original."""
    copy = shutil.copytree(FOLDER, tmp_path / "terraform", ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
    with serving(tmp_path) as provider:

        def run(*arguments):
            return subprocess.run(
                ["terraform", *arguments, "-no-color"],
                cwd=copy,
                env=os.environ | provider,
                capture_output=True,
                text=True,
                check=False,
            )

        assert run("init", "-backend=false").returncode == 0
        yield run, copy


def change(path, old, new):
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new))


def test_every_file_is_formatted():
    found = subprocess.run(
        ["terraform", "fmt", "-check", "-recursive", str(FOLDER)], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout


def test_the_module_is_valid_and_passes_its_tests(terraform):
    run, _ = terraform
    assert (valid := run("validate")).returncode == 0, valid.stderr
    found = run("test")
    assert found.returncode == 0, found.stdout + found.stderr
    assert int(re.search(r"(\d+) passed, 0 failed", found.stdout)[1]) >= 17


def test_a_misspelt_attribute_is_found(terraform):
    run, copy = terraform
    change(copy / "cluster.tf", "deletion_protection", "deletion_protektion")
    found = run("validate")
    assert found.returncode != 0 and "deletion_protektion" in found.stderr


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("cluster.tf", "enable_private_nodes", "# enable_private_nodes"),
        ("gpu_pools.tf", "GKE_METADATA", "GCE_METADATA"),
        ("pools.tf", "GKE_METADATA", "GCE_METADATA"),
        ("gpu_pools.tf", "ANY", "BALANCED"),
    ],
)
def test_a_deliberate_fault_fails_the_tests(terraform, file, old, new):
    run, copy = terraform
    change(copy / file, old, new)
    assert run("test").returncode != 0
