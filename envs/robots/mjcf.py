"""A user's MJCF file: the files that it reads, and its trunk, floor and actuators, or why it cannot be trained."""

import os
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path

import mujoco
import numpy as np

from envs.errors import ConfigError

FLOOR = "flexrl_floor"  # name of a floor that is added
FLOOR_TYPES = [mujoco.mjtGeom.mjGEOM_PLANE.value, mujoco.mjtGeom.mjGEOM_HFIELD.value]
FOLDERS = ("assetdir", "meshdir", "texturedir")  # attributes of <compiler>
JOINT_TRANSMISSIONS = [mujoco.mjtTrn.mjTRN_JOINT.value, mujoco.mjtTrn.mjTRN_JOINTINPARENT.value]


def read_mjcf(path: str) -> mujoco.MjSpec:
    """Read an MJCF file that has a robot with actuators; add a floor at height 0 if the world has no plane.

    Raises:
      ConfigError: if the file is missing, if MuJoCo cannot read it, or if its model has no actuators.
    """
    require_there(path)
    try:
        spec = mujoco.MjSpec.from_file(path)
        model = spec.compile()
    except (ValueError, mujoco.FatalError) as error:
        first_line = str(error).strip().partition("\n")[0]
        raise ConfigError(f"env: {path}: MuJoCo cannot read it: {first_line}") from None
    if model.nu == 0:
        raise ConfigError(f"env: {path}: has no actuators; add an <actuator> section with one for each joint to move")
    if not floors(model):
        spec.worldbody.add_geom(name=FLOOR, type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0, 0, 1], rgba=[0.5, 0.55, 0.6, 1])
    return spec


def require_there(path: str) -> None:
    """Raise ConfigError if there is no file at the path of a user's model."""
    if not Path(path).is_file():
        raise ConfigError(f"env: the file {path} does not exist; name an MJCF file")


def floors(model: mujoco.MjModel) -> list[int]:
    """Return the numbers of the geoms that are floors: planes and height fields that are fixed to the world."""
    fixed = model.body_weldid[model.geom_bodyid] == 0
    return [int(i) for i in np.flatnonzero(fixed & np.isin(model.geom_type, FLOOR_TYPES))]


def free_root(model: mujoco.MjModel, path: str) -> int:
    """Return the number of the free joint of the robot's trunk: of several free bodies, the one with most actuators.

    Raises:
      ConfigError: if no joint is free, or if free bodies have no actuated joints.
    """
    free = [int(i) for i in np.flatnonzero(model.jnt_type == mujoco.mjtJoint.mjJNT_FREE)]
    if not free:
        raise ConfigError(
            f"env: {path}: has no free root; give the robot's trunk a <freejoint/>, or write a task class"
        )
    if len(free) == 1:
        return free[0]
    on_joint = np.isin(model.actuator_trntype, JOINT_TRANSMISSIONS)
    moved = model.body_rootid[model.jnt_bodyid[model.actuator_trnid[on_joint, 0]]]
    counts = [int((moved == model.jnt_bodyid[joint]).sum()) for joint in free]
    if max(counts) == 0:
        raise ConfigError(
            f"env: {path}: has {len(free)} free bodies, and none has an actuated joint; write a task class"
        )
    return free[int(np.argmax(counts))]


def files_of(path: str) -> list[Path]:
    """Return the MJCF file, and all files that it reads: included MJCF, meshes, textures and height fields.

    Raises:
      ConfigError: if the file is missing, is no XML, or names a file by an absolute path.
    """
    require_there(path)
    found: dict[Path, None] = {}
    _add_files(Path(path), found)
    return list(found)


def common_folder(files: list[Path]) -> Path:
    """Return the innermost folder that holds all of these files."""
    return Path(os.path.commonpath([file.parent for file in files]))


def _add_files(main: Path, found: dict[Path, None]) -> None:
    """Add to `found` a model's file and the files that it reads.

    Their paths are relative to the model's folder or to the folders that its <compiler> names.
    """
    texts: list[ElementTree.Element] = []
    waiting = [main.absolute()]
    folders = [main.absolute().parent]
    while waiting:
        file = Path(os.path.normpath(waiting.pop()))
        if file in found:
            continue
        found[file] = None
        root = _parsed(file)
        texts.append(root)
        included = [each.get("file") for each in root.iter("include")]
        for each in root.iter("include"):
            _require_relative(main, each, ["file"])
        waiting += [each for name in included if name and (each := _first(name, [*folders, file.parent]))]
    for compiler in (each for root in texts for each in root.iter("compiler")):
        named = [compiler.get(attribute) for attribute in FOLDERS]
        _require_relative(main, compiler, FOLDERS)
        folders = [*(main.absolute().parent / name for name in named if name), *folders]
    for element in (each for root in texts for each in root.iter() if each.tag != "include"):
        attributes = [attribute for attribute in element.attrib if attribute.startswith("file")]
        _require_relative(main, element, attributes)
        names = [element.attrib[attribute] for attribute in attributes]
        for file in filter(None, (_first(name, folders) for name in names)):
            if element.tag == "model":
                _add_files(file, found)
            else:
                found[Path(os.path.normpath(file))] = None


def _require_relative(main: Path, element: ElementTree.Element, attributes: Sequence[str]) -> None:
    """Raise ConfigError if an element names a file by an absolute path: a copy of the model would not hold it."""
    for attribute in attributes:
        if os.path.isabs(value := element.get(attribute, "")):
            raise ConfigError(
                f'env: {main}: <{element.tag} {attribute}="{value}"> is an absolute path; name it relative to the MJCF '
                "file, so that runs can keep a copy"
            )


def _first(name: str, folders: list[Path]) -> Path | None:
    """Return the file of this name in the first folder that has it; None if no folder has one."""
    places = (folder / part for folder in folders for part in (name, Path(name).name))
    return next((place for place in places if place.is_file()), None)


def _parsed(file: Path) -> ElementTree.Element:
    try:
        return ElementTree.parse(file).getroot()
    except ElementTree.ParseError as error:
        raise ConfigError(f"env: {file}: is no XML: {error}") from None
