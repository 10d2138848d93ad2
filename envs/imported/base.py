"""What bridges to other libraries share: their state inside ours."""

import difflib
import functools
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import mujoco
from jax import Array

from envs.errors import ConfigError
from envs.physics import PhysicsOptions, PhysicsState
from envs.types import EnvSpec, EnvState

OWN_PHYSICS_FIELDS = ("friction", "mass", "com_offset", "gain", "push_interval")


class BridgedTask:
    """One world of another library's environment, raw: without its time limits and automatic resets.

    Its `done` becomes `terminated`. Its whole state lies in `EnvState.physics.internal`; `physics["qpos"]` and
    `physics["qvel"]` are its generalised positions and velocities. Of an observation in parts, the part `state` is
    seen, and the part `privileged_state` is for critics. Of `randomization`, what acts on observations and actions
    works, what needs our own physics is refused.
    """

    Config: ClassVar[type[Any]]
    env_name: ClassVar[str]  # as a run names it
    has_host_callback = False

    def __init__(self, theirs: Any, control_period: float, episode_length: int, options: PhysicsOptions) -> None:
        """Wrap an environment.

        Args:
          theirs: the other library's environment.
          control_period: s.
          episode_length: control steps.
          options: of the run; its randomization is checked.

        Raises:
          ConfigError: naming the field of `randomization` that cannot be honoured.
        """
        self.theirs = theirs
        self._control_period, self._episode_length = control_period, episode_length
        for name in OWN_PHYSICS_FIELDS:
            if getattr(options.randomization, name) is not None:
                raise ConfigError(f"{name}: {self.env_name} brings its own physics, which cannot be varied; use null")

    @staticmethod
    def evaluated(config: Any) -> Any:
        """See `MujocoTask.evaluated`."""
        return config

    @staticmethod
    def reward_weights(config: Any) -> dict[str, float]:
        """See `MujocoTask.reward_weights`: what a bridged environment rewards is compiled in."""
        return {}

    @property
    def model(self) -> mujoco.MjModel:
        """See `Env.model`."""
        raise NotImplementedError

    @functools.cached_property
    def spec(self) -> EnvSpec:
        """See `Env.spec`."""
        first = jax.eval_shape(self.reset, jax.random.key(0))
        return EnvSpec(
            obs_size=first.obs.shape[0],
            action_size=self.theirs.action_size,
            goal_size=0,
            control_period=self._control_period,
            episode_length=self._episode_length,
            privileged_size=0 if first.privileged is None else first.privileged.shape[0],
        )

    def reset(self, key: Array) -> EnvState:
        """See `Env.reset`."""
        # As plain numbers, which merge like the rest of a state: these libraries keep their key in it.
        return self._state(self.theirs.reset(jax.random.key_data(key)))

    def step(self, state: EnvState, action: Array) -> EnvState:
        """See `Env.step`."""
        copied = jax.tree.map(lambda x: x, state.physics.internal)  # some write into the dictionaries they are given
        return self._state(self.theirs.step(copied, action))

    def where(self, condition: Array, chosen: EnvState, other: EnvState) -> EnvState:
        """See `Env.where`."""
        internal = self._merged(condition, chosen.physics.internal, other.physics.internal)
        chosen, other = (state.replace(physics=state.physics.replace(internal=None)) for state in (chosen, other))
        rest = _where(condition, chosen, other)
        return rest.replace(physics=rest.physics.replace(internal=internal))

    def _merged(self, condition: Array, chosen: Any, other: Any) -> Any:
        """Choose one of two of their states."""
        return _where(condition, chosen, other)

    def _positions(self, theirs: Any) -> tuple[Array, Array]:
        """Generalised positions (nq,) and velocities (nv,) in their state."""
        raise NotImplementedError

    def _state(self, theirs: Any) -> EnvState:
        qpos, qvel = self._positions(theirs)
        number = jnp.result_type(float)
        parts = theirs.obs if isinstance(theirs.obs, dict) else {"state": theirs.obs}
        return EnvState(
            physics=PhysicsState(theirs, {"qpos": qpos, "qvel": qvel}, jnp.zeros((), jnp.int32)),
            obs=parts["state"].astype(number),
            goal=jnp.zeros(0),
            reward=jnp.asarray(theirs.reward, number),
            terminated=jnp.asarray(theirs.done, bool),
            truncated=jnp.array(False),
            metrics={name: jnp.asarray(value, number) for name, value in theirs.metrics.items()},
            info={},
            privileged=parts["privileged_state"].astype(number) if "privileged_state" in parts else None,
        )


def known_name(name: str, known: list[str], prefix: str) -> str:
    """The name, if a library knows it.

    Raises:
      ConfigError: naming what is known.
    """
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {prefix + close[0]!r}? " if close else ""
        names = ", ".join(prefix + other for other in known)
        raise ConfigError(f"env: {prefix + name!r} is unknown; {hint}known: {names}")
    return name


def _where(condition: Array, chosen: Any, other: Any) -> Any:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), chosen, other)
