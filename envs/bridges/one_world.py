"""One world of an environment, stepped from Python.

Axes: A numbers of an action, N numbers that an agent observes (the observation, then the goal), M metrics.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from envs.bridges.packing import Packed, Packing, seen, told
from envs.types import Env, EnvState


class OneWorld:
    """One world of an environment, without a time limit; it goes on after the end of an episode unless it is reset.

    The packed state is a few flat arrays, which hold a whole `EnvState`. It begins with the numbers that Python reads
    after each step.

    Attributes:
      env: the environment.
      metric_names: names of the metrics, in the order in which `read` returns them.
      reset: compiled function of a seed (); returns the packed state.
      step: compiled function of a packed state and an action (A,); returns the next packed state.
      pose: compiled function of a packed state; returns MuJoCo's qpos (nq,).
    """

    def __init__(self, env: Env) -> None:
        """Define the compiled functions; each is compiled at its first call."""
        self.env = env
        self._first = jax.eval_shape(env.reset, jax.random.key(0))
        self.metric_names = list(self._first.metrics)
        tree = jax.eval_shape(self._tree, self._first)
        self._packing = Packing(tree)
        visible = tree[0]
        self._visible, self._num_read = visible.dtype.name, visible.size  # kept, because NumPy's names are slow
        self._num_seen = env.spec.obs_size + env.spec.goal_size
        self.reset, self.step, self.pose = map(jax.jit, (self._trace_reset, self._trace_step, self._trace_pose))

    def read(self, carried: Packed) -> tuple[np.ndarray, list[float], bool]:
        """Read a packed state.

        Returns:
          The observation (N,), with the goal at its end; a list of reward, terminated, truncated and the M metrics, all
          as floats; and whether all numbers of the state are finite, also those that are not observed.
        """
        arrays = self._packing.floats(carried)
        is_finite = all(np.isfinite(array).all() for array in arrays.values())
        numbers = arrays[self._visible]
        told_numbers = numbers[self._num_seen : self._num_read].tolist()
        return np.array(numbers[: self._num_seen], np.float32), told_numbers, is_finite

    def _trace_reset(self, seed: Array) -> Packed:
        return self._packing.pack(self._tree(self.env.reset(jax.random.key(seed))))

    def _trace_step(self, carried: Packed, action: Array) -> Packed:
        return self._packing.pack(self._tree(self.env.step(self._state(carried), action)))

    def _trace_pose(self, carried: Packed) -> Array:
        return self._state(carried).physics["qpos"]

    def _tree(self, state: EnvState) -> tuple[Array, dict]:
        """Split a state into one array, which has the numbers that Python reads, and a dictionary of the rest.

        The array comes first, so that it is packed in front.
        """
        numbers = told(state.reward, state.terminated, state.truncated, state.metrics, self.metric_names)
        physics = state.physics.replace(overflowed=None)  # which no step reads
        unseen = {"physics": physics, "info": state.info}  # what is privileged is nobody's here
        return jnp.concatenate([seen(state), numbers]), unseen

    def _state(self, carried: Packed) -> EnvState:
        numbers, unseen = self._packing.unpack(carried)
        obs, goal, numbers = jnp.split(numbers, [self._first.obs.size, self._num_seen])
        reward, terminated, truncated, *metrics = numbers
        return EnvState(
            obs=obs,
            goal=goal,
            reward=reward,
            terminated=terminated != 0,
            truncated=truncated != 0,
            metrics=dict(zip(self.metric_names, metrics, strict=True)),
            **unseen,
        )
