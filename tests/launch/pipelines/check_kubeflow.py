"""Loads a compiled pipeline with kfp, and prints what it understood as JSON: `check_kubeflow.py FILE` in .venv-kfp.

Fields that a message of the pipeline's or the platform's specification does not have are errors.
"""

import json
import sys
from pathlib import Path

import yaml
from google.protobuf import json_format
from kfp import compiler, components, dsl
from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.pipeline_spec import pipeline_spec_pb2

path = Path(sys.argv[1])
specification, platform = yaml.safe_load_all(path.read_text())
json_format.ParseDict(specification, pipeline_spec_pb2.PipelineSpec())
json_format.ParseDict(platform, pipeline_spec_pb2.PlatformSpec())
executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
for executor in executors.values():
    json_format.ParseDict(executor, kubernetes_executor_config_pb2.KubernetesExecutorConfig())
loaded = components.load_component_from_file(str(path))


@dsl.pipeline(name="outer")
def outer() -> None:
    """Runs the loaded pipeline as a part of another one, so that kfp's compiler checks it."""
    loaded()


compiler.Compiler().compile(outer, str(path.with_suffix(".outer.yaml")))
spec = json_format.MessageToDict(loaded.pipeline_spec)
print("FOUND " + json.dumps({"name": loaded.name, "spec": spec, "executors": executors}))
