"""Read from a user's MJCF what a locomotion task needs: trunk, joints, standing pose, controls and feet."""

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np

from envs.errors import ConfigError
from envs.robots.mjcf import floors, free_root, read_mjcf

FOOT_WORDS = ("foot", "feet")
FAR = 100.0  # m, beyond which no distance to the floor is computed
TOUCHES_WITHIN = 0.02  # share of the trunk's height within which geoms count as the lowest ones
BALL = mujoco.mjtJoint.mjJNT_BALL.value
PREFIX = "flexrl_"  # of the names of what is added to the model


@dataclass(frozen=True)
class Foot:
    """A body that touches the floor when the robot stands.

    Attributes:
      name: name of the body, or `body N`.
      contacts: names of the sensors that find contacts of its geoms with the floor.
      position: name of the sensor of its lowest point's position (m, world frame).
      velocity: name of the sensor of that point's velocity (m/s, world frame).
    """

    name: str
    contacts: tuple[str, ...]
    position: str
    velocity: str


@dataclass(frozen=True)
class OwnRobot:
    """A robot's model with sensors in its feet, and how it stands.

    Attributes:
      model: the model, with a floor.
      trunk_qpos: index in `qpos` of the first of the trunk's seven positions.
      trunk_qvel: index in `qvel` of the first of the trunk's six velocities.
      joint_qpos: indices in `qpos` of the robot's other joints, shape (Q,).
      joint_qvel: indices in `qvel` of these joints, shape (V,).
      limited_qpos: indices in `qpos` of the joints that have limits, shape (L,).
      limits: lowest and highest position of each joint that has limits, shape (L, 2), rad or m.
      standing: positions `qpos` in the standing pose, shape (nq,); the robot faces +x in that pose.
      floor: height of the floor, m.
      height: height of the trunk above the floor in the standing pose, m.
      weight: weight of the robot, N.
      control_middle: controls for an action of 0, shape (A,): for position servos, those that hold the standing pose.
      control_reach: how far an action of 1 moves each control at most, shape (A,).
      control_range: least and greatest control, shape (A, 2).
      is_servo: which actuators are position servos, shape (A,).
      feet: the feet.
    """

    model: mujoco.MjModel
    trunk_qpos: int
    trunk_qvel: int
    joint_qpos: np.ndarray
    joint_qvel: np.ndarray
    limited_qpos: np.ndarray
    limits: np.ndarray
    standing: np.ndarray
    floor: float
    height: float
    weight: float
    control_middle: np.ndarray
    control_reach: np.ndarray
    control_range: np.ndarray
    is_servo: np.ndarray
    feet: tuple[Foot, ...]


def own_robot(path: str, keyframe: str | None = None, feet: Sequence[str] = ()) -> OwnRobot:
    """Read a robot from an MJCF file.

    Args:
      path: the MJCF file.
      keyframe: name of the keyframe of the standing pose; None for the first one. In a file without keyframes the
        robot stands in its initial pose, with joints moved into their ranges, lowered until it touches the floor.
      feet: names of bodies or geoms that are feet; if empty, bodies with `foot` in their name, or else bodies whose
        geoms are the lowest in the standing pose.

    Raises:
      ConfigError: naming the file, what it lacks, and what to add.
    """
    spec = read_mjcf(path)
    model = spec.compile()
    free = free_root(model, path)
    trunk, floor = int(model.jnt_bodyid[free]), floors(model)[0]
    touching = _touching(model, trunk, floor)
    if not touching:
        raise ConfigError(f"env: {path}: no geom of the robot collides with the floor; set its contype and conaffinity")
    standing = _standing(model, path, free, keyframe, touching, floor)
    data = _data(model, standing)
    foot_geoms = _feet(model, data, path, touching, floor, trunk, feet)
    found = _with_sensors(spec, model, data, foot_geoms, floor)
    model = spec.compile()
    own = [j for j in range(model.njnt) if model.body_rootid[model.jnt_bodyid[j]] == trunk and j != free]
    widths = [(4, 3) if model.jnt_type[j] == BALL else (1, 1) for j in own]  # numbers in qpos and in qvel
    limited = [j for j in own if model.jnt_limited[j] and model.jnt_type[j] != BALL]
    floor_height = float(data.geom_xpos[floor, 2])
    return OwnRobot(
        model,
        trunk_qpos=int(model.jnt_qposadr[free]),
        trunk_qvel=int(model.jnt_dofadr[free]),
        joint_qpos=_numbers(model.jnt_qposadr[own], [size for size, _ in widths]),
        joint_qvel=_numbers(model.jnt_dofadr[own], [size for _, size in widths]),
        limited_qpos=model.jnt_qposadr[limited],
        limits=model.jnt_range[limited],
        standing=standing,
        floor=floor_height,
        height=_height(path, float(data.xpos[trunk, 2]) - floor_height),
        weight=float(model.body_subtreemass[trunk] * np.linalg.norm(model.opt.gravity)),
        **_controls(model, data, path),
        feet=found,
    )


def _touching(model: mujoco.MjModel, trunk: int, floor: int) -> list[int]:
    """Return the robot's geoms that collide with the floor."""
    kind, affinity = model.geom_contype, model.geom_conaffinity
    collides = (kind & affinity[floor]) | (kind[floor] & affinity)
    pairs = {(int(a), int(b)) for a, b in zip(model.pair_geom1, model.pair_geom2, strict=True)}
    own = np.flatnonzero(model.body_rootid[model.geom_bodyid] == trunk)
    return [int(g) for g in own if collides[g] or {(int(g), floor), (floor, int(g))} & pairs]


def _standing(
    model: mujoco.MjModel, path: str, free: int, keyframe: str | None, touching: list[int], floor: int
) -> np.ndarray:
    """Return the positions `qpos` (nq,) in which the robot stands.

    Args:
      model: the robot's model.
      path: its file, for messages.
      free: number of the free joint of its trunk.
      keyframe: name of the keyframe in which it stands; None for the first one or, without keyframes, the initial pose.
      touching: its geoms that collide with the floor.
      floor: the floor's geom.
    """
    names = [model.key(i).name for i in range(model.nkey)]
    if keyframe is not None and keyframe not in names:
        known = ", ".join(filter(None, names)) or "none"
        raise ConfigError(f"keyframe: {keyframe!r} is no keyframe of {path}; known: {known}")
    if names:
        return model.key_qpos[0 if keyframe is None else names.index(keyframe)].copy()
    qpos = model.qpos0.copy()
    for joint in np.flatnonzero(model.jnt_limited & (model.jnt_type != BALL)):
        place = model.jnt_qposadr[joint]
        qpos[place] = np.clip(qpos[place], *model.jnt_range[joint])
    lowest = min(_distance(model, _data(model, qpos), geom, floor)[0] for geom in touching)
    qpos[model.jnt_qposadr[free] + 2] -= lowest
    return qpos


def _data(model: mujoco.MjModel, qpos: np.ndarray) -> mujoco.MjData:
    data = mujoco.MjData(model)
    data.qpos = qpos
    mujoco.mj_forward(model, data)
    return data


def _distance(model: mujoco.MjModel, data: mujoco.MjData, geom: int, floor: int) -> tuple[float, np.ndarray]:
    """Return a geom's distance from the floor in m, negative if they overlap, and the point (3,) between the two."""
    ends = np.zeros(6)
    distance = mujoco.mj_geomDistance(model, data, geom, floor, FAR, ends)
    return distance, (ends[:3] + ends[3:]) / 2


def _feet(
    model: mujoco.MjModel,
    data: mujoco.MjData,
    path: str,
    touching: list[int],
    floor: int,
    trunk: int,
    wanted: Sequence[str],
) -> dict[int, list[int]]:
    """Return the geoms of each foot, by the number of the foot's body.

    Feet are what `wanted` names, else what has `foot` in its name, else the lowest of the geoms that collide with the
    floor (`touching`).
    """
    if wanted:
        for name in wanted:
            if not any(name in _names(model, geom) for geom in touching):
                raise ConfigError(
                    f"feet: {name!r} is neither a body nor a geom of {path} that collides with the floor; "
                    f"known: {', '.join(sorted({name for geom in touching for name in _names(model, geom)}))}"
                )
        return _by_body(model, [geom for geom in touching if set(wanted) & set(_names(model, geom))])
    named = [g for g in touching if any(word in name.lower() for word in FOOT_WORDS for name in _names(model, g))]
    if named:
        return _by_body(model, named)
    distance = {geom: _distance(model, data, geom, floor)[0] for geom in touching}
    near = min(distance.values()) + TOUCHES_WITHIN * abs(data.xpos[trunk, 2] - data.geom_xpos[floor, 2])
    return _by_body(model, [geom for geom in touching if distance[geom] <= near])


def _names(model: mujoco.MjModel, geom: int) -> list[str]:
    """Return the names of a geom and of its body; a name that is missing is left out."""
    return [name for name in (model.geom(geom).name, model.body(model.geom_bodyid[geom]).name) if name]


def _by_body(model: mujoco.MjModel, geoms: list[int]) -> dict[int, list[int]]:
    bodies = sorted({int(model.geom_bodyid[geom]) for geom in geoms})
    return {body: [geom for geom in geoms if model.geom_bodyid[geom] == body] for body in bodies}


def _with_sensors(
    spec: mujoco.MjSpec, model: mujoco.MjModel, data: mujoco.MjData, feet: dict[int, list[int]], floor: int
) -> tuple[Foot, ...]:
    """Add a site at the lowest point of each foot, with sensors of its position, velocity and contacts.

    Return the feet. `feet` are the geoms of each foot by the number of its body; `floor` is the floor's geom.
    """
    geoms, bodies = {geom.id: geom for geom in spec.geoms}, {body.id: body for body in spec.bodies}
    for geom in (floor, *(each for group in feet.values() for each in group)):
        geoms[geom].name = geoms[geom].name or f"{PREFIX}geom_{geom}"
    kinds, found = mujoco.mjtSensor, []
    for body, group in feet.items():
        site = f"{PREFIX}foot_{body}"
        point = min((_distance(model, data, geom, floor) for geom in group), key=lambda each: each[0])[1]
        local = data.xmat[body].reshape(3, 3).T @ (point - data.xpos[body])
        bodies[body].add_site(name=site, pos=local, size=[0.005, 0.005, 0.005], group=4)
        foot = Foot(
            model.body(body).name or f"body {body}",
            tuple(f"{site}_touches_{geom}" for geom in group),
            f"{site}_position",
            f"{site}_velocity",
        )
        for name, kind in ((foot.position, kinds.mjSENS_FRAMEPOS), (foot.velocity, kinds.mjSENS_FRAMELINVEL)):
            spec.add_sensor(name=name, type=kind, objtype=mujoco.mjtObj.mjOBJ_SITE, objname=site)
        for name, geom in zip(foot.contacts, group, strict=True):
            spec.add_sensor(
                name=name,
                type=kinds.mjSENS_CONTACT,
                objtype=mujoco.mjtObj.mjOBJ_GEOM,
                objname=geoms[geom].name,
                reftype=mujoco.mjtObj.mjOBJ_GEOM,
                refname=geoms[floor].name,
                intprm=[
                    1 << mujoco.mjtConDataField.mjCONDATA_FOUND.value,
                    0,
                    1,
                ],  # data, how to reduce, number of contacts
            )
        found.append(foot)
    return tuple(found)


def _numbers(starts: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    ranges = [np.arange(start, start + size) for start, size in zip(starts, sizes, strict=True)]
    return np.concatenate(ranges) if ranges else np.zeros(0, int)


def _height(path: str, height: float) -> float:
    """Return the trunk's standing height in m if it is above the floor, else raise ConfigError."""
    if height <= 0:
        raise ConfigError(
            f"env: {path}: the trunk is {height:.3f} m above the floor in the standing pose, and must be above it; "
            "correct keyframe 0 or the floor's place"
        )
    return height


def _controls(model: mujoco.MjModel, data: mujoco.MjData, path: str) -> dict[str, np.ndarray]:
    """Return how actions in [-1, 1] become controls, as a dictionary of four fields of `OwnRobot`.

    They are `control_middle`, `control_reach`, `control_range` and `is_servo`.

    Raises:
      ConfigError: if a motor has no control range, or neither a position servo nor its joint has a range.
    """
    gain, bias = model.actuator_gainprm, model.actuator_biasprm
    has_bias = model.actuator_biastype == mujoco.mjtBias.mjBIAS_AFFINE
    is_servo = has_bias & (gain[:, 0] > 0) & np.isclose(gain[:, 0], -bias[:, 1])
    limits = np.where(model.actuator_ctrllimited[:, None].astype(bool), model.actuator_ctrlrange, np.nan)
    for i in np.flatnonzero(is_servo & np.isnan(limits[:, 0])):
        joint = model.actuator_trnid[i, 0]
        if model.actuator_trntype[i] == mujoco.mjtTrn.mjTRN_JOINT and model.jnt_limited[joint]:
            limits[i] = np.sort(model.actuator_gear[i, 0] * model.jnt_range[joint])
    if missing := [model.actuator(int(i)).name or f"number {i}" for i in np.flatnonzero(np.isnan(limits[:, 0]))]:
        raise ConfigError(
            f"env: {path}: actuators without a control range, which actions in [-1, 1] span: {', '.join(missing)}; "
            'give each ctrllimited="true" and a ctrlrange'
        )
    low, high = limits.T
    middle = np.where(is_servo, np.clip(data.actuator_length, low, high), (low + high) / 2)
    return {
        "control_middle": middle,
        "control_reach": (high - low) / 2,
        "control_range": limits,
        "is_servo": is_servo,
    }
