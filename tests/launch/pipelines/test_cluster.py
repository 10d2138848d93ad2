"""`launch.pipeline submit` on the imitation of a cluster, whose pods run `launch.stage` with a fake command."""

import pytest

from launch.kubernetes.manifests import KEYS
from launch.pipelines import cluster
from launch.pipelines.cluster import stage_job
from launch.pipelines.pipeline_file import load_pipeline
from tests.launch.conftest import CLUSTER
from tests.launch.pipelines.conftest import fake

pytestmark = pytest.mark.usefixtures("fake_stages")


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch):
    monkeypatch.setattr(cluster, "WAIT_SECONDS", 0.1)


def jobs(server):
    return {
        job["metadata"]["annotations"][KEYS]: job
        for (kind, _, _), job in server.store.objects.items()
        if kind == "jobs"
    }


def text(tmp_path, stage):
    return (tmp_path / "node" / "volume" / "chain" / stage.folder.name / "out" / "text").read_text()


def test_stages_become_jobs_in_order_and_a_second_submit_sends_none(controller, server, tmp_path, stages_of, command):
    stages = stages_of({"a": fake("a"), "b": fake("b", "a"), "c": fake("c", "a", "b")}, cluster=CLUSTER)
    code, out, _ = command("submit")
    assert code == 0 and out.count("sent as Job") == 1 and set(jobs(server)) == {stages["a"].key}
    code, out, _ = command("submit", "--wait")
    assert code == 0 and "3 done" in out and set(jobs(server)) == {stage.key for stage in stages.values()}
    assert text(tmp_path, stages["c"]) == "c(a(), b(a()))"
    code, out, _ = command("submit", "--wait")
    assert code == 0 and "sent" not in out
    code, out, _ = command("status", "--backend", "kubernetes")
    assert code == 0 and "3 done" in out


def test_a_broken_stage_stops_the_pipeline_and_the_next_submit_begins_there(
    controller, server, tmp_path, stages_of, command
):
    mended = tmp_path / "mended"
    stages = stages_of({"a": fake("a"), "b": fake("b", "a", needs=mended), "c": fake("c", "b")}, cluster=CLUSTER)
    code, out, error = command("submit", "--wait")
    assert code == 1 and error == "stage b failed; submit again begins there\n"
    assert f"error: {mended} is missing" in out and stages["c"].key not in jobs(server)
    before = jobs(server)[stages["b"].key]["metadata"]["name"]
    mended.touch()
    code, out, _ = command("submit", "--wait")
    assert code == 0 and out.count("sent as Job") == 2
    assert jobs(server)[stages["b"].key]["metadata"]["name"] != before
    assert text(tmp_path, stages["c"]) == "c(b(a()))"


def test_a_dry_run_creates_nothing(server, stages_of, command):
    stages_of({"a": fake("a"), "b": fake("b", "a")}, cluster=CLUSTER)
    code, out, _ = command("submit", "--dry-run")
    assert code == 0 and out.count("would be sent as Job chain-a-") == 1 and jobs(server) == {}


def test_a_job_has_the_pod_of_a_trial_without_its_trials(tmp_path, stages_of):
    resources = {"gpu": {"count": 1, "kind": "nvidia-l4"}, "spot": True}
    fields = {"cluster": {**CLUSTER, "queue": "flexrl"}, "retries": 3}
    stage = stages_of({"a": {**fake("a"), "resources": resources}}, **fields)["a"]
    pipeline = load_pipeline(tmp_path / "pipeline.yaml")
    job = stage_job(stage, pipeline.as_sweep("a"))
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert len(job["metadata"]["name"]) <= 63 and job["spec"]["backoffLimitPerIndex"] == 3
    assert container["args"] == ["python", "-m", "launch.stage", stage.at("/workspace").text()]
    assert container["workingDir"] == "/home/flexrl"
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert pod["nodeSelector"]["cloud.google.com/gke-accelerator"] == "nvidia-l4"
    assert {volume["name"] for volume in pod["volumes"]} == {mount["name"] for mount in container["volumeMounts"]}
    assert "trials" not in {volume["name"] for volume in pod["volumes"]}
    assert job["metadata"]["labels"]["app.kubernetes.io/instance"] == "pipeline-chain"
    assert stage_job(stage, pipeline.as_sweep("a"), "chain-a-1")["metadata"]["name"] != job["metadata"]["name"]
