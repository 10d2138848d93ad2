"""What Terraform's outputs put into a sweep, and which sweeps fit no pool."""

import dataclasses
import json

import pytest

from flexrl.common.errors import ConfigError
from launch.kubernetes.terraform_outputs import placed, read_cloud
from launch.plan.sweep_file import Cluster, Gpu, Resources, load_sweep
from tests.launch.sweeps import write

POOL = {"max_nodes": 2, "cpu": 8, "memory_gib": 30, "gpu_kind": "nvidia-l4", "gpus": 1}
POOLS = {
    "l4-spot": POOL | {"provisioning": "spot", "node_selector": {"pool": "l4-spot"}},
    "cores": POOL | {"provisioning": "on-demand", "gpu_kind": None, "gpus": 0, "node_selector": {"pool": "cores"}},
}
LAUNCH = {
    "context": "gke_p_z_c",
    "namespace": "flexrl",
    "image": "host/flexrl:1",
    "queue": "trials",
    "volume_claim": "workspace",
    "service_account": "flexrl-trial",
    "bucket": "runs",
    "pools": POOLS,
}


@pytest.fixture
def cloud(tmp_path):
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps({"launch": {"value": LAUNCH}, "cluster": {"value": "c"}}))
    return read_cloud(file)


@pytest.fixture
def sweep_with(tmp_path):
    sweep, _ = load_sweep(write(tmp_path))
    return lambda resources, cluster=None: dataclasses.replace(sweep, resources=resources, cluster=cluster)


def resources(**changed):
    return Resources(**({"cpu": "4", "memory": "8Gi", "spot": True, "gpu": Gpu(count=1, kind="nvidia-l4")} | changed))


def test_a_sweep_gets_the_clusters_values_and_a_pool(cloud, sweep_with):
    cluster = placed(sweep_with(resources()), cloud).cluster
    assert (cluster.image, cluster.queue, cluster.namespace) == ("host/flexrl:1", "trials", "flexrl")
    assert cluster.node_selector == {"pool": "l4-spot"} and cluster.service_account == "flexrl-trial"
    none = resources(spot=False, gpu=Gpu(count=0))
    assert placed(sweep_with(none), cloud).cluster.node_selector == {"pool": "cores"}


def test_an_image_by_digest_stays(cloud, sweep_with):
    named = Cluster(image="mine@sha256:ab", volume_claim="x")
    cluster = placed(sweep_with(resources(), named), cloud).cluster
    assert cluster.image == "mine@sha256:ab" and cluster.volume_claim == "workspace"


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"gpu": Gpu(count=1, kind="nvidia-h100-80gb")}, "resources.gpu.kind: 'nvidia-h100-80gb' is in no pool"),
        ({"spot": False}, "resources.spot: false, but the pools that fit"),
        ({"cpu": "8"}, "do not fit on a pool's 2 nodes of 1 GPUs, 8 cores and 30Gi"),
        ({"memory": "64Gi"}, "do not fit"),
    ],
)
def test_what_no_pool_has_is_refused_before_anything_is_sent(cloud, sweep_with, changed, line):
    with pytest.raises(ConfigError, match=line) as error:
        placed(sweep_with(resources(**changed)), cloud)
    assert "\n" not in str(error.value)


def test_outputs_of_something_else_are_refused(tmp_path):
    file = tmp_path / "outputs.json"
    file.write_text("{}")
    with pytest.raises(ConfigError, match="has no output 'launch'; apply the configuration first"):
        read_cloud(file)
    file.write_text(json.dumps({"launch": {"value": LAUNCH | {"pools": 3}}}))
    with pytest.raises(ConfigError, match="pools"):
        read_cloud(file)
