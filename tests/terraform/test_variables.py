"""Bad values end in a sentence that names the variable, the value, the limit and the way out."""

import pytest

from tests.terraform.runner import needs_terraform
from tests.terraform.test_configuration import told

pytestmark = needs_terraform

SENTENCES = {
    "project=My_Project": "project: 'My_Project' is not a project ID: 6 to 30 lower-case letters",
    "name=x": "name: 'x' must be 3 to 20 lower-case letters, digits and '-'",
    "region=us-central1-a": "region: 'us-central1-a' is not a region, such as us-central1. A zone such as",
    'zones=["us-central1-a"]': "zones: [us-central1-a] must be one letter or more",
    "release_channel=regular": "release_channel: 'regular' must be RAPID, REGULAR or STABLE.",
    "kubernetes_version=1.32": "kubernetes_version: '1.32' must be 1.33 or newer, which the Jobs of launch.sweep need.",
    'authorized_networks={"all":"0.0.0.0/0"}': "a range of /0 lets the whole internet in. Leave the map empty",
    'authorized_networks={"office":"203.0.113.0"}': "authorized_networks: 203.0.113.0 is no CIDR range, such as",
    "image_tag=latest": "image_tag: 'latest' must be letters, digits, '_', '.' and '-', and not 'latest'",
    "billing_account=mine": "billing_account: must look like 012345-6789AB-CDEF01. List yours:",
    "budget=0": "budget: 0 must be a whole amount of 1 or more a month.",
    'budget_emails=["nobody"]': "budget_emails: [nobody] must be at most 5 addresses, such as team@example.com.",
    "delete_runs_after_days=0": "delete_runs_after_days: must be 1 or more, or null to keep runs.",
    'cpu_pool={"machine_type":"g2-standard-8"}': "cpu_pool.machine_type: 'g2-standard-8' is not a type without GPU in",
    'cpu_pool={"provisioning":"flex-start"}': "cpu_pool.provisioning: 'flex-start' must be on-demand or spot.",
    'cpu_pool={"max_nodes":0}': "cpu_pool.max_nodes: 0 must be a whole number from 1 to 1000.",
    'gpu_pools={"L4":{"machine_type":"g2-standard-8","max_nodes":1}}': "gpu_pools: L4: a pool's name must be 1 to 30",
    'gpu_pools={"cpu":{"machine_type":"g2-standard-8","max_nodes":1}}': "and neither cpu nor system, which are pools",
    'gpu_pools={"b":{"machine_type":"b200","max_nodes":1}}': (
        "b.machine_type 'b200' is not a type with a GPU in machines.tf; add a line there, or choose one of a2-"
    ),
    'gpu_pools={"l4":{"machine_type":"g2-standard-8","max_nodes":1,"provisioning":"cheap"}}': (
        "gpu_pools: l4.provisioning 'cheap' must be on-demand, spot or flex-start."
    ),
    'gpu_pools={"h100":{"machine_type":"a3-highgpu-1g","max_nodes":1,"provisioning":"on-demand"}}': (
        "gpu_pools: Google gives a3-highgpu-1g, -2g and -4g as spot or flex-start only; change provisioning"
    ),
    'gpu_pools={"l4":{"machine_type":"g2-standard-8","max_nodes":0}}': "gpu_pools: max_nodes of l4 (0) must be whole",
    'gpu_pools={"l4":{"machine_type":"g2-standard-8","max_nodes":1,"zones":["f"]}}': (
        "gpu_pools: zones of a pool must be some of zones (a, b, c)"
    ),
    'gpu_pools={"l4":{"machine_type":"g2-standard-8","max_nodes":1,"disk_gb":20}}': (
        "gpu_pools: disk_gb must be 50 or more"
    ),
    'gpu_pools={"l4":{"machine_type":"g2-standard-8"}}': 'attribute "max_nodes" is required',
}


@pytest.mark.parametrize("setting", SENTENCES)
def test_a_bad_value_ends_in_a_sentence(own_terraform, setting):
    code, printed = own_terraform.plan("-var", setting)
    assert code == 1
    assert SENTENCES[setting] in told(printed)


def test_parts_of_a_gpu_need_a_cluster_that_knows_them(own_terraform):
    code, printed = own_terraform.plan("-var", "kubernetes_version=1.34")
    assert code == 1
    assert "are parts of a GPU, which GKE has from 1.35.2-gke.1485000 on; raise kubernetes_version '1.34'" in told(
        printed
    )
