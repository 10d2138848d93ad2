"""A trial of two hosts, as the manifest describes its pods: their environment, and the names under which they meet."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.conftest import CACHE
from tests.flexrl.runs import finish, forced_devices, last_state, num_rows, outcome
from tests.launch import sweeps
from tests.launch.kube.controller import Controller
from tests.launch.kube.named import NamedPods, can_be_named
from tests.launch.kube.node import Node

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not can_be_named(), reason="unshare may not give a process its own /etc/hosts"),
]

ITERATIONS = 30
LONG = 3600  # s for a whole training, on a machine that is busy with others
STEPS = 8 * 4  # control steps of an iteration
UNOPTIMISED = "--xla_backend_optimization_level=0"  # compiled sooner
END_SECONDS = 60  # within which the second host has ended after the first one was killed, or the other way round


def fields(cache, iterations):
    """Fields of a sweep with a trial of two hosts; compiled programs are in `cache`."""
    cluster = {"image": "registry.example/flexrl@sha256:0", "volume_claim": "workspace"}
    base = {**sweeps.TINY, "env": "Hopper-v5", "num_devices": 2, "total_steps": iterations * STEPS}
    return {
        "base": base | {"num_evaluations": 3 if iterations == ITERATIONS else 1},
        "cluster": {**cluster, "env": {"XDG_CACHE_HOME": str(cache), "XLA_FLAGS": UNOPTIMISED}},
        "resources": {"hosts": 2},
    }


@pytest.fixture(scope="module")
def cache():
    """A folder for compiled programs, which stay for the next time."""
    return CACHE.parent / "two-hosts"


@pytest.fixture(scope="module")
def alone(tmp_path_factory, cache):
    """Run the trial of so many iterations on one host with two devices; the folder of the run."""
    runs = {}

    def run(iterations):
        if iterations not in runs:
            folder = tmp_path_factory.mktemp("alone")
            (trial,) = sweeps.trials(folder, **fields(cache, iterations))
            (folder / "trial.json").write_text(json.dumps(trial.content() | {"workspace": str(folder), "name": "run"}))
            command = [sys.executable, "-m", "flexrl.train", "--config", str(folder / "trial.json")]
            environment = forced_devices(2) | {"XDG_CACHE_HOME": str(cache)}
            environment["XLA_FLAGS"] += f" {UNOPTIMISED}"
            finish(
                subprocess.Popen(
                    command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder
                )
            )
            runs[iterations] = folder / "run"
        return runs[iterations]

    return run


@pytest.fixture
def submitted(tmp_path, server, on_cluster, cache):
    """Submit the trial of so many iterations: its folder on the volume, the node, and what starts the pods."""

    def submit(iterations):
        (trial,) = sweeps.trials(tmp_path, **fields(cache, iterations))
        code, out, error = on_cluster("submit", **fields(cache, iterations))
        assert code == 0 and "1 of 1 trials sent" in out, error
        pods = NamedPods(server, tmp_path)
        node = Node(server, tmp_path / "node", run=pods)
        return node.volume / "tiny" / trial.key, node, pods

    return submit


def wait_until(condition, seconds, node):
    """Wait, for so long at most; if in vain, show what the pods have printed."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail("\n".join(f"{name}: {log.read_text()[-3000:]}" for name, log in node._server.logs.items()))
        time.sleep(0.05)


def ended(server):
    conditions = server.all("jobs")[0].get("status", {}).get("conditions")
    return conditions and conditions[-1]["type"]


def test_two_hosts_with_a_pods_environment_have_the_parameters_of_one(server, submitted, alone):
    folder, node, pods = submitted(5)
    with Controller(server, node).running():
        wait_until(lambda: ended(server), LONG, node)
    assert ended(server) == "Complete"
    for index, environment in enumerate(sorted(pods.environments, key=lambda each: each["JOB_COMPLETION_INDEX"])):
        manifest = server.all("jobs")[0]["spec"]["template"]["spec"]["containers"][0]["env"]
        assert environment.keys() == {each["name"] for each in manifest} | {"JOB_COMPLETION_INDEX"}
        assert environment["JOB_COMPLETION_INDEX"] == str(index)
        host, _, port = environment["FLEXRL_COORDINATOR"].rpartition(":")
        assert host == f"{environment['JOB_NAME']}-0.{server.all('services')[0]['metadata']['name']}" and port == "8476"
    (step, theirs), (expected_step, expected) = last_state(folder), last_state(alone(5))
    assert step == expected_step == "5" and theirs.keys() == expected.keys()
    assert any("params" in name and leaf.size > 1 for name, leaf in theirs.items())
    for name, leaf in theirs.items():
        np.testing.assert_allclose(leaf, expected[name], rtol=0, atol=1e-5, err_msg=name)


@pytest.mark.parametrize(("act", "index"), [("lose", 0), ("lose", 1), ("evict", 1)])
def test_if_one_of_two_hosts_goes_the_other_ends_soon_and_both_resume_to_the_same_end(
    server, submitted, alone, on_cluster, tmp_path, cache, act, index
):
    expected = outcome(alone(ITERATIONS))
    folder, node, pods = submitted(ITERATIONS)
    with Controller(server, node).running():
        wait_until(lambda: num_rows(folder) >= 5, LONG, node)
        names = {int(name.split("-")[-2]): name for name in node.names()}
        assert names.keys() == {0, 1}
        getattr(node, act)(names[index])
        wait_until(lambda: names[1 - index] not in node.names(), END_SECONDS, node)
        wait_until(lambda: ended(server), LONG, node)
    assert ended(server) == "Complete" and len(pods.environments) == 4  # each host twice
    assert outcome(folder) == expected
    code, out, _ = on_cluster("results", "--out", str(tmp_path / "out"), **fields(cache, ITERATIONS))
    assert code == 0 and "1 of 1 trials have a result" in out
