"""Sweeps on a cluster: the real client against a server that speaks the Kubernetes API, pods as processes here."""

import json
import re
import sys
import time
from pathlib import Path

import pytest
import yaml

from launch import cluster, sweep
from launch.observation import INDEX
from tests.launch import sweeps
from tests.launch.fake_training import CRASHES_ONCE, NEVER_ENDS
from tests.launch.kube.controller import Controller
from tests.launch.kube.node import Node
from tests.launch.kube.server import Fault, KubeServer

CLUSTER = {"image": "registry.example/flexrl@sha256:0", "volume_claim": "workspace"}
FAKE = """
import sys
from launch import attempt, trial
attempt.TRAINING = (sys.executable, "-m", "tests.launch.fake_training")
trial.main(sys.argv[1:])
"""
JOBS = r"/jobs/"


@pytest.fixture
def server(tmp_path, monkeypatch):
    """An API server, and nobody behind it."""
    with KubeServer().serving() as server:
        monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(tmp_path / "kubeconfig")))
        yield server


@pytest.fixture
def controller(server, tmp_path):
    """Runs the pods of `server`, two at a time, with trainings that end as their seeds say."""
    node = Node(server, tmp_path / "node", trial=[sys.executable, "-c", FAKE])
    with Controller(server, node).running() as controller:
        yield controller


@pytest.fixture
def waits(monkeypatch):
    """Seconds that were waited between attempts, without waiting."""
    waits = []
    monkeypatch.setattr(cluster.Cluster.__init__, "__defaults__", (None, waits.append))
    return waits


@pytest.fixture
def command(tmp_path, capsys):
    """`launch.sweep` on a cluster: exit code, standard output and error."""

    def run(name, *flags, workspace="here", **fields):
        sweeps.write(tmp_path, **{"cluster": CLUSTER, "parallelism": 8, **fields})
        place = ["--workspace", str(tmp_path / workspace), "--backend", "kubernetes"]
        try:
            sweep.main([name, str(tmp_path / "sweep.yaml"), *place, *flags])
            code = 0
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    return run


def wait_until(condition, seconds=40):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ended(server):
    jobs = server.all("jobs")
    return all(
        any(c["type"] in ("Complete", "Failed") for c in job.get("status", {}).get("conditions", [])) for job in jobs
    )


def indexes(server):
    return [(job["metadata"]["name"], job["spec"]["completions"]) for job in server.all("jobs")]


def test_submitting_twice_changes_nothing_and_another_axis_sends_the_new_trials_only(server, command):
    assert "3 of 3 trials sent, as Job tiny-" in command("submit", seeds=3)[1]
    (before,) = server.all("jobs")
    maps = server.all("configmaps")
    assert command("submit", seeds=3) == (0, "tiny: submitted before; no change (3 waiting)\n", "")
    assert server.all("jobs") == [before] and server.all("configmaps") == maps
    assert "2 of 5 trials sent" in command("submit", seeds=5)[1]
    assert [number for _, number in indexes(server)] == [3, 2]
    assert "no change (5 waiting)" in command("submit", seeds=5, workspace="another")[1]  # nothing is kept here alone


def test_a_dry_run_asks_the_server_and_leaves_it_as_it_is(server, command):
    assert "2 of 2 trials would be sent, as Job tiny-" in command("submit", "--dry-run", seeds=2)[1]
    assert server.count("PATCH", "jobs/.*dryRun=All") == 1
    command("submit", seeds=2)
    before = server.all("jobs")
    for name in ("submit", "cancel", "retry"):
        assert command(name, "--dry-run", seeds=4)[0] == 0
    assert server.all("jobs") == before


def test_every_request_is_what_the_namespace_and_context_say(server, command, tmp_path):
    code, _, error = command("submit", "--namespace", "team")
    assert code == 65 and "namespace team: 404 Not Found" in error and "kubectl create namespace" in error
    code, _, error = command("submit", "--context", "moon")
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
    server, command, waits, monkeypatch, code, exit_code, attempts, named
):
    monkeypatch.setattr(cluster, "TIMEOUT_SECONDS", 0.3)
    server.faults.append(Fault("PATCH", JOBS, code))
    found, out, error = command("submit", seeds=2)
    assert (found, out, error.count("\n")) == (exit_code, "", 1)
    assert error.startswith("error: apply Job tiny-") and "in namespace default" in error and named in error
    assert str(code) in error or "no answer from http://127.0.0.1" in error
    assert server.count("PATCH", JOBS) == attempts
    assert waits == [0.5, 1.0, 2.0, 4.0][: attempts - 1]
    assert server.all("jobs") == []


def test_the_server_says_when_to_ask_again_and_is_obeyed_within_reason(server, command, waits):
    server.faults += [Fault("PATCH", JOBS, 429, times=1, retry_after=7), Fault("PATCH", JOBS, 503, 1, retry_after=900)]
    assert command("submit")[0] == 0
    assert waits == [7, cluster.LONGEST_WAIT]


def test_a_server_that_is_not_there_is_one_line(server, command, waits, tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nothing"))
    code, _, error = command("status")
    assert code == 65 and error.startswith("error: kubeconfig: ") and error.count("\n") == 1
    server.url = "http://127.0.0.1:1"
    monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(tmp_path / "wrong")))
    code, _, error = command("status")
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


def test_someone_elses_change_is_not_overwritten(server, command):
    command("submit", seeds=2)
    (job,) = server.all("jobs")
    key = ("jobs", "default", job["metadata"]["name"])
    patch = {"spec": {"parallelism": 1}}
    server.store.put(key, {**job, "spec": {**job["spec"], "parallelism": 1}})
    server.store.note_owner(key, "kubectl", job, patch, apply=False)
    applied = {**job, "metadata": {k: job["metadata"][k] for k in ("name", "labels")}}
    with pytest.raises(cluster.ConfigError, match=r'409 Conflict: .*"kubectl": \.spec\.parallelism'):
        cluster.Cluster("default").apply(applied)


def test_trials_run_as_pods_and_their_results_come_home(server, controller, command, tmp_path):
    seeds = {"seeds": [3, CRASHES_ONCE, 65], "retries": 1}
    command("submit", **seeds)
    wait_until(lambda: ended(server))
    code, out, _ = command("status", **seeds)
    assert code == 0 and "1 failed" in out and "2 done" in out and "no Job goes on" in out
    assert "error: as asked, 65" in out
    rows = [line.split() for line in out.splitlines()]
    assert [row[3:6] for row in rows if row[:1] == ["2"]] == [["done", "2", "0"]]
    assert "seed 65" in command("logs", "3", **seeds)[1]
    code, out, _ = command("results", "--out", str(tmp_path / "out"), **seeds)
    assert "2 of 3 trials have a result" in out and "missing: trial 3" in out
    assert "no change (2 done, 1 failed)" in command("submit", **seeds)[1]
    command("cancel", **seeds)
    for job in server.all("jobs"):
        cluster.Cluster("default").delete(job)
    wait_until(lambda: not server.all("jobs") and not server.all("configmaps") and not server.all("pods"))
    assert "no change (2 done, 1 failed)" in command("submit", **seeds)[1]  # it is known here


def test_retry_sends_what_failed_and_nothing_else(server, controller, command, tmp_path):
    seeds = {"seeds": [3, 70], "retries": 0}
    command("submit", **seeds)
    wait_until(lambda: ended(server))
    assert "1 failed trials would be cleared" in command("retry", "--dry-run", **seeds)[1]
    assert "1 failed trials cleared" in command("retry", **seeds)[1]
    assert "1 waiting" in command("status", **seeds)[1]
    assert "1 of 2 trials sent" in command("submit", **seeds)[1]
    wait_until(lambda: ended(server))
    assert [number for _, number in indexes(server)] == [2, 1]
    (log,) = [
        path.read_text() for path in controller.node.volume.glob("tiny/*/log.txt") if "seed 70" in path.read_text()
    ]
    assert log.count("seed 70") == 2  # it was tried again, and failed again
    assert "1 done, 1 failed" in command("status", **seeds)[1]


def test_cancel_lets_trials_save_and_submit_goes_on_with_them(server, controller, command):
    seeds = {"seeds": [NEVER_ENDS, 3]}
    command("submit", **seeds)
    volume = controller.node.volume

    def begun():
        return [path for path in volume.glob("tiny/*/log.txt") if f"seed {NEVER_ENDS}" in path.read_text()]

    wait_until(lambda: begun() and "1 done, 1 running" in command("status", **seeds)[1])
    assert "1 trials would be stopped" in command("cancel", "--dry-run", **seeds)[1]
    assert "1 trials stopped" in command("cancel", **seeds)[1]
    (log,) = begun()
    assert "stopped: asked to" in log.read_text()
    assert server.all("jobs") == server.all("pods") == server.all("configmaps") == []
    assert "1 done, 1 stopped; no Job goes on" in command("status", **seeds)[1]
    (log.parent / "let-end").touch()
    assert "1 of 2 trials sent" in command("submit", **seeds)[1]
    assert "2 done" in command("watch", **seeds)[1]
    assert json.loads((log.parent / "progress.json").read_text())["attempts"] == 2


def test_trials_that_are_still_saving_are_not_sent_to_the_job_that_goes(server, controller, command):
    seeds = {"seeds": [NEVER_ENDS]}
    command("submit", **seeds)
    (job,) = server.all("jobs")
    wait_until(lambda: [path for path in controller.node.volume.glob("tiny/*/log.txt") if "seed" in path.read_text()])
    (name,) = controller.node.names()
    controller.node.pause(name)  # it does not save at once
    cluster.Cluster("default").delete(job)
    assert "no change (1 running)" in command("submit", **seeds)[1]
    with pytest.raises(cluster.ConfigError, match="is being removed"):
        cluster.Cluster("default").apply({**job, "metadata": {k: job["metadata"][k] for k in ("name", "labels")}})
    controller.node.go_on(name)
    wait_until(lambda: not server.all("jobs"))
    assert "1 of 1 trials sent" in command("submit", **seeds)[1]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"resources": {"gpu": {"count": 1}}}, "Unschedulable: 0/1 nodes: 1 Insufficient nvidia.com/gpu"),
        ({"cluster": {**CLUSTER, "image": "missing"}}, 'ImagePullBackOff: Back-off pulling image "missing"'),
        ({"quota": "exceeded quota: flexrl"}, "goes on; tiny-"),
        ({"suspend": True}, "the Job is suspended"),
    ],
)
def test_it_is_told_why_a_trial_waits(server, controller, command, fields, why):
    controller.quota = fields.pop("quota", None)
    suspend = fields.pop("suspend", False)
    if suspend:
        controller.quota = "none"  # until it is suspended
    command("submit", **fields)
    if suspend:
        (job,) = server.all("jobs")
        key = ("jobs", "default", job["metadata"]["name"])
        server.store.put(key, {**server.store.objects[key], "spec": {**job["spec"], "suspend": True}})
    wait_until(lambda: why in command("status", **fields)[1])
    assert "1 waiting" in command("status", **fields)[1]


def test_memory_that_runs_out_counts_and_a_pod_that_is_taken_away_does_not(server, controller, command):
    fields = {"seeds": [NEVER_ENDS], "retries": 1}
    command("submit", **fields)
    node = controller.node

    def begun():
        return sum(path.read_text().count("seed") for path in node.volume.glob("tiny/*/log.txt"))

    for times, take in enumerate([node.evict, node.lose, node.run_out_of_memory, node.run_out_of_memory], 1):
        wait_until(lambda times=times: begun() == times)
        (name,) = node.names()
        take(name)
        wait_until(lambda name=name: name not in node.names())
    wait_until(lambda: ended(server))
    out = command("status", **fields)[1]
    assert "1 failed" in out and "killed by SIGKILL: out of memory; raise resources.memory" in out


def test_a_full_disk_ends_the_job_and_the_trials_stay_to_be_sent_again(server, controller, command):
    seeds = {"seeds": [74, 5, 6], "parallelism": 1}
    command("submit", **seeds)
    wait_until(lambda: ended(server))
    out = command("status", **seeds)[1]
    assert "3 stopped; no Job goes on" in out and "as asked, 74" in out
    names = [name for name, _ in indexes(server)]
    assert "trials sent" in command("submit", **seeds)[1]
    assert len(set(dict(indexes(server))) - set(names)) == 1  # under another name than the Job that ended


def test_the_launchers_role_allows_what_is_asked_and_nothing_else(server, controller, command):
    controller.quota = "none"
    command("submit")
    command("status")
    (job,) = server.all("jobs")
    server.logs["a-pod"] = Path(__file__)
    owned = {"ownerReferences": [{"uid": job["metadata"]["uid"]}], "annotations": {INDEX: "0"}}
    pod = {"metadata": {"name": "a-pod", **owned}}
    server.store.put(("pods", "default", "a-pod"), {**pod, "status": {"phase": "Succeeded"}})
    assert "a-pod" in cluster.Cluster("default").log("a-pod")
    command("cancel")
    asked = set()
    for method, path in server.requests:
        resource, name, part = re.fullmatch(r".*/namespaces/default/(\w+)(/[^/?]+)?(/\w+)?(?:\?.*)?", path).groups()
        verbs = {"GET": ["get" if name else "list"], "PATCH": ["create", "patch"], "DELETE": ["delete"]}[method]
        asked |= {(verb, resource + (part or "")) for verb in verbs}
    objects = yaml.safe_load_all((Path(__file__).parents[2] / "k8s" / "base" / "rbac.yaml").read_text())
    (role,) = (each for each in objects if each["kind"] == "Role")
    allowed = {(v, r) for rule in role["rules"] for v in rule["verbs"] for r in rule["resources"]}
    assert allowed - {("update", "jobs/finalizers")} == asked
