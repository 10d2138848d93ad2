"""The body of the page, between two plans."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.tasks.humanoid_skills.goals import COMMAND_SIZE, SKILL_NAMES
from flexrl.common.errors import ConfigError
from flexrl.execution.schedule import schedule_of, stacked
from flexrl.execution.worlds import Following, first_progress
from flexrl.language.plan import Plan, Segment
from flexrl.serving.driving import drive_of
from flexrl.serving.live_body import _begin
from flexrl.serving.policies import Policies


@pytest.mark.parametrize(("rising", "skill"), [(0.5, "stand-up"), (0.0, "run")])
def test_another_plan_begins_once_the_body_is_up(rising, skill):
    before, after = (
        jax.tree.map(jnp.asarray, stacked([schedule_of(Plan((Segment(name),)), recovers=True, size=4)]))
        for name in ("walk-forward", "run")
    )
    progress = first_progress(before).replace(rising=jnp.array([rising]), segment=jnp.array([1]))
    none = jnp.zeros(1)
    state = _begin(Following(None, None, before, progress, none > 0, none, jnp.int32(0)), after)
    assert state.progress.segment.tolist() == [0]
    (goal,) = jax.vmap(lambda progress, schedule: progress.goal(schedule))(state.progress, state.schedule)
    assert SKILL_NAMES[int(np.argmax(goal[COMMAND_SIZE:]))] == skill


def test_a_robot_of_the_pretrained_policies_is_offered_driven_and_pushed(tmp_path):
    policies = Policies("pretrained/humanoid-skills", str(tmp_path))
    assert policies.names() == ["humanoid-skills", "g1-joystick", "natural-skills", "whole-body"]
    body = policies.load("g1-joystick")
    assert body.velocities is not None and "run" not in body.taught and not body.recovers
    body.begin(drive_of(0.5, 0.0, 0.0, body.taught, body.velocities).schedule)
    for _ in range(50):  # 1 s
        reading = body.step()
    assert reading.velocity[0] > 0.2 and reading.height == pytest.approx(1.3, abs=0.15)
    body.push(0.0, 1.0)
    assert np.linalg.norm(body.read().velocity[:2] - reading.velocity[:2]) == pytest.approx(1.0, abs=0.01)
    with pytest.raises(ConfigError, match="'walk' is no policy that follows plans here; choose from humanoid-skills"):
        policies.load("walk")
