"""The environments that a run can name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from envs.humanoid_walk import HumanoidWalk, HumanoidWalkConfig
from envs.types import Env


@dataclass(frozen=True)
class EnvEntry:
    """A task's config and how to build it."""

    config: type[Any]
    build: Callable[[Any, str, int], Env]  # from the config, `physics` and `max_worlds` as in `make_physics`


ENVS: dict[str, EnvEntry] = {
    "humanoid-walk": EnvEntry(HumanoidWalkConfig, HumanoidWalk),
}
