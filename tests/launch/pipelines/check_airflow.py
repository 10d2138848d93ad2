"""Parses a DAG file with Airflow, and prints what it understood as JSON: `check_airflow.py DAG.py` in .venv-airflow."""

import json
import sys

from airflow.dag_processing.dagbag import DagBag

bag = DagBag(sys.argv[1])
assert not bag.import_errors, bag.import_errors
(dag,) = bag.dags.values()
tasks = {}
for task in dag.tasks:
    task.render_template_fields({"dag": dag, "ti": None})
    pod = task.build_pod_request_obj()
    (container,) = pod.spec.containers
    tasks[task.task_id] = {
        "needs": sorted(task.upstream_task_ids),
        "retries": task.retries,
        "namespace": pod.metadata.namespace,
        "labels": pod.metadata.labels,
        "container": container.name,
        "image": container.image,
        "args": container.args,
        "mounts": {mount.name: mount.mount_path for mount in container.volume_mounts},
        "claims": [
            each.persistent_volume_claim.claim_name for each in pod.spec.volumes if each.persistent_volume_claim
        ],
        "user": pod.spec.security_context.run_as_user,
        "read_only": container.security_context.read_only_root_filesystem,
        "grace": pod.spec.termination_grace_period_seconds,
    }
print("FOUND " + json.dumps({"dag": dag.dag_id, "tasks": tasks}))
