"""What a viewer needs to draw a model: its geoms once, and the poses of its bodies after each control step."""

import mujoco
import numpy as np
from pydantic import BaseModel

SHAPES = {
    mujoco.mjtGeom.mjGEOM_PLANE: "plane",
    mujoco.mjtGeom.mjGEOM_SPHERE: "sphere",
    mujoco.mjtGeom.mjGEOM_CAPSULE: "capsule",
    mujoco.mjtGeom.mjGEOM_ELLIPSOID: "ellipsoid",
    mujoco.mjtGeom.mjGEOM_CYLINDER: "cylinder",
    mujoco.mjtGeom.mjGEOM_BOX: "box",
}
LEFT, RIGHT, MIDDLE = (0.16, 0.56, 0.62), (0.90, 0.48, 0.33), (0.27, 0.31, 0.40)  # RGB: sides can be told apart


class Geom(BaseModel):
    """A shape that is fixed to a body.

    Attributes:
      shape: `plane`, `sphere`, `capsule`, `ellipsoid`, `cylinder` or `box`.
      size: MuJoCo's `geom_size`, three numbers in m: first the radius of a sphere; the radius and the half length of a
        capsule or cylinder; or the half sizes of the other shapes.
      colour: red, green and blue, 0 to 1. Left limbs, right limbs and the rest have a colour each.
      body: index of its body.
      position: (3,) m, in the body's frame.
      quaternion: (4,) w, x, y, z, in the body's frame.
    """

    shape: str
    size: list[float]
    colour: list[float]
    body: int
    position: list[float]
    quaternion: list[float]


class Scene(BaseModel):
    """A model as a viewer draws it.

    Attributes:
      bodies: names of the bodies; poses in the stream have their order.
      geoms: all shapes that can be drawn.
    """

    bodies: list[str]
    geoms: list[Geom]


def scene_of(model: mujoco.MjModel) -> Scene:
    """Return a model's bodies and shapes."""
    bodies = [model.body(i).name for i in range(model.nbody)]
    geoms = []
    for i in range(model.ngeom):
        shape = SHAPES.get(mujoco.mjtGeom(model.geom_type[i]))
        if shape is None:
            continue
        body = int(model.geom_bodyid[i])
        geoms.append(
            Geom(
                shape=shape,
                size=model.geom_size[i].tolist(),
                colour=list(_colour(bodies[body])),
                body=body,
                position=model.geom_pos[i].tolist(),
                quaternion=model.geom_quat[i].tolist(),
            )
        )
    return Scene(bodies=bodies, geoms=geoms)


def _colour(body: str) -> tuple[float, float, float]:
    return LEFT if body.startswith("left_") else RIGHT if body.startswith("right_") else MIDDLE


class Posing:
    """Computes where the bodies of a model are."""

    def __init__(self, model: mujoco.MjModel) -> None:
        """Make the data that kinematics are computed in."""
        self._model, self._data = model, mujoco.MjData(model)

    def __call__(self, qpos: np.ndarray) -> np.ndarray:
        """Return the poses (nbody, 7) float32 of positions (nq,): x, y, z in m, and the quaternion w, x, y, z."""
        self._data.qpos[:] = qpos
        mujoco.mj_kinematics(self._model, self._data)
        return np.concatenate([self._data.xpos, self._data.xquat], axis=1).astype(np.float32)
