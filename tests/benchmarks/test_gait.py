"""The numbers of the gait table, each from a trace made by hand."""

import numpy as np
import pytest

from benchmarks.gait import GaitConfig, Trace, gait_numbers, swings_of

PERIOD = 0.02


def trace(num_steps=100, num_worlds=1, **changes):
    """A trace of standing still, but for some changes."""
    pairs, ones = (num_steps, num_worlds, 2), (num_steps, num_worlds)
    still = {
        "contact_TBF": np.ones(pairs, bool),
        "height_TBF": np.zeros(pairs),
        "arms_TBF": np.zeros(pairs),
        "tilt_TBV": np.zeros(pairs),
        "velocity_TBV": np.zeros(pairs),
        "turn_TB": np.zeros(ones),
        "power_TB": np.zeros(ones),
        "fallen_B": np.zeros(num_worlds, bool),
    }
    return Trace(**still | changes)


def stepping(*spans, num_steps=100):
    """Contacts of feet that are in the air in spans (foot, from, to)."""
    contact = np.ones((num_steps, 1, 2), bool)
    for foot, start, end in spans:
        contact[start:end, 0, foot] = False
    return contact


def numbers(speed=1.0, **changes):
    return gait_numbers(trace(**changes), speed, PERIOD)


def test_swings_are_whole_and_no_bounces():
    # before the first contact, a bounce of two steps, a swing, and one that does not end
    contact = stepping((0, 0, 5), (0, 20, 22), (0, 40, 55), (0, 90, 100))
    height = np.zeros((100, 1, 2))
    height[45, 0, 0], height[95, 0, 0] = 0.07, 0.5
    assert swings_of(trace(contact_TBF=contact, height_TBF=height), 0, 0, PERIOD) == ([55], [0.07])


def test_feet():
    # in 2 s: three swings of the right foot, of 10 steps each, and one of the left foot, of 20
    contact = stepping((0, 5, 15), (1, 20, 40), (0, 45, 55), (0, 70, 80))
    height = np.zeros((100, 1, 2))
    height[10, 0, 0], height[30, 0, 1], height[50, 0, 0], height[75, 0, 0] = 0.02, 0.08, 0.04, 0.06
    seen = numbers(contact_TBF=contact, height_TBF=height)
    assert seen["foot_clearance"] == pytest.approx(0.05)
    assert seen["duty_factor"] == pytest.approx((0.7 + 0.8) / 2)
    assert seen["duty_asymmetry"] == pytest.approx(0.1 / 0.75)
    assert seen["alternation"] == pytest.approx(2 / 3)  # right, left, right, right


def test_frequencies_are_of_the_times_between_footsteps():
    # in 2 s: the right foot comes down three times, every 40 steps, and the left foot twice, 50 steps apart
    seen = numbers(contact_TBF=stepping((0, 5, 15), (0, 45, 55), (0, 85, 95), (1, 20, 40), (1, 70, 90)))
    right, left = 1 / 0.8, 1 / 1.0
    assert seen["step_frequency"] == pytest.approx(right + left)
    assert seen["frequency_asymmetry"] == pytest.approx((right - left) / ((right + left) / 2))


def test_the_frequency_of_a_foot_that_comes_down_once_is_a_count():
    seen = numbers(contact_TBF=stepping((0, 5, 15), (1, 20, 40)))
    assert (seen["step_frequency"], seen["frequency_asymmetry"]) == (pytest.approx(1.0), 0.0)


def test_cost_of_transport():
    velocity = np.zeros((100, 1, 2))
    velocity[..., 0] = 0.5
    seen = numbers(velocity_TBV=velocity, power_TB=np.full((100, 1), 413.0))
    assert seen["cost_of_transport"] == pytest.approx(2.0)


def test_arms_and_trunk():
    tilt = np.zeros((100, 1, 2))
    tilt[::2, :, 0], tilt[1::2, :, 0] = 0.1, -0.1  # roll; a steady lean is no sway
    tilt[..., 1] = 0.3
    arms = np.zeros((100, 1, 2))
    arms[..., 0] = np.pi / 2
    seen = numbers(tilt_TBV=tilt, arms_TBF=arms)
    assert seen["arm_angle"] == pytest.approx(45.0)
    assert seen["trunk_sway"] == pytest.approx(np.degrees(0.1))


def test_velocity_errors_and_heading():
    velocity = np.zeros((100, 1, 2))
    velocity[..., 0], velocity[::2, :, 1], velocity[1::2, :, 1] = 1.0, 0.3, -0.3
    seen = numbers(velocity_TBV=velocity, turn_TB=np.full((100, 1), -0.5))
    assert seen["velocity_error"] == pytest.approx(0.3)
    assert seen["mean_velocity_error"] == pytest.approx(0.0, abs=1e-9)
    assert seen["heading_drift"] == pytest.approx(np.degrees(1.0))


def test_a_world_that_stands_has_no_steps():
    seen = numbers()
    assert (seen["foot_clearance"], seen["step_frequency"], seen["alternation"]) == (0.0, 0.0, 0.0)
    assert seen["duty_factor"] == 1.0 and seen["frequency_asymmetry"] == 0.0


def test_parts_of_a_trace_leave_steps_and_worlds_out():
    power = np.arange(8.0).reshape(4, 2)
    part = trace(4, 2, power_TB=power, fallen_B=np.array([True, False])).of(slice(1, None), np.array([False, True]))
    assert part.power_TB.tolist() == [[3.0], [5.0], [7.0]] and part.fallen_B.tolist() == [False]


@pytest.mark.parametrize(("field", "value"), [("settling", 10.0), ("worlds", 0), ("speeds", (0.0,))])
def test_a_bad_value_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=f"^{field}: "):
        GaitConfig(**{field: value})
