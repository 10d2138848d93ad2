"""Any environment of Brax, as `brax:NAME`."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import mujoco
from brax import envs as brax_envs
from jax import Array

from envs.errors import ConfigError
from envs.imported.base import BridgedTask, known_name
from envs.physics import PhysicsOptions

WITHOUT_PHYSICS = {"fast"}  # Brax's own test environment
Backend = Literal["mjx", "generalized", "positional", "spring"]


@dataclass(frozen=True)
class BraxConfig:
    """Which physics Brax uses, and how long an episode lasts.

    Attributes:
      backend: Brax's physics: `mjx` is MuJoCo's; `generalized`, `positional` and `spring` are Brax's own, which compile
        and run faster on a CPU but are other dynamics with other rewards.
      episode_length: control steps until an episode is cut; Brax leaves this to trainers, which usually take 1,000.
    """

    backend: Backend = "mjx"
    episode_length: int = 1000

    def __post_init__(self) -> None:
        """Raise ValueError for an unknown backend, or an episode without steps."""
        if self.backend not in get_args(Backend):
            raise ValueError(f"backend: {self.backend!r} must be one of {', '.join(get_args(Backend))}")
        if self.episode_length < 1:
            raise ValueError(f"episode_length: {self.episode_length} must be at least 1")


class BraxTask(BridgedTask):
    """One of Brax's environments. Its config's `backend` chooses the physics; the run's `physics` has no effect."""

    Config = BraxConfig

    def __init__(self, config: BraxConfig, options: PhysicsOptions) -> None:
        """Build Brax's environment.

        Raises:
          ConfigError: if that environment cannot be simulated by that backend.
        """
        try:
            env = brax_envs.get_environment(self.env_name.removeprefix("brax:"), backend=config.backend)
        except ValueError as error:
            raise ConfigError(f"backend: {config.backend!r} is refused by {self.env_name}: {error}") from error
        super().__init__(env, float(env.dt), config.episode_length, options)

    @property
    def model(self) -> mujoco.MjModel:
        """The simulated MuJoCo model, for drawing."""
        return self.theirs.sys.mj_model

    def _positions(self, theirs: Any) -> tuple[Array, Array]:
        return theirs.pipeline_state.q, theirs.pipeline_state.qd


def brax_task(name: str) -> type[BraxTask]:
    """Return the task class of a Brax environment.

    Args:
      name: as Brax registers it, such as `ant`.

    Raises:
      ConfigError: if Brax has no such environment.
    """
    env_name = "brax:" + known_name(name, sorted(set(brax_envs._envs) - WITHOUT_PHYSICS), "brax:")
    return type(f"Brax_{name}", (BraxTask,), {"env_name": env_name, "__doc__": BraxTask.__doc__})
