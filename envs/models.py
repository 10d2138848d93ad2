"""Robot models, found in installed packages and edited as code."""

import importlib.util
from pathlib import Path

import mujoco


def package_file(package: str, relative: str) -> Path:
    """The path of a file inside an installed package, without importing the package.

    Raises:
      ValueError: if the package or the file is missing.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(f"the model needs the package {package!r}, which is not installed")
    path = Path(spec.submodule_search_locations[0]) / relative
    if not path.is_file():
        raise ValueError(f"the installed package {package!r} has no file {relative!r}")
    return path


def brax_humanoid() -> mujoco.MjSpec:
    """Brax's humanoid: 17 torque motors, 23 degrees of freedom, a 3 ms step, feet and hands touching the floor."""
    return mujoco.MjSpec.from_file(str(package_file("brax", "envs/assets/humanoid.xml")))
