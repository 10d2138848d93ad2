"""Finding a GL library that draws without a display. Imports no MuJoCo, which reads the choice when it is imported."""

import ctypes.util
import os

from envs.errors import ConfigError

GL_LIBRARIES = {"egl": "EGL", "osmesa": "OSMesa"}
INSTALL_GL = "install Debian's libegl1 and libgl1-mesa-dri, or libosmesa6"


def choose_gl() -> None:
    """Point MuJoCo, before its import, to a GL library that draws without a display.

    Raises:
      ConfigError: if there is none.
    """
    if "MUJOCO_GL" in os.environ:
        return
    found = find_gl()
    if found is None:
        raise ConfigError(f"no GL library was found to draw with; {INSTALL_GL}")
    os.environ["MUJOCO_GL"] = found


def find_gl() -> str | None:
    """The value of MUJOCO_GL for a library that is installed."""
    return next((name for name, library in GL_LIBRARIES.items() if ctypes.util.find_library(library)), None)
