"""States that episodes begin in, recorded while a policy acted: reference state initialization.

A policy that is to take over from another one learns it by beginning in the other one's states.

Source: Peng et al. 2018, "DeepMimic: example-guided deep reinforcement learning of physics-based character skills".
"""

import math
import zipfile
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from flax import struct
from jax import Array

from envs.errors import ConfigError

FIELDS = ("qpos", "qvel", "action")  # arrays of a file of states, each with one row a state


@struct.dataclass
class State:
    """The state in which an episode of one world begins."""

    qpos: Array  # (nq,) generalised positions
    qvel: Array  # (nv,) generalised velocities
    action: Array  # (A,) in [-1, 1], the action before
    phase: Array  # () rad, of the gait's clock


@dataclass(frozen=True)
class StartStates:
    """N recorded states of one body."""

    qpos: Array  # (N, nq)
    qvel: Array  # (N, nv)
    action: Array  # (N, A) in [-1, 1]

    @classmethod
    def load(cls, path: str, model: mujoco.MjModel) -> "StartStates":
        """Read the states from a file that `flexrl.policies.states` wrote.

        Raises:
          ConfigError: if the file is missing or damaged, or holds states of another body than `model`.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name].astype(np.float32) for name in FIELDS}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ConfigError(
                f"task.start_states: {path} cannot be read ({error}); write it by flexrl.policies.states"
            ) from None
        num, sizes = len(arrays["qpos"]), (model.nq, model.nv, model.nu)
        for name, size in zip(FIELDS, sizes, strict=True):
            if num == 0 or arrays[name].shape != (num, size):
                shape = arrays[name].shape
                raise ConfigError(f"task.start_states: {name} in {path} has shape {shape}; this body needs (N, {size})")
        return cls(*(jnp.asarray(arrays[name]) for name in FIELDS))

    def perhaps(self, key: Array, share: float, otherwise: State) -> State:
        """Return one of the recorded states with a random phase of the clock, or the state `otherwise`.

        Args:
          key: random key.
          share: probability of a recorded state.
          otherwise: the state to return if no recorded one is drawn.
        """
        key_chosen, key_index, key_phase = jax.random.split(key, 3)
        index = jax.random.randint(key_index, (), 0, len(self.qpos))
        phase = jax.random.uniform(key_phase, maxval=2 * math.pi)
        recorded = State(self.qpos[index], self.qvel[index], self.action[index], phase)
        chosen = jax.random.bernoulli(key_chosen, share)
        return jax.tree.map(lambda a, b: jnp.where(chosen, a, b), recorded, otherwise)
