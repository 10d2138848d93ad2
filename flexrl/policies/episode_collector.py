"""Collect whole episodes from many worlds by one compiled program. Axes: T control steps, B worlds."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array

from algos.common.types import Policy
from envs.types import Observation
from envs.worlds.vector import VecEnv, VecState
from flexrl.common.types import JsonObject
from flexrl.common.warp_buffers import require_room
from flexrl.data.episode import Episode

CHUNK = 32  # control steps of one program; a world whose episode ends restarts only after all of them


@struct.dataclass
class UniformPolicy:
    """Policy that draws actions uniformly from [-1, 1]."""

    action_size: int = struct.field(pytree_node=False)

    def init_carry(self, num_envs: int) -> tuple:
        """Return an empty memory."""
        return ()

    def act(self, carry: tuple, observation: Observation, key: Array) -> tuple[tuple, Array, tuple]:
        """Return the memory as it was, random actions (B, A) for B worlds, and an empty tuple of further outputs."""
        shape = (*observation.reward.shape, self.action_size)
        return carry, jax.random.uniform(key, shape, minval=-1.0, maxval=1.0), ()


@struct.dataclass
class Seen:
    """Observations, goals and `qpos` and `qvel` in a chunk: T control steps of B worlds, which one program runs.

    They have T + 1 rows: one before each step, and one after the last.
    """

    obs: Any  # (T + 1, B, O)
    goal: Any  # (T + 1, B, G)
    infos: JsonObject  # (T + 1, B, ...)


@struct.dataclass
class Steps:
    """Actions and their outcomes in a chunk: T control steps of B worlds, which one program runs.

    The outcomes are rewards, ends of episodes, and whether a step became non-finite or left contacts out.
    """

    action: Any  # (T, B, A)
    reward: Any  # (T, B)
    terminated: Any  # (T, B) bool
    truncated: Any  # (T, B) bool
    bad: Any  # (T, B) bool: the action, the physics or the task became non-finite
    overflowed: Any  # (T, B) bool: physics left contacts out; None if not known


@dataclass
class Collected:
    """Collected episodes, and how much was left out because it was not finite.

    What was left out is counted in control steps, and in episodes whose first step was not finite.
    """

    episodes: list[Episode]
    num_dropped_rows: int = 0  # non-finite steps; each one ended its episode, without itself
    num_dropped_episodes: int = 0  # episodes whose first step was non-finite


class Collector:
    """Runs policies in many worlds at once, and returns whole episodes with all observations, actions and rewards.

    The program that runs a policy is compiled once, and serves all policies of the same pytree structure.
    """

    def __init__(self, vec_env: VecEnv) -> None:
        """Define two programs: one starts all worlds of `vec_env`, the other runs some control steps of them.

        They are compiled at their first use.
        """
        self._vec_env = vec_env
        self._start = jax.jit(lambda key: vec_env.start(vec_env.fresh(key)))
        self._run = jax.jit(self._chunk, donate_argnums=(1, 2))

    def __call__(self, policy: Policy, num_episodes: int, key: Array, options: JsonObject) -> Collected:
        """Collect the `num_episodes` episodes that begin first, however long they last.

        To take those that end first would favour short episodes.

        Args:
          policy: policy that acts.
          num_episodes: number of episodes; a world whose episode has ended begins another until this many have begun.
          key: random key of first states and actions.
          options: facts to store with each episode, such as `tier`, which says what policies acted.

        Raises:
          ConfigError: as soon as MJX-Warp leaves contacts out.
        """
        num_envs = self._vec_env.num_envs
        key_start, key = jax.random.split(key)
        worlds, carry = self._start(key_start), policy.init_carry(num_envs)
        running: list[_Running | None] = [_Running(i) if i < num_episodes else None for i in range(num_envs)]
        num_begun = min(num_envs, num_episodes)
        done_B = np.zeros(num_envs, bool)
        episodes: dict[int, Episode] = {}
        num_dropped_rows = 0
        for number in range(2**31):
            if all(episode is None for episode in running):
                break
            worlds, carry, rows = self._run(policy, worlds, carry, done_B, jax.random.fold_in(key, number))
            seen, steps = jax.device_get(rows)
            if steps.overflowed is not None:
                is_running_B = np.array([episode is not None for episode in running])
                require_room(int(steps.overflowed[:, is_running_B].sum()), CHUNK * int(is_running_B.sum()))
            ends = steps.terminated | steps.truncated | steps.bad
            done_B = ends.any(axis=0)
            end_B = ends.argmax(axis=0)
            for world, episode in enumerate(running):
                if episode is None:
                    continue
                if not done_B[world]:
                    episode.add(seen, steps, world, CHUNK)
                    continue
                end = end_B[world]
                is_bad = steps.bad[end, world]
                num_dropped_rows += int(is_bad)
                episode.add(seen, steps, world, end if is_bad else end + 1)
                if episode.length:
                    episodes[episode.number] = episode.whole(options)
                running[world] = _Running(num_begun) if num_begun < num_episodes else None
                num_begun += running[world] is not None
        kept = [episodes[number] for number in sorted(episodes)]
        return Collected(kept, num_dropped_rows, num_episodes - len(kept))

    def _chunk(
        self, policy: Policy, worlds: VecState, carry: Any, restarts: Array, key: Array
    ) -> tuple[VecState, Any, tuple[Seen, Steps]]:
        """Restart the worlds marked in `restarts` (B,), then run `CHUNK` control steps of all worlds.

        Returns:
          The worlds, the policy's memory, and what was seen and done in these steps.
        """
        key_fresh, key_steps = jax.random.split(key)
        worlds = self._vec_env.restart(worlds, restarts, self._vec_env.fresh(key_fresh))

        def step(state: tuple[VecState, Any], key: Array) -> tuple[tuple[VecState, Any], tuple[Seen, Steps]]:
            worlds, carry = state
            carry, action, _ = policy.act(carry, worlds.observation, key)
            after, transition = self._vec_env.advance(worlds, action)
            bad = transition.diverged | ~jnp.isfinite(action).all(axis=-1)
            ends = (transition.terminated, transition.truncated)
            row = Steps(action, transition.reward, *ends, bad, transition.overflowed)
            return (after, carry), (_seen(worlds), row)

        (worlds, carry), (seen, steps) = jax.lax.scan(step, (worlds, carry), jax.random.split(key_steps, CHUNK))
        seen = jax.tree.map(lambda rows, last: jnp.concatenate([rows, last[None]]), seen, _seen(worlds))
        return worlds, carry, (seen, steps)


@dataclass
class _Running:
    """An episode that has begun and not ended: its number, its length in control steps, and its parts.

    Episodes are numbered in the order in which they begin. A part is what one program ran of the episode.
    """

    number: int
    length: int = 0
    parts: list[tuple[Seen, Steps]] = dataclasses.field(default_factory=list)

    def add(self, seen: Seen, steps: Steps, world: int, num_steps: int) -> None:
        """Append a part to the episode: of the world with index `world`, the first `num_steps` control steps.

        `seen` and `steps` hold what was seen and done in all worlds.
        """
        part: Any = (
            jax.tree.map(lambda x: x[: num_steps + 1, world], seen),
            jax.tree.map(lambda x: x[:num_steps, world], steps),
        )
        self.parts.append(part)
        self.length += num_steps

    def whole(self, options: JsonObject) -> Episode:
        """Join the parts to an episode, which also stores the facts in `options`, such as which policy acted.

        If the last step does not terminate the episode, it counts as truncated there.
        """
        *earlier, last = (seen for seen, _ in self.parts)
        before = [jax.tree.map(lambda x: x[:-1], seen) for seen in earlier]
        seen = jax.tree.map(lambda *rows: np.concatenate(rows), *before, last)
        steps = jax.tree.map(lambda *rows: np.concatenate(rows), *(steps for _, steps in self.parts))
        steps.truncated[-1] |= not steps.terminated[-1]
        return Episode(
            seen.obs,
            seen.goal,
            steps.action,
            steps.reward,
            steps.terminated,
            steps.truncated,
            seen.infos,
            options,
        )


def _seen(worlds: VecState) -> Seen:
    physics = worlds.env.physics
    infos = {"qpos": physics["qpos"], "qvel": physics["qvel"]}
    return Seen(worlds.observation.obs, worlds.observation.goal, infos)
