"""Whole episodes from many worlds, in one compiled program. Axes: T control steps, B worlds."""

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
from flexrl.common.warp_buffers import require_room
from flexrl.data.episode import Episode

CHUNK = 32  # control steps between two looks at who has finished; a world that ended waits for the next


@struct.dataclass
class UniformPolicy:
    """Acts uniformly in [-1, 1], whatever it sees."""

    action_size: int = struct.field(pytree_node=False)

    def init_carry(self, num_envs: int) -> tuple:
        """No memory."""
        return ()

    def act(self, carry: tuple, observation: Observation, key: Array) -> tuple[tuple, Array, tuple]:
        """Actions (B, A)."""
        shape = (*observation.reward.shape, self.action_size)
        return carry, jax.random.uniform(key, shape, minval=-1.0, maxval=1.0), ()


@struct.dataclass
class Seen:
    """What there is before and after a step."""

    obs: Any  # (T + 1, B, O)
    goal: Any  # (T + 1, B, G)
    infos: dict[str, Any]  # (T + 1, B, ...)


@struct.dataclass
class Steps:
    """What happens in a step."""

    action: Any  # (T, B, A)
    reward: Any  # (T, B)
    terminated: Any  # (T, B) bool
    truncated: Any  # (T, B) bool
    bad: Any  # (T, B) bool: something became non-finite
    overflowed: Any  # (T, B) bool: physics left contacts out; None where nobody knows


@dataclass
class Collected:
    """Episodes, and what was left out of them."""

    episodes: list[Episode]
    num_dropped_rows: int = 0  # non-finite; each ended its episode, one step earlier
    num_dropped_episodes: int = 0  # that had no other row


class Collector:
    """Collects with any policy of one structure; compiled once."""

    def __init__(self, vec_env: VecEnv) -> None:
        """Prepare; compilation happens on first use."""
        self._vec_env = vec_env
        self._start = jax.jit(lambda key: vec_env.start(vec_env.fresh(key)))
        self._run = jax.jit(self._chunk, donate_argnums=(1, 2))

    def __call__(self, policy: Policy, num_episodes: int, key: Array, options: dict[str, Any]) -> Collected:
        """The first `num_episodes` episodes to begin, however long they last, so that none is favoured for its length.

        Args:
          policy: acts.
          num_episodes: a world begins the next one when its own has ended.
          key: of first states and actions.
          options: noted of each episode.

        Raises:
          ConfigError: as soon as MJX-Warp left contacts out.
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
        """Restart some worlds (B,), then `CHUNK` steps of all."""
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
    """An episode that has not ended."""

    number: int
    length: int = 0
    parts: list[tuple[Seen, Steps]] = dataclasses.field(default_factory=list)

    def add(self, seen: Seen, steps: Steps, world: int, num_steps: int) -> None:
        """Take in the first steps of a chunk."""
        part: Any = (
            jax.tree.map(lambda x: x[: num_steps + 1, world], seen),
            jax.tree.map(lambda x: x[:num_steps, world], steps),
        )
        self.parts.append(part)
        self.length += num_steps

    def whole(self, options: dict[str, Any]) -> Episode:
        """The episode, which ends here; a bad row that followed has cut it."""
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
