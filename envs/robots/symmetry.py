"""The left-right symmetry of a robot, read off its model: which joint mirrors which, and with what sign.

Left and right change places by the plane y = 0, forward being x. A vector's y changes its sign; of an angular velocity
and of a rotation's axis, x and z do.
"""

import mujoco
import numpy as np

from envs.types import Reflection

VECTOR = Reflection((0, 1, 2), (1, -1, 1))
PLANAR = Reflection((0, 1), (1, -1))
ANGULAR = Reflection((0, 1, 2), (-1, 1, -1))
QUATERNION = Reflection((0, 1, 2, 3), (1, -1, 1, -1))
SWAP = Reflection((1, 0), (1, 1))


def swapped_names(names: list[str]) -> Reflection:
    """Of entries with names, in which `left` and `right` change places."""
    return Reflection(tuple(names.index(_other_side(name)) for name in names), (1,) * len(names))


def hinges(model: mujoco.MjModel) -> Reflection:
    """Of the angles of a model's hinges, its free root left out; partners are told by `left` and `right` in names."""
    joints = [j for j in range(model.njnt) if model.jnt_type[j] == mujoco.mjtJoint.mjJNT_HINGE]
    order = swapped_names([model.joint(j).name for j in joints]).order
    return Reflection(order, tuple(_sign(model, joints[i], j) for i, j in zip(order, joints, strict=True)))


def actuators(model: mujoco.MjModel) -> Reflection:
    """Of the controls of motors on hinges, whose gears are alike on both sides."""
    joints = [int(j) for j in model.actuator_trnid[:, 0]]
    order = swapped_names([model.joint(j).name for j in joints]).order
    return Reflection(order, tuple(_sign(model, joints[i], j) for i, j in zip(order, joints, strict=True)))


def _sign(model: mujoco.MjModel, partner: int, joint: int) -> int:
    """Whether a joint turns like the mirror image of its partner, or against it."""
    mirrored_axis = model.jnt_axis[partner] * ANGULAR.sign
    return 1 if np.dot(mirrored_axis, model.jnt_axis[joint]) > 0 else -1


def _other_side(name: str) -> str:
    return name.replace("left", "\0").replace("right", "left").replace("\0", "right")
