"""Writes a pipeline as a compiled pipeline of Kubeflow Pipelines 2: what its own compiler would write.

The file has two documents: the `PipelineSpec`, and the `PlatformSpec` with what only Kubernetes knows, such as volumes.
"""

from collections.abc import Mapping, Sequence

from flexrl.common.decoding import dump_yaml
from flexrl.common.errors import ConfigError
from flexrl.common.types import JsonObject
from launch.kubernetes.objects import Manifest, labels
from launch.kubernetes.pods import GPU
from launch.pipelines.cluster import require_cluster, stage_job
from launch.pipelines.pipeline_file import Pipeline
from launch.pipelines.stages import Stage
from launch.plan.sweep_file import Resources, Sweep, amount

SCHEMA = "2.1.0"  # of PipelineSpec
COMPILER = "kfp-2.17.3"  # whose output this is like
ENTRYPOINT = ["tini", "--"]  # of the image: Kubeflow's launcher does not use an image's own


def pipeline_file(pipeline: Pipeline, stages: Sequence[Stage], sweeps: Mapping[str, Sweep]) -> str:
    """Return the text of the compiled pipeline.

    Args:
      pipeline: the pipeline.
      stages: its stages in their order.
      sweeps: by stage name, a `Sweep` that holds the stage's cluster, resources and retries.

    Raises:
      ConfigError: if pods need whole Secrets as environment variables, which Kubeflow cannot give them.
    """
    pods = {stage.name: stage_job(stage, sweeps[stage.name])["spec"]["template"]["spec"] for stage in stages}
    for sweep in sweeps.values():
        _require_expressible(sweep)
    containers = {name: _container(pod, sweeps[name].resources) for name, pod in pods.items()}
    specification = {
        "components": {f"comp-{name}": {"executorLabel": f"exec-{name}"} for name in pods},
        "deploymentSpec": {"executors": {f"exec-{name}": {"container": each} for name, each in containers.items()}},
        "pipelineInfo": {"name": pipeline.name},
        "root": {"dag": {"tasks": {stage.name: _task(stage, pipeline.retries) for stage in stages}}},
        "schemaVersion": SCHEMA,
        "sdkVersion": COMPILER,
    }
    executors = {f"exec-{name}": _on_kubernetes(pod, sweeps[name]) for name, pod in pods.items()}
    return dump_yaml(specification, {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}})


def _require_expressible(sweep: Sweep) -> None:
    cluster = require_cluster(sweep)
    if cluster.env_from_secret:
        raise ConfigError(
            f"cluster.env_from_secret: {', '.join(cluster.env_from_secret)}: Kubeflow gives pods single keys of a "
            "Secret, not all; leave it out, or export --to airflow"
        )


def _task(stage: Stage, retries: int) -> JsonObject:
    needs = {"dependentTasks": list(stage.inputs)} if stage.inputs else {}
    again = {
        "retryPolicy": {
            "maxRetryCount": retries,
            "backoffDuration": "10s",
            "backoffFactor": 2.0,
            "backoffMaxDuration": "600s",
        }
    }
    return {
        "cachingOptions": {},  # off: a stage that is done ends at once, and knows best
        "componentRef": {"name": f"comp-{stage.name}"},
        **needs,
        **(again if retries else {}),
        "taskInfo": {"name": stage.name},
    }


def _container(pod: Manifest, resources: Resources) -> JsonObject:
    (container,) = pod["containers"]
    cpu, memory = amount(resources.cpu), amount(resources.memory) / 1e9
    needs: JsonObject = {
        **{"cpuRequest": cpu, "cpuLimit": cpu, "memoryRequest": memory, "memoryLimit": memory},
        **{"resourceCpuRequest": resources.cpu, "resourceCpuLimit": resources.cpu},
        **{"resourceMemoryRequest": resources.memory, "resourceMemoryLimit": resources.memory},
    }
    if count := resources.gpu.count:
        kind = {"count": str(count), "resourceCount": str(count), "type": GPU, "resourceType": GPU}
        needs["accelerator"] = kind
    return {
        "image": container["image"],
        "command": [*ENTRYPOINT, *container["args"][:-1]],
        "args": container["args"][-1:],
        "env": container["env"],
        "resources": needs,
    }


def _on_kubernetes(pod: Manifest, sweep: Sweep) -> JsonObject:
    """Return how Kubeflow is to run a stage's pod, in the form of its `PlatformSpec` (Kubeflow's extra pod settings).

    These are the pod's volumes, the user that it runs as, its labels, node labels and tolerations, as in `pod`, the
    manifest of the same stage as a Kubernetes Job. The labels are those of `sweep`.
    """
    (container,) = pod["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    claims = [
        {
            "constant": volume["persistentVolumeClaim"]["claimName"],
            "pvcNameParameter": {"runtimeValue": {"constant": volume["persistentVolumeClaim"]["claimName"]}},
            "mountPath": mounts[volume["name"]],
        }
        for volume in pod["volumes"]
        if "persistentVolumeClaim" in volume
    ]
    empty = [
        {"volumeName": volume["name"], "mountPath": mounts[volume["name"]]} | _medium(volume["emptyDir"])
        for volume in pod["volumes"]
        if "emptyDir" in volume
    ]
    user = pod["securityContext"]
    found: JsonObject = {
        "pvcMount": claims,
        "emptyDirMounts": empty,
        "securityContext": {
            "runAsUser": str(user["runAsUser"]),
            "runAsGroup": str(user["runAsGroup"]),
            "runAsNonRoot": user["runAsNonRoot"],
        },
        "podMetadata": {"labels": labels(sweep)},
    }
    found |= {"nodeSelector": {"labels": pod["nodeSelector"]}} if pod["nodeSelector"] else {}
    return found | ({"tolerations": pod["tolerations"]} if pod["tolerations"] else {})


def _medium(empty: Manifest) -> JsonObject:
    return {key: empty[name] for name, key in (("medium", "medium"), ("sizeLimit", "sizeLimit")) if name in empty}
