import pytest

from flexrl.common.errors import ConfigError
from launch.plan.sweep_file import load_sweep
from tests.launch import sweeps

DRAW = {"uniform": [0.0, 1.0]}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"nmae": "x"}, "nmae: is not a field; did you mean 'name'?"),
        ({"name": "Has Spaces"}, "name: 'Has Spaces'"),
        ({"name": "x" * 41}, "at most 40"),
        ({"seeds": 0}, "seeds: 0"),
        ({"seeds": []}, "seeds: ()"),
        ({"seeds": [0, "one"]}, "'one'"),
        ({"retries": -1}, "retries: -1 must be at least 0"),
        ({"parallelism": 0}, "parallelism: 0 must be at least 1"),
        ({"time_limit_minutes": 0.0}, "time_limit_minutes: 0.0"),
        ({"grid": {"num_envs": []}}, "num_envs: must have one value or more"),
        ({"grid": {"num_envs": 8}}, "grid.num_envs: 8"),
        ({"zip": {"num_envs": [8, 16], "total_steps": [1]}}, "num_envs has 2, total_steps has 1"),
        ({"grid": {"num_envs": [8]}, "zip": {"num_envs": [8]}}, "num_envs: is set by two axes"),
        ({"grid": {"seed": [1]}, "seeds": 2}, "seed: is set by two axes"),
        ({"grid": {"task": [{}], "task.forward_weight": [1.0]}}, "task.forward_weight: is set by two axes (task)"),
        ({"grid": {"task.forward_weight": [1.0], "task": [{}]}}, "task.forward_weight: is set by two axes (task)"),
        ({"random": {"num": 0, "fields": {"seed": DRAW}}}, "random: 0 points"),
        ({"random": {"num": 1, "fields": {}}}, "of 0 fields"),
        ({"random": {"num": 1, "fields": {"x": {}}}}, "one of uniform, log_uniform, choice, not 0"),
        ({"random": {"num": 1, "fields": {"x": {**DRAW, "choice": [1]}}}}, "not 2 of them"),
        ({"random": {"num": 1, "fields": {"x": {"uniform": [1.0, 1.0]}}}}, "uniform: (1.0, 1.0)"),
        ({"random": {"num": 1, "fields": {"x": {"log_uniform": [0.0, 1.0]}}}}, "log_uniform: 0.0 must be above 0"),
        ({"random": {"num": 1, "fields": {"x": {"choice": []}}}}, "choice: must name one value"),
        ({"random": {"num": 1, "fields": {"x": {"unifrom": [0, 1]}}}}, "did you mean 'uniform'?"),
        ({"resources": {"gpu": {"count": -1}}}, "resources.gpu.count: -1"),
        ({"resources": {"memory": "lots"}}, "resources.memory: 'lots'"),
        ({"cluster": {"image": "x"}}, "cluster.volume_claim"),
        ({"base": "missing.yaml"}, "missing.yaml: cannot be read"),
        ({"base": {"name": "mine"}}, "base.name: 'mine'"),
        ({"base": 3}, "base"),
    ],
)
def test_a_bad_field_is_refused_by_name_and_value(tmp_path, fields, named):
    with pytest.raises(ConfigError) as refused:
        load_sweep(sweeps.write(tmp_path, **fields))
    assert named in str(refused.value)


def test_a_base_may_be_a_file_beside_the_sweep(tmp_path):
    (tmp_path / "base.yaml").write_text("num_envs: 16\n")
    _, base = load_sweep(sweeps.write(tmp_path, base="base.yaml"))
    assert base == {"num_envs": 16}


def test_resources_decide_the_profile(tmp_path):
    for count, profile in ((0, "cpu"), (2, "gpu")):
        sweep, _ = load_sweep(sweeps.write(tmp_path, resources={"gpu": {"count": count}}))
        assert sweep.resources.profile == profile
