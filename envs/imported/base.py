"""The base class of environments from other libraries, whose state is kept inside an `EnvState`."""

import difflib
import functools
from typing import Any, ClassVar, TypeVar

import jax
import jax.numpy as jnp
import mujoco
from jax import Array

from envs.errors import ConfigError
from envs.physics import PhysicsOptions, PhysicsState
from envs.types import EnvSpec, EnvState

TaskConfig = TypeVar("TaskConfig")  # a task's config
OWN_PHYSICS_FIELDS = ("friction", "mass", "com_offset", "gain", "push_interval")


class BridgedTask:
    """One world of another library's environment, without that library's time limits and automatic resets.

    The library's `done` becomes `terminated`. Its whole state is in `EnvState.physics.internal`; `physics["qpos"]` and
    `physics["qvel"]` are its generalised positions and velocities. If observations have several parts, `state` is the
    observation and `privileged_state` is for critics; other parts are ignored. Of `randomization`, noisy observations
    and delayed actions work. The fields that need flex-rl's own physics are refused.
    """

    Config: ClassVar[type[Any]]
    env_name: ClassVar[str]  # the name in a run's config
    has_host_callback = False

    def __init__(self, theirs: Any, control_period: float, episode_length: int, options: PhysicsOptions) -> None:
        """Wrap an environment.

        Args:
          theirs: the other library's environment.
          control_period: duration of a control step, s.
          episode_length: control steps until an episode is cut.
          options: the run's physics options; only their `randomization` is looked at.

        Raises:
          ConfigError: if a field of `randomization` cannot be honoured; naming it.
        """
        self.theirs = theirs
        self._control_period, self._episode_length = control_period, episode_length
        for name in OWN_PHYSICS_FIELDS:
            if getattr(options.randomization, name) is not None:
                raise ConfigError(f"{name}: {self.env_name} brings its own physics, which cannot be varied; use null")

    @staticmethod
    def evaluated(config: TaskConfig) -> TaskConfig:
        """Return the config for evaluation, which is the same as for training."""
        return config

    fading = ()  # see `MujocoTask.fading`

    @staticmethod
    def reward_weights(config: object) -> dict[str, float]:
        """Return no reward weights: those of another library's task are compiled in and cannot be changed."""
        return {}

    @property
    def model(self) -> mujoco.MjModel:
        """The simulated MuJoCo model, for drawing."""
        raise NotImplementedError

    @functools.cached_property
    def spec(self) -> EnvSpec:
        """Sizes and durations of the environment, read from a first state. There are no goals."""
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
        """Return a random first state."""
        # These libraries keep the key in their state. Its plain numbers can be merged like the rest of a state.
        return self._state(self.theirs.reset(jax.random.key_data(key)))

    def step(self, state: EnvState, action: Array) -> EnvState:
        """Advance the world by one control step with action (A,) in [-1, 1]."""
        copied = jax.tree.map(lambda x: x, state.physics.internal)  # some change the dictionaries that they are given
        return self._state(self.theirs.step(copied, action))

    def where(self, condition: Array, chosen: EnvState, other: EnvState) -> EnvState:
        """Return the state `chosen` where the condition () holds, else `other`."""
        internal = self._merged(condition, chosen.physics.internal, other.physics.internal)
        chosen, other = (state.replace(physics=state.physics.replace(internal=None)) for state in (chosen, other))
        rest = _where(condition, chosen, other)
        return rest.replace(physics=rest.physics.replace(internal=internal))

    def _merged(self, condition: Array, chosen: Any, other: Any) -> Any:
        """Return the other library's state `chosen` where the condition () holds, else its state `other`."""
        return _where(condition, chosen, other)

    def _positions(self, theirs: Any) -> tuple[Array, Array]:
        """Return generalised positions (nq,) and velocities (nv,) from the other library's state.

        The subclass for each library defines this method.
        """
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
    """Return the name if a library knows it.

    Args:
      name: name to look up.
      known: all names that the library knows.
      prefix: text in front of the library's names in a run's config, such as `brax:`; used in the message.

    Raises:
      ConfigError: if the name is unknown; naming those that are known.
    """
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {prefix + close[0]!r}? " if close else ""
        names = ", ".join(prefix + other for other in known)
        raise ConfigError(f"env: {prefix + name!r} is unknown; {hint}known: {names}")
    return name


def _where(condition: Array, chosen: Any, other: Any) -> Any:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), chosen, other)
