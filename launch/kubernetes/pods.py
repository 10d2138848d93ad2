"""Build the pod of a trial: its container, its environment, its volumes, and the nodes that it may run on."""

from flexrl.common.locks import LEASED
from launch.kubernetes.config_maps import TRIALS
from launch.kubernetes.objects import Manifest, digest
from launch.plan.sweep_file import VOLUME, Cluster, Resources, Sweep

REPORT = "/dev/termination-log"  # Kubernetes reads a container's termination message from this file
CONTAINER = "trial"
USER = 10_001  # user id in the container; not root
GRACE_SECONDS = 30  # from SIGTERM to SIGKILL of a pod
SHARED_MEMORY = "1Gi"  # most bytes in /dev/shm; they count as the pod's memory
SPOT = "cloud.google.com/gke-spot"
GPU_KIND = "cloud.google.com/gke-accelerator"
GPU = "nvidia.com/gpu"


def pod_of(sweep: Sweep, cluster: Cluster, sources: list[Manifest], rung: int | None) -> Manifest:
    """Return the spec of the pods of a Job.

    Args:
      sweep: the sweep.
      cluster: where it runs.
      sources: ConfigMaps to mount, as sources of a projected volume.
      rung: number of evaluations after which the trials pause; None to run them to their end.
    """
    selector, tolerations = placement(sweep.resources)
    account = {"serviceAccountName": cluster.service_account} if cluster.service_account else {}
    priority = {"priorityClassName": cluster.priority} if cluster.priority else {}
    return {
        **account,
        **priority,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",  # do not change the owner of all files at every start
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "nodeSelector": {**cluster.node_selector, **selector},
        "tolerations": tolerations,
        "containers": [_container(sweep, cluster, rung)],
        "volumes": [
            {"name": "trials", "projected": {"sources": [{"configMap": source} for source in sources]}},
            {"name": "workspace", **_workspace(cluster)},
            {"name": "temporary", "emptyDir": {}},
            {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": SHARED_MEMORY}},
        ],
    }


def _workspace(cluster: Cluster) -> Manifest:
    """Return the volume that a pod's workspace lies on: the PersistentVolumeClaim that the cluster's section names.

    If the section names a bucket instead, it is an empty volume of the pod, for the local copies of its runs.
    """
    return {"emptyDir": {}} if cluster.workspace else {"persistentVolumeClaim": {"claimName": cluster.volume_claim}}


def _container(sweep: Sweep, cluster: Cluster, rung: int | None) -> Manifest:
    settings = ["--retries", str(sweep.retries), "--report", REPORT]
    if rung is not None:
        settings += ["--pause-after", str(rung)]
    if sweep.time_limit_minutes is not None:
        settings += ["--time-limit-minutes", f"{sweep.time_limit_minutes:g}"]
    if cluster.workspace is not None:
        settings += ["--bucket", cluster.workspace]
    secrets = {"envFrom": [{"secretRef": {"name": name}} for name in cluster.env_from_secret]}
    secrets = secrets if cluster.env_from_secret else {}
    one = sweep.resources
    resources = {"cpu": one.cpu, "memory": one.memory} | ({GPU: str(one.gpu.count)} if one.gpu.count else {})
    return {
        "name": CONTAINER,
        "image": cluster.image,
        "args": ["python", "-m", "launch.trial", str(TRIALS), *settings],  # the image's init passes on SIGTERM
        "env": [{"name": name, "value": value} for name, value in _environment(sweep, cluster).items()],
        **secrets,
        "workingDir": "/tmp",  # MuJoCo writes its log of warnings there
        "resources": {"requests": resources, "limits": {**resources}},
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "trials", "mountPath": str(TRIALS), "readOnly": True},
            {"name": "workspace", "mountPath": str(VOLUME)},
            {"name": "temporary", "mountPath": "/tmp"},
            {"name": "shared-memory", "mountPath": "/dev/shm"},
        ],
    }


def _environment(sweep: Sweep, cluster: Cluster) -> dict[str, str]:
    """Return the environment variables of a pod.

    They place the cache of compiled programs on the workspace's volume, in a folder for each image and GPU type. Where
    pods share this volume, they replace file locks by leases (`launch.attempt.lease`).
    """
    kind = sweep.resources.gpu.kind or ("gpu" if sweep.resources.gpu.count else "cpu")
    cache = VOLUME / ".cache" / f"{digest(cluster.image)}-{kind}"
    leased = {} if cluster.workspace else {LEASED: "1"}
    return {"HOME": "/tmp", **leased, "XDG_CACHE_HOME": str(cache), **cluster.env}


def placement(resources: Resources) -> tuple[dict[str, str], list[Manifest]]:
    """Return the labels that a pod's node must have, and the taints that the pod tolerates."""
    selector: dict[str, str] = {}
    tolerations: list[Manifest] = []
    if resources.gpu.count:
        tolerations.append({"key": GPU, "operator": "Exists", "effect": "NoSchedule"})
    if resources.gpu.kind:
        selector[GPU_KIND] = resources.gpu.kind
    if resources.spot:
        selector[SPOT] = "true"
        tolerations.append({"key": SPOT, "operator": "Equal", "value": "true", "effect": "NoSchedule"})
    return selector, tolerations
