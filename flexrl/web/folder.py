"""Write a folder of static files on which a policy of `humanoid-skills` runs in a browser, with its physics.

The folder gets the files in `page/` beside this module; the files that draw and steer the body, from the page that
`flexrl.serve` serves (`flexrl/serving/page`); the policy; the body's model; and MuJoCo compiled to WebAssembly.
"""

import shutil
from pathlib import Path

import mujoco
import numpy as np

from envs.robots.feeling_humanoid import ROOT_HEIGHT_ON_THE_FLOOR
from envs.robots.models import feeling_humanoid
from envs.tasks.humanoid_skills.clock import STRIDES, STRIDES_PER_METRE
from flexrl.common.errors import ConfigError
from flexrl.common.files import new_folder, write_json, write_text
from flexrl.common.types import JsonObject
from flexrl.policies.playback import Playback
from flexrl.policies.portable import description, portable
from flexrl.web.mujoco_wasm import FILES, find_mujoco, version_of
from flexrl.web.network import network_of

PAGE = Path(__file__).parent / "page"
SERVED = Path(__file__).parents[1] / "serving" / "page"
SHARED = ("view.js", "driving.js", "style.css", "icon.svg", "three")  # what both pages use
TASK = "humanoid-skills"  # whose observation page/humanoid_skills.js computes


def write_web(playback: Playback, out: Path, mujoco_folder: Path | None) -> None:
    """Write the folder of static files that runs a policy in a browser.

    Args:
      playback: the policy and its environment.
      out: folder to create.
      mujoco_folder: folder of the npm package @mujoco/mujoco; None for the one that npm installed here.

    Raises:
      ConfigError: if the policy's task or network is none that the page can run, or a package is missing.
    """
    place = find_mujoco(mujoco_folder)
    require_task(playback.config.env)
    function = portable(playback.policy, playback.env.spec)
    network, weights = network_of(playback.policy, function)
    with new_folder(out) as folder:
        shutil.copytree(PAGE, folder, dirs_exist_ok=True)
        for name in SHARED:
            copy = shutil.copytree if (SERVED / name).is_dir() else shutil.copyfile
            copy(SERVED / name, folder / name)
        (folder / "mujoco").mkdir()
        for name in FILES:
            shutil.copyfile(place / name, folder / "mujoco" / name)
        weights.tofile(folder / "policy.bin")
        told = description(playback, function) | _task(playback) | {"network": network, "file": "policy.bin"}
        write_json(folder / "policy.json", told | {"mujoco": version_of(place)})
        write_json(folder / "scene.json", _scene(playback.env.model))
        write_text(folder / "model.xml", _model())


def require_task(env: str) -> None:
    """Refuse a task whose observation the page cannot compute.

    Raises:
      ConfigError: naming the task.
    """
    if env != TASK:
        raise ConfigError(f"format: 'web' computes the observation of {TASK} only, not of {env}; use onnx or stablehlo")


def _task(playback: Playback) -> JsonObject:
    """Return what the page must know of the task.

    The keys are `name` (of the run), `start` (qpos of the first state), `num_substeps` (physics steps in a control
    step), `min_height` (m, below which the body has fallen) and `clock` (of the gait; None if the policy sees none).
    """
    model, task = playback.env.model, playback.config.task
    root = [0.0, 0.0, ROOT_HEIGHT_ON_THE_FLOOR, 1.0, 0.0, 0.0, 0.0]
    return {
        "name": playback.config.name,
        "start": [*root, *np.asarray(model.qpos0[7:]).tolist()],
        "num_substeps": round(playback.env.spec.control_period / model.opt.timestep),
        "min_height": task.min_height,
        "clock": {"strides": STRIDES, "strides_per_metre": STRIDES_PER_METRE} if task.gait_clock else None,
    }


def _scene(model: mujoco.MjModel) -> JsonObject:
    try:
        from flexrl.serving.scene import scene_of
    except ImportError:
        raise ConfigError("format: 'web' needs the package pydantic; install it: pip install pydantic") from None
    return scene_of(model).model_dump()


def _model() -> str:
    """Return the task's model as XML, because a compiled model only fits one version of MuJoCo."""
    spec = feeling_humanoid()
    spec.compile()
    return spec.to_xml()
