"""How good a policy is: deterministic episodes in many worlds at once, inside one program."""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from algos.common.types import Policy
from envs.success import SETTLING_SECONDS, goal_success
from envs.types import Env
from envs.worlds.vector import VecEnv
from flexrl.common.warp_buffers import require_room

# Keep the random numbers of evaluations apart from those of training, and from one another.
SELECTION_STREAM = 0x5EED
FINAL_STREAM = 0xF1A1


def selection_key(seed: int) -> Array:
    """Draws the episodes of every evaluation while a run trains, which choose its best step and may end it.

    They are the same each time, so that differences are the policy's. The best of many means over them is not an
    estimate of what the policy is worth: it was chosen because it is high.
    """
    return jax.random.fold_in(jax.random.key(seed), SELECTION_STREAM)


def final_key(seed: int) -> Array:
    """Draws the episodes of whatever is reported of a policy that is there; nothing is ever chosen by them."""
    return jax.random.fold_in(jax.random.key(seed), FINAL_STREAM)


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


Subject = tuple[Policy, Array, Mapping[str, float]]  # who is judged, by which random key and reward weights


class Evaluator:
    """Runs one episode in each of `num_episodes` worlds; compiled once."""

    def __init__(self, env: Env, num_episodes: int, *, num_policies: int = 1, allows_overflow: bool = False) -> None:
        """Prepare; compilation happens on first use, unless `compile` comes before.

        Args:
          env: made for at least as many worlds as there are episodes of all policies.
          num_episodes: of each policy.
          num_policies: that one program runs side by side, each in worlds of its own. On a CPU that would be no faster
            than one after the other, and not the same to the bit.
          allows_overflow: leave it to the caller to tell that contacts were left out, rather than raise.
        """
        self._vec_env = VecEnv(env, num_episodes)
        self._allows_overflow = allows_overflow
        self._settling_steps = round(SETTLING_SECONDS / env.spec.control_period)
        self._num_policies = num_policies
        self._run: Any = jax.jit(self._episodes if num_policies == 1 else jax.vmap(self._episodes))

    def compile(self, pool: Executor, policy: Policy, weights: Mapping[str, float]) -> Future[None]:
        """Build the program in a thread of the pool, for policies like this one, of which only shapes are read."""
        one = jax.eval_shape(lambda policy: (policy, jax.random.key(0), _numbers(weights)), policy)
        several = jax.eval_shape(_side_by_side, [one] * self._num_policies)
        lowered = self._run.lower(*one if self._num_policies == 1 else several)

        def build() -> None:
            self._run = lowered.compile()

        return pool.submit(build)

    def __call__(self, policy: Policy, key: Array, weights: Mapping[str, float] | None = None) -> dict[str, Any]:
        """Statistics over the episodes, as plain numbers for a report; arguments and errors are those of `episodes`."""
        return summarize(self.episodes(policy, key, weights))

    def episodes(self, policy: Policy, key: Array, weights: Mapping[str, float] | None = None) -> Episodes:
        """Every episode's numbers, on the host; with other reward weights than the environment's, if they are given.

        Raises:
          ConfigError: if MJX-Warp left contacts out and that is not allowed.
        """
        return self._checked(jax.device_get(self._run(policy, key, _numbers(weights or {}))))

    def episodes_of_each(self, subjects: Sequence[Subject]) -> list[Episodes]:
        """Likewise of several policies: at most `num_policies` side by side, or one after the other if that is 1."""
        if self._num_policies == 1:
            return [self.episodes(*subject) for subject in subjects]
        num_missing = self._num_policies - len(subjects)
        assert 0 <= num_missing < self._num_policies
        batch = [(policy, key, _numbers(weights)) for policy, key, weights in subjects]
        together = self._checked(jax.device_get(self._run(*_side_by_side(batch + num_missing * batch[-1:]))))
        return [jax.tree.map(lambda x, i=i: x[i], together) for i in range(len(batch))]

    def _checked(self, episodes: Episodes) -> Episodes:
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


def _numbers(weights: Mapping[str, float]) -> dict[str, Array]:
    return {name: jnp.array(weight, jnp.result_type(float)) for name, weight in weights.items()}


def _side_by_side(trees: Sequence[Any]) -> Any:
    """Equal trees as one, along a new leading axis of their arrays."""
    return jax.tree.map(lambda *rows: jnp.stack(rows), *trees)


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
