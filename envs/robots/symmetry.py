"""The left-right symmetry of a robot, read from its model: which joint mirrors which, and with which sign.

The mirror is the plane y = 0; x points forward. In the mirror, the y of a vector changes its sign; of an angular
velocity or a rotation's axis, x and z change theirs.
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
    """Return the reflection of a vector whose entries have these names: `left` and `right` in a name change places."""
    return Reflection(tuple(names.index(_other_side(name)) for name in names), (1,) * len(names))


def hinges(model: mujoco.MjModel) -> Reflection:
    """Return the reflection of the angles of a model's hinges.

    The names of a joint and its mirror image differ by `left` and `right`.
    """
    joints = [j for j in range(model.njnt) if model.jnt_type[j] == mujoco.mjtJoint.mjJNT_HINGE]
    order = swapped_names([model.joint(j).name for j in joints]).order
    return Reflection(order, tuple(_sign(model, joints[i], j) for i, j in zip(order, joints, strict=True)))


def actuators(model: mujoco.MjModel) -> Reflection:
    """Return which controls trade places, and which change sign, when the robot is mirrored from left to right.

    All actuators must be motors on hinges, with the same gears left and right; this is not checked.
    """
    joints = [int(j) for j in model.actuator_trnid[:, 0]]
    order = swapped_names([model.joint(j).name for j in joints]).order
    return Reflection(order, tuple(_sign(model, joints[i], j) for i, j in zip(order, joints, strict=True)))


def _sign(model: mujoco.MjModel, partner: int, joint: int) -> int:
    """Return 1 if a joint turns like the mirror image of its partner, -1 if it turns the opposite way."""
    mirrored_axis = model.jnt_axis[partner] * ANGULAR.sign
    return 1 if np.dot(mirrored_axis, model.jnt_axis[joint]) > 0 else -1


def _other_side(name: str) -> str:
    for left, right in (("left", "right"), ("Left", "Right")):
        name = name.replace(left, "\0").replace(right, left).replace("\0", right)
    return name
