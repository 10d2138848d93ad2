"""The programs that `benchmarks.offline` measures."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

import flexrl.gym  # noqa: F401
from algos.common.rollout import RolloutSource
from algos.common.types import Policy
from envs.types import Env, Observation
from envs.worlds.vector import VecEnv
from flexrl.cli.arguments import parse
from flexrl.config.run_config import RunConfig
from flexrl.data.episode import Episode
from flexrl.data.minari_format import write_minari
from flexrl.engine.engine import Engine
from flexrl.engine.factory import make_algorithm, make_engine, make_env
from flexrl.engine.training_data import load_training_data
from flexrl.policies.episode_collector import Collector
from flexrl.policies.playback import load_playback
from flexrl.storage.provenance import REPOSITORY

ENV = "humanoid-walk"
OBS_SIZE, ACTION_SIZE, EPISODE_LENGTH = 45, 17, 1000
PRODUCT_SIZE = 1536  # rows and columns of the matrices in `ProductSubject`


@dataclass(frozen=True)
class Learner:
    """A training that is compiled and ready to run.

    Attributes:
      config: config of the run.
      engine: the compiled programs that make a training iteration.
    """

    config: RunConfig
    engine: Engine


def learner(algo: str, dataset: Path, *flags: str) -> Learner:
    """Build and compile an algorithm's training on a dataset, by its defaults and these flags of `flexrl.train`."""
    own = ["--algo", algo, "--env", ENV, "--algorithm.dataset", str(dataset)]
    config = parse([*own, *flags]).config
    env = make_env(config)
    data = load_training_data(config, env.spec)
    assert data is not None
    engine = make_engine(config, env, data=data.arrays)
    engine.compile()
    return Learner(config, engine)


def made_up_dataset(folder: Path, megabytes: float) -> Path:
    """Write a dataset of random episodes with `ENV`'s sizes, of so many megabytes or little more; return its folder."""
    bytes_of_an_episode = EPISODE_LENGTH * (4 * (OBS_SIZE + ACTION_SIZE + 1) + 2)
    rng = np.random.default_rng(0)

    def episode() -> Episode:
        last = np.arange(EPISODE_LENGTH) == EPISODE_LENGTH - 1
        return Episode(
            obs=rng.normal(size=(EPISODE_LENGTH + 1, OBS_SIZE)).astype(np.float32),
            goal=np.zeros((EPISODE_LENGTH + 1, 0), np.float32),
            action=rng.uniform(-1, 1, (EPISODE_LENGTH, ACTION_SIZE)).astype(np.float32),
            reward=rng.uniform(size=EPISODE_LENGTH).astype(np.float32),
            terminated=last & False,
            truncated=last,
            infos={},
            options={},
        )

    episodes = [episode() for _ in range(int(megabytes * 1e6 / bytes_of_an_episode) + 1)]
    folder.mkdir()
    write_minari(folder, episodes, {"dataset_id": "flexrl/made-up/random-v0"})
    return folder


def flop_of_an_update(config: RunConfig) -> float:
    """Return the number of floating-point operations in one gradient step of a Decision Transformer.

    Matrix products are counted, forward and twice as many backward. Embeddings are left out.
    """
    dt = config.algorithm
    num_tokens, size = 3 * dt.context_length, dt.embed_size
    dense = 2 * 12 * size**2 * num_tokens
    attention = 2 * 2 * num_tokens**2 * size
    return 3 * dt.num_layers * dt.batch_size * (dense + attention)


class UpdateSubject:
    """Training from a dataset, to be timed: a call is one iteration of a learner, with the sampling of its minibatches.

    Its `num_steps` are gradient steps.
    """

    def __init__(self, name: str, learner: Learner) -> None:
        """Initialise the network of a learner, whose iterations are to be timed."""
        self.name, self.num_steps = name, learner.config.algorithm.num_updates
        self._engine = learner.engine
        self._run = learner.engine.init(seed=0)

    def run(self, num_calls: int) -> float:
        """Make `num_calls` iterations of the training; return the seconds that they took."""
        started = time.perf_counter()
        for _ in range(num_calls):
            self._run, _ = self._engine.step(self._run)
        jax.block_until_ready(self._run)
        return time.perf_counter() - started


class ProductSubject:
    """A product of two square matrices, to be timed as the machine's peak rate.

    Its `num_steps` are floating-point operations.
    """

    name = "matrix product"
    num_steps = 2 * PRODUCT_SIZE**3

    def __init__(self) -> None:
        """Draw a random square matrix, and define the program that multiplies it by itself."""
        self._matrix = jax.random.normal(jax.random.key(0), (PRODUCT_SIZE, PRODUCT_SIZE))
        self._product = jax.jit(lambda a: a @ a)

    def run(self, num_calls: int) -> float:
        """Multiply the matrices `num_calls` times; return the seconds that it took."""
        started = time.perf_counter()
        for _ in range(num_calls):
            found = self._product(self._matrix)
        jax.block_until_ready(found)
        return time.perf_counter() - started


def dt_policy(num_envs: int) -> tuple[Env, Policy]:
    """Return humanoid-walk for `num_envs` worlds, and an untrained Decision Transformer for it."""
    config = parse(["--algo", "dt", "--env", ENV, "--algorithm.dataset", "unread", "--num-envs", str(num_envs)]).config
    env = make_env(config)
    algorithm = make_algorithm(config, env)
    return env, algorithm.policy(algorithm.init(jax.random.key(0)), deterministic=True)


def expert(num_envs: int) -> tuple[Env, Policy]:
    """Return the environment humanoid-skills for `num_envs` worlds, and the pretrained policy for it."""
    playback = load_playback(
        str(REPOSITORY / "pretrained" / "humanoid-skills"), "workspace", "best", num_episodes=num_envs
    )
    return playback.env, playback.policy


class RolloutSubject:
    """A policy in many worlds, to be timed: a call is one rollout, compiled into one program."""

    def __init__(self, name: str, env: Env, policy: Policy, num_envs: int, unroll_length: int) -> None:
        """Start `num_envs` worlds, in which the policy makes `unroll_length` control steps a call."""
        self.name, self.num_steps = name, num_envs * unroll_length
        source = RolloutSource(VecEnv(env, num_envs), unroll_length)
        self._policy, self._key = policy, jax.random.key(0)
        self._sample = jax.jit(lambda *state: source.sample(None, *state), donate_argnums=0)
        self._state = jax.jit(source.init)(policy, jax.random.key(1))

    def run(self, num_calls: int) -> float:
        """Roll the policy out `num_calls` times; return the seconds that it took."""
        started = time.perf_counter()
        for _ in range(num_calls):
            self._key, key = jax.random.split(self._key)
            self._state, batch, _ = self._sample(self._state, self._policy, key)
        jax.block_until_ready(batch)
        return time.perf_counter() - started


class LoopSubject:
    """A policy in one world, to be timed: a call is one control step in Python, through Gymnasium's interface."""

    num_steps = 1

    def __init__(self, name: str, policy: Policy) -> None:
        """Start one world of humanoid-walk, in which the policy acts."""
        self.name, self._policy = name, policy
        self._env = gymnasium.make("flexrl/HumanoidWalk-v0")
        self._act = jax.jit(type(policy).act)
        self._begin()

    def run(self, num_calls: int) -> float:
        """Make `num_calls` control steps; return the seconds that they took."""
        started = time.perf_counter()
        for _ in range(num_calls):
            self._carry, action, _ = self._act(self._policy, self._carry, self._seen, jax.random.key(0))
            obs, reward, terminated, truncated, _ = self._env.step(np.asarray(action[0]))
            self._seen = _seen(obs, float(reward), is_first=False)
            if terminated or truncated:
                self._begin()
        return time.perf_counter() - started

    def _begin(self) -> None:
        self._carry = self._policy.init_carry(1)
        self._seen = _seen(self._env.reset(seed=0)[0], 0.0, is_first=True)


class CollectionSubject:
    """Collection of episodes, to be timed: a call collects one whole episode in each world.

    Its `num_steps` are the control steps of these episodes.
    """

    def __init__(self, name: str, env: Env, policy: Policy, num_envs: int) -> None:
        """Collect one episode in each world, to count the control steps of a call."""
        self.name, self._policy, self._num = name, policy, num_envs
        self._collector = Collector(VecEnv(env, num_envs))
        self.num_steps = sum(episode.length for episode in self._collect())

    def run(self, num_calls: int) -> float:
        """Collect an episode in each world, `num_calls` times; return the seconds that it took."""
        started = time.perf_counter()
        for _ in range(num_calls):
            self._collect()
        return time.perf_counter() - started

    def _collect(self) -> list[Episode]:
        return self._collector(self._policy, self._num, jax.random.key(0), {}).episodes


def _seen(obs: Any, reward: float, *, is_first: bool) -> Observation:
    return Observation(
        jnp.asarray(obs, jnp.float32)[None], jnp.zeros((1, 0)), jnp.full(1, reward), jnp.full(1, is_first)
    )
