"""Evaluate policies: run deterministic episodes in many worlds at once, inside one compiled program."""

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
from flexrl.common.types import JsonObject
from flexrl.common.warp_buffers import require_room

# Folded into the seed's key, so that training and the two kinds of evaluation use different random numbers.
SELECTION_STREAM = 0x5EED
FINAL_STREAM = 0xF1A1


def selection_key(seed: int) -> Array:
    """Return the random key of the evaluations during training, which choose the best step and may stop the run early.

    All evaluations of a run use the same episodes, so that differences come from the policy. The highest of their
    returns overestimates the policy, because it was chosen for being high. Use `final_key` for results to report.
    """
    return jax.random.fold_in(jax.random.key(seed), SELECTION_STREAM)


def final_key(seed: int) -> Array:
    """Return the random key of evaluations whose results are reported. Never choose a policy by their episodes."""
    return jax.random.fold_in(jax.random.key(seed), FINAL_STREAM)


@struct.dataclass
class Episodes:
    """Results of one whole episode in each of B worlds.

    For each world they are the return, the length, whether the task ended the episode, and the task's metrics: averaged
    over the episode, averaged after the first second, and at the last step.
    """

    episode_return: Array  # (B,) sum of rewards up to the episode's end
    length: Array  # (B,) int32, control steps
    terminated: Array  # (B,) bool: ended by the task, not by the time limit
    metrics: dict[str, Array]  # (B,) each: mean per control step
    settled: dict[str, Array]  # (B,) each: mean per control step after the first `envs.success.SETTLING_SECONDS`
    final: dict[str, Array]  # (B,) each: value at the last step
    overflowed: Array | None = None  # (B,) int32: control steps that left contacts out; None if not known


Subject = tuple[Policy, Array, Mapping[str, float]]  # a policy to evaluate, its random key and reward weights


class Evaluator:
    """Evaluates policies in an environment: each policy runs one episode in each of `num_episodes` worlds.

    A call returns statistics over the episodes, and `episodes` returns the results of each one. The program that runs
    the episodes is compiled once.
    """

    def __init__(self, env: Env, num_episodes: int, *, num_policies: int = 1, allows_overflow: bool = False) -> None:
        """Define the program. It is compiled at its first use, unless `compile` is called before.

        Args:
          env: environment made for at least `num_episodes * num_policies` worlds.
          num_episodes: number of episodes for each policy.
          num_policies: number of policies that one program evaluates side by side, each in worlds of its own. On a CPU
            that is no faster than one policy after the other, and the results differ in the last bits.
          allows_overflow: if MJX-Warp left contacts out because its buffers were full, count these control steps in the
            results rather than raise ConfigError.
        """
        self._vec_env = VecEnv(env, num_episodes)
        self._allows_overflow = allows_overflow
        self._settling_steps = round(SETTLING_SECONDS / env.spec.control_period)
        self._num_policies = num_policies
        self._run: Any = jax.jit(self._episodes if num_policies == 1 else jax.vmap(self._episodes))

    def compile(self, pool: Executor, policy: Policy, weights: Mapping[str, float]) -> Future[None]:
        """Compile the program in a thread of the pool. Of `policy` and `weights` only shapes and names are read.

        The returned future ends when the program is compiled; its `result()` raises an error of the compilation.
        """
        one = jax.eval_shape(lambda policy: (policy, jax.random.key(0), _numbers(weights)), policy)
        several = jax.eval_shape(_side_by_side, [one] * self._num_policies)
        lowered = self._run.lower(*one if self._num_policies == 1 else several)

        def build() -> None:
            self._run = lowered.compile()

        return pool.submit(build)

    def __call__(self, policy: Policy, key: Array, weights: Mapping[str, float] | None = None) -> JsonObject:
        """Run one episode in each world and return statistics over them, such as `return_mean`, as plain numbers.

        Args:
          policy: policy to evaluate.
          key: random key of first states and actions.
          weights: reward weights by name that replace the environment's.

        Raises:
          ConfigError: if MJX-Warp left contacts out and that is not allowed.
        """
        return summarize(self.episodes(policy, key, weights))

    def episodes(self, policy: Policy, key: Array, weights: Mapping[str, float] | None = None) -> Episodes:
        """Run one episode in each world and return the results, on the host.

        Args:
          policy: policy to evaluate.
          key: random key of first states and actions.
          weights: reward weights by name that replace the environment's.

        Raises:
          ConfigError: if MJX-Warp left contacts out and that is not allowed.
        """
        return self._checked(jax.device_get(self._run(policy, key, _numbers(weights or {}))))

    def episodes_of_each(self, subjects: Sequence[Subject]) -> list[Episodes]:
        """Run one episode in each world for several policies. Return the results of each policy, in the given order.

        Args:
          subjects: policies, each with its random key and its reward weights. If `num_policies` is 1, they run one
            after the other, in any number. Else they run side by side, and there are 1 to `num_policies` of them.

        Raises:
          ConfigError: if MJX-Warp left contacts out and that is not allowed.
        """
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
    """Stack trees of equal structure along a new leading axis."""
    return jax.tree.map(lambda *rows: jnp.stack(rows), *trees)


def summarize(episodes: Episodes) -> JsonObject:
    """Return statistics over episodes, by name, as plain numbers.

    They are `return_mean`, `return_std`, `return_interval` (half the width of the mean's 95 % interval), `return_min`,
    `episode_length_mean` (control steps), `terminated_fraction`, `num_episodes`, the mean of each metric of the task,
    and, where they are known, `overflowed` (control steps that left contacts out) and `success_rate`.
    """
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
    """Return `success_rate`, the fraction of episodes that ended at the goal of their task, without a fall.

    Return an empty dictionary if the task has no metric `success`.
    """
    if "success" not in episodes.final:
        return {}
    return {"success_rate": float(goal_success(episodes.terminated, episodes.final).mean())}


def normalized_score(episode_return: float, reference_scores: tuple[float, float]) -> float:
    """Scale a return linearly, so that two reference returns become 0 and 100.

    The references are, for example, the returns of uniform actions and of an expert.

    Source: Fu et al. 2020 (D4RL).
    """
    low, high = reference_scores
    return 100 * (episode_return - low) / (high - low)
