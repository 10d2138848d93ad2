"""The locomotion task of a user's robot: sizes, frames, rewards worked by hand, falls, and that it learns to walk."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from envs.physics import PhysicsOptions, PhysicsState
from envs.registry import env_type
from envs.tasks.locomotion_config import LocomotionConfig
from tests.envs.robots.own_robots import quadruped, written

BIPED = Path(__file__).parents[3] / "examples" / "my_robot" / "biped.xml"


def task_of(path, **fields):
    return env_type(path)(LocomotionConfig(**fields), PhysicsOptions("native"))


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    return task_of(written(tmp_path_factory.mktemp("box"), quadruped()))


def physics_of(task, turn=(1.0, 0, 0, 0), height=0.23, velocity=(0.0, 0, 0), gyro=(0.0, 0, 0), joints=(0.0, 0, 0, 0)):
    """The state of the box, as the task reads it from MuJoCo."""
    data = mujoco.MjData(task.model)
    data.qpos[:7] = [0, 0, height, *turn]
    data.qpos[7:] = joints
    data.qvel[:6] = [*velocity, *gyro]
    mujoco.mj_forward(task.model, data)
    fields = {name: jnp.asarray(getattr(data, name)) for name in ("qpos", "qvel", "sensordata", "qfrc_actuator")}
    return PhysicsState(None, fields, jnp.zeros((), jnp.int32))


def terms_of(task, physics, command, action, info):
    """The reward's terms, compiled as one program: the operations one by one would compile for longer."""
    return jax.jit(task._terms)(physics, command, action, info, jnp.array(False))


def test_sizes_follow_from_the_model(box):
    assert (box.spec.obs_size, box.spec.action_size, box.spec.goal_size) == (9 + 4 + 4 + 4 + 4, 4, 3)
    assert box.spec.control_period == pytest.approx(0.02)
    biped = task_of(str(BIPED))
    assert (biped.spec.obs_size, biped.spec.action_size) == (9 + 8 + 8 + 8 + 2, 8)


def test_actions_move_motors_over_their_range_and_servos_around_the_pose(box):
    np.testing.assert_allclose(box.control(jnp.array([0.0, 1, -1, 0.5])), [0, 1, -1, 0.5], atol=1e-6)
    biped = task_of(str(BIPED), action_scale=0.25)
    np.testing.assert_allclose(biped.control(jnp.zeros(8)), biped.robot.standing[7:], atol=1e-6)
    # The knee is at 0.5 rad of 0 to 100 degrees: a quarter of half of that range is added.
    assert biped.control(jnp.ones(8))[2] == pytest.approx(0.5 + 0.25 * np.radians(50), abs=1e-5)


def test_velocities_are_in_the_frame_of_the_robot(box):
    quarter_turn_left = (np.sqrt(0.5), 0, 0, np.sqrt(0.5))
    physics = physics_of(box, turn=quarter_turn_left, velocity=(0, 0.7, 0), gyro=(0, 0, 0.4))
    np.testing.assert_allclose(
        box._observe(physics, {"last_action": jnp.zeros(4)})[:9], [0.7, 0, 0, 0, 0, 0.4, 0, 0, -1], atol=1e-6
    )


def test_a_trunk_that_is_turned_in_its_standing_pose_still_faces_x(tmp_path):
    """The trunk's own x axis points up in the keyframe; forward is the world's x there."""
    turn = (np.sqrt(0.5), 0, -np.sqrt(0.5), 0)
    text = quadruped(extra=f'<keyframe><key qpos="0 0 0.4 {" ".join(map(str, turn))} 0 0 0 0"/></keyframe>')
    task = task_of(written(tmp_path, text))
    physics = physics_of(task, turn=turn, height=0.4, velocity=(0.7, 0, 0), gyro=(0.4, 0, 0))
    np.testing.assert_allclose(task._velocity(physics), [0.7, 0, 0], atol=1e-6)
    np.testing.assert_allclose(task._gyro(physics), [0, 0, 0.4], atol=1e-6)  # about the trunk's x, which is up
    np.testing.assert_allclose(task._gravity(physics), [0, 0, -1], atol=1e-6)
    assert not task._fell(physics)


def test_rewards_are_those_worked_by_hand(box):
    # Tilted by 0.2 rad about y, moving at (0.5, 0.1, 0.3) m/s in the world, all feet off the floor.
    physics = physics_of(
        box,
        turn=(np.cos(0.1), 0, np.sin(0.1), 0),
        height=1.0,
        velocity=(0.5, 0.1, 0.3),
        gyro=(0.1, 0.2, 0.3),
        joints=(0.1,) * 4,
    )
    info = {"last_action": jnp.array([0.0, 0, 0, 1.0]), "air_time": jnp.zeros(4)}
    command, action = jnp.array([1.0, 0.0, 0.5]), jnp.array([0.5, 0, 0, 0])
    terms = terms_of(box, physics, command, action, info)
    forward = 0.5 * np.cos(0.2) - 0.3 * np.sin(0.2)  # nose down, so that its x axis is (cos, 0, -sin)
    assert terms["tracking_velocity"] == pytest.approx(np.exp(-((1 - forward) ** 2 + 0.1**2) / 0.25), abs=1e-5)
    assert terms["tracking_yaw_rate"] == pytest.approx(np.exp(-(0.2**2) / 0.25), abs=1e-5)
    assert terms["upright"] == pytest.approx(np.sin(0.2) ** 2, abs=1e-5)
    assert terms["rocking"] == pytest.approx(0.1**2 + 0.2**2, abs=1e-5)
    assert terms["bouncing"] == pytest.approx(0.3**2, abs=1e-5)
    assert terms["action_rate"] == pytest.approx(0.5**2 + 1, abs=1e-5)
    assert terms["pose"] == pytest.approx(4 * 0.1**2, abs=1e-5)
    assert terms["feet_slip"] == terms["feet_air_time"] == terms["joint_limits"] == terms["termination"] == 0
    assert terms["alive"] == 1


def test_energy_is_power_over_weight(box):
    fields = physics_of(box).fields
    physics = PhysicsState(
        None,
        fields | {"qvel": jnp.arange(10.0) / 10, "qfrc_actuator": jnp.array([9.0] * 6 + [1, -2, 0, 1])},
        jnp.zeros((), jnp.int32),
    )
    terms = terms_of(box, physics, jnp.zeros(3), jnp.zeros(4), {"last_action": jnp.zeros(4), "air_time": jnp.zeros(4)})
    assert terms["energy"] == pytest.approx((0.6 * 1 + 0.7 * 2 + 0.9 * 1) / (9.81 * 4.6), rel=1e-4)


def test_feet_that_land_are_paid_for_their_swing_and_charged_for_their_slip(box):
    physics = physics_of(box, height=0.229, velocity=(0.3, 0.4, 0))
    info = {"last_action": jnp.zeros(4), "air_time": jnp.array([0.28, 0.58, 0.03, 0.0])}
    terms = terms_of(box, physics, jnp.array([1.0, 0, 0]), jnp.zeros(4), info)
    # Swings of 0.3, 0.6 (counts as 0.4) and 0.05 s, each less 0.1 s; the last foot was on the floor before.
    assert terms["feet_air_time"] == pytest.approx(0.2 + 0.3 - 0.05, abs=1e-5)
    assert terms["feet_slip"] == pytest.approx(4 * 0.5**2, abs=1e-4)
    standing = terms_of(box, physics, jnp.zeros(3), jnp.zeros(4), info)
    assert standing["feet_air_time"] == 0


def test_joints_near_their_limits_are_charged(box):
    limit = np.radians(40)
    physics = physics_of(box, height=1.0, joints=(limit, -limit, 0.9 * limit, 0))
    terms = terms_of(box, physics, jnp.zeros(3), jnp.zeros(4), {"last_action": jnp.zeros(4), "air_time": jnp.zeros(4)})
    assert terms["joint_limits"] == pytest.approx(2 * 0.05 * limit, abs=1e-5)


@pytest.mark.parametrize(
    ("height", "tilt", "falls"), [(0.12, 0, False), (0.11, 0, True), (0.3, 0.95, False), (0.3, 1.05, True)]
)
def test_a_low_or_tilted_trunk_has_fallen(box, height, tilt, falls):
    physics = physics_of(box, turn=(np.cos(tilt / 2), np.sin(tilt / 2), 0, 0), height=height)
    assert bool(box._fell(physics)) is falls


def test_a_step_pays_the_weighted_terms_and_keeps_the_state_of_the_world(box):
    state = jax.jit(box.reset)(jax.random.key(0))
    after = jax.jit(box.step)(state, jnp.zeros(4))
    paid = [x for name, x in after.metrics.items() if f"{name}_weight" in LocomotionConfig.__dataclass_fields__]
    assert len(paid) == len(box.weights) == 13
    assert after.reward == pytest.approx(0.02 * float(sum(paid)), abs=1e-5) and not after.terminated
    assert jax.tree.map(jnp.shape, after.info) == jax.tree.map(jnp.shape, state.info)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("forward_velocity", (1.0, 0.0)),
        ("air_time", (-0.1, 0.4)),
        ("control_period", 0.0),
        ("reset_pose_noise", -0.1),
        ("min_height", 1.0),
        ("stand_probability", 1.1),
    ],
)
def test_values_outside_their_range_are_refused(field, value):
    with pytest.raises(ValueError, match=f"^{field}: "):
        dataclasses.replace(LocomotionConfig(), **{field: value})


@pytest.mark.slow
@pytest.mark.parametrize("robot", ["biped", "ant"])
def test_a_robot_from_outside_the_repository_learns_to_walk_forward(robot, tmp_path):
    """At the least commanded velocity, 0.5 m/s. A robot that stands is at 0 m/s."""
    gymnasium = pytest.importorskip("gymnasium")
    ant = Path(gymnasium.__file__).parent / "envs" / "mujoco" / "assets" / "ant.xml"
    path = written(tmp_path, (BIPED if robot == "biped" else ant).read_text(), f"{robot}.xml")
    command = (
        "--task.forward-velocity 0.5 0.8 --task.sideways-velocity 0 0 --task.yaw-rate 0 0 --task.stand-probability 0"
    )
    arguments = f"--env {path} {command} --total-steps 3M --num-evaluations 3 --no-video --name walks"
    done = subprocess.run(
        [sys.executable, "-m", "flexrl.train", *arguments.split(), "--workspace", str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    Path(path).unlink()  # the run keeps its own copy
    evaluate = [sys.executable, "-m", "flexrl.evaluate", "walks", "--workspace", str(tmp_path), "--json"]
    done = subprocess.run([*evaluate, "--task", "forward_velocity=[0.5,0.5]"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["forward_velocity"] > 0.3 and result["terminated_fraction"] < 0.5, result
