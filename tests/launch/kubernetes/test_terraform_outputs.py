"""Sweeps on a cluster that Terraform made: what it knows is filled in, and what no pool has is refused."""

import json
import shutil

import pytest

from flexrl.common.errors import ConfigError
from launch.kubernetes import terraform_outputs
from launch.plan.sweep_file import Gpu, Resources, Sweep
from tests.launch.conftest import CLUSTER


def pool(name, kind=None, gpus=0, provisioning="on-demand", cpu=8, memory=32, max_nodes=4):
    labels = {"cloud.google.com/gke-nodepool": name}
    return {
        "provisioning": provisioning,
        "max_nodes": max_nodes,
        "cpu": cpu,
        "memory_gib": memory,
        "gpu_kind": kind,
        "gpus": gpus,
        "node_selector": labels,
    }


POOLS = {
    "cpu": pool("cpu"),
    "l4": pool("l4", "nvidia-l4", 1),
    "l4-flex": pool("l4-flex", "nvidia-l4", 1, "flex-start", cpu=4, memory=16),
    "l4-spot": pool("l4-spot", "nvidia-l4", 1, "spot"),
    "l4-pair": pool("l4-pair", "nvidia-l4", 2, cpu=24, memory=96),
    "h100-spot": pool("h100-spot", "nvidia-h100-80gb", 1, "spot", cpu=26, memory=234, max_nodes=1),
}


def outputs(**changes):
    value = {
        "context": "test",
        "namespace": "default",
        "image": "us-central1-docker.pkg.dev/my-project/flexrl/flexrl:dev",
        "queue": "flexrl",
        "volume_claim": "workspace",
        "service_account": "flexrl-trial",
        "bucket": "my-project-flexrl-runs",
        "pools": POOLS,
        **changes,
    }
    return {"launch": {"sensitive": False, "value": value}, "cluster": {"sensitive": False, "value": "flexrl"}}


@pytest.fixture
def place(tmp_path):
    """A file with the text of `terraform output -json`."""
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps(outputs()))
    return path


def gpu(count=1, kind="nvidia-l4", **fields):
    return {"gpu": {"count": count, "kind": kind}, **fields}


def chosen(place, resources):
    """The name of the pool in which such trials run."""
    cloud = terraform_outputs.read_cloud(place)
    made = Resources(**{**resources, "gpu": Gpu(**resources.get("gpu", {}))})
    sweep = terraform_outputs.on_cloud(Sweep(name="tiny", resources=made), cloud)
    selector = terraform_outputs.in_pool(sweep, cloud).cluster.node_selector
    return selector["cloud.google.com/gke-nodepool"]


@pytest.mark.parametrize(
    ("resources", "name"),
    [
        ({}, "cpu"),
        (gpu(), "l4"),
        (gpu(spot=True), "l4-spot"),
        (gpu(2), "l4-pair"),
        (gpu(cpu="20"), "l4-pair"),
        (gpu(kind=None, hosts=4), "l4"),
        (gpu(kind="nvidia-h100-80gb", spot=True), "h100-spot"),
    ],
)
def test_trials_go_to_the_smallest_pool_that_fits(tmp_path, place, resources, name):
    if resources.get("gpu", {}).get("kind", "") is None:
        place.write_text(json.dumps(outputs(pools={x: POOLS[x] for x in ("cpu", "l4", "l4-spot")})))
    assert chosen(place, resources) == name


def test_trials_that_need_a_machine_that_stays_wait_for_flex_start_if_nothing_else_is_there(place):
    place.write_text(json.dumps(outputs(pools={x: POOLS[x] for x in ("l4-flex", "l4-spot")})))
    assert chosen(place, gpu()) == "l4-flex"


@pytest.mark.parametrize(
    ("resources", "named"),
    [
        (
            gpu(kind="nvidia-b200"),
            "resources.gpu.kind: 'nvidia-b200' is in no pool; the pools have nvidia-h100-80gb, nvi",
        ),
        (
            gpu(kind=None),
            "resources.gpu.kind: is not given, and prices differ; name one of nvidia-h100-80gb, nvidia-l4",
        ),
        (gpu(kind="nvidia-h100-80gb"), "resources.spot: false, but the pools that fit (h100-spot) are spot machines"),
        ({"spot": True}, "resources.spot: true, but the pools that fit (cpu) are on machines that stay"),
        (gpu(4), "resources: 4 GPUs, 2 cores and 4Gi do not fit on a pool's 4 nodes of 2 GPUs, 24 cores and 96Gi"),
        ({"cpu": "8"}, "resources: 8 cores and 4Gi do not fit"),
        ({"memory": "32Gi"}, "resources: 2 cores and 32Gi do not fit"),
    ],
)
def test_what_no_pool_has_is_refused_before_anything_is_sent(server, on_cluster, place, resources, named):
    code, _, error = on_cluster("submit", "--from-terraform", str(place), resources=resources)
    assert code == 65 and error.startswith("error: ") and error.count("\n") == 1
    assert named in error
    assert server.requests == []


def test_a_trial_of_more_hosts_than_a_pool_has_nodes_is_refused(place):
    with pytest.raises(ConfigError, match="4Gi on each of 5 hosts do not fit on a pool's 4 nodes of 8 cores and 32Gi"):
        chosen(place, {"hosts": 5})


def test_a_submit_sends_what_terraform_knows(server, on_cluster, place):
    code, out, error = on_cluster("submit", "--from-terraform", str(place), resources=gpu(spot=True))
    assert (code, error) == (0, "") and "1 of 1 trials sent" in out
    (job,) = server.all("jobs")
    pod = job["spec"]["template"]["spec"]
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "flexrl"
    assert pod["containers"][0]["image"] == CLUSTER["image"]  # named by its digest
    assert pod["serviceAccountName"] == "flexrl-trial"
    assert pod["nodeSelector"] == {
        "cloud.google.com/gke-nodepool": "l4-spot",
        "cloud.google.com/gke-accelerator": "nvidia-l4",
        "cloud.google.com/gke-spot": "true",
    }


def test_a_sweep_without_a_cluster_section_is_sent_with_terraforms_image(server, on_cluster, place):
    assert on_cluster("submit", "--from-terraform", str(place), cluster=None)[0] == 0
    (job,) = server.all("jobs")
    assert job["spec"]["template"]["spec"]["containers"][0]["image"].endswith("/my-project/flexrl/flexrl:dev")


def test_flags_win_over_terraform(server, on_cluster, place):
    code, _, error = on_cluster("submit", "--from-terraform", str(place), "--context", "elsewhere")
    assert code == 65 and "elsewhere" in error
    code, _, error = on_cluster("submit", "--from-terraform", str(place), "--namespace", "missing")
    assert "missing" in error and server.all("jobs") == []


def test_a_sweep_can_be_cancelled_after_its_pool_is_gone(server, on_cluster, place):
    on_cluster("submit", "--from-terraform", str(place), resources=gpu())
    place.write_text(json.dumps(outputs(pools={"cpu": POOLS["cpu"]})))
    assert on_cluster("cancel", "--dry-run", "--from-terraform", str(place), resources=gpu())[0] == 0
    assert on_cluster("submit", "--from-terraform", str(place), resources=gpu())[0] == 65


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{}", "has no output 'launch'; apply the configuration first (make gke-up)"),
        ('{"launch": {"value": {"context": "x"}}}', "launch: namespace: field required"),
        (json.dumps(outputs(pool={})), "launch: pool: is not a field; did you mean 'pools'?"),
        ("[1]", "must hold a mapping"),
    ],
)
def test_other_outputs_are_refused(place, text, named):
    place.write_text(text)
    with pytest.raises(ConfigError) as error:
        terraform_outputs.read_cloud(place)
    assert named in str(error.value)


def state(output):
    """Text of a Terraform state with one output."""
    return json.dumps(
        {"version": 4, "terraform_version": "1.9.0", "serial": 1, "lineage": "x", "outputs": {"launch": output}}
    )


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
def test_a_folder_is_read_by_terraform(tmp_path):
    with pytest.raises(ConfigError, match="has no output 'launch'"):
        terraform_outputs.read_cloud(tmp_path)
    labels = ["map", "string"]
    kinds = {"provisioning": "string", "max_nodes": "number", "cpu": "number", "memory_gib": "number"}
    of_pool = ["object", {**kinds, "gpu_kind": "string", "gpus": "number", "node_selector": labels}]
    value = outputs()["launch"]["value"]
    kind = {name: "string" for name in value if name != "pools"} | {"pools": ["object", dict.fromkeys(POOLS, of_pool)]}
    (tmp_path / "terraform.tfstate").write_text(state({"value": value, "type": ["object", kind]}))
    cloud = terraform_outputs.read_cloud(tmp_path)
    assert cloud.context == "test" and cloud.pools["cpu"].gpu_kind is None
    assert cloud.pools["l4-pair"].gpus == 2


def test_without_terraform_a_file_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="terraform is not installed; install it, or name a file"):
        terraform_outputs.read_cloud(tmp_path)
