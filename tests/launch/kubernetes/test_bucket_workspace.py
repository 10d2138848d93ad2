"""Sweeps on a cluster whose workspace is a bucket: what is sent, what is refused, and results without pods."""

import json

import pytest

from flexrl.common.errors import ConfigError
from flexrl.storage.bucket import Bucket
from flexrl.storage.mirror import read_file
from launch.kubernetes import client as cluster
from launch.kubernetes.manifests import manifests
from launch.kubernetes.terraform_outputs import on_cloud, read_cloud
from launch.plan.sweep_file import Resources, Sweep, load_sweep
from launch.plan.trials import load_trials
from tests.launch import sweeps
from tests.launch.fake_training import CRASHES_ONCE
from tests.launch.kubernetes.test_remote import ended, wait_until
from tests.launch.kubernetes.test_terraform_outputs import outputs

IMAGE = "registry.example/flexrl@sha256:0"
IN_BUCKET = {"image": IMAGE, "workspace": "gs://runs/team"}


def pod(folder, **fields):
    path = sweeps.write(folder, cluster=IN_BUCKET, **fields)
    return manifests(*load_trials(path, folder / "workspace"))[-1]["spec"]["template"]["spec"]


def test_a_pod_has_a_folder_of_its_own_and_the_address_of_the_bucket(tmp_path):
    spec = pod(tmp_path)
    assert {"name": "workspace", "emptyDir": {}} in spec["volumes"]
    arguments = spec["containers"][0]["args"]
    assert arguments[arguments.index("--bucket") + 1] == "gs://runs/team"
    assert "FLEXRL_LEASED" not in {each["name"] for each in spec["containers"][0]["env"]}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        (
            {"cluster": {"image": IMAGE}},
            "cluster: needs cluster.volume_claim, or cluster.workspace: gs://BUCKET/PATH; neither is",
        ),
        ({"cluster": {**IN_BUCKET, "volume_claim": "x"}}, "cluster: needs cluster.volume_claim, or .*; both are given"),
        ({"cluster": {"image": IMAGE, "workspace": "s3://runs"}}, "cluster.workspace: 's3://runs' must be gs://BUCKET"),
        (
            {"cluster": IN_BUCKET, "resources": {"hosts": 2}},
            "resources.hosts: 2 hosts must share a volume; give cluster.volume_claim instead of .*'gs://runs/team'",
        ),
    ],
)
def test_a_workspace_that_cannot_be_is_refused(tmp_path, fields, named):
    with pytest.raises(ConfigError, match=named):
        load_sweep(sweeps.write(tmp_path, **fields))


def test_a_bucket_as_the_workspace_of_this_machine_is_refused(tmp_path, command):
    sweeps.write(tmp_path)
    code, _, error = command("plan", "--workspace", "gs://runs/team")
    assert code == 65 and "workspace: 'gs://runs/team' is a bucket" in error and "as cluster.workspace" in error


def test_a_dataset_is_refused_because_pods_copy_only_runs(tmp_path):
    base = {"algo": "bc", "env": "humanoid-walk", "algorithm": {"dataset": "/workspace/data"}, "total_steps": 5000}
    with pytest.raises(ConfigError, match="algorithm.dataset: '/workspace/data' is a folder, which no pod has"):
        pod(tmp_path, base=base)


def test_terraforms_bucket_is_the_workspace_unless_the_file_names_another(tmp_path):
    (tmp_path / "outputs.json").write_text(json.dumps(outputs()))
    cloud = read_cloud(tmp_path / "outputs.json")

    def workspace(**fields):
        made = on_cloud(Sweep(name="tiny", **fields), cloud).cluster
        return made.workspace, made.volume_claim

    assert workspace() == ("gs://my-project-flexrl-runs", None)
    assert workspace(resources=Resources(hosts=2)) == (None, "workspace")
    named = {name: load_sweep(sweeps.write(tmp_path, cluster=each))[0].cluster for name, each in CLUSTERS.items()}
    assert workspace(cluster=named["bucket"]) == ("gs://runs/team", None)
    assert workspace(cluster=named["volume"]) == (None, "workspace")


CLUSTERS = {"bucket": IN_BUCKET, "volume": {"image": IMAGE, "volume_claim": "another"}}


def test_results_come_from_the_bucket_when_jobs_and_pods_are_gone(server, controller, storage, on_cluster, tmp_path):
    fields = {"seeds": [3, CRASHES_ONCE, 65], "retries": 1, "cluster": IN_BUCKET}
    assert "3 of 3 trials sent" in on_cluster("submit", **fields)[1]
    wait_until(lambda: ended(server))
    trials = load_trials(tmp_path / "sweep.yaml", tmp_path / "here")[1]
    for trial, attempts in zip(trials, (1, 2, 1), strict=True):
        progress = json.loads(read_file(Bucket("gs://runs/team"), f"tiny/{trial.key}", "progress.json"))
        assert progress["attempts"] == attempts
    assert list(controller.node.volume.iterdir()) == []  # each pod had a folder of its own
    for job in server.all("jobs"):
        cluster.Cluster("default").delete(job)
    wait_until(lambda: not server.all("jobs"))
    out = ("--out", str(tmp_path / "out"))
    code, printed, _ = on_cluster("results", *out, **fields, workspace="another")
    assert code == 0 and "2 of 3 trials have a result" in printed and "missing: trial 3" in printed
    done = load_trials(tmp_path / "sweep.yaml", tmp_path / "another")[1][1].folder
    assert json.loads((done / "progress.json").read_text())["attempts"] == 2
    assert "2 done" in on_cluster("status", **fields, workspace="another")[1]
    storage.requests.clear()
    assert "2 of 3 trials have a result" in on_cluster("results", *out, **fields, workspace="another")[1]
    assert not [name for _, name, _ in storage.requests if trials[0].key in name]  # it is known here
    storage.refuses = True
    code, printed, error = on_cluster("results", *out, **fields, workspace="third")
    assert code == 65 and "gs://runs/team: refused" in error  # no trial has a result that this machine knows
    storage.refuses = False
    assert "1 of 3 trials sent" in on_cluster("submit", **fields, workspace="fourth")[1]


@pytest.mark.slow
def test_a_pod_that_vanishes_is_replaced_by_one_that_goes_on(server, controller, storage, on_cluster, tmp_path):
    fields = {"seeds": [2], "cluster": IN_BUCKET}
    on_cluster("submit", **fields)
    (trial,) = load_trials(tmp_path / "sweep.yaml", tmp_path / "here")[1]
    bucket = Bucket("gs://runs/team")
    wait_until(lambda: b"seed 2" in (read_file(bucket, f"tiny/{trial.key}", "log.txt") or b""))
    (first,) = controller.node.names()
    controller.node.lose(first)
    wait_until(lambda: controller.node.names() not in ([], [first]))
    (second,) = controller.node.names()
    folder = tmp_path / "node" / "pods" / second / "workspace" / "tiny" / trial.key
    wait_until(lambda: (folder / "log.txt").exists() and "seed 2, --resume" in (folder / "log.txt").read_text())
    assert json.loads((folder / "progress.json").read_text())["attempts"] == 2
