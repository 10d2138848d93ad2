"""Requests to a cluster that fail, or that others meddle with: the real client against a server that does so."""

import re
from pathlib import Path

import pytest
import yaml

from launch import cluster
from tests.launch import sweeps
from tests.launch.kube.server import Fault

JOBS = r"/jobs/"


def test_every_request_is_what_the_namespace_and_context_say(server, on_cluster, tmp_path):
    code, _, error = on_cluster("submit", "--namespace", "team")
    assert code == 65 and "namespace team: 404 Not Found" in error and "kubectl create namespace" in error
    code, _, error = on_cluster("submit", "--context", "moon")
    assert code == 65 and "moon" in error and "get-contexts" in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("code", "exit_code", "attempts", "named"),
    [
        (403, 65, 1, "flexrl-launcher"),
        (404, 65, 1, "kubectl create namespace"),
        (409, 65, 1, "cancel and submit again"),
        (410, 65, 1, "ask again"),
        (422, 65, 1, "the sweep's file"),
        (429, 69, 5, "try again later"),
        (500, 69, 5, "try again later"),
        (503, 69, 5, "try again later"),
        ("broken", 69, 5, "try again later"),
        ("silent", 69, 5, "try again later"),
    ],
)
def test_each_failure_has_its_attempts_and_one_line(
    server, on_cluster, waits, monkeypatch, code, exit_code, attempts, named
):
    monkeypatch.setattr(cluster, "TIMEOUT_SECONDS", 0.3)
    server.faults.append(Fault("PATCH", JOBS, code))
    found, out, error = on_cluster("submit", seeds=2)
    assert (found, out, error.count("\n")) == (exit_code, "", 1)
    assert error.startswith("error: apply Job tiny-") and "in namespace default" in error and named in error
    assert str(code) in error or "no answer from http://127.0.0.1" in error
    assert server.count("PATCH", JOBS) == attempts
    assert waits == [0.5, 1.0, 2.0, 4.0][: attempts - 1]
    assert server.all("jobs") == []


@pytest.mark.parametrize(("code", "retry_after"), [("broken", None), (503, 0), (429, 0)])
def test_nobody_below_us_tries_again_on_its_own(server, on_cluster, waits, code, retry_after):
    server.faults.append(Fault("GET", "/jobs", code, retry_after=retry_after))
    found, _, error = on_cluster("status")
    assert found == 69 and error.startswith("error: list Jobs in namespace default: ")
    assert server.count("GET", "/jobs") == cluster.ATTEMPTS == len(waits) + 1


def test_the_server_says_when_to_ask_again_and_is_obeyed_within_reason(server, on_cluster, waits):
    server.faults += [Fault("PATCH", JOBS, 429, times=1, retry_after=7), Fault("PATCH", JOBS, 503, 1, retry_after=900)]
    assert on_cluster("submit")[0] == 0
    assert waits == [7, cluster.LONGEST_WAIT]


def test_a_server_that_is_not_there_is_one_line(server, on_cluster, waits, tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nothing"))
    code, _, error = on_cluster("status")
    assert code == 65 and error.startswith("error: kubeconfig: ") and error.count("\n") == 1
    server.url = "http://127.0.0.1:1"
    monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(tmp_path / "wrong")))
    code, _, error = on_cluster("status")
    assert code == 69 and "no answer from http://127.0.0.1:1" in error and error.count("\n") == 1
    assert len(waits) == 4


def test_a_hundred_answers_that_are_lost_make_no_job_twice(server, waits, monkeypatch):
    monkeypatch.setattr(cluster, "TIMEOUT_SECONDS", 0.3)
    server.faults.append(Fault("PATCH", JOBS, "broken", times=100, done=True))
    server.faults.append(Fault("PATCH", JOBS, "silent", times=3, done=True))
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "one"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "trial", "image": "x"}]}}},
    }
    lost = 0
    for _ in range(21):
        try:
            cluster.Cluster("default", None, waits.append).apply(job)
        except cluster.Unavailable:
            lost += 1
    assert lost == 20 and server.count("PATCH", JOBS) == 104
    assert len(server.all("jobs")) == 1


def test_a_list_of_many_pages_is_read_anew_when_it_expires(server, monkeypatch):
    monkeypatch.setattr(cluster, "PAGE", 2)
    for i in range(5):
        metadata = {"name": f"m{i}", "labels": {"a": "b"}, "annotations": {"flexrl/keys": str(i)}}
        server.store.put(("configmaps", "default", f"m{i}"), {"metadata": metadata})
    server.faults.append(Fault("GET", "continue=4", 410, times=1))
    found = cluster.Cluster("default").config_maps("a=b")
    assert [each["metadata"]["name"] for each in found] == [f"m{i}" for i in range(5)]
    assert server.count("GET", "configmaps") == 6
    server.faults.append(Fault("GET", "continue=2", 410))
    with pytest.raises(cluster.Unavailable, match="expired while it was read, 3 times"):
        cluster.Cluster("default").config_maps("a=b")


def test_someone_elses_change_is_not_overwritten(server, on_cluster):
    on_cluster("submit", seeds=2)
    (job,) = server.all("jobs")
    key = ("jobs", "default", job["metadata"]["name"])
    patch = {"spec": {"parallelism": 1}}
    server.store.put(key, {**job, "spec": {**job["spec"], "parallelism": 1}})
    server.store.note_owner(key, "kubectl", job, patch, apply=False)
    applied = {**job, "metadata": {k: job["metadata"][k] for k in ("name", "labels")}}
    with pytest.raises(cluster.ConfigError, match=r'409 Conflict: .*"kubectl \(update\)": \.spec\.parallelism'):
        cluster.Cluster("default").apply(applied)


def test_the_launchers_role_allows_what_is_asked_and_nothing_else(server, on_cluster):
    on_cluster("submit")
    on_cluster("status")
    (job,) = server.all("jobs")
    on_cluster("submit", base={**sweeps.TINY, "num_devices": 2}, resources={"hosts": 2})
    server.logs["a-pod"] = Path(__file__)
    server.store.put(("pods", "default", "a-pod"), {"metadata": {"name": "a-pod"}})
    assert "a-pod" in cluster.Cluster("default").log("a-pod")
    cluster.Cluster("default").delete(job)
    asked = set()
    for method, path in server.requests:
        resource, name, part = re.fullmatch(r".*/namespaces/default/(\w+)(/[^/?]+)?(/\w+)?(?:\?.*)?", path).groups()
        verbs = {"GET": ["get" if name else "list"], "PATCH": ["create", "patch"], "DELETE": ["delete"]}[method]
        asked |= {(verb, resource + (part or "")) for verb in verbs}
    objects = yaml.safe_load_all((Path(__file__).parents[2] / "k8s" / "base" / "rbac.yaml").read_text())
    (role,) = (each for each in objects if each["kind"] == "Role")
    allowed = {(v, r) for rule in role["rules"] for v in rule["verbs"] for r in rule["resources"]}
    assert allowed - {("update", "jobs/finalizers")} == asked
