"""Make any of our environments with Gymnasium's interface, by our name for it."""

from collections.abc import Mapping
from typing import Any

import gymnasium
from gymnasium.wrappers import OrderEnforcing, TimeLimit

from envs.bridges.gymnasium_out import GymnasiumEnv
from envs.bridges.registration import gymnasium_name, register
from envs.built_in import BUILT_IN


def make_gymnasium(name: str, options: Mapping[str, Any]) -> gymnasium.Env:
    """Make a Gymnasium environment, whose episodes are truncated at its time limit.

    Args:
      name: as in `envs.registry`.
      options: further arguments of `GymnasiumEnv`.

    Raises:
      ConfigError: naming the environment or option that cannot be used.
    """
    if name in BUILT_IN:
        if gymnasium_name(name) not in gymnasium.registry:
            register()
        return gymnasium.make(gymnasium_name(name), **options)
    world = GymnasiumEnv(name, **options)
    return TimeLimit(OrderEnforcing(world), world.env.spec.episode_length)
