"""Writes a pipeline as a DAG file of Apache Airflow 3, in which each stage is a KubernetesPodOperator."""

import pprint
from collections.abc import Mapping, Sequence

from launch.kubernetes.manifests import QUEUE_LABEL, START_SECONDS
from launch.kubernetes.objects import Manifest
from launch.kubernetes.pods import CONTAINER
from launch.pipelines.cluster import require_cluster, stage_job
from launch.pipelines.pipeline_file import Pipeline
from launch.pipelines.stages import Stage
from launch.plan.sweep_file import Sweep

DAG = '''"""The pipeline {name} of flex-rl. Written by `python -m launch.pipeline export --to airflow`; do not edit."""

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import DAG

PODS = {pods}
NEEDS = {needs}

with DAG({name!r}, schedule=None, catchup=False, max_active_runs=1, tags=["flexrl"]):
    tasks = {{
        name: KubernetesPodOperator(
            task_id=name,
            name=f"{name}-{{name}}",
            namespace={namespace!r},
            pod_template_dict=pod,
            base_container_name={container!r},
            retries={retries},
            startup_timeout_seconds={start_seconds},
            termination_grace_period=pod["spec"]["terminationGracePeriodSeconds"],
        )
        for name, pod in PODS.items()
    }}
    for name, others in NEEDS.items():
        tasks[name].set_upstream([tasks[other] for other in others])
'''


def dag_file(pipeline: Pipeline, stages: Sequence[Stage], sweeps: Mapping[str, Sweep]) -> str:
    """Return the text of the DAG file.

    Args:
      pipeline: the pipeline.
      stages: its stages in their order.
      sweeps: by stage name, a `Sweep` that holds the stage's cluster, resources and retries.
    """
    pods = {stage.name: _pod(stage, sweeps[stage.name]) for stage in stages}
    return DAG.format(
        name=pipeline.name,
        pods=pprint.pformat(pods, width=120, sort_dicts=False),
        needs=pprint.pformat({stage.name: list(stage.inputs) for stage in stages}, width=120, sort_dicts=False),
        namespace=require_cluster(sweeps[stages[0].name]).namespace,
        container=CONTAINER,
        retries=pipeline.retries,
        start_seconds=START_SECONDS,
    )


def _pod(stage: Stage, sweep: Sweep) -> Manifest:
    """Return the Kubernetes pod of a stage: the same pod that `launch.pipeline submit` gives the stage's Job."""
    template = stage_job(stage, sweep)["spec"]["template"]
    cluster = require_cluster(sweep)
    queue = {QUEUE_LABEL: cluster.queue} if cluster.queue else {}
    labels = {**template["metadata"]["labels"], **queue}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": labels}, "spec": template["spec"]}
