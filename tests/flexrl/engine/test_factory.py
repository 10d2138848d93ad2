"""The parts of a run, made from its config."""

from flexrl.cli.arguments import parse
from flexrl.engine.factory import make_env, make_evaluation_env


def test_a_policy_is_judged_by_the_tasks_own_rules(tmp_path):
    arguments = ["--env", "dmc-humanoid-walk", "--workspace", str(tmp_path), "--task.end-below-height", "0.8"]
    config = parse([*arguments, "--task.reset-noise", "0.03"]).config
    assert make_env(config).config.end_below_height == 0.8
    judged = make_evaluation_env(config, 1).config
    assert judged.end_below_height is None and judged.reset_noise == 0.03
