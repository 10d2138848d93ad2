"""Robots follow plans as the humanoid does, within the velocities that they were taught."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.tasks.humanoid_skills.goals import nominal_goal
from envs.tasks.humanoid_walk import HumanoidWalkConfig
from flexrl.common.errors import ConfigError
from flexrl.execution.bodies import (
    ENVIRONMENTS,
    ON_THE_SPOT,
    embodiment_of,
    taught_skills,
    taught_velocities,
    told_by_plans,
)
from flexrl.execution.report import plans_carried_out
from flexrl.execution.schedule import command_of, schedule_of, stacked, within
from flexrl.execution.worlds import follow, load_follower
from flexrl.language.plan import Plan, Segment, Until
from flexrl.serving.driving import drive_of

PRETRAINED = Path(__file__).parents[3] / "pretrained"
G1 = PRETRAINED / "g1-joystick"
RANGES = ((-0.3, 1.0), (-0.3, 0.3), (-0.7, 0.7))


@pytest.fixture(scope="module")
def robot():
    playback, follower = load_follower(str(G1), "workspace", 2, physics="native")
    return playback, follower


def test_a_robot_was_taught_to_walk_and_turn_within_the_commands_of_its_training():
    taught = taught_skills(G1)
    assert taught[0] == "stand" and len(taught) == 11
    assert {"walk-forward", "walk-backward-left", "strafe-right", "turn-left"} < set(taught)
    assert not {"run", "jump", "stand-up"} & set(taught)
    assert taught_velocities(G1) == RANGES
    assert taught_velocities(PRETRAINED / "humanoid-skills") is None


def test_commands_are_made_slower_in_the_same_direction():
    assert command_of(Segment("strafe-left"), RANGES) == pytest.approx([0, 0.3, 0])
    assert command_of(Segment("walk-forward-right"), RANGES) == pytest.approx([0.45, -0.3, 0])  # 0.6, -0.4
    assert command_of(Segment("walk-backward", "slow"), RANGES) == pytest.approx([-0.3, 0, 0])
    assert command_of(Segment("walk-forward", "slow"), RANGES) == pytest.approx([0.6, 0, 0])
    assert within(np.array([-1.0, 0, 0]), ((0.2, 1.0), *RANGES[1:])) == pytest.approx([0, 0, 0])
    assert within(np.array([5.0, 1.0, 2.0]), None) == pytest.approx([5, 1, 2])
    driven = drive_of(3.0, 0.0, 0.0, taught_skills(G1), RANGES)
    assert driven.schedule.commands[0] == pytest.approx([1, 0, 0]) and "forward 1.0 m/s" in driven.text


def test_a_robot_steps_on_the_spot_until_it_rests(robot):
    _, follower = robot
    embodiment = embodiment_of(follower.env)
    rests = jax.jit(follower.env.reset)(jax.random.key(0)).physics
    assert jnp.abs(rests["qvel"]).max() == 0  # no noise in the first state
    moves = follower.env.physics.with_velocity(rests, rests["qvel"].at[0].set(0.5))
    stand, walk = (jnp.asarray(nominal_goal(name)) for name in ("stand-still", "walk-forward"))
    assert embodiment.goal(stand, rests).tolist() == [0, 0, 0]
    assert embodiment.goal(stand, moves) == pytest.approx([ON_THE_SPOT, 0, 0])
    assert embodiment.goal(walk, rests).tolist() == [1, 0, 0]
    assert embodiment.goal(walk.at[0].set(0), rests) == pytest.approx([ON_THE_SPOT, 0, 0])
    motion = embodiment.motion(rests)
    assert motion.height == pytest.approx(1.3) and motion.tilt == pytest.approx(0, abs=1e-4)


def test_a_robot_carries_out_a_plan(robot):
    playback, follower = robot
    ways = Plan((Segment("walk-forward", None, Until("metres", 1.5)), Segment("turn-left", None, Until("degrees", 90))))
    steps = Plan((Segment("walk-forward", "slow", Until("steps", 4)),))
    outcome = follow(playback, follower, stacked([schedule_of(plan, RANGES, size=2) for plan in (ways, steps)]), seed=0)
    assert plans_carried_out(outcome).tolist() == [True, True]
    where = outcome.qpos[-1, :2] - outcome.qpos[0, :2]
    assert np.linalg.norm(where) == pytest.approx(1.5, abs=0.5)


def test_policies_of_other_tasks_are_refused_by_name():
    with pytest.raises(ConfigError, match="run: mine was not trained on humanoid-skills or g1-joystick"):
        told_by_plans(HumanoidWalkConfig(), "mine")
    assert len(ENVIRONMENTS) == 4
