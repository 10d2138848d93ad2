from pathlib import Path

import pytest

from flexrl.cli.arguments import default_config
from flexrl.common.errors import ConfigError
from flexrl.config.run_config import decode
from launch.plan.trials import load_trials
from tests.launch import sweeps

EXAMPLE = Path(__file__).parents[3] / "examples" / "humanoid_sweep.yaml"
RATES = {"algorithm.learning_rate": [1e-4, 1e-3]}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"grid": {"algorithm.learning_rate": [1e-3, -1.0]}}, ["trial 2 (algorithm.learning_rate=-1.0)", "above 0"]),
        ({"grid": {"algorithm.learning_rat": [1e-3]}}, ["trial 1", "did you mean 'learning_rate'?"]),
        ({"grid": {"num_envs": [8, 0]}, "seeds": 2}, ["trial 3 (num_envs=0, seed=0)", "num_envs: 0"]),
        ({"grid": {"env": ["humanoid-walk", "humanoid-wlak"]}}, ["trial 2", "did you mean 'humanoid-walk'?"]),
        ({"grid": {"num_envs.high": [1]}}, ["trial 1 (num_envs.high=1)", "num_envs is 8, no mapping"]),
        ({"base": {"seed": "one"}}, ["base.seed: 'one'"]),
        ({"grid": {"profile": ["cpu"]}}, ["profile: cannot be an axis"]),
        ({"grid": {"workspace": ["x"]}}, ["workspace: cannot be an axis"]),
        ({"base": {"profile": "gpu"}}, ["base.profile: 'gpu'", "resources.gpu.count 0"]),
        ({"base": {**sweeps.TINY, "num_seeds": 2}}, ["num_seeds: 2 must be 1 in a sweep"]),
        ({"base": {**sweeps.TINY, "vary": ["discount=0.9,0.99"]}}, ["vary empty; use the sweep's seeds and axes"]),
        ({"base": {**sweeps.TINY, "num_devices": 2}}, ["num_devices: 2", "resources.gpu.count 0"]),
        ({"base": {**sweeps.TINY, "parent": "nobody"}}, ["trial 1", "parent: nobody"]),
        ({"grid": {"num_envs": [8, 8]}}, ["trials 1 and 2 (num_envs=8) would compute the same"]),
        ({"seeds": 100_001}, ["100,001 trials are more than 100,000"]),
    ],
)
def test_a_bad_trial_is_refused_by_number_values_and_field(tmp_path, fields, named):
    with pytest.raises(ConfigError) as refused:
        sweeps.trials(tmp_path, **fields)
    assert all(part in str(refused.value) for part in named), refused.value
    assert "\n" not in str(refused.value)


def test_a_trial_has_the_defaults_of_its_algorithm_environment_and_profile(tmp_path):
    (trial,) = sweeps.trials(tmp_path, base={"env": "humanoid-skills"})
    assert trial.config.algorithm == default_config("ppo", "humanoid-skills", "cpu").algorithm
    assert trial.config.physics == "native"  # nothing is left implicit
    (trial,) = sweeps.trials(tmp_path, base={}, resources={"gpu": {"count": 1}})
    assert (trial.config.profile, trial.config.physics, trial.config.num_envs) == ("gpu", "mjx-warp", 8192)


def test_nested_fields_are_set_and_shared_mappings_left_alone(tmp_path):
    base = {"env": "humanoid-skills", "task": {"rewards": {"survive": 0.5}}}
    one, two = sweeps.trials(tmp_path, base=base, grid={"task.rewards.jump": [1.5, 2.5]})
    assert (one.config.task.rewards.jump, two.config.task.rewards.jump) == (1.5, 2.5)
    assert one.config.task.rewards.survive == two.config.task.rewards.survive == 0.5


def test_the_same_file_gives_the_same_keys_and_another_axis_keeps_those_that_remain(tmp_path):
    keys = [trial.key for trial in sweeps.trials(tmp_path, grid=RATES)]
    assert [trial.key for trial in sweeps.trials(tmp_path, grid=RATES)] == keys
    more = {"algorithm.learning_rate": [5e-4, *RATES["algorithm.learning_rate"]]}
    assert [trial.key for trial in sweeps.trials(tmp_path, grid=more)][1:] == keys


def test_a_trials_content_decodes_to_its_config_in_its_folder(tmp_path):
    (trial,) = sweeps.trials(tmp_path)
    config = decode(trial.content(), "test")
    assert config.folder == trial.folder == tmp_path / "workspace" / "tiny" / trial.key
    assert config.hash() == trial.config_hash == trial.key


def test_another_text_of_a_users_task_is_another_trial(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = "from envs.tasks.humanoid_walk import HumanoidWalk as Mine\n"
    (tmp_path / "task.py").write_text(text)
    (before,) = sweeps.trials(tmp_path, base={**sweeps.TINY, "env": "task.py:Mine"})
    (tmp_path / "task.py").write_text(text + "# changed\n")
    (after,) = sweeps.trials(tmp_path, base={**sweeps.TINY, "env": "task.py:Mine"})
    assert before.key != after.key
    assert before.config_hash == after.config_hash
    (tmp_path / "task.xml").write_text("<mujoco/>")  # beside it, under its name: part of it
    (tmp_path / "other.xml").write_text("<mujoco/>")
    keys = {sweeps.trials(tmp_path, base={**sweeps.TINY, "env": "task.py:Mine"})[0].key for _ in range(2)}
    (tmp_path / "task.xml").write_text("<mujoco> </mujoco>")
    (changed,) = sweeps.trials(tmp_path, base={**sweeps.TINY, "env": "task.py:Mine"})
    assert len({before.key, after.key, changed.key, *keys}) == 4
    (here,) = sweeps.trials(tmp_path, base={**sweeps.TINY, "env": f"{tmp_path}/task.py:Mine"})
    assert here.key == changed.key  # wherever it lies


def test_the_example_is_a_sweep(tmp_path):
    _, trials = load_trials(EXAMPLE, tmp_path)
    assert [trial.values["seed"] for trial in trials] == [0, 1] * 3


def test_ten_thousand_trials_are_planned(tmp_path):
    axes = {"algorithm.learning_rate": [i * 1e-5 for i in range(1, 101)], "num_envs": [8, 16]}
    path = sweeps.write(tmp_path, grid=axes, seeds=50)
    assert len({trial.key for trial in load_trials(path, tmp_path)[1]}) == 10_000
