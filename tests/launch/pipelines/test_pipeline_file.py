import pytest

from launch.pipelines.pipeline_file import laid_over, load_pipeline
from tests.launch.pipelines.conftest import fake
from tests.launch.sweeps import TINY

COLLECT = {"command": ["flexrl.collect", "<a>", "--tier", "expert", "--out", "<out>"]}
TRAIN = {"train": TINY}


@pytest.mark.parametrize(
    ("stages", "fields", "named"),
    [
        ({}, {}, "stages: must name one stage or more"),
        ({"a": {}}, {}, "stages.a: must have either train or command, and has neither of them"),
        ({"a": {**TRAIN, **COLLECT}}, {}, "has both of them"),
        ({"A": TRAIN}, {}, "stages: 'A' must be lower-case letters"),
        ({"out": TRAIN}, {}, "not be 'out'"),
        ({"a": TRAIN}, {"name": "x" * 31}, "at most 30 of them"),
        ({"a": TRAIN}, {"retries": -1}, "retries: -1 must be at least 0"),
        ({"a": TRAIN}, {"speed": 1}, "speed: is not a field; known: name, stages"),
        ({"a": {"trian": TINY}}, {}, "stages.a.trian: is not a field; did you mean 'train'?"),
        ({"a": {"command": ["flexrl.colect", "x"]}}, {}, "did you mean 'flexrl.collect'?"),
        ({"a": {"command": ["flexrl.train", "x"]}}, {}, "give the run's fields in train instead"),
        ({"a": TRAIN, "b": {"command": [*COLLECT["command"], "--episodes", 0]}}, {}, "episodes: 0 must be at least 1"),
        ({"a": TRAIN, "b": {"command": [*COLLECT["command"], "--speed", 3]}}, {}, "--speed"),
        ({"a": TRAIN, "b": {"command": ["flexrl.evaluate"]}}, {}, "stages.b.command: flexrl.evaluate: run: is missing"),
        ({"a": TRAIN, "b": {"command": ["flexrl.evaluate", "<c>"]}}, {}, "refers to <c>, which is not a stage"),
        ({"a": {"train": {**TINY, "parent": "<out>"}}}, {}, "a run needs none: it writes to its own folder"),
        ({"a": {"train": {**TINY, "parent": "<a>"}}}, {}, "circle (a needs a)"),
        ({"b": COLLECT, "a": {"train": {**TINY, "parent": "<b>"}}}, {}, "circle (b needs a; a needs b)"),
        ({"a": {"train": {**TINY, "num_envs": 0}}}, {}, "stages.a.train: num_envs: 0 must be at least 1"),
        ({"a": {"train": {**TINY, "env": "Hoper-v5"}}}, {}, "Hoper-v5"),
        ({"a": {"train": {**TINY, "num_seeds": 2}}}, {}, "a stage trains one run, not 2; use a sweep"),
        ({"a": {"train": {**TINY, "profile": "gpu"}}}, {}, "stages.a.train.profile: 'gpu' is not 'cpu'"),
        ({"a": {"train": {**TINY, "name": "mine"}}}, {}, "stages.a.train.name: cannot be chosen"),
        ({"a": {**TRAIN, "resources": {"hosts": 2}}}, {}, "stages.a.resources.hosts: 2 must be 1"),
        ({"a": {"train": "missing.yaml"}}, {}, "missing.yaml: cannot be read"),
        ({"a": {"train": {**TINY, "total_steps": "${n}"}}}, {}, "'${n}' names no variable"),
        ({"a": TRAIN}, {"overlays": {"toy": 1}}, "overlays: {'toy': 1} must be a mapping"),
    ],
)
def test_a_bad_file_ends_in_one_line_and_65(write, command, stages, fields, named):
    write(stages, **fields)
    code, _, error = command("plan")
    assert code == 65
    assert error.startswith("error: ") and error.count("\n") == 1
    assert named in error and (".yaml: " in error)


def test_an_unknown_overlay_is_refused_with_those_that_there_are(write, command):
    write({"a": TRAIN}, overlays={"toy": {}})
    code, _, error = command("plan", "--overlay", "toi")
    assert code == 65 and "overlay: 'toi' is not among its overlays; did you mean 'toy'?" in error
    write({"a": TRAIN})
    assert "the file has none" in command("plan", "--overlay", "toy")[2]


def test_the_command_line_must_name_a_file_that_is_there(command):
    code, _, error = command("run")
    assert code == 65 and "pipeline.yaml: cannot be read" in error


def test_a_cluster_is_needed_to_submit_and_to_export(write, command):
    write({"a": TRAIN})
    for arguments in (("submit",), ("export", "--to", "airflow", "--out", "dag.py")):
        code, _, error = command(*arguments)
        assert code == 65 and "cluster: is missing" in error


def test_an_overlay_replaces_single_fields():
    content = {"a": {"x": 1, "y": [1, 2]}, "b": 1}
    assert laid_over(content, {"a": {"y": [3], "z": 4}}) == {"a": {"x": 1, "y": [3], "z": 4}, "b": 1}
    assert content == {"a": {"x": 1, "y": [1, 2]}, "b": 1}


def test_an_overlay_changes_variables_and_stages(write):
    path = write(
        {"a": {"train": {**TINY, "total_steps": "${n}"}}, "b": fake("b", "a")},
        variables={"n": 1000},
        overlays={"toy": {"variables": {"n": 10}, "stages": {"a": {"train": {"seed": 3}}}}},
    )
    full, toy = load_pipeline(path), load_pipeline(path, "toy")
    assert full.stages["a"].train == {**TINY, "total_steps": 1000}
    assert toy.stages["a"].train == {**TINY, "total_steps": 10, "seed": 3}
    assert load_pipeline(path, "toy", ["n=5"]).stages["a"].train == {**TINY, "total_steps": 5, "seed": 3}
    assert full.stages["b"] == toy.stages["b"]
