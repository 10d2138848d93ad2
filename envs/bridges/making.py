"""Make any of our environments with Gymnasium's interface, by our name for it."""

from collections.abc import Mapping
from typing import Any

import gymnasium
from gymnasium.wrappers import OrderEnforcing, TimeLimit

from envs.bridges.gymnasium_out import GymnasiumEnv
from envs.bridges.registration import gymnasium_name, register
from envs.built_in import BUILT_IN


def make_gymnasium(name: str, options: Mapping[str, Any]) -> gymnasium.Env:
    """Make one world of an environment of ours with Gymnasium's interface, with episodes truncated at its time limit.

    Args:
      name: name of the environment, such as `humanoid-walk`, `brax:ant` or `path/to/robot.xml`.
      options: further arguments of `GymnasiumEnv`, such as `render_mode`, `physics` and fields of the task's config.

    Raises:
      ConfigError: naming the environment or option that cannot be used.
    """
    if name in BUILT_IN:
        if gymnasium_name(name) not in gymnasium.registry:
            register()
        return gymnasium.make(gymnasium_name(name), **options)
    world = GymnasiumEnv(name, **options)
    return TimeLimit(OrderEnforcing(world), world.env.spec.episode_length)
