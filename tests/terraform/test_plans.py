"""What the examples make, what `launch.sweep` reads of it, and how that fits the objects of k8s/."""

import json
import re
import shutil
import subprocess
from dataclasses import replace

import pytest
import yaml

from launch.kubernetes.pods import placement
from launch.kubernetes.terraform_outputs import in_pool, on_cloud, read_cloud
from launch.plan.sweep_file import Gpu, Resources, Sweep, load_sweep
from launch.show.cost import load_prices
from tests.terraform.plans import DOCS, rendered
from tests.terraform.runner import EXAMPLES, ROOT, needs_terraform

pytestmark = needs_terraform


@pytest.fixture(scope="module", params=EXAMPLES)
def outputs(request, terraform):
    return terraform.outputs(terraform.values_of(request.param))


@pytest.fixture
def cloud(outputs, tmp_path):
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps({"launch": {"value": outputs["launch"]}}))
    return read_cloud(path)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_plan_in_the_docs_is_true(terraform, example):
    assert (DOCS / f"{example}.txt").read_text() == rendered(terraform, example), "python -m tests.terraform.plans"


def test_every_pool_can_be_used_by_a_trial_that_tolerates_its_taints(outputs, cloud):
    flavors = {
        each["metadata"]["name"]: each["spec"]
        for each in yaml.safe_load_all(outputs["kubernetes_objects"])
        if each["kind"] == "ResourceFlavor"
    }
    assert flavors.keys() == cloud.pools.keys()
    for name, pool in cloud.pools.items():
        resources = Resources(
            gpu=Gpu(count=pool.gpus, kind=pool.gpu_kind), cpu="2", memory="4Gi", spot=pool.provisioning == "spot"
        )
        selector, tolerations = placement(resources)
        assert selector.items() <= flavors[name]["nodeLabels"].items()
        for taint in flavors[name].get("nodeTaints", []):
            assert any(
                each["key"] == taint["key"] and each.get("value", taint["value"]) == taint["value"]
                for each in tolerations
            )
        sweep = in_pool(on_cloud(Sweep(name="tiny", resources=resources), cloud), cloud)
        used = sweep.cluster.node_selector["cloud.google.com/gke-nodepool"]
        assert (cloud.pools[used].gpu_kind, cloud.pools[used].gpus) == (pool.gpu_kind, pool.gpus)
        assert used == name or cloud.pools[used].provisioning in (pool.provisioning, "on-demand")


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_names_are_those_of_the_overlay(outputs, cloud):
    built = subprocess.run(["kubectl", "kustomize", ROOT / "k8s" / "gke"], capture_output=True, text=True, check=True)
    objects = list(yaml.safe_load_all(built.stdout))
    made = list(yaml.safe_load_all(outputs["kubernetes_objects"]))
    by_name = {(each["kind"], each["metadata"]["name"]): each for each in [*objects, *made]}
    assert ("Namespace", cloud.namespace) in by_name and ("ServiceAccount", cloud.service_account) in by_name
    claim = by_name["PersistentVolumeClaim", cloud.volume_claim]
    assert ("StorageClass", claim["spec"]["storageClassName"]) in by_name
    queue = by_name["LocalQueue", cloud.queue]
    assert ("ClusterQueue", queue["spec"]["clusterQueue"]) in by_name
    assert len(by_name) == len(objects) + len(made)  # nothing is made twice


def test_the_queue_has_a_quota_of_each_resource_in_each_flavour(outputs):
    queue = next(x for x in yaml.safe_load_all(outputs["kubernetes_objects"]) if x["kind"] == "ClusterQueue")
    (group,) = queue["spec"]["resourceGroups"]
    assert set(group["coveredResources"]) == {"cpu", "memory", "nvidia.com/gpu"}
    for flavor in group["flavors"]:
        assert [each["name"] for each in flavor["resources"]] == group["coveredResources"]


def test_the_sweep_of_the_readme_finds_a_pool(cloud):
    sweep, _ = load_sweep(ROOT / "examples" / "humanoid_sweep.yaml")
    placed = in_pool(on_cloud(sweep, cloud), cloud).cluster
    assert placed.node_selector["cloud.google.com/gke-nodepool"] == "cpu" and placed.image == cloud.image


@pytest.mark.parametrize(
    ("machine", "kind"),
    [
        ("g2-standard-8", "nvidia-l4"),
        ("a2-highgpu-1g", "nvidia-tesla-a100"),
        ("a3-highgpu-1g", "nvidia-h100-80gb"),
    ],
)
def test_the_prices_in_the_readme_follow_from_the_table(machine, kind):
    line = next(x for x in (ROOT / "terraform" / "machines.tf").read_text().splitlines() if f'"{machine}"' in x)
    cpu, memory = re.search(r"cpu = (\d+), memory = (\d+)", line).groups()
    row = next(x for x in (ROOT / "terraform" / "README.md").read_text().splitlines() if x.startswith(f"| `{machine}`"))
    _, _, _, spot, on_demand, trials, _ = row.split("|")
    one = Resources(gpu=Gpu(count=1, kind=kind), cpu=cpu, memory=f"{memory}Gi", spot=True)
    hourly = load_prices(None).hourly(one)
    assert spot.strip() == f"{hourly:.2f}" and trials.strip() == f"{24 * hourly:.0f}"
    if "not" not in on_demand:
        assert on_demand.strip() == f"{load_prices(None).hourly(replace(one, spot=False)):.2f}"
