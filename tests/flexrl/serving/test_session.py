"""The live session, with a body whose motion is scripted."""

import math
import threading

import numpy as np
import pytest

from flexrl.execution.schedule import command_of
from flexrl.language.plan import Plan, Segment, Until
from flexrl.serving.driving import drive_of
from flexrl.serving.messages import state_of
from flexrl.serving.scene import Posing, scene_of
from flexrl.serving.session import FALLEN_SECONDS, RISING_SECONDS, Session
from tests.flexrl.serving.scripted import TAUGHT, ScriptedBody, turned

WALK = Plan((Segment("walk-forward", None, Until("seconds", 0.05), 0.9), Segment("stand")))


def advanced(session, steps):
    for _ in range(steps):
        snapshot = session.advance()
    return snapshot


def test_a_plan_takes_over_at_the_next_control_step_and_ends():
    session = Session(ScriptedBody())
    assert state_of(session.advance()).plan.source == "reset"
    number = session.follow("walk", WALK)
    state = state_of(session.advance())
    assert (state.plan.number, state.plan.text, state.motion.forward) == (number, "walk", 1.0)
    assert state.plan.reaction_ms is not None and state.plan.reaction_ms >= 0
    first, second = state.plan.segments
    assert (first.status, first.asked, first.reached, first.confidence) == ("running", "0.1 s", "0.0 s", 0.9)
    assert (second.status, second.asked, second.fraction) == ("waiting", None, None)
    state = state_of(advanced(session, 5))
    assert [x.status for x in state.plan.segments] == ["done", "running"] and state.motion.forward == 0
    assert state.pose.x == pytest.approx(0.05) and not state.plan.is_done


def test_the_newest_of_several_plans_wins():
    session = Session(ScriptedBody())
    session.follow("walk", WALK)
    number = session.follow("run", Plan((Segment("run"),)))
    state = state_of(session.advance())
    assert state.plan.number == number and state.motion.forward == 3.0


def test_a_plan_whose_end_is_measured_is_done():
    session = Session(ScriptedBody())
    session.follow("walk", Plan((Segment("walk-forward", None, Until("seconds", 0.02)),)))
    assert state_of(advanced(session, 3)).plan.is_done


def test_a_paused_clock_stands_and_takes_the_plan_when_it_goes_on():
    body = ScriptedBody()
    session = Session(body)
    session.pause(True)
    session.follow("walk", WALK)
    state = state_of(advanced(session, 3))
    assert state.is_paused and state.seconds == 0 and body.steps == 0 and state.plan.text == "walk"
    session.pause(False)
    assert state_of(session.advance()).motion.forward == 1.0


def test_a_fallen_body_is_put_back_after_a_second_and_it_is_said():
    body = ScriptedBody(period=0.1)
    body.falls_at = 3
    session = Session(body)
    session.follow("run", Plan((Segment("run"),)))
    assert not state_of(advanced(session, 2)).is_fallen
    assert state_of(session.advance()).is_fallen
    state = state_of(advanced(session, round(FALLEN_SECONDS / 0.1)))
    assert not state.is_fallen and state.pose.height > 1.2 and state.notice.startswith("it fell")
    assert (state.plan.source, state.pose.x) == ("reset", 0.0)
    session.follow("walk", WALK)
    assert state_of(session.advance()).notice == ""


def test_a_body_that_has_learnt_to_get_up_has_time_to_do_so():
    body = ScriptedBody(period=0.1)
    body.recovers, body.falls_at = True, 1
    session = Session(body)
    number = session.follow("walk", WALK)
    state = state_of(advanced(session, round(RISING_SECONDS / 0.1) - 1))
    assert state.is_fallen and state.plan.number == number
    assert state_of(advanced(session, 2)).notice.startswith("it fell")


def test_a_body_that_became_non_finite_is_put_back():
    body = ScriptedBody()
    session = Session(body)
    body.qpos[0] = np.nan
    state = state_of(session.advance())
    assert np.isfinite(state.pose.x) and "non-finite" in state.notice


def test_a_push_is_seen_from_the_body():
    body = ScriptedBody()
    session = Session(body)
    body.qpos = turned(body.read(), math.pi / 2).qpos  # it looks along y
    session.advance()
    session.push(1.0, 0.5)
    session.advance()
    assert body.pushes == [pytest.approx((-0.5, 1.0))]


def test_another_body_takes_over_and_a_reset_puts_it_back():
    session = Session(ScriptedBody())
    session.follow("walk", WALK)
    advanced(session, 3)
    session.replace(ScriptedBody("other", period=0.02))
    state = state_of(session.advance())
    assert (state.policy, state.notice, state.plan.source) == ("other", "other was loaded", "reset")
    session.follow("walk", WALK)
    session.reset()
    assert state_of(session.advance()).plan.source == "reset"


def test_a_velocity_is_driven_by_the_nearest_skill():
    assert drive_of(0.9, 0, 0.6, TAUGHT).plan.segments[0].skill == "walk-forward"
    assert drive_of(0.1, 0, -0.7, TAUGHT).plan.segments[0].skill == "turn-right"
    assert drive_of(2.8, 0, 0, TAUGHT).plan.segments[0].skill == "run"
    assert drive_of(2.8, 0, 0, ("stand", "walk-forward")).plan.segments[0].skill == "walk-forward"
    assert drive_of(0, 0, 0, TAUGHT).plan.segments[0].skill == "stand"
    schedule = drive_of(0.9, 0, 0.6, TAUGHT).schedule
    assert schedule.commands[0].tolist() == pytest.approx([0.9, 0, 0.6])
    assert command_of(Segment("walk-forward")).tolist() == [1, 0, 0]  # is not what was changed


def test_the_clock_keeps_real_time_until_it_is_stopped():
    session = Session(ScriptedBody(period=0.01))
    session.start()
    event = threading.Event()
    while session.snapshot.speed is None:
        event.wait(0.02)
    session.stop()
    at = session.snapshot.seconds
    assert at > 0 and session.failure is None
    event.wait(0.05)
    assert session.snapshot.seconds == at


def test_an_error_in_a_control_step_ends_the_clock_and_is_kept():
    body = ScriptedBody()
    session, called = Session(body), threading.Event()
    body.fails = True
    session.start(on_failure=called.set)
    assert called.wait(10) and isinstance(session.failure, FloatingPointError)
    session.stop()


def test_a_scene_names_every_shape_and_poses_are_those_of_mujoco():
    body = ScriptedBody()
    scene, poses = scene_of(body.model), Posing(body.model)(body.qpos)
    assert {geom.shape for geom in scene.geoms} == {"plane", "sphere", "capsule"}
    assert len(scene.geoms) == body.model.ngeom and len(scene.bodies) == len(poses) == body.model.nbody
    torso = scene.bodies.index("torso")
    assert poses[torso].tolist() == pytest.approx(body.qpos[:7].tolist())
    left, right = (next(g for g in scene.geoms if scene.bodies[g.body] == f"{side}_foot") for side in ("left", "right"))
    assert left.colour != right.colour
    assert poses[scene.bodies.index("left_foot"), 1] > 0 > poses[scene.bodies.index("right_foot"), 1]
