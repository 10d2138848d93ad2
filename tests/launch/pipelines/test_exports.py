"""The files for Airflow and Kubeflow Pipelines, each read by that project's own package."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from launch.pipelines.cluster import stage_job
from launch.pipelines.pipeline_file import load_pipeline
from launch.stage import read
from tests.launch.kubernetes.test_terraform_outputs import outputs
from tests.launch.pipelines.conftest import fake
from tests.launch.sweeps import TINY

ROOT = Path(__file__).parents[3]
CLUSTER = {"image": "registry.example/flexrl@sha256:0", "volume_claim": "workspace", "namespace": "flexrl"}
KUBECONFIG = {  # Airflow asks whether it runs in a cluster; nothing is sent
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "here",
    "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
    "clusters": [{"name": "here", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "me", "user": {}}],
}

pytestmark = pytest.mark.usefixtures("fake_stages")


def peer(name):
    """The interpreter of a peer's environment, which `make pipeline-peers` makes."""
    return ROOT / f".venv-{name}" / "bin" / "python"


needs_airflow = pytest.mark.skipif(not peer("airflow").exists(), reason="make pipeline-peers installs Airflow")
needs_kfp = pytest.mark.skipif(not peer("kfp").exists(), reason="make pipeline-peers installs kfp")


@pytest.fixture
def pipeline(tmp_path, stages_of):
    """A pipeline with what template engines might change, and its stages."""
    words = {"command": [*fake("b", "a")["command"], "needs={{ ds }} {%x%} {#y#} $(HOME) {{$.x}} 'q' \"p\" é"]}
    gpu = {"gpu": {"count": 1, "kind": "nvidia-l4"}, "spot": True}
    fields = {"a": {"train": TINY}, "b": words, "c-1": {**fake("c", "a", "b"), "resources": gpu}}
    stages = stages_of(fields, cluster={**CLUSTER, "queue": "flexrl"}, retries=3)
    return load_pipeline(tmp_path / "pipeline.yaml"), stages


@pytest.fixture
def export(tmp_path, command, pipeline):
    """Export the pipeline, and return the file."""

    def write(to, suffix):
        out = tmp_path / "made" / f"chain{suffix}"
        code, printed, error = command("export", "--to", to, "--out", str(out))
        assert code == 0, error
        assert printed == f"wrote {out}: 3 stages\n"
        return out

    return write


def understood(name, path, tmp_path):
    """What a peer reads in a file."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(json.dumps(KUBECONFIG))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"AIRFLOW_HOME": str(tmp_path / "airflow"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    environment |= {"KUBECONFIG": str(kubeconfig), "HOME": str(tmp_path)}
    check = Path(__file__).parent / f"check_{'airflow' if name == 'airflow' else 'kubeflow'}.py"
    done = subprocess.run([peer(name), check, path], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("FOUND "))
    return json.loads(line.removeprefix("FOUND "))


@needs_airflow
def test_airflow_parses_the_dag_and_its_pods_are_those_of_the_jobs(tmp_path, pipeline, export):
    found = understood("airflow", export("airflow", ".py"), tmp_path)
    fields, stages = pipeline
    assert found["dag"] == "chain"
    assert {name: task["needs"] for name, task in found["tasks"].items()} == {"a": [], "b": ["a"], "c-1": ["a", "b"]}
    for name, task in found["tasks"].items():
        pod = stage_job(stages[name], fields.as_sweep(name))["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert task["args"][:3] == ["python", "-m", "launch.stage"] and read(task["args"][3:]) == stages[name].at(
            "/workspace"
        )
        assert (task["namespace"], task["image"], task["retries"]) == ("flexrl", CLUSTER["image"], 3)
        assert task["container"] == container["name"] and task["claims"] == ["workspace"]
        assert task["mounts"] == {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        assert task["user"] == 10001 and task["read_only"] and task["grace"] == 30
        assert task["labels"]["kueue.x-k8s.io/queue-name"] == "flexrl"


@needs_kfp
def test_kfp_reads_and_compiles_the_pipeline(tmp_path, pipeline, export):
    found = understood("kfp", export("kubeflow", ".yaml"), tmp_path)
    _, stages = pipeline
    tasks = found["spec"]["root"]["dag"]["tasks"]
    assert found["name"] == "chain"
    assert {name: task.get("dependentTasks", []) for name, task in tasks.items()} == {
        **{"a": [], "b": ["a"], "c-1": ["a", "b"]}
    }
    assert {task["retryPolicy"]["maxRetryCount"] for task in tasks.values()} == {3}
    for name, stage in stages.items():
        container = found["spec"]["deploymentSpec"]["executors"][f"exec-{name}"]["container"]
        assert container["command"] == ["tini", "--", "python", "-m", "launch.stage"]
        assert read(container["args"]) == stage.at("/workspace")
        assert {"name": "FLEXRL_LEASED", "value": "1"} in container["env"]
        assert container["resources"]["resourceMemoryLimit"] == "4Gi"
    executor = found["executors"]["exec-c-1"]
    assert executor["nodeSelector"]["labels"]["cloud.google.com/gke-accelerator"] == "nvidia-l4"
    assert executor["pvcMount"][0]["mountPath"] == "/workspace"


def test_a_dag_file_is_python_and_holds_the_pods_of_the_jobs(pipeline, export):
    text = export("airflow", ".py").read_text()
    compile(text, "dag", "exec")
    names: dict = {}
    exec(text.partition("\n\nwith DAG")[0].replace("from airflow", "# from airflow"), names)
    fields, stages = pipeline
    for name, stage in stages.items():
        assert names["PODS"][name]["spec"] == stage_job(stage, fields.as_sweep(name))["spec"]["template"]["spec"]
    assert names["NEEDS"] == {"a": [], "b": ["a"], "c-1": ["a", "b"]}


def test_a_kubeflow_file_asks_for_what_each_stage_needs(pipeline, export):
    specification, platform = yaml.safe_load_all(export("kubeflow", ".yaml").read_text())
    executors = specification["deploymentSpec"]["executors"]
    assert executors["exec-c-1"]["container"]["resources"]["accelerator"]["resourceType"] == "nvidia.com/gpu"
    assert "accelerator" not in executors["exec-a"]["container"]["resources"]
    tolerations = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-c-1"]["tolerations"]
    assert {each["key"] for each in tolerations} == {"nvidia.com/gpu", "cloud.google.com/gke-spot"}


def test_terraform_fills_in_the_cluster_and_picks_a_pool_for_each_stage(tmp_path, stages_of, command):
    (tmp_path / "outputs.json").write_text(json.dumps(outputs()))
    stages_of({"a": fake("a"), "b": {**fake("b", "a"), "resources": {"gpu": {"count": 1, "kind": "nvidia-l4"}}}})
    flags = ["--from-terraform", str(tmp_path / "outputs.json"), "--out", str(tmp_path / "x.yaml")]
    assert command("export", "--to", "kubeflow", *flags)[0] == 0
    specification, platform = yaml.safe_load_all((tmp_path / "x.yaml").read_text())
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    pools = [each["nodeSelector"]["labels"]["cloud.google.com/gke-nodepool"] for each in executors.values()]
    assert pools == ["cpu", "l4"]
    images = {each["container"]["image"] for each in specification["deploymentSpec"]["executors"].values()}
    assert images == {outputs()["launch"]["value"]["image"]}
    stages_of({"a": {**fake("a"), "resources": {"gpu": {"count": 1, "kind": "nvidia-b200"}}}})
    code, _, error = command("export", "--to", "kubeflow", *flags)
    assert code == 65 and "resources.gpu.kind: 'nvidia-b200' is in no pool" in error


def test_secrets_that_kubeflow_cannot_give_are_refused(tmp_path, stages_of, command):
    stages_of({"a": fake("a")}, cluster={**CLUSTER, "env_from_secret": ["trackers"]})
    code, _, error = command("export", "--to", "kubeflow", "--out", str(tmp_path / "x.yaml"))
    assert code == 65 and "cluster.env_from_secret: trackers" in error and "--to airflow" in error
    assert not (tmp_path / "x.yaml").exists()
