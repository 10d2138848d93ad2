"""What Terraform knows about a cluster (the output `launch` of `terraform/outputs.tf`), filled into a sweep."""

import dataclasses
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from flexrl.common.decoding import decode_as, load_yaml
from flexrl.common.errors import ConfigError
from flexrl.common.types import JsonObject
from flexrl.common.workspaces import SCHEME
from launch.plan.sweep_file import Cluster, Resources, Sweep, amount

OUTPUT = "launch"  # name of the output
GIB = 2**30
STAYING = ("on-demand", "flex-start")  # provisioning of machines that are not taken away, the preferred one first


@dataclass(frozen=True)
class Pool:
    """A pool of equal nodes on which trials can run.

    Attributes:
      provisioning: `on-demand`, `spot` (can be taken away) or `flex-start` (waited for, then stays for seven days).
      max_nodes: most nodes of the pool.
      cpu: cores of a node.
      memory_gib: GiB of memory of a node.
      gpu_kind: GPU type as nodes are labelled; None in a pool without GPUs.
      gpus: GPUs of a node.
      node_selector: labels that only this pool's nodes have.
    """

    provisioning: str
    max_nodes: int
    cpu: int
    memory_gib: int
    gpu_kind: str | None
    gpus: int
    node_selector: dict[str, str]


@dataclass(frozen=True)
class Cloud:
    """A cluster that Terraform made, with the names that a sweep needs to run its trials there.

    Attributes:
      context: context of the kubeconfig that leads to the cluster.
      namespace: namespace of a sweep's objects.
      image: container image of the trials.
      queue: name of the Kueue queue.
      volume_claim: PersistentVolumeClaim of the workspace.
      service_account: service account of the pods.
      bucket: name of the bucket of runs.
      pools: pools of nodes, by name.
    """

    context: str
    namespace: str
    image: str
    queue: str
    volume_claim: str
    service_account: str
    bucket: str
    pools: dict[str, Pool]


def read_cloud(place: Path) -> Cloud:
    """Read what Terraform knows about a cluster.

    Args:
      place: folder of an applied Terraform configuration, or a file with the text of its `terraform output -json`.

    Raises:
      ConfigError: if Terraform cannot tell, or the output is missing or not of this form.
    """
    outputs = _of_folder(place) if place.is_dir() else load_yaml(place)
    output = outputs.get(OUTPUT)
    if not isinstance(output, dict) or not isinstance(output.get("value"), dict):
        raise ConfigError(
            f"from_terraform: {place} has no output {OUTPUT!r}; apply the configuration first (make gke-up), or name "
            "the folder terraform/ of this project"
        )
    return decode_as(Cloud, output["value"], f"from_terraform: {place}: {OUTPUT}")


def _of_folder(folder: Path) -> JsonObject:
    try:
        done = subprocess.run(
            ["terraform", f"-chdir={folder}", "output", "-json", "-no-color"], capture_output=True, text=True
        )
    except FileNotFoundError:
        raise ConfigError(
            "from_terraform: terraform is not installed; install it, or name a file that holds the text of "
            "`terraform output -json`"
        ) from None
    if done.returncode:
        why = " ".join(done.stderr.split())
        raise ConfigError(f"from_terraform: {folder}: terraform output failed; make gke-up sets the folder up: {why}")
    return json.loads(done.stdout)


def on_cloud(sweep: Sweep, cloud: Cloud) -> Sweep:
    """Return the sweep with its `cluster` section filled in: values of Terraform replace those of the file.

    An image that the file names by digest stays, because a digest says more than Terraform's tag. So does a
    `cluster.workspace`. Without a `cluster` section, the workspace is Terraform's bucket or, for trials of several
    hosts, its volume.
    """
    if sweep.cluster is not None:
        cluster = sweep.cluster
    elif sweep.resources.hosts > 1:
        cluster = Cluster(image=cloud.image, volume_claim=cloud.volume_claim)
    else:
        cluster = Cluster(image=cloud.image, workspace=f"{SCHEME}{cloud.bucket}")
    cluster = dataclasses.replace(
        cluster,
        image=cluster.image if "@sha256:" in cluster.image else cloud.image,
        volume_claim=None if cluster.workspace else cloud.volume_claim,
        namespace=cloud.namespace,
        queue=cloud.queue,
        service_account=cloud.service_account,
    )
    return dataclasses.replace(sweep, cluster=cluster)


def in_pool(sweep: Sweep, cloud: Cloud) -> Sweep:
    """Return the sweep with the node labels of the pool that its trials run in.

    Raises:
      ConfigError: if no pool has what a trial needs, naming the field, the value and the pools.
    """
    assert sweep.cluster is not None
    labels = {**sweep.cluster.node_selector, **_pool_of(sweep.resources, cloud.pools).node_selector}
    return dataclasses.replace(sweep, cluster=dataclasses.replace(sweep.cluster, node_selector=labels))


def _pool_of(resources: Resources, pools: dict[str, Pool]) -> Pool:
    """Return the smallest pool that has the GPUs, cores and memory of a trial; on-demand pools come first.

    Only spot pools are looked at if the trial asks for spot machines, and only the others if it does not.

    Raises:
      ConfigError: if there is no such pool.
    """
    of_kind = _of_kind(resources, pools)
    allowed = [pool for pool in of_kind if (pool.provisioning == "spot") == resources.spot]
    if not allowed:
        named = ", ".join(name for name, pool in pools.items() if pool in of_kind)
        other = "on machines that stay" if resources.spot else "spot machines"
        raise ConfigError(
            f"resources.spot: {str(resources.spot).lower()}, but the pools that fit ({named}) are {other}; set "
            f"resources.spot: {str(not resources.spot).lower()}, or add a pool to gpu_pools"
        )
    fitting = [pool for pool in allowed if _fits(resources, pool)]
    if not fitting:
        largest = max(allowed, key=_size)
        raise ConfigError(
            f"resources: {_needs(resources)} do not fit on a pool's {largest.max_nodes} nodes of {_has(largest)}, of "
            "which each node needs a part for itself; ask for less, or add a pool to gpu_pools"
        )
    return min(fitting, key=lambda pool: (pool.provisioning != STAYING[0], *_size(pool)))


def _of_kind(resources: Resources, pools: dict[str, Pool]) -> list[Pool]:
    """Return the pools with the GPU kind of a trial, or those without GPUs.

    Raises:
      ConfigError: if there is none, or the trial leaves open which of several kinds it wants.
    """
    gpu = resources.gpu
    kinds = sorted({pool.gpu_kind for pool in pools.values() if pool.gpu_kind})
    if not gpu.count:
        found = [pool for pool in pools.values() if not pool.gpus]
        if not found:
            raise ConfigError("resources.gpu.count: 0, but every pool has GPUs; add a pool of CPU nodes")
        return found
    if gpu.kind is None and len(kinds) > 1:
        raise ConfigError(f"resources.gpu.kind: is not given, and prices differ; name one of {', '.join(kinds)}")
    found = [pool for pool in pools.values() if pool.gpus and gpu.kind in (None, pool.gpu_kind)]
    if not found:
        raise ConfigError(
            f"resources.gpu.kind: {gpu.kind!r} is in no pool; the pools have {', '.join(kinds) or 'no GPU'}; choose "
            "one of them, or add a pool to gpu_pools and run make gke-up"
        )
    return found


def _fits(resources: Resources, pool: Pool) -> bool:
    """Return whether the pool has a node for each pod of a trial, with cores and memory left for the node itself."""
    return (
        resources.gpu.count <= pool.gpus
        and resources.hosts <= pool.max_nodes
        and amount(resources.cpu) < pool.cpu
        and amount(resources.memory) < pool.memory_gib * GIB
    )


def _size(pool: Pool) -> tuple[int, int, int]:
    return pool.gpus, pool.cpu, pool.memory_gib


def _needs(resources: Resources) -> str:
    gpus = f"{resources.gpu.count} GPUs, " if resources.gpu.count else ""
    hosts = f" on each of {resources.hosts} hosts" if resources.hosts > 1 else ""
    return f"{gpus}{resources.cpu} cores and {resources.memory}{hosts}"


def _has(pool: Pool) -> str:
    return (f"{pool.gpus} GPUs, " if pool.gpus else "") + f"{pool.cpu} cores and {pool.memory_gib}Gi"
