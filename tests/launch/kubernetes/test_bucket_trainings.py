"""Sweeps whose workspace is a bucket, while pods are killed and the bucket fails."""

import gzip
import json
import os
import random
import sys
import threading
import time

import pytest

from flexrl.common.manifest import check_folder_manifest
from flexrl.storage.bucket import Bucket
from flexrl.storage.mirror import pull, read_file
from flexrl.storage.rows import read_rows
from launch.attempt import training_process as attempt
from launch.plan.trials import load_trials
from tests.flexrl.runs import num_rows
from tests.launch import sweeps, walk_training
from tests.launch.bucket.server import Trouble
from tests.launch.kube.controller import Controller
from tests.launch.kube.forked import TRAINING, ForkedTrial
from tests.launch.kube.node import Node

pytestmark = pytest.mark.slow

ADDRESS = "gs://runs/team"
CLUSTER = {"image": "registry.example/flexrl@sha256:0", "workspace": ADDRESS}
KILLED = 0.3  # of the pods
TROUBLE = {"errors": 0.08, "lost": 0.04, "cut": 0.08, "slow": 0.1, "seconds": 0.3}
REAL = {**sweeps.TINY, "env": "Hopper-v5", "checkpoint_interval": 3, "num_evaluations": 2}


def result(folder):
    return {name: value for name, value in json.loads((folder / "result.json").read_text()).items() if name != "timing"}


def workspace_of(node, name):
    """The local copy of a pod's workspace."""
    return node._folder / "pods" / name / "workspace"


def disturb(node, keys, last_row, leaving, killed):
    """Kill a part of the pods, each after a number of rows that is drawn, with notice or without."""
    draw, planned = random.Random(3), {}
    while not leaving.wait(0.01):
        for name in node.names():
            folder = workspace_of(node, name) / "tiny" / keys[int(name.split("-")[-2])]
            if name not in planned:
                planned[name] = draw.randrange(last_row) if draw.random() < KILLED else None
            if planned[name] is not None and num_rows(folder) >= planned[name]:
                planned[name] = None
                killed[name] = draw.choice(["evict", "lose"])
                getattr(node, killed[name])(name)


def read(place, keys, leaving, seen, problems):
    """Pull runs at random, and require that all of each is whole and fits together."""
    bucket, draw = Bucket(ADDRESS), random.Random(4)
    while not leaving.is_set():
        key = draw.choice(keys)
        folder = place / key
        try:
            if pull(bucket, f"tiny/{key}", folder):
                checkpoints = [path.parent for path in folder.glob("checkpoints/*/manifest.json")]
                assert len(list((folder / "checkpoints").glob("*"))) == len(checkpoints) or not checkpoints
                for checkpoint in checkpoints:
                    require_whole(checkpoint)
                newest = max((int(path.name) for path in checkpoints), default=0)
                rows = read_rows(folder / "metrics.jsonl") if newest else []
                assert [row["step"] for row in rows[:newest]] == list(range(1, newest + 1))
                seen.add((key, newest, (folder / "result.json").exists()))
        except Exception as error:  # shown by the test
            problems.append(f"{key}: {error!r}")


def require_whole(checkpoint):
    if (checkpoint / "rng.json").exists():
        check_folder_manifest(checkpoint)
    else:
        from flexrl.storage.checkpoint import read_manifest

        read_manifest(checkpoint)


@pytest.mark.parametrize(("kind", "number"), [("walk", 24), ("real", 4)])
def test_a_sweep_in_a_failing_bucket_whose_pods_are_killed_ends_as_if_undisturbed(
    tmp_path, server, storage, on_cluster, command, monkeypatch, kind, number
):
    cluster = {**CLUSTER, "env": {"XDG_CACHE_HOME": str(tmp_path / "cache")}}
    base = REAL if kind == "real" else sweeps.TINY
    fields = {"base": base, "cluster": cluster, "parallelism": 2, "seeds": number}
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if kind == "walk":
        monkeypatch.setenv(TRAINING, walk_training.__name__)
        monkeypatch.setattr(attempt, "TRAINING", (sys.executable, "-m", walk_training.__name__))
    sweeps.write(tmp_path, **fields)
    assert command("submit")[0] == 0
    trials = load_trials(tmp_path / "sweep.yaml", tmp_path / "here")[1]
    keys = [trial.key for trial in trials]
    expected = {key: result(tmp_path / "workspace" / "tiny" / key) for key in keys}
    assert len({json.dumps(each, sort_keys=True) for each in expected.values()}) == number

    storage.trouble = Trouble(**TROUBLE, seed=5)
    assert f"{number} of {number} trials sent" in on_cluster("submit", **fields)[1]
    node = Node(server, tmp_path / "node", run=ForkedTrial if kind == "walk" else None)
    leaving, killed, seen, problems = threading.Event(), {}, set(), []
    last_row = 30 if kind == "walk" else 25  # of 40, or of 30; a kill comes no later
    threads = [
        threading.Thread(target=disturb, args=(node, keys, last_row, leaving, killed)),
        threading.Thread(target=read, args=(tmp_path / "pulled", keys, leaving, seen, problems)),
    ]
    with Controller(server, node).running():
        for thread in threads:
            thread.start()
        while "conditions" not in (job := server.all("jobs")[0]).get("status", {}) or not job["status"]["conditions"]:
            time.sleep(0.1)
        leaving.set()
        for thread in threads:
            thread.join()
    assert job["status"]["conditions"][0]["type"] == "Complete"
    assert problems == []
    assert {503, 412} <= {code for _, _, code in storage.requests}
    if kind == "walk":
        assert len(killed) >= 5 and set(killed.values()) == {"evict", "lose"} and len(seen) >= number // 3
    with server.store.changed:  # the cluster forgets the Job, its pods, and what they have reported
        for key in [key for key in server.store.objects if key[0] in ("jobs", "pods", "configmaps")]:
            del server.store.objects[key]
    code, out, error = on_cluster("results", "--out", str(tmp_path / "out"), **fields)
    assert code == 0 and f"{number} of {number} trials have a result" in out, error
    storage.trouble = Trouble()
    attempts = 0
    for key in keys:
        assert pull(Bucket(ADDRESS), f"tiny/{key}", tmp_path / "last" / key)
        assert result(tmp_path / "last" / key) == result(tmp_path / "here" / "tiny" / key) == expected[key]
        attempts += json.loads((tmp_path / "last" / key / "progress.json").read_text())["attempts"]
    assert number <= attempts <= number + len(killed) and (attempts > number or kind == "real")
    objects = {name.rpartition("/")[2] for name in storage.names("/files/")}
    named = {each["object"] for name in storage.names("manifest.json$") for each in files(storage, name)}
    assert named <= objects and len(objects - named) <= len(killed) + 60  # what killed writers left behind


def files(storage, name):
    return json.loads(storage.objects[name].content)["files"].values()


def test_of_two_pods_that_train_a_trial_one_wins_and_the_other_ends_with_75(
    tmp_path, server, storage, on_cluster, monkeypatch
):
    monkeypatch.setenv(TRAINING, walk_training.__name__)
    fields = {"cluster": CLUSTER, "seeds": [3]}
    on_cluster("submit", **fields)
    (trial,) = load_trials(tmp_path / "sweep.yaml", tmp_path / "here")[1]
    node = Node(server, tmp_path / "node", run=ForkedTrial)
    with Controller(server, node).running():
        while not node.names() or not read_file(Bucket(ADDRESS), f"tiny/{trial.key}", "metrics.jsonl"):
            time.sleep(0.05)
        (first,) = node.names()
        node.pause(first)  # as a machine that stalls: its training goes on, but it can neither push nor notice
        code, line = second_pod(tmp_path, first)
        assert code == 0, line
        winner = read_file(Bucket(ADDRESS), f"tiny/{trial.key}", "result.json")
        node.go_on(first)
        while not (status := server.all("jobs")[0].get("status", {})).get("conditions"):
            time.sleep(0.05)
    assert status["conditions"][0]["type"] == "Complete"
    ends = {pod["metadata"]["name"]: terminated(pod) for pod in server.all("pods")}
    assert ends.pop(first)["exitCode"] == 75
    assert [end["exitCode"] for end in ends.values()] == [0]  # found the winner's result
    assert read_file(Bucket(ADDRESS), f"tiny/{trial.key}", "result.json") == winner


def second_pod(folder, first):
    """Run another pod with the trials of the first, as a Job controller may if it takes the first for lost."""
    place = folder / "second"
    place.mkdir()
    mounted = folder / "node" / "pods" / first
    text = gzip.decompress((mounted / "trials.jsonl.gz").read_bytes()).decode()
    text = text.replace(str(mounted / "workspace"), str(place / "workspace"))
    (place / "trials.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    environment = {**os.environ, "JOB_COMPLETION_INDEX": "0"}
    process = ForkedTrial([str(place), "--bucket", ADDRESS, "--retries", "2"], environment, place / "log")
    process.wait()
    return process.poll(), (place / "log").read_text()


def terminated(pod):
    return pod["status"]["containerStatuses"][0]["state"]["terminated"]
