"""One world of an environment, stepped from Python."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from envs.bridges.packing import Packed, Packing, seen, told
from envs.types import Env, EnvState


class Carried(NamedTuple):
    """All of an `EnvState`, in few arrays."""

    packed: Packed  # physics and the task's own state; what is privileged is nobody's here
    seen: Array  # (N,) observation and goal
    told: Array  # (3 + M,) reward, ends and metrics, see `envs.bridges.packing.told`
    is_finite: Array  # () bool: whether all of these numbers are


class OneWorld:
    """A world that knows no time limit, and goes on after the end of an episode.

    Attributes:
      env: the environment.
      metric_names: in the order in which `told` has them.
      reset: key -> what is carried.
      step: what is carried, action (A,) -> what is carried.
      pose: what is carried -> MuJoCo's qpos (nq,).
    """

    def __init__(self, env: Env) -> None:
        """Define the programs."""
        self.env = env
        self._first = jax.eval_shape(env.reset, jax.random.key(0))
        self.metric_names = list(self._first.metrics)
        self._packing = Packing(_unseen(self._first))
        self.reset, self.step, self.pose = map(jax.jit, (self._trace_reset, self._trace_step, self._trace_pose))

    def _trace_reset(self, key: Array) -> Carried:
        return self._carried(self.env.reset(key))

    def _trace_step(self, carried: Carried, action: Array) -> Carried:
        return self._carried(self.env.step(self._state(carried), action))

    def _trace_pose(self, carried: Carried) -> Array:
        return self._state(carried).physics["qpos"]

    def _carried(self, state: EnvState) -> Carried:
        numbers = told(state.reward, state.terminated, state.truncated, state.metrics, self.metric_names)
        arrays = (self._packing.pack(_unseen(state)), seen(state), numbers)
        # Of whole arrays that are made anyway: a reduction of each field would cost more than the rest of the step.
        floating = [x for x in jax.tree.leaves(arrays) if jnp.issubdtype(x.dtype, jnp.floating)]
        return Carried(*arrays, jnp.stack([jnp.isfinite(x).all() for x in floating]).all())

    def _state(self, carried: Carried) -> EnvState:
        obs, goal = jnp.split(carried.seen, [self._first.obs.size])
        reward, terminated, truncated, *metrics = carried.told
        return EnvState(
            obs=obs,
            goal=goal,
            reward=reward,
            terminated=terminated != 0,
            truncated=truncated != 0,
            metrics=dict(zip(self.metric_names, metrics, strict=True)),
            **self._packing.unpack(carried.packed),
        )


def _unseen(state: EnvState) -> dict:
    physics = state.physics.replace(overflowed=None)  # which no step reads
    return {"physics": physics, "info": state.info}
