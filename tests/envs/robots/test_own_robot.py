"""From a user's MJCF, feet, standing pose and controls are found; what cannot be trained is refused by name."""

from pathlib import Path

import mujoco
import numpy as np
import pytest

from envs.errors import ConfigError
from envs.registry import env_type
from envs.robots.mjcf import FLOOR as ADDED_FLOOR
from envs.robots.mjcf import files_of
from envs.robots.own_robot import own_robot
from tests.envs.robots.own_robots import FLOOR, LEGS, quadruped, written

EXAMPLE = Path(__file__).parents[3] / "examples" / "my_robot" / "biped.xml"
SERVO = '<position joint="{}_hip" kp="20"/>'
KEY = '<keyframe><key name="low" qpos="0 0 0.2 1 0 0 0 {0}"/><key name="high" qpos="0 0 0.3 1 0 0 0 {0}"/></keyframe>'


@pytest.fixture
def robot(tmp_path):
    def read(keyframe=None, feet=(), **parts):
        return own_robot(written(tmp_path, quadruped(**parts)), keyframe, feet)

    return read


def names(robot):
    return [foot.name for foot in robot.feet]


def test_without_names_the_lowest_bodies_are_the_feet(robot):
    assert names(robot()) == [f"{leg}_tip" for leg in LEGS]


def test_bodies_named_foot_are_the_feet_even_if_others_are_lower(robot):
    chin = '<freejoint/><geom name="chin" type="sphere" size="0.04" pos="0.3 0 -0.25"/>'
    assert names(robot(root=chin)) == ["box"]
    assert names(robot(root=chin, foot="foot")) == [f"{leg}_foot" for leg in LEGS]


def test_feet_can_be_given_by_the_names_of_bodies_and_geoms(robot):
    assert names(robot(feet=("hl_tip", "hr_ball"))) == ["hl_tip", "hr_tip"]
    with pytest.raises(ConfigError, match="^feet: 'paw' is neither a body nor a geom of .*; known: .*fl_ball, fl_tip"):
        robot(feet=("paw",))


def test_the_robot_of_a_file_without_keyframes_is_lowered_to_the_floor(robot):
    found = robot()
    assert found.standing[2] == pytest.approx(0.23)  # the leg of 0.2 m and the ball's radius
    assert found.height == pytest.approx(0.23)
    assert found.weight == pytest.approx(9.81 * (3 + 4 * 0.4))


def test_a_raised_floor_is_stood_on(robot):
    found = robot(floor=FLOOR.replace("<geom ", '<geom pos="0 0 0.1" '))
    assert (found.floor, found.standing[2], found.height) == pytest.approx((0.1, 0.33, 0.23))


def test_joints_outside_their_range_are_moved_into_it(tmp_path):
    text = quadruped().replace('range="-40 40"', 'range="10 40"')
    found = own_robot(written(tmp_path, text))
    assert found.standing[found.joint_qpos] == pytest.approx(np.full(4, np.radians(10)))


def test_keyframes_are_standing_poses(robot):
    extra = KEY.format("0.1 0.1 0.1 0.1")
    assert robot(extra=extra).standing[[2, 7]] == pytest.approx([0.2, 0.1])
    assert robot(extra=extra, keyframe="high").height == pytest.approx(0.3)
    with pytest.raises(ConfigError, match="^keyframe: 'up' is no keyframe of .*; known: low, high$"):
        robot(extra=extra, keyframe="up")


def test_motors_span_their_control_range_and_servos_turn_about_the_pose(robot):
    motors = robot()
    assert not motors.is_servo.any() and (motors.control_middle == 0).all() and (motors.control_reach == 1).all()
    servos = robot(actuator=SERVO, extra=KEY.format("0.1 0.1 0.1 0.1"))
    assert servos.is_servo.all() and servos.control_middle == pytest.approx(np.full(4, 0.1))
    assert servos.control_range == pytest.approx(np.radians([[-40, 40]] * 4))  # of the joints: the servos have none


def test_feet_feel_the_floor(robot):
    found = robot()
    data = mujoco.MjData(found.model)
    data.qpos = found.standing
    data.qpos[2] -= 0.001
    mujoco.mj_forward(found.model, data)
    for foot, (x, y) in zip(found.feet, LEGS.values(), strict=True):
        assert [data.sensor(name).data[0] for name in foot.contacts] == [1]
        assert data.sensor(foot.position).data == pytest.approx([x, y, -0.001], abs=1e-6)
    data.qpos[2] += 0.1
    mujoco.mj_forward(found.model, data)
    assert [data.sensor(foot.contacts[0]).data[0] for foot in found.feet] == [0, 0, 0, 0]


def test_a_world_without_floor_gets_one(robot):
    found = robot(floor="")
    assert found.model.geom(ADDED_FLOOR).type == mujoco.mjtGeom.mjGEOM_PLANE and found.height == pytest.approx(0.23)


def test_of_several_free_bodies_the_one_with_actuators_is_the_robot(robot):
    ball = '<body name="ball" pos="1 0 1"><freejoint/><geom size="0.1"/></body>'
    found = robot(floor=FLOOR + ball)
    assert (found.trunk_qpos, found.trunk_qvel) == (7, 6) and len(found.feet) == 4
    assert list(found.joint_qpos) == [14, 15, 16, 17] and list(found.joint_qvel) == [12, 13, 14, 15]


def test_the_example_stands_on_its_two_feet():
    found = own_robot(str(EXAMPLE))
    assert names(found) == ["left_sole", "right_sole"] and found.is_servo.all()


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"actuator": ""}, "has no actuators; add an <actuator> section"),
        ({"root": ""}, "has no free root; give the robot's trunk a <freejoint/>"),
        ({"floor": FLOOR.replace("/>", ' contype="0" conaffinity="0"/>')}, "no geom of the robot collides"),
        ({"extra": "<wheels/>"}, "MuJoCo cannot read it: XML Error: Schema violation: unrecognized element"),
        (
            {"actuator": '<motor joint="{}_hip"/>'},
            "actuators without a control range, .*: number 0, number 1, number 2, number 3; give each",
        ),
        ({"extra": KEY.format("0 0 0 0").replace("0.2 1", "-0.2 1")}, "the trunk is -0.200 m above the floor"),
    ],
)
def test_a_robot_that_cannot_be_trained_is_refused_in_a_line(robot, parts, message):
    with pytest.raises(ConfigError, match=rf"^env: \S+my_robot.xml: {message}[^\n]*$"):
        robot(**parts)


def test_a_missing_file_is_refused():
    with pytest.raises(ConfigError, match=r"^env: the file nowhere\.xml does not exist; name an MJCF file$"):
        env_type("nowhere.xml")


def test_all_files_that_a_model_reads_are_found(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "looks").mkdir()
    (tmp_path / "looks" / "ball.obj").write_text(
        "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n"
    )
    parts = '<mujocoinclude><compiler meshdir="looks"/><asset><mesh name="m" file="ball.obj"/></asset></mujocoinclude>'
    (tmp_path / "parts" / "meshes.xml").write_text(parts)
    path = written(tmp_path, quadruped(extra='<include file="parts/meshes.xml"/>'))
    assert own_robot(path).model.nmesh == 1
    found = [file.relative_to(tmp_path).as_posix() for file in files_of(path)]
    assert found == ["my_robot.xml", "parts/meshes.xml", "looks/ball.obj"]
