"""Sweeps on a cluster with real trainings, and with the real kubectl."""

import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.flexrl.runs import num_rows
from tests.launch import sweeps
from tests.launch.kube.controller import Controller
from tests.launch.kube.node import Node

pytestmark = pytest.mark.slow

CLUSTER = {"image": "registry.example/flexrl@sha256:0", "volume_claim": "workspace"}
KILLED = 0.3  # of the pods
LAST_ROW = 28  # of 30, at which a pod is killed


@pytest.fixture
def command(tmp_path):
    """`launch.sweep` in a process of its own; what it printed."""

    def run(name, *flags, workspace="here"):
        place = [str(tmp_path / "sweep.yaml"), "--workspace", str(tmp_path / workspace)]
        ran = subprocess.run(
            [sys.executable, "-m", "launch.sweep", name, *place, *flags], capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    return run


def result(folder):
    return {name: value for name, value in json.loads((folder / "result.json").read_text()).items() if name != "timing"}


def disturb(node, keys, draw, leaving, killed):
    """Kill a part of the pods, each after a number of rows that is drawn, with notice or without."""
    planned = {}
    while not leaving.wait(0.01):
        for name in node.names():
            folder = node.volume / "tiny" / keys[int(name.split("-")[-2])]
            if name not in planned:
                chosen = draw.random() < KILLED
                planned[name] = min(LAST_ROW, num_rows(folder) + draw.randrange(25)) if chosen else None
            if planned[name] is not None and num_rows(folder) >= planned[name]:
                planned[name] = None
                killed[name] = draw.choice(["evict", "lose"])
                getattr(node, killed[name])(name)


def test_a_sweep_whose_pods_are_killed_at_random_ends_as_if_undisturbed(tmp_path, server, command, monkeypatch):
    base = {**sweeps.TINY, "env": "Hopper-v5", "checkpoint_interval": 3, "num_evaluations": 2}
    axes = {"grid": {"algorithm.learning_rate": [1e-4, 3e-4, 1e-3]}, "seeds": 8}
    trials = sweeps.trials(tmp_path, base=base, cluster=CLUSTER, parallelism=2, **axes)
    node = Node(server, tmp_path / "node")
    monkeypatch.setenv("XDG_CACHE_HOME", str(node.volume / ".cache"))
    command("submit", workspace="undisturbed")
    expected = {trial.key: result(tmp_path / "undisturbed" / "tiny" / trial.key) for trial in trials}
    assert len({json.dumps(each, sort_keys=True) for each in expected.values()}) == len(trials) == 24

    assert "24 of 24 trials sent" in command("submit", "--backend", "kubernetes")
    keys, leaving, killed = [trial.key for trial in trials], threading.Event(), {}
    with Controller(server, node).running():
        thread = threading.Thread(target=disturb, args=(node, keys, random.Random(3), leaving, killed))
        thread.start()
        while "conditions" not in (job := server.all("jobs")[0]).get("status", {}) or not job["status"]["conditions"]:
            time.sleep(0.2)
        leaving.set()
        thread.join()
    assert job["status"]["conditions"][0]["type"] == "Complete"
    assert len(killed) >= 4 and set(killed.values()) == {"evict", "lose"}
    assert "24 done; no Job goes on" in command("status", "--backend", "kubernetes")
    assert "24 of 24 trials have a result" in command(
        "results", "--backend", "kubernetes", "--out", str(tmp_path / "o")
    )
    for trial in trials:
        assert (
            result(node.volume / "tiny" / trial.key)
            == result(tmp_path / "here" / "tiny" / trial.key)
            == expected[trial.key]
        )
    ends = Counter()
    for pod in server.all("pods"):
        index = int(pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"])
        assert pod["status"]["phase"] == ("Failed" if pod["metadata"]["name"] in killed else "Succeeded")
        ends[index] += pod["status"]["phase"] == "Succeeded"
    assert ends == {index: 1 for index in range(24)}
    attempts = sum(
        json.loads((tmp_path / "here" / "tiny" / key / "progress.json").read_text())["attempts"] for key in keys
    )
    assert 24 < attempts <= 24 + len(killed)
    for name in ("submit", "submit"):
        assert "no change (24 done)" in command(name, "--backend", "kubernetes")
    assert len(server.all("jobs")) == 1


def test_a_task_in_a_users_file_trains_in_a_pod_as_it_does_here(tmp_path, server, command):
    for suffix in ("py", "xml"):
        shutil.copy(Path(__file__).parents[3] / "examples" / f"custom_env.{suffix}", tmp_path)
    base = {**sweeps.TINY, "env": f"{tmp_path}/custom_env.py:PoleOnACart"}
    (trial,) = sweeps.trials(tmp_path, base=base, cluster=CLUSTER)
    node = Node(server, tmp_path / "node")
    command("submit", "--backend", "kubernetes")
    (tmp_path / "custom_env.xml").rename(tmp_path / "hidden.xml")  # the pod has its own
    with Controller(server, node).running():
        while not (status := server.all("jobs")[0].get("status", {})).get("conditions"):
            time.sleep(0.2)
    assert status["conditions"][0]["type"] == "Complete"
    (tmp_path / "hidden.xml").rename(tmp_path / "custom_env.xml")
    assert "1 of 1 trials have a result" in command(
        "results", "--backend", "kubernetes", "--out", str(tmp_path / "out")
    )
    command("submit", workspace="local")
    assert result(tmp_path / "local" / "tiny" / trial.key) == result(tmp_path / "here" / "tiny" / trial.key)


def test_two_hosts_train_a_trial_as_pods_that_meet(tmp_path, server, command):
    steps = 8 * sweeps.TINY["total_steps"]  # so many that the pod is evicted long before the end
    base = {**sweeps.TINY, "env": "Hopper-v5", "num_devices": 2, "total_steps": steps}
    (trial,) = sweeps.trials(tmp_path, base=base, cluster=CLUSTER, resources={"hosts": 2})
    assert "1 of 1 trials sent" in command("submit", "--backend", "kubernetes")
    node = Node(server, tmp_path / "node")
    with Controller(server, node).running():
        while num_rows(node.volume / "tiny" / trial.key) < 5:
            time.sleep(0.05)
        (last,) = (name for name in node.names() if name.split("-")[-2] == "1")
        node.evict(last)  # which lets both save, and begin again
        while not (status := server.all("jobs")[0].get("status", {})).get("conditions"):
            time.sleep(0.2)
    assert status["conditions"][0]["type"] == "Complete"
    assert "1 done" in command("watch", "--backend", "kubernetes")
    found = result(tmp_path / "here" / "tiny" / trial.key)
    assert found["iterations"] == 240 and found["config_hash"] == trial.config_hash
    failed = [pod["status"] for pod in server.all("pods") if pod["status"]["phase"] == "Failed"]
    assert [each["containerStatuses"][0]["state"]["terminated"]["exitCode"] for each in failed] == [75, 75]


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_applies_reads_and_deletes_what_we_send(tmp_path, server, command):
    def kubectl(*arguments, given=None):
        home = {**os.environ, "HOME": str(tmp_path)}
        ran = subprocess.run(["kubectl", *arguments], input=given, capture_output=True, text=True, env=home)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    sweeps.write(tmp_path, base={**sweeps.TINY, "env": "Hopper-v5"}, cluster=CLUSTER, seeds=1)
    planned = command("plan", "--backend", "kubernetes", "--dry-run")
    assert "serverside-applied (server dry run)" in kubectl(
        "apply", "--server-side", "--dry-run=server", "-f", "-", given=planned
    )
    assert server.all("jobs") == []
    assert kubectl("apply", "--server-side", "-f", "-", given=planned).count("serverside-applied") == 2
    assert "no change" in command("submit", "--backend", "kubernetes")  # it is the same Job
    (job,) = server.all("jobs")
    name = job["metadata"]["name"]
    assert kubectl("diff", "--server-side", "-f", "-", given=planned) == ""
    node = Node(server, tmp_path / "node")
    with Controller(server, node).running():
        kubectl("wait", "--for=condition=Complete", f"job/{name}", "--timeout=300s")
        (pod,) = kubectl("get", "pods", "-l", f"batch.kubernetes.io/job-name={name}", "-o", "name").split()
        assert "return" in kubectl("logs", pod) and "1 done" in command("status", "--backend", "kubernetes")
        assert name in kubectl("get", "jobs,configmaps", "-l", "app.kubernetes.io/name=flexrl")
        kubectl("delete", "job", name, "--cascade=foreground")
        assert server.all("jobs") == server.all("pods") == []
    broken = planned.replace("completionMode: Indexed", "completionMode: Indxd")
    with pytest.raises(AssertionError, match="completionMode: Unsupported value"):
        kubectl("apply", "--server-side", "-f", "-", given=broken)
