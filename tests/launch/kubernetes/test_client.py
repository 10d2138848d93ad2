"""Requests to a cluster that fail, or that others meddle with: the real client against a server that does so."""

import re
from pathlib import Path

import pytest
import yaml

from launch.kubernetes import backend as kubernetes
from launch.kubernetes import client as cluster
from tests.launch import sweeps
from tests.launch.kube.server import Fault

JOBS = r"/jobs/"
LABELS = {"app.kubernetes.io/name": "flexrl", "app.kubernetes.io/instance": "tiny"}


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
        metadata = {"name": f"m{i}", "labels": {"a": "b"}}
        server.store.put(("configmaps", "default", f"m{i}"), {"metadata": metadata})
    server.faults.append(Fault("GET", "continue=4", 410, times=1))
    found = cluster.Cluster("default").owned("a=b")
    assert [each["metadata"]["name"] for each in found] == [f"m{i}" for i in range(5)]
    assert server.count("GET", "configmaps") == 6
    server.faults.append(Fault("GET", "continue=2", 410))
    with pytest.raises(cluster.Unavailable, match="expired while it was read, 3 times"):
        cluster.Cluster("default").owned("a=b")


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


def role():
    objects = yaml.safe_load_all((Path(__file__).parents[3] / "k8s" / "base" / "rbac.yaml").read_text())
    (found,) = (each for each in objects if each["kind"] == "Role")
    return found["rules"]


def test_the_launchers_role_allows_what_is_asked_and_nothing_else(server, on_cluster):
    server.rules = role()
    assert on_cluster("submit")[0] == 0
    assert on_cluster("status")[0] == 0
    old = {"metadata": {"name": "left", "labels": LABELS, "creationTimestamp": "2026-01-01T00:00:00Z"}}
    server.store.put(("configmaps", "default", "left"), old)
    server.store.put(("services", "default", "left"), {"metadata": dict(old["metadata"])})
    fields = {"base": {**sweeps.TINY, "num_devices": 2}, "resources": {"hosts": 2}}
    assert on_cluster("submit", **fields)[0] == 0
    (job, *_) = server.all("jobs")
    server.logs["a-pod"] = Path(__file__)
    server.store.put(("pods", "default", "a-pod"), {"metadata": {"name": "a-pod"}})
    assert "a-pod" in cluster.Cluster("default").log("a-pod")
    cluster.Cluster("default").set_parallelism(job, 1)
    cluster.Cluster("default").delete(job)
    asked = {("get", "namespaces"), ("update", "jobs/finalizers")}  # to name a Job as an owner that waits
    for method, path in server.requests:
        if not (found := re.fullmatch(r".*/namespaces/default/(\w+)(/[^/?]+)?(/\w+)?(?:\?.*)?", path)):
            continue
        resource, name, part = found.groups()
        verbs = {"GET": ["get" if name else "list"], "PATCH": ["create", "patch"], "DELETE": ["delete"]}[method]
        asked |= {(verb, resource + (part or "")) for verb in verbs}
    assert {(verb, resource) for rule in role() for verb in rule["verbs"] for resource in rule["resources"]} == asked


def test_owning_is_allowed_where_a_cluster_lets_only_those_own_who_may_delete(server, on_cluster):
    rules = [rule for rule in role() if rule["resources"] != ["configmaps"]]
    server.rules = [*rules, {"resources": ["configmaps"], "verbs": ["list", "create", "patch"]}]
    code, _, error = on_cluster("submit")
    assert code == 65 and "cannot delete configmaps" in error  # as on a cluster that enforces it, without the right
    server.rules = role()
    assert on_cluster("submit")[0] == 0
    (config_map,) = server.all("configmaps")
    assert config_map["metadata"]["ownerReferences"]


def test_a_namespace_that_is_not_there_is_told_by_every_command(server, on_cluster, tmp_path):
    for name in ("status", "watch", "submit", "cancel", "retry", "results"):
        code, out, error = on_cluster(name, "--namespace", "nowhere")
        assert (code, out, error.count("\n")) == (65, "", 1), name
        assert 'namespaces "nowhere" not found; make the namespace (kubectl create namespace' in error


def test_a_quota_is_not_taken_for_a_lack_of_rights(server, on_cluster):
    message = 'jobs.batch "tiny-0" is forbidden: exceeded quota: flexrl, requested: count/jobs.batch=1, used: 200'
    server.faults.append(Fault("PATCH", JOBS, 403, message=message))
    code, _, error = on_cluster("submit")
    assert code == 65 and "exceeded quota: flexrl" in error and "ask for a larger quota" in error
    assert "Role" not in error and error.count("\n") == 1


def test_what_an_interrupted_submit_left_is_taken_up_or_swept_up_by_the_next(server, on_cluster):
    server.faults.append(Fault("PATCH", JOBS, 403, times=1, message="exceeded quota: flexrl"))
    assert on_cluster("submit", seeds=2)[0] == 65
    (config_map,) = server.all("configmaps")
    assert "ownerReferences" not in config_map["metadata"]
    assert on_cluster("submit", seeds=3)[0] == 0  # other trials, so another object; the first may be another submit's
    assert len(server.all("configmaps")) == 2
    key = ("configmaps", "default", config_map["metadata"]["name"])
    metadata = {**config_map["metadata"], "creationTimestamp": "2026-01-01T00:00:00Z"}
    server.store.put(key, {**config_map, "metadata": metadata})
    assert on_cluster("submit", seeds=3)[0] == 0
    (left,) = server.all("configmaps")
    assert left["metadata"]["ownerReferences"]


def test_watch_waits_for_an_api_server_that_does_not_answer(server, on_cluster, waits, monkeypatch):
    pauses = []
    monkeypatch.setattr(kubernetes.time, "sleep", pauses.append)
    server.faults.append(Fault("GET", "/jobs", 503, times=3 * cluster.ATTEMPTS))
    code, out, error = on_cluster("watch")
    assert code == 0 and "no Job goes on" in out
    assert [line.rpartition("; ")[2] for line in error.splitlines()] == [
        "watch asks again in 5 s",
        "watch asks again in 10 s",
        "watch asks again in 20 s",
    ]
    assert pauses == [5, 10, 20]
    assert kubernetes.PATIENCE_SECONDS >= 600
    monkeypatch.setattr(kubernetes, "PATIENCE_SECONDS", -1.0)
    server.faults.append(Fault("GET", "/jobs", 503))
    code, _, error = on_cluster("watch")
    assert code == 69 and "try again later" in error
