"""Open a GL context that draws without a display.

The library is chosen when the first image is drawn, not when MuJoCo is imported, so imports may come in any order.
"""

import contextlib
import ctypes.util
import importlib
import os
import sys
from typing import Any

from envs.errors import ConfigError

HEADLESS = {"egl": "EGL", "osmesa": "OSMesa"}  # libraries by MUJOCO_GL's names, the faster one first
WITH_DISPLAY = ("glfw", "glx", "wgl", "enable", "enabled", "on", "true", "1")  # MUJOCO_GL's names for GLFW
NAMES = " or ".join(HEADLESS)
INSTALL_GL = "install Debian's libegl1 and libgl1-mesa-dri, or libosmesa6"


def choose_gl() -> str:
    """Return the name of MuJoCo's module for GL contexts: MUJOCO_GL's if set, else of the first installed library.

    Raises:
      ConfigError: if no library is installed, or MUJOCO_GL names none that can draw here.
    """
    asked = os.environ.get("MUJOCO_GL", "").lower().strip()
    if asked in WITH_DISPLAY:
        if sys.platform == "linux" and not {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ):
            raise ConfigError(f"MUJOCO_GL: {asked!r} needs DISPLAY to be set; use {NAMES}, or unset it")
        return "glfw"
    if asked not in ("", "cgl", *HEADLESS):
        raise ConfigError(f"MUJOCO_GL: {asked!r} draws no image; use {NAMES}, or unset it")
    if sys.platform != "linux":
        return asked or ("cgl" if sys.platform == "darwin" else "glfw")
    installed = [name for name, library in HEADLESS.items() if ctypes.util.find_library(library)]
    if not installed:
        raise ConfigError(f"no GL library was found to draw with; {INSTALL_GL}")
    if asked and asked not in installed:
        raise ConfigError(f"MUJOCO_GL: {asked!r} is not installed; use {installed[0]}, or unset it")
    return asked or installed[0]


def can_draw() -> bool:
    """Return whether there is a GL library to draw with."""
    with contextlib.suppress(ConfigError):
        choose_gl()
        return True
    return False


def open_gl(width: int, height: int) -> Any:
    """Open a GL context for images of the given size in pixels, and make it current.

    The context has the methods `make_current` and `free`.

    Raises:
      ConfigError: if no context can be opened on this machine.
    """
    name = choose_gl()
    try:
        context = importlib.import_module(f"mujoco.{name}").GLContext(width, height)
        context.make_current()
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise ConfigError(
            f"MUJOCO_GL: {name!r} draws no image ({reason}); {INSTALL_GL}, or set MUJOCO_GL to the other of {NAMES}"
        ) from None
    return context
