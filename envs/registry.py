"""The environments that a run's config can choose by name.

They are built in, from installed packages, from Brax and Playground, or a user's own tasks and robots.
"""

import dataclasses
import difflib
import functools
import importlib
import importlib.metadata
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from envs.built_in import BUILT_IN, is_model_file
from envs.errors import ConfigError
from envs.physics.options import PhysicsOptions
from envs.types import Env

BRIDGES = ("brax:", "playground:")  # prefixes of the names of other libraries' environments
ENTRY_POINTS = "flexrl.envs"  # the group in which an installed package names its tasks
NEEDED = (  # what a task's class must have, besides `Config`
    *("evaluated", "reward_weights", "fading"),  # see `envs.task.MujocoTask`
    *("reset", "step", "where", "spec", "model", "has_host_callback"),  # see `envs.types.Env`
)


def env_names() -> list[str]:
    """Return the names of all built-in and installed environments."""
    return [*BUILT_IN, *(point.name for point in importlib.metadata.entry_points(group=ENTRY_POINTS))]


def env_type(name: str) -> type[Any]:
    """Return the task class of an environment's name, and import its module only now.

    Args:
      name: built-in name, `brax:NAME`, `playground:NAME`, `path/to/file.py:Class`, `path/to/robot.xml` or an installed
        entry point.

    Raises:
      ConfigError: if the name is unknown, or names something that is no task.
    """
    if not isinstance(name, str):
        raise _unknown(name)
    if name in BUILT_IN:
        module, attribute = BUILT_IN[name].split(":")
        return getattr(importlib.import_module(module), attribute)
    if name.startswith("brax:"):
        from envs.imported.brax import brax_task  # importing Brax takes seconds

        return brax_task(name.removeprefix("brax:"))
    if name.startswith("playground:"):
        from envs.imported.playground import playground_task  # importing Playground takes seconds, too

        return playground_task(name.removeprefix("playground:"))
    if ".py:" in name:
        return _required(_from_file(name), name)
    if is_model_file(name):
        from envs.robots.mjcf import require_there
        from envs.tasks.locomotion import locomotion_task

        require_there(name)
        return locomotion_task(name)
    if name.endswith(".py"):
        raise ConfigError(f"env: {name!r} names a file without a class; {_tasks_in(name)}")
    for point in importlib.metadata.entry_points(group=ENTRY_POINTS, name=name):
        return _required(point.load(), name)
    raise _unknown(name)


def make_env(name: str, config: object, options: PhysicsOptions) -> Env:
    """Build an environment. If the randomization acts within episodes, as pushes do, it also disturbs the worlds.

    Args:
      name: name of the environment: a built-in name, `brax:NAME`, `playground:NAME`, `path/to/file.py:Class`,
        `path/to/robot.xml` or an installed entry point.
      config: instance of the task's `Config` class.
      options: the run's physics options, with its randomization.

    Raises:
      ConfigError: if the name is unknown, or if a task that is not built in breaks the contract of `envs.types`.
    """
    env = env_type(name)(config, options)
    if name not in BUILT_IN and not name.startswith(BRIDGES):
        from envs.check import check_env

        check_env(env, name)
    if options.randomization.acts_in_episode:
        from envs.worlds.randomized import RandomizedEnv

        return RandomizedEnv(env, options.randomization)
    return env


def _unknown(name: Any) -> ConfigError:
    close = difflib.get_close_matches(str(name), env_names(), n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    known = ", ".join([*env_names(), "brax:NAME", "playground:NAME", "path/to/file.py:Class", "robot.xml"])
    return ConfigError(f"env: {name!r} is unknown; {hint}known: {known}")


def _from_file(name: str) -> Any:
    path, _, attribute = name.rpartition(":")
    module = _module(path)
    if not hasattr(module, attribute):
        raise ConfigError(f"env: {name!r}: {path} defines no {attribute!r}; {_tasks_in(path)}")
    return getattr(module, attribute)


def _tasks_in(path: str) -> str:
    """Name the tasks that a file defines, in words for an error message."""
    module = _module(path)
    classes = [each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__]
    names = [f"{path}:{task.__name__}" for task in classes if _lacks(task) is None]
    return f"its tasks: {', '.join(names)}" if names else "it has no task; begin with a copy of examples/custom_env.py"


@functools.cache
def _module(path: str) -> ModuleType:
    """Import a user's Python file as a module, once."""
    file = Path(path).resolve()
    if not file.is_file():
        raise ConfigError(f"env: the file {path} does not exist")
    module_name = f"flexrl_task_{file.stem}"
    spec = importlib.util.spec_from_file_location(module_name, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # dataclasses look up their module here
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise ConfigError(f"env: {error.filename}, line {error.lineno}: {error.msg}") from None
    return module


def _required(task: Any, name: str) -> type[Any]:
    """Return the object `task` if it is a task class: one with a `Config` dataclass and a task's methods.

    Raises:
      ConfigError: if it is not; naming `name`, the environment's name, and what is missing.
    """
    if (lack := _lacks(task)) is not None:
        raise ConfigError(f"env: {name!r}{lack}")
    return task


def _lacks(task: Any) -> str | None:
    """Say what keeps an object from being a task class; None if nothing does.

    The words follow the object's name in a message, such as " is no class".
    """
    if not isinstance(task, type):
        return " is no class"
    if not dataclasses.is_dataclass(getattr(task, "Config", None)):
        return f": {task.__name__}.Config must be a dataclass, the task's config"
    if missing := [name for name in NEEDED if not hasattr(task, name)]:
        return f": {task.__name__} has no {', '.join(missing)}; derive it from envs.task.MujocoTask"
    return None
