"""Build the Kubernetes objects of a sweep: ConfigMaps that hold its trials and tasks, and Indexed Jobs.

One Job runs all trials; if several hosts train a trial together, each trial has a Job of its own. Sends no request.
"""

from collections.abc import Mapping

from flexrl.common.errors import EXIT_BAD_INPUT, EXIT_DIVERGED, EXIT_PREEMPTED, EXIT_STORAGE, ConfigError
from launch.kubernetes.config_maps import annotated, keys_of, line_of, sources, task_config_maps, trials_config_map
from launch.kubernetes.objects import Manifest, labels, named
from launch.kubernetes.pods import CONTAINER, pod_of
from launch.plan.packs import packed
from launch.plan.states import EXIT_TIME_LIMIT
from launch.plan.sweep_file import VOLUME, Cluster, Sweep
from launch.plan.trials import Trial

MAX_PACK = 16  # most trials in a pod: their progress must fit into its termination message
KEYS = "flexrl/keys"  # annotation of a Job: its trials' keys by index; commas separate the keys of a pack
AFTER = "flexrl/after"  # annotation of a Job: the Jobs that had its trials before
RUNG = "flexrl/rung"  # annotation of a Job whose trials pause: number of evaluations after which they do
TRIAL = "flexrl/trial"  # label of the pods of a trial that several hosts train
PORT = 8476  # at which the hosts of a trial meet
START_SECONDS = 1800  # for the hosts of a trial to meet: starting machines of an empty pool takes many minutes
SECRETS_IN_ENVIRONMENT = {"checkov.io/skip1": "CKV_K8S_35=trackers read their keys from environment variables"}
NO_CLUSTER = "cluster: is missing; on Kubernetes a sweep needs cluster.image, and cluster.volume_claim or workspace"
MLFLOW_SERVER = "MLFLOW_TRACKING_URI"
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
QUEUE_MIN = "kueue.x-k8s.io/job-min-parallelism"  # annotation: fewest pods of a Job that a queue may admit at a time


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
      cleared: by key, how many attempts a trial had made when the user cleared its failure with `retry`.
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
    lines = [(keys_of(each), line_of(sweep, each, cleared or {})) for each in packed(trials, pack)]
    tasks = task_config_maps(sweep, sweep.cluster, trials)
    if sweep.resources.hosts > 1:
        if pack > 1:
            raise ConfigError(f"pack: {pack} trials in one program exclude resources.hosts {sweep.resources.hosts}")
        jobs = [each for i, line in enumerate(lines) for each in _trial_of_hosts(sweep, i, line, tasks, after, rung)]
        return [*(config_map for config_map, _ in tasks), *jobs]
    config_map = trials_config_map(sweep, sweep.cluster, lines)
    keys = annotated(lines)
    job = named(sweep.name, _job(sweep, sweep.cluster, len(lines), keys, sources(config_map, tasks), after, rung))
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
    return named(stem, job)


def _trial_of_hosts(
    sweep: Sweep,
    number: int,
    line: tuple[str, str],
    tasks: list[tuple[Manifest, Manifest]],
    after: str,
    rung: int | None,
) -> list[Manifest]:
    """Return the objects of a trial that several hosts train together: a ConfigMap, a Service and a Job.

    The ConfigMap holds the trial. By the Service the hosts find each other. The Job has an index, and so a pod, for
    each host.

    Args:
      sweep: the sweep.
      number: position of the trial among those that are sent, from 0; a part of the Job's name.
      line: the trial's key, and the line of JSON that its pods read.
      tasks: for each task that a user wrote its ConfigMap, and the volume source that mounts it.
      after: names of the Jobs that had the trials before.
      rung: number of evaluations after which the trial pauses; None to run it to its end.
    """
    assert sweep.cluster is not None
    hosts, key = sweep.resources.hosts, line[0]
    config_map = trials_config_map(sweep, sweep.cluster, [line])
    job = _job(sweep, sweep.cluster, hosts, key, sources(config_map, tasks), after, rung)
    spec = job["spec"]
    spec |= {
        "parallelism": hosts,
        "maxFailedIndexes": 0,  # if one host fails, all end
        "successPolicy": {"rules": [{"succeededIndexes": "0"}]},  # host 0 writes the result
        "podFailurePolicy": {"rules": _failure_rules("FailJob")},
    }
    spec["template"]["metadata"]["labels"] = {**labels(sweep), TRIAL: key}
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
        "metadata": {"name": name, "namespace": sweep.cluster.namespace, "labels": labels(sweep)},
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,  # hosts look each other up before they are ready
            "selector": {TRIAL: key},
            "ports": [{"name": "meet", "port": PORT}],
        },
    }
    return [config_map, service, named(f"{sweep.name}-{number}", job)]


def config_maps_of(job: Manifest) -> list[str]:
    """Return the names of the ConfigMaps that a Job mounts: first that of its trials, then those of its tasks."""
    (sources,) = (
        volume["projected"]["sources"] for volume in job["spec"]["template"]["spec"]["volumes"] if "projected" in volume
    )
    return [source["configMap"]["name"] for source in sources]


def is_used(thing: Manifest, job: Manifest) -> bool:
    """Return whether a Job mounts the ConfigMap `thing`, or its hosts find each other by the Service `thing`."""
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
    """Raise ConfigError if a trial learns from a dataset, but the workspace is a bucket.

    Pods then have no shared volume, and download only runs from the bucket, no datasets.
    """
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


def _job(
    sweep: Sweep, cluster: Cluster, indexes: int, keys: str, mounted: list[Manifest], after: str, rung: int | None
) -> Manifest:
    queue = {QUEUE_LABEL: cluster.queue} if cluster.queue else {}
    metadata: Manifest = {"namespace": cluster.namespace, "labels": labels(sweep) | queue}
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
            "template": {"metadata": {"labels": labels(sweep)}, "spec": pod_of(sweep, cluster, mounted, rung)},
        },
    }


def _failure_rules(final: str) -> list[Manifest]:
    """Return a Job's podFailurePolicy: what follows from how a pod ended.

    The first rule that matches counts. A failed pod that no rule matches uses up a retry.

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
