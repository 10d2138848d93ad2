"""The environments that a run can name."""

from dataclasses import dataclass
from typing import Any

from envs.humanoid_walk import HumanoidWalk, HumanoidWalkConfig
from envs.types import EnvFactory


@dataclass(frozen=True)
class EnvEntry:
    """A task's config and how to build it."""

    config: type[Any]
    build: EnvFactory


ENVS: dict[str, EnvEntry] = {
    "humanoid-walk": EnvEntry(HumanoidWalkConfig, HumanoidWalk),
}
