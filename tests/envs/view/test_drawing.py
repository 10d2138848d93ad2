"""Images without a display: which GL library draws them, in whatever order things are imported."""

import os
import subprocess
import sys

import imageio.v2 as imageio
import numpy as np
import pytest

from envs.errors import ConfigError
from envs.view import gl
from envs.view.drawing import write_video

needs_gl = pytest.mark.skipif(not gl.can_draw(), reason="no GL library")


def in_a_process(code, **environment):
    """Run code where no other test's choice of a library counts."""
    kept = {name: value for name, value in os.environ.items() if name not in ("MUJOCO_GL", "PYOPENGL_PLATFORM")}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, env=kept | environment)


def installed(monkeypatch, *names, **environment):
    """Pretend that these libraries and no others are installed, and these variables set."""
    found = {gl.HEADLESS[name]: f"lib{name}.so" for name in names}
    monkeypatch.setattr(gl.ctypes.util, "find_library", found.get)
    for name in ("MUJOCO_GL", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@needs_gl
def test_two_cameras_draw_large_images_though_mujoco_was_imported_before():
    code = (
        "import mujoco\n"
        "from envs.view.drawing import Camera\n"
        "ball = '<mujoco><worldbody><body><geom size=\"1\"/></body></worldbody></mujoco>'\n"
        "model = mujoco.MjModel.from_xml_string(ball)\n"
        "one, two = Camera(model, 800, 600), Camera(model, 64, 48)\n"
        "images = [camera.image(model.qpos0) for camera in (one, two, one)]\n"
        "print([image.shape for image in images], (images[0] == images[2]).all(), images[0].std() > 10)\n"
        "one.close()"
    )
    done = in_a_process(code)
    assert done.returncode == 0 and not done.stderr, done.stderr  # also of the one that nobody closed
    assert done.stdout == "[(600, 800, 3), (48, 64, 3), (600, 800, 3)] True True\n"


@needs_gl
def test_a_preview_is_drawn(tmp_path):
    out = tmp_path / "hopper.png"
    code = f"from envs.__main__ import main; main(['preview', 'Hopper-v5', '--out', {str(out)!r}, '--seconds', '0.01'])"
    done = in_a_process(code)
    assert done.returncode == 0, done.stderr
    assert out.stat().st_size > 1000


@pytest.mark.parametrize(("names", "chosen"), [(("egl", "osmesa"), "egl"), (("osmesa",), "osmesa"), (("egl",), "egl")])
def test_the_library_that_is_installed_is_chosen(monkeypatch, names, chosen):
    installed(monkeypatch, *names)
    assert gl.choose_gl() == chosen and gl.can_draw()


@pytest.mark.parametrize(
    ("asked", "chosen"), [("OSMesa", "osmesa"), ("egl", "egl"), ("glfw", "glfw"), ("on", "glfw"), ("", "egl")]
)
def test_mujoco_gl_decides(monkeypatch, asked, chosen):
    installed(monkeypatch, "egl", "osmesa", MUJOCO_GL=asked, DISPLAY=":0")
    assert gl.choose_gl() == chosen


@pytest.mark.parametrize(
    ("names", "asked", "message"),
    [
        ((), "", "^no GL library was found to draw with; install .*libegl1.* or libosmesa6$"),
        (("egl",), "osmesa", "^MUJOCO_GL: 'osmesa' is not installed; use egl, or unset it$"),
        (("egl",), "disable", "^MUJOCO_GL: 'disable' draws no image; use egl or osmesa, or unset it$"),
        (("egl",), "glfw", "^MUJOCO_GL: 'glfw' needs DISPLAY to be set; use egl or osmesa, or unset it$"),
    ],
)
def test_what_cannot_draw_is_said_in_one_line(monkeypatch, names, asked, message):
    installed(monkeypatch, *names, MUJOCO_GL=asked)
    assert not gl.can_draw()
    with pytest.raises(ConfigError, match=message):
        gl.open_gl(64, 48)


def test_a_library_that_opens_no_context_is_named_with_its_reason(monkeypatch):
    installed(monkeypatch, "egl")
    monkeypatch.setitem(sys.modules, "mujoco.egl", None)  # as where its import fails
    with pytest.raises(ConfigError, match=r"^MUJOCO_GL: 'egl' draws no image \(.*\); install .*osmesa$"):
        gl.open_gl(64, 48)


@needs_gl
def test_the_scene_is_bright_and_colours_the_sides_of_a_body():
    code = (
        "import mujoco, numpy as np\n"
        "from envs.view.drawing import Camera\n"
        'legs = \'\'.join(f\'<body name="{side}_leg" pos="0 {y} 1"><geom size=".3"/></body>\''
        " for side, y in (('left', .5), ('right', -.5)))\n"
        'floor = \'<geom type="plane" size="1 1 1"/>\'\n'
        "model = mujoco.MjModel.from_xml_string(f'<mujoco><worldbody>{floor}{legs}</worldbody></mujoco>')\n"
        "image = Camera(model, 120, 90).image(model.qpos0).astype(int)\n"
        "red, green, blue = np.moveaxis(image, -1, 0)\n"
        "print(image[:20].mean() > 190, (red - blue > 60).sum() > 50, (blue - red > 60).sum() > 50)\n"
    )
    done = in_a_process(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "True True True\n"


@needs_gl
def test_a_gif_of_flat_areas_is_small_and_keeps_its_frames(tmp_path):
    frames = [np.full((90, 120, 3), 230, np.uint8) for _ in range(10)]
    for i, frame in enumerate(frames):
        frame[40:60, 10 * i : 10 * i + 20] = (220, 110, 50)
    out = tmp_path / "moving.gif"
    write_video(out, frames, frames_per_second=25)
    back = imageio.mimread(out)
    assert len(back) == 10 and out.stat().st_size < 6000
    assert abs(np.asarray(back[3])[50, 40, :3].astype(int) - (220, 110, 50)).max() < 12
