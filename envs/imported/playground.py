"""Any environment of MuJoCo Playground, as `playground:NAME`."""

import subprocess
from dataclasses import dataclass
from typing import Any

import mujoco
from jax import Array
from mujoco_playground import registry

from envs.errors import ConfigError
from envs.imported.base import BridgedTask, known_name
from envs.physics import PhysicsOptions, resolve_backend

if not hasattr(mujoco.MjSpec, "find_body"):  # MuJoCo renamed it; Playground 0.2's reacher uses the old name
    mujoco.MjSpec.find_body = mujoco.MjSpec.body

WORLDS_PER_CONTACT_BUFFER = 8192  # number of worlds for which Playground sizes Warp's contact buffer


@dataclass(frozen=True)
class PlaygroundConfig:
    """Config of an environment of MuJoCo Playground: how long an episode lasts.

    Attributes:
      episode_length: control steps until an episode is cut; null for the environment's own.
    """

    episode_length: int | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for an episode without steps."""
        if self.episode_length is not None and self.episode_length < 1:
            raise ValueError(f"episode_length: {self.episode_length} must be at least 1, or null")


class PlaygroundTask(BridgedTask):
    """One of Playground's environments, on MJX: on Warp if the run's physics is mjx-warp, else on JAX.

    Playground has no native physics, so it is slow on a CPU.
    """

    Config = PlaygroundConfig

    def __init__(self, config: PlaygroundConfig, options: PhysicsOptions) -> None:
        """Build Playground's environment.

        Raises:
          ConfigError: if its robot's meshes are missing, which Playground downloads from GitHub on first use.
        """
        name = self.env_name.removeprefix("playground:")
        defaults: Any = registry.get_default_config(name)
        overrides: dict[str, Any] = {"impl": "warp" if resolve_backend(options.backend) == "mjx-warp" else "jax"}
        if "naconmax" in defaults:
            overrides["naconmax"] = defaults.naconmax * -(-options.max_worlds // WORLDS_PER_CONTACT_BUFFER)
        try:
            env = registry.load(name, config_overrides=overrides)
        except subprocess.CalledProcessError as error:
            raise ConfigError(
                f"env: {self.env_name} needs the meshes of MuJoCo Menagerie, and downloading them failed: {error}"
            ) from error
        super().__init__(env, env.dt, config.episode_length or defaults.episode_length, options)

    @property
    def model(self) -> mujoco.MjModel:
        """The simulated MuJoCo model, for drawing."""
        return self.theirs.mj_model

    def _merged(self, condition: Array, chosen: Any, other: Any) -> Any:
        rest = super()._merged(condition, chosen.replace(data=None), other.replace(data=None))
        # Warp's buffers without a world axis must stay as they are. Only MJX's own `where` knows these buffers.
        return rest.replace(data=other.data.where(condition, chosen.data))

    def _positions(self, theirs: Any) -> tuple[Array, Array]:
        return theirs.data.qpos, theirs.data.qvel


def playground_task(name: str) -> type[PlaygroundTask]:
    """Return the task class of a Playground environment.

    Args:
      name: as Playground registers it, such as `CartpoleBalance`.

    Raises:
      ConfigError: if Playground has no such environment.
    """
    env_name = "playground:" + known_name(name, sorted(registry.ALL_ENVS), "playground:")
    return type(f"Playground_{name}", (PlaygroundTask,), {"env_name": env_name, "__doc__": PlaygroundTask.__doc__})
