"""Many worlds of an environment, stepped from Python as one.

Axes: B worlds, A numbers of an action, N numbers that an agent observes (the observation, then the goal), M metrics.
"""

import jax
import jax.numpy as jnp
from jax import Array

from envs.bridges.packing import Packed, Packing, seen, told
from envs.types import Env, EnvState
from envs.worlds.vector import VecEnv, VecState


class ManyWorlds:
    """Many worlds of one environment, which restart within the step in which their episode ended.

    A restart takes the first state that was drawn for its world. First states are drawn for all worlds at once, and
    again when an episode ends in a world whose first state was taken already. The state of all worlds is packed into
    a few flat arrays, because each array that crosses between the compiled functions and Python costs time.

    Attributes:
      env: the environment.
      metric_names: names of the M metrics, in the order in which `step` returns them.
      reset: compiled function of a random key; returns the packed state, and the observations (B, N).
      step: compiled function of a packed state and actions (B, A); returns the packed state, the observations (B, N)
        that the actions led to, each world's reward, terminated, truncated and metrics (B, 3 + M), and the
        observations (B, N) after restarts.
    """

    def __init__(self, env: Env, num_envs: int, episode_length: int | None) -> None:
        """Define the compiled functions for `num_envs` worlds.

        `episode_length` is the time limit in control steps; None takes the environment's own.
        """
        self.env = env
        self._worlds = VecEnv(env, num_envs, episode_length=episode_length)
        self.metric_names = list(jax.eval_shape(env.reset, jax.random.key(0)).metrics)
        self._packing = Packing(jax.eval_shape(self._first, jax.random.key(0)))
        self.reset, self.step = jax.jit(self._trace_reset), jax.jit(self._trace_step)

    def states(self, packed: Packed) -> EnvState:
        """Return the states (B, ...) of the worlds, read from the packed state that `reset` and `step` return."""
        return self._packing.unpack(packed)[0].env

    def _first(self, key: Array) -> tuple[VecState, EnvState, Array, Array]:
        """Return newly reset worlds and what their restarts need.

        Restarts need a first state for each world, whether that state was used already (B,), and a random key, as plain
        numbers, to draw new first states.
        """
        key, key_worlds, key_fresh = jax.random.split(key, 3)
        worlds = self._worlds.start(self._worlds.fresh(key_worlds))
        unused = jnp.zeros(self._worlds.num_envs, bool)
        return worlds, self._worlds.fresh(key_fresh), unused, jax.random.key_data(key)

    def _trace_reset(self, key: Array) -> tuple[Packed, Array]:
        state = self._first(key)
        return self._packing.pack(state), seen(state[0].env)

    def _trace_step(self, packed: Packed, actions: Array) -> tuple[Packed, Array, Array, Array]:
        worlds, fresh, is_used, key_data = self._packing.unpack(packed)
        worlds, transition = self._worlds.advance(worlds, actions)
        terminated, truncated = transition.terminated, transition.truncated
        numbers = told(transition.reward, terminated, truncated, transition.metrics, self.metric_names)
        done = terminated | truncated
        key, key_fresh = jax.random.split(jax.random.wrap_key_data(key_data))
        fresh, is_used = jax.lax.cond(
            (done & is_used).any(),
            lambda: (self._worlds.fresh(key_fresh), jnp.zeros_like(is_used)),
            lambda: (fresh, is_used),
        )
        worlds = self._worlds.restart(worlds, done, fresh)
        state = (worlds, fresh, is_used | done, jax.random.key_data(key))
        return self._packing.pack(state), seen(transition.next_observation), numbers, seen(worlds.observation)
