"""Builds the Kubernetes objects of a sweep: ConfigMaps that hold its trials and tasks, and Indexed Jobs.

One Job runs all trials; if several hosts train a trial together, each trial has a Job of its own. Sends no request.
"""

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from envs.registry import is_model_file
from flexrl.common.errors import EXIT_BAD_INPUT, EXIT_DIVERGED, EXIT_PREEMPTED, EXIT_STORAGE, ConfigError
from flexrl.common.locks import LEASED
from flexrl.common.types import JsonObject
from launch.attempt.pod_interface import TRIALS_FILE
from launch.plan import task_files
from launch.plan.packs import Pack, packed
from launch.plan.states import EXIT_TIME_LIMIT
from launch.plan.sweep_file import VOLUME, Cluster, Resources, Sweep
from launch.plan.trials import Trial

Manifest = JsonObject

TRIALS = PurePosixPath("/etc/flexrl")  # where pods mount the ConfigMaps
MAX_CONFIG_MAP_BYTES = 900_000  # most bytes of a ConfigMap's content; Kubernetes limits an object to 1 MiB
MAX_KEYS_BYTES = 200_000  # most bytes of the keys of a Job's trials; Kubernetes limits all annotations to 256 KiB
REPORT = "/dev/termination-log"  # Kubernetes reads a container's termination message from this file
MAX_PACK = 16  # most trials in a pod: their progress must fit into its termination message
KEYS = "flexrl/keys"  # annotation of a Job: its trials' keys by index; commas separate the keys of a pack
AFTER = "flexrl/after"  # annotation of a Job: the Jobs that had its trials before
RUNG = "flexrl/rung"  # annotation of a Job whose trials pause: number of evaluations after which they do
TRIAL = "flexrl/trial"  # label of the pods of a trial that several hosts train
PORT = 8476  # at which the hosts of a trial meet
CONTAINER = "trial"
USER = 10_001  # user id in the container; not root
GRACE_SECONDS = 30  # from SIGTERM to SIGKILL of a pod
START_SECONDS = 1800  # for the hosts of a trial to meet: starting machines of an empty pool takes many minutes
SECRETS_IN_ENVIRONMENT = {"checkov.io/skip1": "CKV_K8S_35=trackers read their keys from environment variables"}
SHARED_MEMORY = "1Gi"  # most bytes in /dev/shm; they count as the pod's memory
NO_CLUSTER = "cluster: is missing; on Kubernetes a sweep needs cluster.image, and cluster.volume_claim or workspace"
MLFLOW_SERVER = "MLFLOW_TRACKING_URI"
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
QUEUE_MIN = "kueue.x-k8s.io/job-min-parallelism"  # annotation: fewest pods of a Job that a queue may admit at a time
SPOT = "cloud.google.com/gke-spot"
GPU_KIND = "cloud.google.com/gke-accelerator"
GPU = "nvidia.com/gpu"


def manifests(
    sweep: Sweep,
    trials: list[Trial],
    cleared: Mapping[str, int] | None = None,
    after: str = "",
    pack: int = 1,
    rung: int | None = None,
) -> list[Manifest]:
    """Return the objects that run a sweep's trials, in the order in which they must be created.

    An object's name ends in a hash of its content, so that applying the same objects twice changes nothing.

    Args:
      sweep: the sweep.
      trials: trials to run.
      cleared: by key, the attempts so far of failed trials that the user cleared.
      after: names of the Jobs that had these trials before; they change the hash, so that the new Job gets a new name.
      pack: most trials in one pod.
      rung: number of evaluations after which the trials pause; None to run them to their end.

    Raises:
      ConfigError: if the sweep has no `cluster` section, there is no trial, a trial needs files of this machine, or the
        trials do not fit into the objects.
    """
    if sweep.cluster is None:
        raise ConfigError(NO_CLUSTER)
    if not trials:
        raise ConfigError(f"{sweep.name}: all trials are done; there is nothing to send")
    _require_no_local_parents(trials)
    _require_no_dataset(sweep.cluster, trials)
    _require_server(sweep, sweep.cluster)
    if pack > MAX_PACK:
        raise ConfigError(
            f"pack: {pack} must be at most {MAX_PACK} on a cluster, as many as a pod's last words can name"
        )
    lines = [(keys_of(each), _line(sweep, each, cleared or {})) for each in packed(trials, pack)]
    tasks = _tasks(sweep, sweep.cluster, trials)
    if sweep.resources.hosts > 1:
        if pack > 1:
            raise ConfigError(f"pack: {pack} trials in one program exclude resources.hosts {sweep.resources.hosts}")
        jobs = [each for i, line in enumerate(lines) for each in _trial_of_hosts(sweep, i, line, tasks, after, rung)]
        return [*(config_map for config_map, _ in tasks), *jobs]
    config_map = _config_map(sweep, sweep.cluster, lines)
    keys = _annotated(lines)
    job = _named(sweep.name, _job(sweep, sweep.cluster, len(lines), keys, _sources(config_map, tasks), after, rung))
    return [config_map, *(config_map for config_map, _ in tasks), job]


def command_job(sweep: Sweep, stem: str, command: list[str], annotations: dict[str, str]) -> Manifest:
    """Return a Job of one pod that runs a command of this project, such as a pipeline's stage.

    Args:
      sweep: names the cluster, the resources, the retries and the labels of the Job.
      stem: first part of the Job's name; a hash of its content follows.
      command: module and arguments, run by Python. Exit codes mean what they mean for a trial.
      annotations: annotations of the Job.
    """
    assert sweep.cluster is not None
    job = _job(sweep, sweep.cluster, 1, "", [], "", None)
    job["metadata"]["annotations"] = {**job["metadata"]["annotations"], **annotations}
    pod = job["spec"]["template"]["spec"]
    pod["volumes"] = [volume for volume in pod["volumes"] if volume["name"] != "trials"]
    (container,) = pod["containers"]
    container["args"] = ["python", "-m", *command]
    container["volumeMounts"] = [mount for mount in container["volumeMounts"] if mount["name"] != "trials"]
    return _named(stem, job)


def _trial_of_hosts(
    sweep: Sweep,
    number: int,
    line: tuple[str, str],
    tasks: list[tuple[Manifest, Manifest]],
    after: str,
    rung: int | None,
) -> list[Manifest]:
    """Return the objects of a trial that several hosts train: a Job whose indexes are the hosts, and their Service."""
    assert sweep.cluster is not None
    hosts, key = sweep.resources.hosts, line[0]
    config_map = _config_map(sweep, sweep.cluster, [line])
    job = _job(sweep, sweep.cluster, hosts, key, _sources(config_map, tasks), after, rung)
    spec = job["spec"]
    spec |= {
        "parallelism": hosts,
        "maxFailedIndexes": 0,  # if one host fails, all end
        "successPolicy": {"rules": [{"succeededIndexes": "0"}]},  # host 0 writes the result
        "podFailurePolicy": {"rules": _failure_rules("FailJob")},
    }
    labels = {**_labels(sweep), TRIAL: key}
    spec["template"]["metadata"]["labels"] = labels
    name = f"hosts-{sweep.name}-{key}"
    pod = spec["template"]["spec"]
    pod["subdomain"] = name
    pod["containers"][0]["env"] += [
        {
            "name": "JOB_NAME",
            "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['batch.kubernetes.io/job-name']"}},
        },
        {"name": "FLEXRL_COORDINATOR", "value": f"$(JOB_NAME)-0.{name}:{PORT}"},
        {"name": "FLEXRL_NUM_HOSTS", "value": str(hosts)},
        {"name": "FLEXRL_START_SECONDS", "value": str(START_SECONDS)},
    ]
    job["metadata"]["annotations"].pop(QUEUE_MIN, None)  # a queue must admit all hosts or none
    pod["containers"][0]["args"].append("--hosts")
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": sweep.cluster.namespace, "labels": _labels(sweep)},
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,  # hosts look each other up before they are ready
            "selector": {TRIAL: key},
            "ports": [{"name": "meet", "port": PORT}],
        },
    }
    return [config_map, service, _named(f"{sweep.name}-{number}", job)]


def _sources(trials: Manifest, tasks: list[tuple[Manifest, Manifest]]) -> list[Manifest]:
    """Return the ConfigMaps that a Job mounts: that of its trials, and that of each task in a folder of its own."""
    return [{"name": trials["metadata"]["name"]}, *(source for _, source in tasks)]


def keys_of(pack: Pack) -> str:
    """Return the keys of a pack as they stand in the Job's annotation."""
    return ",".join(trial.key for trial in pack)


def selector(sweep: Sweep) -> str:
    """Return the label selector of all objects of a sweep."""
    return ",".join(f"{name}={value}" for name, value in _labels(sweep).items())


def config_maps_of(job: Manifest) -> list[str]:
    """Return the names of the ConfigMaps that a Job mounts: first that of its trials, then those of its tasks."""
    (sources,) = (
        volume["projected"]["sources"] for volume in job["spec"]["template"]["spec"]["volumes"] if "projected" in volume
    )
    return [source["configMap"]["name"] for source in sources]


def is_used(thing: Manifest, job: Manifest) -> bool:
    """Return whether a Job needs a ConfigMap or Service."""
    name = thing["metadata"]["name"]
    return name in config_maps_of(job) or name == job["spec"]["template"]["spec"].get("subdomain")


def _require_no_local_parents(trials: list[Trial]) -> None:
    for trial in trials:
        parent = trial.config.parent
        if parent is not None and not parent.startswith(f"{VOLUME}/"):
            raise ConfigError(
                f"trial {trial.number}: parent: {parent!r} is a folder of this machine, where no pod can read it; copy "
                f"it to the volume and name it {VOLUME}/RUN:ITERATION, or leave the parent out"
            )


def _require_no_dataset(cluster: Cluster, trials: list[Trial]) -> None:
    """Raise ConfigError if a trial learns from a dataset, but the workspace is a bucket: pods copy only runs."""
    for trial in trials if cluster.workspace else ():
        if dataset := trial.content()["algorithm"].get("dataset"):
            raise ConfigError(
                f"trial {trial.number}: algorithm.dataset: {dataset!r} is a folder, which no pod has with "
                "cluster.workspace; copy it to a volume, and name that by cluster.volume_claim instead"
            )


def _require_server(sweep: Sweep, cluster: Cluster) -> None:
    """Raise ConfigError if trials would report to MLflow without a server: pods cannot share a local store."""
    if "mlflow" in sweep.tracking.to and not (MLFLOW_SERVER in cluster.env or cluster.env_from_secret):
        raise ConfigError(
            f"tracking.to: 'mlflow' needs {MLFLOW_SERVER} in pods; give it in cluster.env, such as http://mlflow:5000, "
            "or in a Secret that cluster.env_from_secret names"
        )


def _line(sweep: Sweep, pack: Pack, cleared: Mapping[str, int]) -> str:
    """Return the trials of an index as one line of JSON, which `launch.trial` reads."""
    return json.dumps([_content(sweep, trial, cleared.get(trial.key, 0)) for trial in pack], sort_keys=True) + "\n"


def _content(sweep: Sweep, trial: Trial, cleared_attempts: int) -> Manifest:
    place = {"name": trial.key, "workspace": str(VOLUME / sweep.name), "env": _env_in_pods(trial.config.env)}
    content = {"number": trial.number, "key": trial.key, "values": trial.values, "config": trial.content() | place}
    return content | ({"cleared_attempts": cleared_attempts} if cleared_attempts else {})


def _env_in_pods(env: str) -> str:
    if not task_files.in_file(env):
        return env
    if is_model_file(env):
        return str(TRIALS / _task_folder(env) / PurePosixPath(env).name)
    path, _, name = env.rpartition(":")
    return f"{TRIALS / _task_folder(env) / PurePosixPath(path).name}:{name}"


def _task_folder(env: str) -> PurePosixPath:
    """Return the folder of a task's files, relative to the trials' folder. Each task has its own: names may clash."""
    return PurePosixPath("tasks") / task_files.digest(env)


def _tasks(sweep: Sweep, cluster: Cluster, trials: list[Trial]) -> list[tuple[Manifest, Manifest]]:
    """Return for each task in a user's file a ConfigMap and the source that mounts it."""
    envs = {_task_folder(env): env for env in {trial.config.env: 0 for trial in trials} if task_files.in_file(env)}
    found = []
    for i, (folder, env) in enumerate(envs.items()):
        config_map = _named(
            f"{sweep.name}-task-{i}",
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"namespace": cluster.namespace, "labels": _labels(sweep)},
                "immutable": True,
                "data": task_files.texts(env, MAX_CONFIG_MAP_BYTES),
            },
        )
        items = [{"key": name, "path": str(folder / name)} for name in config_map["data"]]
        found.append((config_map, {"name": config_map["metadata"]["name"], "items": items}))
    return found


def _annotated(lines: list[tuple[str, str]]) -> str:
    """Return the keys of a Job's trials as the text of its annotation, in the order of its indexes.

    Raises:
      ConfigError: if they do not fit into an annotation.
    """
    keys = " ".join(key for key, _ in lines)
    if len(keys) > MAX_KEYS_BYTES:
        raise ConfigError(
            f"trials: the keys of {len(lines):,} have {len(keys):,} bytes, and a Job names at most {MAX_KEYS_BYTES:,}; "
            "cut the sweep into several files with names of their own"
        )
    return keys


def _config_map(sweep: Sweep, cluster: Cluster, lines: list[tuple[str, str]]) -> Manifest:
    """Return the ConfigMap that holds the trials of a Job, compressed.

    Raises:
      ConfigError: if they do not fit into a ConfigMap.
    """
    text = "".join(line for _, line in lines).encode()
    packed_text = gzip.compress(text, mtime=0)
    if len(packed_text) > MAX_CONFIG_MAP_BYTES:
        raise ConfigError(
            f"trials: {len(lines):,} have {len(packed_text):,} bytes, and a ConfigMap holds {MAX_CONFIG_MAP_BYTES:,}; "
            "cut the sweep into several files with names of their own"
        )
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": f"{sweep.name}-trials-{_digest(text.decode())}",  # of the text: gzip's output may differ by machine
            "namespace": cluster.namespace,
            "labels": _labels(sweep),
        },
        "immutable": True,
        "binaryData": {TRIALS_FILE: base64.b64encode(packed_text).decode()},
    }


def _job(
    sweep: Sweep, cluster: Cluster, indexes: int, keys: str, sources: list[Manifest], after: str, rung: int | None
) -> Manifest:
    queue = {QUEUE_LABEL: cluster.queue} if cluster.queue else {}
    metadata: Manifest = {"namespace": cluster.namespace, "labels": _labels(sweep) | queue}
    annotations = {KEYS: keys} | ({AFTER: after} if after else {}) | ({RUNG: str(rung)} if rung else {})
    annotations |= {QUEUE_MIN: "1"} if cluster.queue else {}
    metadata["annotations"] = annotations | (SECRETS_IN_ENVIRONMENT if cluster.env_from_secret else {})
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {
            "completionMode": "Indexed",
            "completions": indexes,
            "parallelism": min(sweep.parallelism, indexes),
            "backoffLimitPerIndex": sweep.retries,
            "maxFailedIndexes": indexes,  # a failed trial does not stop the others
            "podReplacementPolicy": "Failed",  # so that a trial never has two running pods
            "podFailurePolicy": {"rules": _failure_rules("FailIndex")},
            "ttlSecondsAfterFinished": cluster.keep_seconds,
            "template": {"metadata": {"labels": _labels(sweep)}, "spec": _pod(sweep, cluster, sources, rung)},
        },
    }


def _failure_rules(final: str) -> list[Manifest]:
    """Return the rules for how a pod ended. The first match counts; a pod that no rule matches uses up a retry.

    Args:
      final: action for exit codes that another attempt would only repeat: FailIndex or FailJob.
    """

    def rule(action: str, *codes: int) -> Manifest:
        return {
            "action": action,
            "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": sorted(codes)},
        }

    disrupted = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    return [
        disrupted,
        rule(final, EXIT_BAD_INPUT, EXIT_DIVERGED, EXIT_TIME_LIMIT),
        rule("FailJob", EXIT_STORAGE),
        rule("Ignore", EXIT_PREEMPTED),
    ]


def _pod(sweep: Sweep, cluster: Cluster, sources: list[Manifest], rung: int | None) -> Manifest:
    selector, tolerations = _placement(sweep.resources)
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
    """Return the volume that a pod's workspace lies on; with a bucket one of its own, for the local copy."""
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
    """Return the environment variables of a pod. Compiled programs stay on the volume, by image and GPU type.

    Where pods share a volume, leases replace file locks.
    """
    kind = sweep.resources.gpu.kind or ("gpu" if sweep.resources.gpu.count else "cpu")
    cache = VOLUME / ".cache" / f"{_digest(cluster.image)}-{kind}"
    leased = {} if cluster.workspace else {LEASED: "1"}
    return {"HOME": "/tmp", **leased, "XDG_CACHE_HOME": str(cache), **cluster.env}


def _placement(resources: Resources) -> tuple[dict[str, str], list[Manifest]]:
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


def _labels(sweep: Sweep) -> dict[str, str]:
    return {"app.kubernetes.io/name": "flexrl", "app.kubernetes.io/instance": sweep.name}


def _named(stem: str, manifest: Manifest) -> Manifest:
    """Return the object with a name: the stem and a hash of the content."""
    metadata = {"name": f"{stem}-{_digest([stem, manifest])}", **manifest["metadata"]}
    return {key: metadata if key == "metadata" else value for key, value in manifest.items()}


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:10]
