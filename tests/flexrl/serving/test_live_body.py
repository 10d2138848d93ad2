"""The body of the page, between two plans."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.tasks.humanoid_skills.goals import COMMAND_SIZE, SKILL_NAMES
from flexrl.execution.schedule import schedule_of, stacked
from flexrl.execution.worlds import Following, first_progress
from flexrl.language.plan import Plan, Segment
from flexrl.serving.live_body import _begin


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
