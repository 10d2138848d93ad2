import sys

import pytest

from launch import sweep
from launch.attempt import training_process as attempt
from launch.kubernetes import client as cluster
from tests.launch import fake_training, sweeps
from tests.launch.kube.controller import Controller
from tests.launch.kube.forked import ForkedTrial
from tests.launch.kube.node import Node
from tests.launch.kube.server import KubeServer

CLUSTER = {"image": "registry.example/flexrl@sha256:0", "volume_claim": "workspace"}


@pytest.fixture
def fake_trainings(monkeypatch):
    """Attempts run `tests/launch/fake_training.py`."""
    monkeypatch.setattr(attempt, "TRAINING", (sys.executable, "-m", fake_training.__name__))


@pytest.fixture
def server(tmp_path, monkeypatch):
    """An API server, and nobody behind it."""
    with KubeServer().serving() as server:
        monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(tmp_path / "kubeconfig")))
        yield server


@pytest.fixture
def controller(server, tmp_path):
    """Runs the pods of `server`, two at a time, with trainings that end as their seeds say."""
    node = Node(server, tmp_path / "node", run=ForkedTrial)
    with Controller(server, node).running() as controller:
        yield controller


@pytest.fixture
def waits(monkeypatch):
    """Seconds that were waited between attempts, without waiting."""
    waits = []
    monkeypatch.setattr(cluster.Cluster.__init__, "__defaults__", (None, waits.append))
    return waits


@pytest.fixture
def on_cluster(tmp_path, capsys):
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


@pytest.fixture
def command(tmp_path, capsys):
    """`launch.sweep` on a sweep's file in this process: exit code, standard output and error."""

    def run(name, *flags, path=None):
        path = path or tmp_path / "sweep.yaml"
        try:
            sweep.main([name, str(path), "--workspace", str(tmp_path / "workspace"), *flags])
            code = 0
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    return run
