"""Training data of an online Decision Transformer: windows of a dataset and of a replay of new episodes.

Axes: U updates, B windows of each, K control steps of a window.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from algos.common.dataset import Dataset
from algos.common.rollout import RolloutSource, RolloutState
from algos.common.types import Policy, Rollout
from algos.dt.config import DTConfig
from algos.dt.policy import DTPolicy
from algos.dt.replay import Relabelled, Replay, Steps
from algos.dt.windows import WindowBatch, Windows, best_first, num_windows_of_best, windows_at
from envs.errors import ConfigError
from envs.worlds.vector import VecEnv


@struct.dataclass
class OnlineState:
    """What `OnlineSource` carries from one sample to the next.

    It has the state of the worlds, a buffer of their newest control steps (the replay), and the best return so far.
    """

    rollout: RolloutState
    replay: Replay  # of this device's worlds
    best_return: Array  # () best return of all whole episodes that were ever in a replay


@dataclass(frozen=True)
class OnlineSource:
    """Steps worlds with a policy that is asked for a high return, and samples training data from whole episodes.

    It samples windows: some consecutive control steps of an episode, either of the dataset or of a buffer of new steps
    (the replay). New episodes are relabelled with the returns that they got. As soon as they and the dataset together
    have more than `replay_steps` steps, the dataset's episodes are left out, the worst first. Once the replay is full,
    new episodes replace the oldest ones in it. Every step of these episodes is in equally many windows.

    Source: Zheng, Zhang and Grover 2022, whose replay counts episodes instead of steps.
    """

    config: DTConfig
    vec_env: VecEnv

    def __post_init__(self) -> None:
        """Refuse a replay that is too small for whole episodes.

        Raises:
          ConfigError: naming the smallest size that works.
        """
        exploration, num_envs = self.config.exploration, self._num_envs
        least = num_envs * (self.vec_env.env.spec.episode_length + exploration.unroll_length)
        if exploration.replay_steps < least:
            raise ConfigError(
                f"exploration.replay_steps: {exploration.replay_steps} must be at least {least}, for whole episodes of "
                f"{num_envs} worlds and unroll_length more steps of each; raise it, or lower num_envs"
            )

    def reweighted(self, weights: Mapping[str, Array]) -> Self:
        """Return a copy of the source whose worlds use other reward weights: `weights` has values by their names.

        The dataset's returns stay as they were recorded.
        """
        return replace(self, vec_env=self.vec_env.reweighted(weights))

    def init(self, policy: Policy, key: Array) -> OnlineState:
        """Return newly reset worlds and an empty replay.

        All worlds are at an episode's first step: an episode cut short would be relabelled with too low a return.
        """
        worlds = self.vec_env.start(self.vec_env.fresh(key))
        rollout = RolloutState(worlds, policy.init_carry(self.vec_env.num_envs))
        num_rows = self.config.exploration.replay_steps // self._num_envs
        replay = Replay.init(self.vec_env.env.spec, num_rows, self.vec_env.num_envs)
        return OnlineState(rollout, replay, jnp.array(-jnp.inf))

    def sample(
        self, data: Dataset, state: OnlineState, policy: Policy, key: Array
    ) -> tuple[OnlineState, WindowBatch, dict[str, Array]]:
        """Step the worlds, then draw windows of control steps from the dataset and the new episodes, with replacement.

        Return the new state, this device's windows, and metrics by name.
        """
        key_rollout, key_windows = jax.random.split(key)
        shards = self.vec_env.shards
        assert isinstance(policy, DTPolicy) and data.high_return is not None
        asked = asked_return(self.config, jnp.maximum(state.best_return, data.high_return))
        source = RolloutSource(self.vec_env, self.config.exploration.unroll_length)
        explorer = policy.replace(target_return=asked)
        rollout, rows, metrics = source.sample(None, state.rollout, explorer, key_rollout)
        replay = state.replay.add(_steps(rows))
        relabelled = replay.relabelled()
        best = jnp.maximum(state.best_return, shards.max(relabelled.best_return))
        num_steps = shards.sum(relabelled.is_whole.sum())
        room = self.config.exploration.replay_steps - num_steps
        windows, share = self._windows(data, room, replay, relabelled, key_windows)
        metrics |= {
            "replay/asked_return": asked,
            "replay/best_return": best,
            "replay/num_steps": num_steps,
            "replay/share": share,
        }
        batch = WindowBatch(windows, data.statistics, jnp.maximum(best, data.high_return))
        return OnlineState(rollout, replay, best), batch, metrics

    def _windows(
        self, data: Dataset, room: Array, replay: Replay, relabelled: Relabelled, key: Array
    ) -> tuple[Windows, Array]:
        """Draw windows (U, B, K, ...) from the dataset and the replay. Return them, and the replay's share () of them.

        Only the best episodes of the dataset are drawn from, up to `room` () control steps in all. From the replay, a
        device draws windows of its own worlds only. With D devices it draws each of them D times as often as a window
        of the dataset, in place of those of the other devices' worlds.
        """
        config, shards = self.config, self.vec_env.shards
        length, shape = config.context_length, (config.num_updates, config.batch_size // shards.num)
        num_own = relabelled.num_windows(length).sum() * shards.num
        num_new = shards.mean(num_own)
        num_old = num_windows_of_best(data, room, length)
        drawn = jax.random.randint(shards.key(key), shape, 0, num_own + num_old)
        is_own = drawn < num_own
        own = replay.windows(relabelled, drawn // shards.num, length)
        old = windows_at(data, best_first(data, jnp.maximum(drawn - num_own, 0), length), length)

        def chosen(own: Array, old: Array) -> Array:
            return jnp.where(is_own.reshape(shape + (1,) * (own.ndim - 2)), own, old)

        return jax.tree.map(chosen, own, old), num_new / (num_new + num_old)

    @property
    def _num_envs(self) -> int:
        return self.vec_env.num_envs * self.vec_env.shards.num


def asked_return(config: DTConfig, best_return: Array) -> Array:
    """Return the return () to ask for when exploring.

    It is the configured `asked_return`, if there is one. Otherwise it is twice the configured `target_return` or,
    without that too, twice `best_return` (), the best return known so far; in both cases 0 in place of a negative one.
    """
    if config.exploration.asked_return is not None:
        return jnp.full_like(best_return, config.exploration.asked_return)
    expected = best_return if config.target_return is None else jnp.full_like(best_return, config.target_return)
    return expected + jnp.abs(expected)


def _steps(rollout: Rollout) -> Steps:
    action, time = rollout.info
    seen = rollout.observation
    return Steps(seen.obs, seen.goal, action, rollout.reward, rollout.terminated, rollout.truncated, time)
