"""Legged robots from MuJoCo Playground's package, which contains their physics but not their meshes."""

from dataclasses import dataclass

import mujoco
import numpy as np

from envs.robots.models import package_file

FEET = ("left_foot", "right_foot")  # sites, in all of these models


@dataclass(frozen=True)
class Robot:
    """The file of a robot's model, and the names of its parts in that file.

    Attributes:
      scene: MJCF file with a flat floor, under Playground's `locomotion` folder.
      keyframe: name of the keyframe in which the robot stands.
      imu: name of the inertial sensor's site.
      gyro: name of the sensor of angular velocity at that site.
      velocimeter: name of the sensor of linear velocity at that site.
    """

    scene: str
    keyframe: str
    imu: str = "imu"
    gyro: str = "gyro"
    velocimeter: str = "local_linvel"


UNITREE_G1 = Robot(
    "g1/xmls/scene_mjx_feetonly_flat_terrain.xml",
    "knees_bent",
    imu="imu_in_pelvis",
    gyro="gyro_pelvis",
    velocimeter="local_linvel_pelvis",
)
UNITREE_H1 = Robot("h1/xmls/scene_mjx_feetonly.xml", "home")
BOOSTER_T1 = Robot("t1/xmls/scene_mjx_feetonly_flat_terrain.xml", "home")


def robot_model(robot: Robot) -> mujoco.MjModel:
    """Compile a robot's model with ellipsoids in place of meshes, and with only the sensors of `Robot` and of the feet.

    Only the feet touch the floor. Masses and inertias are given in the file, so that the ellipsoids add none.
    """
    path = package_file("mujoco_playground", f"_src/locomotion/{robot.scene}")
    spec = mujoco.MjSpec.from_file(str(path))
    for geom in list(spec.geoms):
        if geom.type == mujoco.mjtGeom.mjGEOM_MESH:
            spec.delete(geom)
        else:
            geom.group = 0  # collision geoms are hidden in the file
    for mesh in list(spec.meshes):
        spec.delete(mesh)
    _add_ellipsoids(spec)
    names = [sensor.name for sensor in spec.sensors]
    used = {robot.gyro, robot.velocimeter}
    for foot in FEET:
        used |= {foot_velocity(foot), *foot_contacts(names, foot)}
    for sensor in list(spec.sensors):
        if sensor.name not in used:
            spec.delete(sensor)
    return spec.compile()


def foot_velocity(foot: str) -> str:
    """Return the name of the sensor of a foot's velocity in the world's frame."""
    return f"{foot}_global_linvel"


def foot_contacts(sensors: list[str], foot: str) -> list[str]:
    """Return those of the named sensors that find contacts between a foot and the floor."""
    return [name for name in sensors if name.startswith(foot) and name.endswith("_floor_found")]


def _add_ellipsoids(spec: mujoco.MjSpec) -> None:
    """Add an ellipsoid without contacts to each body, with its mass and moments of inertia, to draw the robot."""
    model = spec.compile()
    for body in spec.bodies[1:]:
        compiled = model.body(body.name)
        mass, moments = compiled.mass, compiled.inertia
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_ELLIPSOID,
            pos=compiled.ipos,
            quat=compiled.iquat,
            size=np.sqrt(2.5 * (moments.sum() - 2 * moments) / mass),
            contype=0,
            conaffinity=0,
        )
