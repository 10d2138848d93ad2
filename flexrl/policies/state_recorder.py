"""Record states of a policy that acts, for episodes of other policies to begin in."""

import functools

import jax
import numpy as np
from jax import Array

from algos.common.types import Policy
from envs.worlds.vector import VecEnv
from flexrl.common.errors import ConfigError
from flexrl.common.warp_buffers import require_room
from flexrl.policies.playback import Playback


def record_states(
    playback: Playback, num_states: int, num_worlds: int, seconds: float, min_height: float, seed: int
) -> dict[str, np.ndarray]:
    """Let a policy act in many worlds, and return states drawn from all that it was in.

    Args:
      playback: the policy and its environment, made for `num_worlds` worlds.
      num_states: N, the number of states to return.
      num_worlds: number of worlds that the policy acts in.
      seconds: s, for how long it acts in each world.
      min_height: m, lowest height of the torso in a state.
      seed: random seed of the worlds and of the choice of states.

    Returns:
      `qpos` (N, nq), `qvel` (N, nv) and `action` (N, A), the action that led to the state.

    Raises:
      ConfigError: if the policy was in fewer than N such states, or MJX-Warp left contacts out.
    """
    vec_env = VecEnv(playback.env, num_worlds)
    num_steps = max(1, round(seconds / playback.env.spec.control_period))

    @functools.partial(jax.jit, static_argnums=1)
    def roll(policy: Policy, num_steps: int, key: Array) -> tuple[Array, Array, Array, Array, Array | None]:
        key_reset, key_act = jax.random.split(key)
        fresh = vec_env.fresh(key_reset)

        def step(state: tuple, key: Array) -> tuple[tuple, tuple[Array, Array, Array, Array, Array | None]]:
            worlds, carry = state
            carry, action, _ = policy.act(carry, worlds.observation, key)
            worlds, transition = vec_env.step(worlds, action, fresh)
            physics, ended = worlds.env.physics, transition.terminated | transition.truncated
            return (worlds, carry), (physics["qpos"], physics["qvel"], action, ended, transition.overflowed)

        start = (vec_env.start(fresh), policy.init_carry(num_worlds))
        return jax.lax.scan(step, start, jax.random.split(key_act, num_steps))[1]

    qpos, qvel, action, ended, overflowed = jax.device_get(roll(playback.policy, num_steps, jax.random.key(seed)))
    if overflowed is not None:
        require_room(int(overflowed.sum()), num_steps * num_worlds)
    times, worlds = np.nonzero(~ended & (qpos[..., 2] >= min_height))  # a world that ended is in its next first state
    if len(times) < num_states:
        raise ConfigError(
            f"num_states: the policy was in {len(times)} states with the torso at {min_height} m or higher, and "
            f"{num_states} are asked for; raise worlds or seconds, or lower min_height"
        )
    chosen = np.random.default_rng(seed).choice(len(times), num_states, replace=False)
    at = times[chosen], worlds[chosen]
    return {"qpos": qpos[at], "qvel": qvel[at], "action": action[at]}
