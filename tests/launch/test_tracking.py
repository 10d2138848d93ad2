"""Sweeps that tell trackers."""

import base64

import pytest

from flexrl.common.errors import ConfigError
from launch.kubernetes.manifests import manifests
from launch.plan.sweep_file import load_sweep
from launch.sweep import main
from launch.trial import read_trials
from tests.flexrl import tracked
from tests.launch import sweeps

RATES = {"algorithm.learning_rate": [1e-4, 1e-3]}
CLUSTER = {"image": "registry.example/flexrl@sha256:0", "volume_claim": "workspace"}
SERVER = {"MLFLOW_TRACKING_URI": "http://mlflow:5000"}


def test_tracking_is_no_part_of_a_trials_key_and_names_its_group(tmp_path):
    plain = sweeps.trials(tmp_path, grid=RATES, seeds=2)
    told = sweeps.trials(tmp_path, grid=RATES, seeds=2, tracking={"to": ["mlflow"], "project": "rates"})
    assert [trial.key for trial in told] == [trial.key for trial in plain]
    tracking = told[-1].config.tracking
    assert (tracking.project, tracking.group, tracking.name) == ("rates", "tiny", "learning_rate=0.001 seed=1")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"tracking": {"to": ["mlfow"]}}, "tracking.to.0: 'mlfow'"),
        ({"tracking": {"group": "mine"}}, "tracking.group: 'mine' cannot be chosen in a sweep"),
        ({"base": {"tracking": {"to": ["wandb"]}}}, "base.tracking: {'to': ['wandb']}"),
        ({"cluster": {**CLUSTER, "env": {"WANDB_API_KEY": "x"}}}, "cluster.env.WANDB_API_KEY: would show a secret"),
        ({"cluster": {**CLUSTER, "env": {"MLFLOW_TRACKING_URI": "http://a:b@c"}}}, "would show a secret"),
        ({"cluster": {**CLUSTER, "env": {"A-B": "x"}}}, "cluster.env: 'A-B'"),
        ({"cluster": {**CLUSTER, "env_from_secret": ["Not A Name"]}}, "cluster.env_from_secret: 'Not A Name'"),
    ],
)
def test_a_bad_field_is_refused_by_name_and_without_the_secret(tmp_path, fields, named):
    with pytest.raises(ConfigError) as refused:
        load_sweep(sweeps.write(tmp_path, **fields))
    assert named in str(refused.value) and "a:b" not in str(refused.value)


def test_tracking_cannot_be_an_axis(tmp_path):
    with pytest.raises(ConfigError, match="tracking.project: cannot be an axis"):
        sweeps.trials(tmp_path, grid={"tracking.project": ["a", "b"]})


def test_pods_have_the_server_by_value_and_the_key_by_the_name_of_a_secret(tmp_path):
    fields = {"tracking": {"to": ["mlflow", "wandb"]}, "seeds": 2}
    with pytest.raises(ConfigError, match="'mlflow' needs MLFLOW_TRACKING_URI in pods"):
        manifests_of(tmp_path, cluster=CLUSTER, **fields)
    cluster = {**CLUSTER, "env": SERVER, "env_from_secret": ["trackers"]}
    *maps, job = manifests_of(tmp_path, cluster=cluster, **fields)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert {"name": "MLFLOW_TRACKING_URI", "value": "http://mlflow:5000"} in container["env"]
    assert {"name": "HOME", "value": "/tmp"} in container["env"]
    assert container["envFrom"] == [{"secretRef": {"name": "trackers"}}]
    ((name, text),) = maps[0]["binaryData"].items()
    (tmp_path / name).write_bytes(base64.b64decode(text))
    (trial,) = read_trials(tmp_path, "1")
    assert trial.config.tracking.group == "tiny"
    assert "envFrom" not in str(manifests_of(tmp_path, cluster=CLUSTER, seeds=2))


def manifests_of(folder, **fields):
    trials = sweeps.trials(folder, **fields)
    return manifests(load_sweep(folder / "sweep.yaml")[0], trials)


@pytest.mark.slow
def test_a_sweep_is_one_parent_with_a_child_for_each_trial_however_often_it_is_submitted(tmp_path, monkeypatch):
    for name, value in tracked.ALONE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    workspace = tmp_path / "workspace"
    fields = {"grid": RATES, "parallelism": 2, "tracking": {"to": ["mlflow", "wandb"], "project": "rates"}}
    trials = sweeps.trials(tmp_path, base={**sweeps.TINY, "env": "Hopper-v5"}, **fields)
    for _ in range(2):
        main(["submit", str(tmp_path / "sweep.yaml"), "--workspace", str(workspace)])
    runs = tracked.mlflow_runs(workspace, "rates")
    assert set(runs) == {"tiny", "learning_rate=0.0001", "learning_rate=0.001"}
    for trial in trials:
        run = runs[trial.config.tracking.name]
        assert run.data.tags["mlflow.parentRunId"] == runs["tiny"].info.run_id
        assert run.info.status == "FINISHED" and run.data.tags["config_hash"] == trial.key
        assert tracked.mlflow_points(workspace, run) == tracked.points(tracked.told(trial.folder))
        (part,) = tracked.wandb_parts(trial.folder)
        assert (part.run.run_group, part.run.project, part.exit_code) == ("tiny", "rates", 0)
        assert part.rows == tracked.told(trial.folder)
