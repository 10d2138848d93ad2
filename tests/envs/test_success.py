"""Success of a skill, by hand at its limits, and its interval against SciPy."""

import numpy as np
import pytest
from scipy import stats

from envs.success import goal_success, skill_success, wilson_lower_bound


def succeeds(skill="walk-forward", *, fallen=False, **metrics):
    values = {"velocity_error": 0.0, "turn_error": 0.0, "air_seconds": 0.0, "standing_seconds": 0.0} | metrics
    rows = {name: np.array([value]) for name, value in values.items()}
    return bool(skill_success(skill, np.array([fallen]), rows, rows)[0])


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ({"velocity_error": 0.3, "turn_error": 0.3}, True),
        ({"velocity_error": 0.31}, False),
        ({"turn_error": 0.31}, False),
        ({"fallen": True}, False),
    ],
)
def test_moving_must_follow_the_command_without_a_fall(metrics, expected):
    assert succeeds(**metrics) == expected
    assert succeeds("stand-still", **metrics) == expected


def test_a_jump_is_a_flight_without_a_fall():
    assert succeeds("jump", air_seconds=0.15, velocity_error=9.0)
    assert not succeeds("jump", air_seconds=0.14)
    assert not succeeds("jump", air_seconds=0.15, fallen=True)


def test_standing_up_must_last():
    assert succeeds("stand-up", standing_seconds=2.0)
    assert not succeeds("stand-up", standing_seconds=1.9)


def test_a_goal_is_reached_by_ending_there_on_its_feet():
    terminated, at_goal = np.array([False, False, True]), np.array([1.0, 0.0, 1.0])
    np.testing.assert_array_equal(goal_success(terminated, {"success": at_goal}), [True, False, False])


@pytest.mark.parametrize(("successes", "trials"), [(256, 256), (240, 256), (0, 20), (7, 10)])
def test_lower_bound_is_wilsons(successes, trials):
    expected = stats.binomtest(successes, trials).proportion_ci(method="wilson").low
    assert wilson_lower_bound(successes, trials) == pytest.approx(expected, abs=1e-4)
