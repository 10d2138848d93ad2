"""Schedules of plans, and how the executor goes through them with a body whose motion is given."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.tasks.humanoid_skills.goals import SKILL_NAMES
from flexrl.execution.executor import (
    CALM_SECONDS,
    MAX_LEAN,
    MAX_LEANING_SPEED,
    STEPPING_SECONDS,
    Progress,
)
from flexrl.execution.motion import BodyMotion
from flexrl.execution.report import carried_out
from flexrl.execution.schedule import (
    DEGREES,
    ENDLESS,
    JUMPS,
    METRES,
    SECONDS,
    STANDING,
    STEPS,
    longest_seconds,
    schedule_of,
    stacked,
)
from flexrl.execution.worlds import most_seconds
from flexrl.language.plan import Plan, Segment, Until

PERIOD = 0.1  # s of a control step
STILL = (0.0, 0.0, 0.0)
advance = jax.jit(lambda progress, schedule, motion: progress.after(schedule, motion, PERIOD))


def segment(skill, kind=None, amount=0.0, speed=None):
    return Segment(skill, speed, Until(kind, amount) if kind else None)


def play(segments, motions, *, recovers=False):
    """The schedule, the progress after each motion, and the skills that were commanded."""
    schedule = schedule_of(Plan(tuple(segments)), recovers=recovers, size=4)
    progress, history, asked = Progress.first(4), [], []
    for velocity, height, touches, *tilt in motions:
        goal = np.asarray(progress.goal(schedule))
        asked.append((SKILL_NAMES[int(goal[3:].argmax())], tuple(goal[:3].round(2).tolist())))
        motion = BodyMotion(jnp.array(velocity), jnp.array(height), jnp.array(touches), jnp.array([*tilt, 0.0][0]))
        progress = advance(progress, schedule, motion)
        history.append(progress)
    return schedule, history, asked


def moving(velocity, steps, height=1.3, touches=(True, True), tilt=0.0):
    return [(velocity, height, touches, tilt)] * steps


def test_a_schedule_says_what_ends_each_segment():
    plan = Plan(
        (
            segment("walk-forward", "metres", 3, "slow"),
            segment("turn-left"),
            segment("jump"),
            segment("stand-up"),
            segment("run", "steps", 4, "fast"),
            segment("stand"),
        )
    )
    schedule = schedule_of(plan, size=8)
    assert schedule.measures[:6].tolist() == [METRES, DEGREES, JUMPS, STANDING, STEPS, SECONDS]
    assert schedule.amounts[:6].tolist() == [3, 90, 1, 2, 4, 4] and schedule.count == 6
    assert schedule.commands[0].tolist() == pytest.approx([0.6, 0, 0])
    assert schedule.commands[4].tolist() == [3, 0, 0]  # running is never asked to be faster than it was taught
    assert schedule.stops[:6].tolist() == [True, True, False, False, False, False]
    assert schedule_of(plan, is_endless=True, size=8).amounts[5] == ENDLESS
    assert longest_seconds(schedule_of(Plan((segment("walk-forward", "metres", 3),)))) == pytest.approx(2 * 3 + 5)
    turn = schedule_of(Plan((segment("turn-left"),)), is_endless=True)
    assert turn.amounts[0] == 90  # a turn has its usual angle


def test_worlds_go_on_until_bodies_have_braked_and_got_up():
    plan = Plan((segment("walk-forward", "metres", 3), segment("stand", "seconds", 2)))
    two = stacked([schedule_of(plan, size=4), schedule_of(Plan(plan.segments[:1]), size=4)])
    seconds = longest_seconds(two)
    assert most_seconds(two) == pytest.approx(seconds + 2 * 1.5)
    two = stacked([schedule_of(plan, size=4, recovers=True), schedule_of(plan, size=4)])
    assert most_seconds(two) == pytest.approx(seconds + 2 * 1.5 + 12)


def test_a_body_does_not_stop_between_segments_that_go_the_same_way():
    walk, run = segment("walk-forward", "metres", 2), segment("run", "metres", 5)
    assert schedule_of(Plan((walk, run, walk)), size=3).stops.tolist() == [False, False, True]
    assert schedule_of(Plan((walk, segment("turn-left"))), size=2).stops.tolist() == [True, True]


def test_a_distance_is_measured_along_the_command_and_braked_for():
    walk = segment("walk-backward", "metres", 1)
    motions = [*moving((-1.0, 0.5, 0.0), 6), *moving((-0.5, 0.0, 0.0), 2), *moving(STILL, 3)]
    schedule, history, asked = play([walk], motions)
    assert [skill for skill, _ in asked[:6]] == ["walk-backward"] * 6
    assert asked[6] == ("stand-still", STILL)  # 0.6 m are done, and 0.4 m are how far it still goes
    assert [int(x.segment) for x in history] == [0] * 8 + [1] * 3
    done = history[-1].done
    assert float(done.amount[0]) == pytest.approx(0.7) and float(done.seconds[0]) == pytest.approx(0.9)
    assert carried_out(stacked([schedule]), jax.tree.map(lambda x: x[None], done)).all()


def test_an_angle_is_measured_to_the_side_that_was_asked_for():
    turn = segment("turn-right", "degrees", 90)
    _, history, _ = play([turn], moving((0, 0, 1.0), 20))
    assert int(history[-1].segment) == 0 and float(history[-1].amount) == pytest.approx(-np.degrees(2.0), rel=1e-4)
    _, history, _ = play([turn], [*moving((0, 0, -1.0), 16), *moving(STILL, 2)])
    assert int(history[-1].segment) == 1
    assert float(history[-1].done.amount[0]) == pytest.approx(np.degrees(1.6), rel=1e-4)


def test_footsteps_are_counted_when_a_foot_lands_after_a_swing():
    both, right, left = (True, True), (True, False), (False, True)
    motions = [(STILL, 1.3, x) for x in (both, right, both, left, left, both, right, both)]
    _, history, _ = play([segment("walk-forward", "steps", 3)], motions)
    assert [float(x.amount) for x in history[:7]] == [0, 0, 1, 1, 1, 2, 2]
    assert int(history[6].segment) == 0 and int(history[7].segment) == 1


def test_jumps_are_flights_that_last_and_standing_must_last_too():
    air = (False, False)
    _, history, _ = play([segment("jump"), segment("jump")], [*moving(STILL, 1), *moving(STILL, 1, 1.4, air)])
    assert int(history[-1].segment) == 0
    twice = [*moving(STILL, 2, 1.4, air), *moving(STILL, 1)] * 2
    _, history, _ = play([segment("jump"), segment("jump")], twice)
    assert [int(x.segment) for x in history] == [0, 0, 1, 1, 1, 2]
    up = [*moving(STILL, 10, 0.5), *moving(STILL, 19), *moving(STILL, 3)]
    _, history, _ = play([segment("stand-up")], up)
    assert [int(x.segment) for x in history] == [0] * 29 + [1] * 3


def test_a_segment_that_makes_no_progress_is_given_up_and_not_carried_out():
    walk = segment("walk-forward", "metres", 1)
    schedule, history, asked = play([walk], moving(STILL, 90))
    assert int(history[68].segment) == 0 and int(history[-1].segment) == 1  # after 2 x 1 s + 5 s
    done = jax.tree.map(lambda x: x[None], history[-1].done)
    assert bool(done.gave_up[0, 0]) and not carried_out(stacked([schedule]), done).all()
    assert asked[-1] == ("stand-still", STILL)  # a plan that has ended stands


def test_speed_is_judged_after_settling():
    run = segment("run", "seconds", 3)
    for speed, expected in ((2.8, True), (2.5, False)):
        schedule, history, _ = play([run], [*moving(STILL, 10), *moving((speed, 0, 0), 21)])
        done = jax.tree.map(lambda x: x[None], history[-1].done)
        assert bool(carried_out(stacked([schedule]), done).all()) == expected


LEANING = 1.5 * MAX_LEAN


def test_a_body_that_leans_while_it_stands_takes_steps_for_a_moment():
    calm, stepping = round(CALM_SECONDS / PERIOD), round(STEPPING_SECONDS / PERIOD)
    leaning = moving(STILL, 1 + stepping + calm + 2, tilt=LEANING)
    _, history, asked = play([segment("stand", "seconds", 0.2)], [*leaning, *moving(STILL, 30)])
    step, still = ("walk-forward", STILL), ("stand-still", STILL)
    round_of_steps = [*[step] * stepping, *[still] * (calm + 1)]
    assert asked == [still, *round_of_steps, *[step] * stepping, *[still] * (len(asked) - 1 - 2 * stepping - calm - 1)]
    assert int(history[1].segment) == 1  # the segment ended in time, and stepping went on after it


@pytest.mark.parametrize(
    ("motions", "first"),
    [
        (moving((1.0, 0.0, 0.0), 8, tilt=LEANING), "walk-forward"),  # walking leans, too
        (moving((MAX_LEANING_SPEED + 0.1, 0.0, 0.0), 8, tilt=LEANING), "stand"),  # still braking
        (moving(STILL, 8, tilt=0.9 * MAX_LEAN), "stand"),
        (moving(STILL, 8, 0.3, tilt=LEANING), "stand"),  # it lies
    ],
)
def test_only_a_body_that_stands_as_it_is_asked_to_takes_steps(motions, first):
    _, history, asked = play([segment(first, "seconds", 3)], motions)
    assert float(history[-1].balancing) == 0
    assert {skill for skill, _ in asked} == {"stand-still" if first == "stand" else first}


def test_a_new_skill_is_commanded_at_once_while_the_body_takes_steps():
    motions = [*moving(STILL, 4, tilt=LEANING), *moving((0, 0, 0.8), 3, tilt=LEANING)]
    _, _, asked = play([segment("stand", "seconds", 0.4), segment("turn-left")], motions)
    assert [skill for skill, _ in asked] == ["stand-still", *["walk-forward"] * 3, *["turn-left"] * 3]


class TestAFall:
    WALK = (segment("walk-forward", "seconds", 1.0),)
    FALLS = [*moving((1.0, 0.0, 0.0), 5), *moving(STILL, 3, height=0.3), *moving(STILL, 25)]

    def test_is_followed_by_standing_up_and_then_by_the_rest_of_the_plan(self):
        _, history, asked = play(self.WALK, self.FALLS, recovers=True)
        skills = [skill for skill, _ in asked]
        # 3 steps on the floor, of which the first one is the fall, then 1 s of standing, and one step to notice it
        assert skills[:6] == ["walk-forward"] * 6 and skills[6:19] == ["stand-up"] * 13
        assert asked[8][1] == STILL and skills[19:23] == ["walk-forward"] * 4 and skills[-1] == "stand-still"
        assert float(history[-1].done.seconds[0]) == pytest.approx(1.0, abs=0.11)

    def test_is_left_alone_where_the_schedule_says_so(self):
        assert "stand-up" not in [skill for skill, _ in play(self.WALK, self.FALLS)[2]]

    def test_is_none_while_the_plan_asks_to_stand_up(self):
        _, history, _ = play([segment("stand-up")], moving(STILL, 5, height=0.3), recovers=True)
        assert all(float(progress.rising) == 0.0 for progress in history)
        assert float(history[-1].seconds) == pytest.approx(0.5)
