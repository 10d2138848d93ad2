"""Another task than the run's own, by fields on the command line of an evaluation."""

import json
from pathlib import Path

import pytest

from envs.tasks.dmc_humanoid import DMCHumanoidConfig
from envs.tasks.humanoid_goal import HumanoidGoalConfig
from envs.tasks.humanoid_skills.task import HumanoidSkillsConfig
from flexrl.common.errors import ConfigError
from flexrl.config.task_fields import require_kept, task_fields, with_fields
from flexrl.evaluate import EvaluateArguments, evaluate, main

PRETRAINED = str(Path(__file__).parents[3] / "pretrained" / "humanoid-skills")


def changed(config, *texts):
    return with_fields(config, task_fields(texts))


def test_fields_take_the_place_of_the_runs_own():
    task = DMCHumanoidConfig(end_below_height=0.8, reset_noise=0.1)
    random = DMCHumanoidConfig(end_below_height=0.8, reset_noise=0.1, initial_state="random")
    assert changed(task, "initial-state=random") == random
    assert changed(task) == task
    goals = changed(HumanoidGoalConfig(), "goal_distance=[2, 3.5]", "goals_per_episode=4")
    assert goals == HumanoidGoalConfig(goal_distance=(2.0, 3.5), goals_per_episode=4)
    skills = changed(HumanoidSkillsConfig(), "rewards.turn=0", "skills=[run]")
    assert skills.skills == ("run",) and skills.rewards.turn == 0 and skills.rewards.forward == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("initial_state", "^task: 'initial_state' must be field=value"),
        ("initial_state=lying", "initial_state: 'lying' "),
        ("initial_stat=random", "initial_stat: is not a field; did you mean 'initial_state'"),
        (
            "initial_state.of=random",
            "^task: 'initial_state.of' is no field of the task, whose fields are initial_state",
        ),
        ("reset_noise=-1.0", "reset_noise: -1.0 is negative"),
        ("reset_noise=[", "^task: .* no YAML"),
    ],
)
def test_a_field_or_value_that_is_none_is_refused_by_name(text, message):
    with pytest.raises(ConfigError, match=message):
        changed(DMCHumanoidConfig(), text)


def test_a_field_that_stands_twice_is_refused():
    with pytest.raises(ConfigError, match="'reset_noise' stands twice"):
        task_fields(["reset_noise=0.1", "reset-noise=0.2"])


def test_a_field_that_evaluation_undoes_is_refused():
    values = {"end_below_height": 0.5}
    with pytest.raises(ConfigError, match="^task: end_below_height: 0.5 is for training only, .* leave it out$"):
        require_kept("dmc-humanoid-walk", with_fields(DMCHumanoidConfig(), values), values)
    values = {"initial_state": "random"}
    require_kept("dmc-humanoid-walk", with_fields(DMCHumanoidConfig(end_below_height=0.8), values), values)


def test_a_policy_is_evaluated_in_the_changed_task(capsys):
    evaluate(PRETRAINED, EvaluateArguments(episodes=2, task=("initial_state=fallen",), json=True))
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["task.initial_state"] == "fallen"
    assert report["episode_length_mean"] == 1  # it lies, and nobody asked it to stand up
    assert report["terminated_fraction"] == 1


def test_the_command_refuses_in_one_line(capsys):
    with pytest.raises(SystemExit) as end:
        main([PRETRAINED, "--task", "initial_state=upside-down"])
    assert end.value.code == 65
    error = capsys.readouterr().err
    assert error.startswith("error: task: initial_state: 'upside-down' ") and error.count("\n") == 1
