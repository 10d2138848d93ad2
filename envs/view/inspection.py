"""Commands that describe environments in print and draw them."""

import dataclasses
import inspect
import textwrap
from pathlib import Path
from typing import Any

import jax
import numpy as np

from envs.errors import ConfigError
from envs.physics import PhysicsOptions
from envs.places import require_file
from envs.registry import env_names, env_type, make_env
from envs.types import Env
from envs.view.drawing import draw, video_stride, write_image, write_video
from envs.view.gl import choose_gl
from envs.worlds.vector import VecEnv

SIZE = (480, 360)  # pixels


def list_all() -> None:
    """Print each environment's name and the first line of its description."""
    names = env_names()
    for name in names:
        print(f"{name:{max(map(len, names))}}  {_first_line(env_type(name))}")
    print("\nand brax:NAME, playground:NAME, path/to/file.py:Class, path/to/robot.xml")


def show(name: str) -> None:
    """Print an environment's description, sizes, durations, metrics and parameters."""
    env = _make(name)
    spec, task = env.spec, env_type(name)
    print(f"{name}\n\n{inspect.getdoc(task)}\n")
    print(f"observation     {spec.obs_size}\ngoal            {spec.goal_size}")
    print(f"action          {spec.action_size}, in [-1, 1]")
    print(f"control period  {1000 * spec.control_period:g} ms ({1 / spec.control_period:.1f} Hz)")
    print(f"episode         {spec.episode_length} control steps ({spec.episode_length * spec.control_period:g} s)")
    print(_wrapped(f"metrics         {', '.join(_metrics(env))}"))
    print(f"\nparameters (--task.NAME)\n\n{inspect.getdoc(task.Config)}\n")
    for field in dataclasses.fields(task.Config):
        print(_wrapped(f"  {field.name} = {_default(field)}"))


def preview(name: str, out: Path, seconds: float) -> None:
    """Write a video of an environment that smooth random actions move; a .png shows only the first pose.

    When an episode ends, for example by a fall, the next one begins.

    Raises:
      ConfigError: for an unknown name or file type, if the file cannot be written, or if no image can be drawn here.
    """
    if out.suffix not in (".gif", ".mp4", ".png"):
        raise ConfigError(f"out: {str(out)!r} must end in .gif, .mp4 or .png")
    require_file(out)
    choose_gl()  # raises before time is spent on stepping
    env = _make(name)
    period = env.spec.control_period
    stride, num_steps = video_stride(period), max(1, round(seconds / period))
    poses = _random_episodes(env, num_steps)
    if out.suffix == ".png":
        write_image(out, draw(env.model, poses[:1], *SIZE)[0])
    else:
        write_video(out, draw(env.model, poses[::stride], *SIZE), 1 / (stride * period))
    print(f"{out}: {name}")


def _random_episodes(env: Env, num_steps: int) -> np.ndarray:
    """Return the positions (T, nq) of one world that random actions move, in one episode after the other."""
    worlds = VecEnv(env, 1)
    start = jax.jit(lambda key: worlds.start(worlds.fresh(key)))
    step = jax.jit(lambda state, action, key: worlds.step(state, action, worlds.fresh(key))[0])
    first, *keys = jax.random.split(jax.random.key(0), num_steps + 1)
    rng, action, state, poses = np.random.default_rng(0), np.zeros((1, env.spec.action_size)), start(first), []
    for key in keys:
        poses.append(np.asarray(state.env.physics["qpos"][0]))
        action = 0.95 * action + 0.1 * rng.normal(size=action.shape)
        state = step(state, np.clip(action, -1, 1).astype(np.float32), key)
    return np.stack(poses)


def _wrapped(line: str) -> str:
    return textwrap.fill(line, 100, subsequent_indent=" " * 16)


def _make(name: str) -> Env:
    return make_env(name, env_type(name).Config(), PhysicsOptions())


def _metrics(env: Env) -> list[str]:
    return list(jax.eval_shape(env.reset, jax.random.key(0)).metrics)


def _default(field: Any) -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def _first_line(task: type[Any]) -> str:
    return (inspect.getdoc(task) or "").partition("\n")[0]
