"""Measure how well a policy does each skill of `humanoid-skills`: alone, while skills change, and after a change."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from algos.common.types import Policy
from envs.success import SETTLING_SECONDS, skill_success, wilson_lower_bound
from envs.tasks.humanoid_skills.goals import SKILL_NAMES, STAND_UP, Goals
from envs.worlds.randomized import RandomizedEnv
from envs.worlds.vector import VecEnv
from flexrl.common.types import JsonObject
from flexrl.common.warp_buffers import require_room
from flexrl.engine.evaluator import Episodes, Evaluator, final_key
from flexrl.engine.factory import make_evaluation_env
from flexrl.policies.playback import Playback

ERRORS = ("velocity_error", "turn_error")
PUSHES = {"push_interval": (2.0, 4.0), "push_velocity": (0.3, 0.8)}  # s between two pushes, m/s of a push
TRANSITION_SECONDS = 5.0  # s that each of the two skills of a transition is commanded


def examine(playback: Playback, num_episodes: int, num_transition_episodes: int, seed: int) -> JsonObject:
    """Measure each skill's success, the falls while skills change, and each skill's success after each other one.

    Args:
      playback: a policy that was trained on `humanoid-skills`.
      num_episodes: number of episodes for each skill, and for each of the two fall rates (without and with pushes).
      num_transition_episodes: number of episodes for each ordered pair of skills; 0 leaves the transitions out.
      seed: random seed of the episodes.

    Returns:
      The report that `skills.json` holds, as plain data.

    Raises:
      ConfigError: if MJX-Warp left contacts out.
    """
    task = playback.config.task
    # A skill may be listed several times to be trained more often; evaluations use each one equally often.
    task = dataclasses.replace(task, skills=tuple(dict.fromkeys(task.skills)))
    playback = dataclasses.replace(playback, config=dataclasses.replace(playback.config, task=task))
    episodes = functools.partial(_episodes, playback, num_episodes, seed)
    report: JsonObject = {"step": playback.step, "episodes": num_episodes}
    report["skills"] = {name: _one_skill(name, episodes(_asking_only_for(playback, name), {})) for name in task.skills}
    report["switching"] = _switching(episodes(task, {}))
    report["switching_with_pushes"] = _switching(episodes(task, PUSHES))
    if num_transition_episodes:
        report["transitions"] = _transitions(playback, num_transition_episodes, seed)
    return report


def _asking_only_for(playback: Playback, skill: str) -> Any:
    """Return the config of the policy's task, changed so that each episode commands `skill` from start to end."""
    seconds = playback.env.spec.episode_length * playback.env.spec.control_period
    return dataclasses.replace(
        playback.config.task, skills=(skill,), goal_strategy="single", goal_seconds=(seconds, seconds)
    )


def _episodes(playback: Playback, num_episodes: int, seed: int, task: Any, disturbances: JsonObject) -> Episodes:
    randomization = dataclasses.replace(playback.config.randomization, **disturbances)
    config = dataclasses.replace(playback.config, task=task, randomization=randomization)
    evaluator = Evaluator(make_evaluation_env(config, num_episodes), num_episodes)
    return evaluator.episodes(playback.policy, final_key(seed))


def _one_skill(skill: str, episodes: Episodes) -> dict[str, float]:
    success = skill_success(skill, episodes.terminated, episodes.settled, episodes.final)
    return {
        "success": float(success.mean()),
        "success_lower_bound": wilson_lower_bound(int(success.sum()), len(success)),
        **{name: float(episodes.settled[name].mean()) for name in ERRORS},
        "air_seconds": float(episodes.final["air_seconds"].mean()),
        "falls": float(episodes.terminated.mean()),
    }


def _switching(episodes: Episodes) -> dict[str, float]:
    return {
        "falls_per_episode": float(episodes.terminated.mean()),
        "falls_per_1000_steps": 1000 * float(episodes.terminated.sum() / episodes.length.sum()),
        **{name: float(episodes.settled[name].mean()) for name in ERRORS},
    }


def _transitions(playback: Playback, num_episodes: int, seed: int) -> dict[str, dict[str, float]]:
    """Return `table[first][second]`: the success of the second skill in the seconds after a change from the first."""
    skills, seconds = playback.config.task.skills, (TRANSITION_SECONDS, TRANSITION_SECONDS)
    pairs = [(a, b) for a in range(len(skills)) for b in range(len(skills)) if a != b]
    num_worlds = len(pairs) * num_episodes

    def env_of(*skills: str) -> Any:
        task = dataclasses.replace(playback.config.task, skills=skills, goal_strategy="balanced", goal_seconds=seconds)
        return make_evaluation_env(dataclasses.replace(playback.config, task=task), num_worlds)

    orders = np.repeat(pairs, num_episodes, axis=0)
    second_halves = _SecondHalves(env_of(*skills), env_of("stand-still"), env_of("stand-up"), orders)
    outcome = jax.jit(second_halves)(playback.policy, final_key(seed))
    *of_worlds, num_overflowed = outcome
    require_room(int(num_overflowed), num_worlds * second_halves.num_steps)
    of_pairs = jax.tree.map(lambda x: np.asarray(x).reshape(len(pairs), num_episodes), of_worlds)
    return _success_by_pair(skills, pairs, *of_pairs)


def _success_by_pair(
    skills: Sequence[str],
    pairs: Sequence[tuple[int, int]],
    fallen: np.ndarray,
    settled: dict[str, np.ndarray],
    final: dict[str, np.ndarray],
) -> dict[str, dict[str, float]]:
    """Return `table[first][second]`: the fraction of episodes in which the second skill succeeded.

    Args:
      skills: names of all skills, by index.
      pairs: indices of the first and the second skill.
      fallen: (pairs, N) bool: whether the body fell in each of N episodes.
      settled: (pairs, N) each: metrics averaged over the second skill, once it had time to settle.
      final: (pairs, N) each: metrics at the end of the second skill.
    """
    table: dict[str, dict[str, float]] = {name: {} for name in skills}
    for k, (a, b) in enumerate(pairs):
        numbers = [{name: x[k] for name, x in metrics.items()} for metrics in (settled, final)]
        table[skills[a]][skills[b]] = float(skill_success(skills[b], fallen[k], *numbers).mean())
    return table


class _SecondHalves:
    """Runs worlds that are commanded one skill and then a second, and measures how they do the second one."""

    def __init__(self, env: Any, on_foot: Any, lying: Any, pairs: np.ndarray) -> None:
        """Prepare one world for each pair of skills; pairs (B, 2) are indices into the task's skills.

        `env` has all skills. Worlds whose first skill is to stand up begin as episodes of `lying` do, which is the same
        task asked to stand up only. All others begin as episodes of `on_foot`, which begin standing.
        """
        self._worlds, self._on_foot, self._lying = (VecEnv(each, len(pairs)) for each in (env, on_foot, lying))
        self._sampler = (env.env if isinstance(env, RandomizedEnv) else env).goals
        self._orders = np.array([np.resize(pair, self._sampler.num_goals) for pair in pairs])
        self._lies = np.array([self._sampler.skills[first] == SKILL_NAMES[STAND_UP] for first, _ in pairs])
        self._half = round(TRANSITION_SECONDS / env.spec.control_period)
        self.num_steps = 2 * self._half  # of each world
        self._settled_from = self._half + round(SETTLING_SECONDS / env.spec.control_period)

    def __call__(self, policy: Policy, key: Array) -> tuple[Array, dict[str, Array], dict[str, Array], Array]:
        """Run each world through its two skills.

        Returns:
          fallen: (B,) bool: whether each world fell while it was commanded either skill.
          settled: dict of arrays (B,): errors of velocity and turn by name, averaged over the second skill from 1 s
            after its start.
          final: dict of two arrays (B,), in s: `air_seconds`, the longest flight during the second skill, and
            `standing_seconds`, for how long the body has stood when the second skill ends.
          num_overflowed: number of control steps of all worlds in which contacts were left out.
        """
        key_fresh, key_goals, key_act = jax.random.split(key, 3)
        num, worlds = self._worlds.num_envs, self._worlds
        goals = jax.vmap(self._sampler.in_order)(jax.random.split(key_goals, num), jnp.asarray(self._orders))
        lying = self._lying.fresh(jax.random.fold_in(key_fresh, 0))
        fresh = jax.vmap(worlds.env.where)(jnp.asarray(self._lies), lying, self._on_foot.fresh(key_fresh))
        fresh = fresh.replace(goal=jax.vmap(Goals.vector)(goals), info=fresh.info | {"goals": goals})

        def step(state: tuple, time: Array) -> tuple[tuple, tuple[Array, Array]]:
            worlds_state, carry, fallen, total, best_air = state
            carry, action, _ = policy.act(carry, worlds_state.observation, jax.random.fold_in(key_act, time))
            worlds_state, transition = worlds.step(worlds_state, action, fresh)
            counts = time >= self._settled_from
            total = {name: total[name] + jnp.where(counts, transition.metrics[name], 0) for name in ERRORS}
            tracking = worlds_state.env.info["tracking"]
            best_air = jnp.where(time >= self._half, jnp.maximum(best_air, tracking.flight_seconds), 0)
            state = (worlds_state, carry, fallen | transition.terminated, total, best_air)
            overflowed = jnp.zeros(num, bool) if transition.overflowed is None else transition.overflowed
            return state, (tracking.standing_seconds, overflowed.sum())

        zero = jnp.zeros(num)
        start = (worlds.start(fresh), policy.init_carry(num), zero > 0, dict.fromkeys(ERRORS, zero), zero)
        end, (standing, num_overflowed) = jax.lax.scan(step, start, jnp.arange(self.num_steps))
        _, _, fallen, total, best_air = end
        settled = {name: x / (self.num_steps - self._settled_from) for name, x in total.items()}
        final = {"air_seconds": best_air, "standing_seconds": standing[-1]}
        return fallen, settled, final, num_overflowed.sum()
