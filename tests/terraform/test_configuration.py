"""Terraform's own checks of `terraform/`, and that they find what is wrong."""

import json
import re
import subprocess

import pytest

from tests.terraform.runner import FOLDER, ROOT, has_real_provider, needs_terraform

CHECKOV = ROOT / ".venv-k8s" / "bin" / "checkov"  # made by `make k8s-check`
MIN_ASSERTIONS = 30
BREAKS = {  # what is broken, the file of tests that finds it, and its sentence
    "a spot pool that is not spot": (
        *("gpu_pools.tf", 'spot             = each.value.provisioning == "spot"', "spot             = false"),
        *("pools", "Spot pools, and only they, must be spot."),
    ),
    "nodes with public addresses": (
        *("cluster.tf", "enable_private_nodes    = true", "enable_private_nodes    = false"),
        *("cluster", "Nodes must have no public addresses."),
    ),
    "the legacy metadata server": (
        *("pools.tf", 'disable-legacy-endpoints = "true"', 'disable-legacy-endpoints = "false"'),
        *("pools", "The legacy metadata server gives a node's token to any pod."),
    ),
    "a taint that no trial tolerates": (
        *("placement.tf", 'key = "nvidia.com/gpu", value = "present"', 'key = "gpu", value = "present"'),
        *("pools", "Only pods that ask for a GPU may use a GPU node."),
    ),
    "no driver": (
        *("gpu_pools.tf", 'gpu_driver_version = "LATEST"', 'gpu_driver_version = "INSTALLATION_DISABLED"'),
        *("pools", "GKE must be told to install the GPU's driver."),
    ),
    "nodes with the default account": (
        *("gpu_pools.tf", "service_account  = google_service_account.node.email", 'service_account  = "default"'),
        *("pools", "Nodes must run as their own account, not as the default one."),
    ),
    "pods that get the node's identity": (
        *("gpu_pools.tf", "GKE_METADATA", "GCE_METADATA"),
        *("pools", "Pods must get their own identity from the metadata server, not the node's."),
    ),
    "a pool that wants the same number of nodes in every zone": (
        *("gpu_pools.tf", '"ANY"', '"BALANCED"'),
        *("pools", "GPU pools must take a GPU in whichever zone has one."),
    ),
    "a flavour without its pool's taints": (
        *("queue.tf", "length(local.taints[name]) > 0 ?", "length(local.taints[name]) > 1 ?"),
        *("outputs", "Flavours must have the taints of their pools."),
    ),
    "a pool that never empties": (
        *("gpu_pools.tf", "total_min_node_count = 0", "total_min_node_count = 1"),
        *("pools", "GPU pools must be empty unless pods need them."),
    ),
}

pytestmark = needs_terraform


def told(text):
    """A text without the frames and line breaks that Terraform puts into sentences."""
    return " ".join(re.sub("[│╷╵]", " ", text).split())


def test_which_google_provider_the_tests_use():
    if not has_real_provider():
        pytest.skip(
            "THE REAL GOOGLE PROVIDER IS NOT INSTALLED (terraform -chdir=terraform init -backend=false): names and "
            "types are checked against its schema of release 6.50, but not which values Google accepts"
        )


def test_all_files_are_formatted(terraform):
    code, printed = terraform.run("fmt", "-check", "-recursive", "-diff")
    assert (code, printed) == (0, "")


@pytest.mark.parametrize("folder", [".", "state"])
def test_the_configuration_is_valid(terraform, folder):
    code, printed = terraform.run("validate", folder=folder)
    assert code == 0, printed


def test_terraforms_own_tests_pass_and_are_many(terraform):
    code, printed = terraform.run("test")
    assert code == 0, printed
    texts = [path.read_text() for path in (FOLDER / "tests").glob("*.tftest.hcl")]
    assert sum(text.count("  assert {") for text in texts) >= MIN_ASSERTIONS


@pytest.mark.parametrize("name", BREAKS)
def test_what_is_broken_fails_a_test(own_terraform, name):
    file, old, new, tests, sentence = BREAKS[name]
    own_terraform.replace(file, old, new)
    code, printed = own_terraform.run("test", f"-filter=tests/{tests}.tftest.hcl")
    assert code == 1
    assert sentence in told(printed)


def test_a_misspelt_attribute_is_named(own_terraform):
    own_terraform.replace("gpu_pools.tf", "spot             =", "spott            =")
    code, printed = own_terraform.run("validate")
    assert code == 1
    assert 'An argument named "spott" is not expected here. Did you mean "spot"?' in told(printed)


def test_a_missing_attribute_is_named(own_terraform):
    own_terraform.replace("gpu_pools.tf", "type  = local.machines[each.value.machine_type].kind", "")
    code, printed = own_terraform.run("validate")
    assert code == 1
    assert 'The argument "type" is required' in told(printed)


@pytest.mark.skipif(not CHECKOV.exists(), reason="make k8s-check installs checkov")
def test_every_failure_of_checkov_has_a_reason(tmp_path):
    command = [CHECKOV, "-d", FOLDER, "--framework", "terraform", "--skip-download", "-o", "json"]
    report = json.loads(subprocess.run(command, capture_output=True, text=True, cwd=tmp_path).stdout)
    assert report["summary"]["passed"] > 50
    assert {(each["check_id"], each["resource"]) for each in report["results"]["failed_checks"]} == set()
    assert all(len(each["check_result"]["suppress_comment"]) > 30 for each in report["results"]["skipped_checks"])
