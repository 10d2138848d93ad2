"""The scene that every image shows: a bright floor with a soft grid, a horizon in mist, a sun that casts shadows.

Trunk, right limbs and left limbs have colours of their own, so that one sees which leg steps. Bodies of meshes, as
robots have, keep their materials.
"""

import copy

import mujoco
import numpy as np

FLOOR_SIZE = 60.0  # m from the middle to the edge
FLOOR, LINES, MIST = (0.86, 0.89, 0.92, 1), (0.70, 0.75, 0.81, 1), (0.93, 0.96, 0.99, 1)
TRUNK, RIGHT, LEFT = (0.30, 0.36, 0.46, 1), (0.90, 0.45, 0.22, 1), (0.16, 0.55, 0.72, 1)
MIST_BEGINS, MIST_ENDS = 5.0, 22.0  # m from the camera
SHADOWS = 16.0  # m around the middle in which things cast shadows; nearer edges would draw grains on the floor
SPACING, REACH = 1.0, 12  # m between lines of the grid, and how many there are on each side of the body
WIDTH, LINE_HEIGHT = 0.012, 0.0005  # m, of a line
WALLS, WALL_HEIGHT = 30.0, 40.0  # m: walls in the mist are the sky of models that have none
SUN = (-0.35, -0.25, -0.9)  # direction of its light


def prepared(model: mujoco.MjModel, width: int, height: int) -> mujoco.MjModel:
    """Return a copy of the model with the scene's colours and lights, and image buffers of the given size in pixels."""
    model = copy.copy(model)
    model.vis.global_.offwidth, model.vis.global_.offheight = width, height
    model.vis.headlight.ambient[:], model.vis.headlight.diffuse[:], model.vis.headlight.specular[:] = 0.42, 0.30, 0.05
    model.vis.quality.shadowsize = 4096
    model.vis.map.shadowclip = SHADOWS / model.stat.extent
    model.vis.rgba.fog[:] = MIST
    model.vis.map.fogstart, model.vis.map.fogend = (x / model.stat.extent for x in (MIST_BEGINS, MIST_ENDS))
    model.light_active[:] = False  # the sun takes their place
    is_floor = model.geom_type == mujoco.mjtGeom.mjGEOM_PLANE
    model.geom_size[is_floor, :2] = FLOOR_SIZE
    model.geom_matid[is_floor] = -1
    model.geom_rgba[is_floor] = FLOOR
    is_limb = ~is_floor & (model.geom_type != mujoco.mjtGeom.mjGEOM_MESH) & (model.geom_rgba[:, 3] > 0)
    for geom in np.flatnonzero(is_limb):
        model.geom_matid[geom] = -1
        model.geom_rgba[geom] = _colour(model, int(geom))
    return model


def complete(scene: mujoco.MjvScene, place: np.ndarray) -> None:
    """Add the floor's grid, the sky and the sun around a place (2,), x and y in m, to a scene.

    `mjv_updateScene` removes them, so that they are to be added after each call of it.
    """
    scene.flags[mujoco.mjtRndFlag.mjRND_FOG] = True
    scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = False
    middle = np.round(place / SPACING) * SPACING
    half = REACH * SPACING
    for offset in np.arange(-REACH, REACH + 1) * SPACING:
        _add_box(scene, (middle[0] + offset, middle[1]), (WIDTH, half, LINE_HEIGHT), LINES)
        _add_box(scene, (middle[0], middle[1] + offset), (half, WIDTH, LINE_HEIGHT), LINES)
    for side in (-WALLS, WALLS):
        _add_box(scene, (middle[0] + side, middle[1]), (0.1, WALLS, WALL_HEIGHT), MIST)
        _add_box(scene, (middle[0], middle[1] + side), (WALLS, 0.1, WALL_HEIGHT), MIST)
    sun = scene.lights[scene.nlight]
    scene.nlight += 1
    sun.type = mujoco.mjtLightType.mjLIGHT_DIRECTIONAL
    sun.pos[:] = np.array([*place, 0.0]) - 6 * np.array(SUN)
    sun.dir[:] = np.array(SUN) / np.linalg.norm(SUN)
    sun.ambient[:], sun.diffuse[:], sun.specular[:] = 0.0, 0.55, 0.10
    sun.attenuation[:] = 1, 0, 0
    sun.castshadow, sun.headlight = 1, 0


def _add_box(
    scene: mujoco.MjvScene, place: tuple[float, float], size: tuple[float, float, float], colour: tuple[float, ...]
) -> None:
    """Add a box to the scene, centred at `place` (x and y in m) and height 0; `size` are half its side lengths in m."""
    if scene.ngeom >= scene.maxgeom:
        return
    geom, kind = scene.geoms[scene.ngeom], mujoco.mjtGeom.mjGEOM_BOX
    centre, turned = np.array([*place, 0.0]), np.eye(3).ravel()
    mujoco.mjv_initGeom(geom, kind, np.array(size), centre, turned, np.array(colour, np.float32))
    scene.ngeom += 1


def _colour(model: mujoco.MjModel, geom: int) -> tuple[float, float, float, float]:
    name = model.body(int(model.geom_bodyid[geom])).name.lower()
    return RIGHT if "right" in name else LEFT if "left" in name else TRUNK
