"""How good a policy is: deterministic episodes in many worlds at once, inside one program."""

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from algos.types import Policy
from envs.success import SETTLING_SECONDS, goal_success
from envs.types import Env
from envs.vector import VecEnv
from flexrl.warp_buffers import require_room

EVALUATION_STREAM = 0x5EED  # keeps the random numbers of evaluations apart from those of training


def evaluation_key(seed: int) -> Array:
    """The same for every evaluation of a run, so that differences are the policy's."""
    return jax.random.fold_in(jax.random.key(seed), EVALUATION_STREAM)


@struct.dataclass
class Episodes:
    """One whole episode of each of B worlds."""

    episode_return: Array  # (B,) reward up to the episode's end, none after it
    length: Array  # (B,) int32, control steps
    terminated: Array  # (B,) bool: ended by the task, not by the time limit
    metrics: dict[str, Array]  # (B,) each: mean per control step
    settled: dict[str, Array]  # (B,) each: mean per control step from `envs.success.SETTLING_SECONDS` on
    final: dict[str, Array]  # (B,) each: at the last step
    overflowed: Array | None = None  # (B,) int32: control steps that left contacts out; None where nobody knows


class Evaluator:
    """Runs one episode in each of `num_episodes` worlds; compiled once."""

    def __init__(self, env: Env, num_episodes: int, *, allows_overflow: bool = False) -> None:
        """Prepare; compilation happens on first use.

        Args:
          env: made for at least as many worlds.
          num_episodes: one world each.
          allows_overflow: leave it to the caller to tell that contacts were left out, rather than raise.
        """
        self._vec_env = VecEnv(env, num_episodes)
        self._allows_overflow = allows_overflow
        self._settling_steps = round(SETTLING_SECONDS / env.spec.control_period)
        self._run = jax.jit(self._episodes)

    def __call__(self, policy: Policy, key: Array, weights: Mapping[str, float] | None = None) -> dict[str, Any]:
        """Statistics over the episodes, as plain numbers for a report; arguments and errors are those of `episodes`."""
        return summarize(self.episodes(policy, key, weights))

    def episodes(self, policy: Policy, key: Array, weights: Mapping[str, float] | None = None) -> Episodes:
        """Every episode's numbers, on the host; with other reward weights than the environment's, if they are given.

        Raises:
          ConfigError: if MJX-Warp left contacts out and that is not allowed.
        """
        episodes = jax.device_get(self._run(policy, key, weights or {}))
        if episodes.overflowed is not None and not self._allows_overflow:
            require_room(int(episodes.overflowed.sum()), int(episodes.length.sum()))
        return episodes

    def _episodes(self, policy: Policy, key: Array, weights: Mapping[str, Array]) -> Episodes:
        key_reset, key_act = jax.random.split(key)
        vec_env = self._vec_env.reweighted(weights)
        num = vec_env.num_envs
        fresh = vec_env.fresh(key_reset)
        worlds = vec_env.start(fresh)
        zero = jnp.zeros(num)
        zeros = {name: zero for name in fresh.metrics}
        none = jnp.zeros(num, jnp.int32)
        overflowed = None if fresh.physics.overflowed is None else none
        nothing = Episodes(zero, none, jnp.zeros(num, bool), zeros, zeros, zeros, overflowed)

        def step(state: tuple) -> tuple:
            worlds, carry, running, total, time = state
            observation = worlds.observation
            carry, action, _ = policy.act(carry, observation, jax.random.fold_in(key_act, time))
            worlds, transition = vec_env.step(worlds, action, fresh)
            settled = running & (time >= self._settling_steps)
            total = Episodes(
                total.episode_return + jnp.where(running, transition.reward, 0),
                total.length + running,
                total.terminated | (running & transition.terminated),
                {k: total.metrics[k] + jnp.where(running, x, 0) for k, x in transition.metrics.items()},
                {k: total.settled[k] + jnp.where(settled, x, 0) for k, x in transition.metrics.items()},
                {k: jnp.where(running, x, total.final[k]) for k, x in transition.metrics.items()},
                None if total.overflowed is None else total.overflowed + (running & transition.overflowed),
            )
            return worlds, carry, running & ~(transition.terminated | transition.truncated), total, time + 1

        start = (worlds, policy.init_carry(num), jnp.ones(num, bool), nothing, 0)
        total = jax.lax.while_loop(lambda state: state[2].any(), step, start)[3]
        settled_length = jnp.maximum(total.length - self._settling_steps, 1)
        return total.replace(
            metrics={k: x / total.length for k, x in total.metrics.items()},
            settled={k: x / settled_length for k, x in total.settled.items()},
        )


def summarize(episodes: Episodes) -> dict[str, Any]:
    """Means and spread over episodes; `return_interval` is the 95 % interval of the mean return."""
    num = len(episodes.episode_return)
    return_std = float(episodes.episode_return.std())
    return {
        "return_mean": float(episodes.episode_return.mean()),
        "return_std": return_std,
        "return_interval": 1.96 * return_std / math.sqrt(num),
        "return_min": float(episodes.episode_return.min()),
        "episode_length_mean": float(episodes.length.mean()),
        "terminated_fraction": float(episodes.terminated.mean()),
        "num_episodes": num,
        **({} if episodes.overflowed is None else {"overflowed": int(episodes.overflowed.sum())}),
        **{name: float(x.mean()) for name, x in episodes.metrics.items()},
        **_success_rate(episodes),
    }


def _success_rate(episodes: Episodes) -> dict[str, float]:
    """The part of the episodes that ended at their goal, of a task that says where a goal is."""
    if "success" not in episodes.final:
        return {}
    return {"success_rate": float(goal_success(episodes.terminated, episodes.final).mean())}


def normalized_score(episode_return: float, reference_scores: tuple[float, float]) -> float:
    """A return as a percentage of the way from one reference, such as uniform actions, to the other, such as an expert.

    Source: Fu et al. 2020 (D4RL).
    """
    low, high = reference_scores
    return 100 * (episode_return - low) / (high - low)
