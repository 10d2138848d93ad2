"""Build the ConfigMaps that hold a sweep's trials and its users' task files, and what a Job needs to mount them."""

import base64
import gzip
import json
from collections.abc import Mapping
from pathlib import PurePosixPath

from envs.built_in import is_model_file
from flexrl.common.errors import ConfigError
from launch.attempt.pod_interface import TRIALS_FILE
from launch.kubernetes.objects import Manifest, digest, labels, named
from launch.plan import task_files
from launch.plan.packs import Pack
from launch.plan.sweep_file import VOLUME, Cluster, Sweep
from launch.plan.trials import Trial

TRIALS = PurePosixPath("/etc/flexrl")  # where pods mount the ConfigMaps
MAX_CONFIG_MAP_BYTES = 900_000  # most bytes of a ConfigMap's content; Kubernetes limits an object to 1 MiB
MAX_KEYS_BYTES = 200_000  # most bytes of the keys of a Job's trials; Kubernetes limits all annotations to 256 KiB


def trials_config_map(sweep: Sweep, cluster: Cluster, lines: list[tuple[str, str]]) -> Manifest:
    """Return the ConfigMap that holds the trials of a Job, compressed.

    Args:
      sweep: the sweep.
      cluster: where it runs.
      lines: for each index of the Job the keys of its trials (`keys_of`), and its line of JSON (`line_of`).

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
            "name": f"{sweep.name}-trials-{digest(text.decode())}",  # of the text: gzip's output may differ by machine
            "namespace": cluster.namespace,
            "labels": labels(sweep),
        },
        "immutable": True,
        "binaryData": {TRIALS_FILE: base64.b64encode(packed_text).decode()},
    }


def task_config_maps(sweep: Sweep, cluster: Cluster, trials: list[Trial]) -> list[tuple[Manifest, Manifest]]:
    """Return, for each task or robot that a user wrote, a ConfigMap with its files, and how pods mount it.

    The second object of each pair is the ConfigMap's source in the pods' projected volume: its name, and the path of
    each file. Built-in tasks need no ConfigMap: the image has their files.

    Args:
      sweep: the sweep.
      cluster: where it runs.
      trials: trials whose tasks are looked at.
    """
    envs = {_task_folder(env): env for env in {trial.config.env: 0 for trial in trials} if task_files.in_file(env)}
    found = []
    for i, (folder, env) in enumerate(envs.items()):
        config_map = named(
            f"{sweep.name}-task-{i}",
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"namespace": cluster.namespace, "labels": labels(sweep)},
                "immutable": True,
                "data": task_files.texts(env, MAX_CONFIG_MAP_BYTES),
            },
        )
        items = [{"key": name, "path": str(folder / name)} for name in config_map["data"]]
        found.append((config_map, {"name": config_map["metadata"]["name"], "items": items}))
    return found


def sources(trials: Manifest, tasks: list[tuple[Manifest, Manifest]]) -> list[Manifest]:
    """Return the sources of a Job's projected volume, one for each ConfigMap that its pods mount.

    Args:
      trials: ConfigMap of the Job's trials.
      tasks: for each task that a user wrote its ConfigMap, and the source that mounts it in a folder of its own.
    """
    return [{"name": trials["metadata"]["name"]}, *(source for _, source in tasks)]


def keys_of(pack: Pack) -> str:
    """Return the keys of the trials that one pod trains together, with commas between them, for a Job's annotation."""
    return ",".join(trial.key for trial in pack)


def annotated(lines: list[tuple[str, str]]) -> str:
    """Return the keys of a Job's trials as the text of its annotation, in the order of its indexes.

    Args:
      lines: for each index of the Job the keys of its trials, and its line of JSON, which is not used.

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


def line_of(sweep: Sweep, pack: Pack, cleared: Mapping[str, int]) -> str:
    """Return the trials of one pod as a line of JSON, from which `launch.trial` in the pod makes them again.

    The line holds each trial's number, key, values and config, with the workspace and the task's files at their paths
    in the pod.

    Args:
      sweep: the sweep.
      pack: the trials that the pod trains together.
      cleared: by trial key, how many attempts the trial had made when the user cleared its failure with `retry`; the
        pod then does not count this failure. Trials whose failure was not cleared are left out.
    """
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
