"""Robot models, read from installed packages and edited in code."""

import importlib.util
from pathlib import Path

import mujoco

from envs.errors import ConfigError


def package_file(package: str, relative: str) -> Path:
    """Return the path of a file inside an installed package, without importing the package.

    Raises:
      ConfigError: if the package or the file is missing.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(f"the model needs the package {package!r}, which is not installed")
    path = Path(spec.submodule_search_locations[0]) / relative
    if not path.is_file():
        raise ConfigError(f"the installed package {package!r} has no file {relative!r}")
    return path


def brax_humanoid() -> mujoco.MjSpec:
    """Return Brax's humanoid: 17 torque motors, 23 degrees of freedom, 3 ms steps. Only its feet touch the floor."""
    return mujoco.MjSpec.from_file(str(package_file("brax", "envs/assets/humanoid.xml")))


FEET = ("right_foot", "left_foot")
TOUCHING_GEOMS = ("torso1", "head", "uwaist", "lwaist", "butt", "thigh1", "shin1", "uarm1", "larm", "hand")


def feeling_humanoid() -> mujoco.MjSpec:
    """Return Brax's humanoid with a whole body that touches the floor, and with sensors in its feet and its pelvis.

    The sensors are first `<foot>_force`, the normal force on the sole (N), of the right and the left foot; then
    `<foot>_velocity`, the velocity of the sole in the world frame (m/s), of the right and the left foot; then
    `<foot>_position`, the middle of the foot (m), likewise; then `pelvis_position` (m).
    """
    spec = brax_humanoid()
    for geom in spec.geoms:
        if geom.name.removeprefix("right_").removeprefix("left_") in TOUCHING_GEOMS:
            geom.contype = 1
    for foot in FEET:
        body, geom = spec.body(foot), spec.geom(foot)
        body.add_site(name=foot, pos=geom.pos, size=1.1 * geom.size, group=3)
        spec.add_sensor(
            name=f"{foot}_force", type=mujoco.mjtSensor.mjSENS_TOUCH, objtype=mujoco.mjtObj.mjOBJ_SITE, objname=foot
        )
    for kind, sensor in (
        ("velocity", mujoco.mjtSensor.mjSENS_FRAMELINVEL),
        ("position", mujoco.mjtSensor.mjSENS_FRAMEPOS),
    ):
        for foot in FEET:
            spec.add_sensor(name=f"{foot}_{kind}", type=sensor, objtype=mujoco.mjtObj.mjOBJ_SITE, objname=foot)
    spec.add_sensor(
        name="pelvis_position",
        type=mujoco.mjtSensor.mjSENS_FRAMEPOS,
        objtype=mujoco.mjtObj.mjOBJ_XBODY,
        objname="pelvis",
    )
    return spec
