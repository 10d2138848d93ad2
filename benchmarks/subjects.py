"""The programs that are measured, from physics alone to training, all starting in the same worlds.

The worlds are in the middle of episodes, and one that falls starts anew at once, as in training: a humanoid on
the floor costs more physics than one on its feet. Axes: T time, B worlds, A action.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from mujoco.batch import Batch

from algos.ppo import PPO, PPOTrainState
from algos.rollout import RolloutSource, RolloutState
from algos.types import Rollout
from benchmarks.measure import Subject
from envs.humanoid_walk import HumanoidWalk
from envs.physics import PhysicsState
from envs.vector import VecEnv
from flexrl.arguments import parse
from flexrl.build import make_algorithm, make_env
from flexrl.engine import Engine, Run

NUM_MIXING_STEPS = 100  # several episodes of an untrained policy, after which worlds fall at different times


@dataclass(frozen=True)
class Setup:
    """An environment, its worlds and a learner."""

    env: HumanoidWalk
    source: RolloutSource
    algo: PPO

    @property
    def num_steps(self) -> int:
        """Control steps of one iteration."""
        return self.source.vec_env.num_envs * self.source.unroll_length


def default_setup(physics: str, num_envs: int) -> Setup:
    """humanoid-walk and PPO as `flexrl.train` runs them on this machine when told nothing else."""
    config = parse(["--physics", physics, "--num-envs", str(num_envs), "--evaluation-episodes", "1"]).config
    env = make_env(config)
    algo = make_algorithm(config, env)
    assert isinstance(env, HumanoidWalk)
    assert isinstance(algo, PPO)
    return Setup(env, RolloutSource(VecEnv(env, num_envs), config.algorithm.unroll_length), algo)


@dataclass(frozen=True)
class Start:
    """Where physics and training start; each copies what it donates."""

    train: PPOTrainState  # untrained
    source: RolloutState  # worlds that fall at different times
    fresh: PhysicsState  # (B, ...) first states for worlds that fall
    ctrl_TBA: Array  # what the policy's actions mean to the actuators
    key: Array


class RolloutSubject:
    """Sampling with an untrained policy: physics, observations, rewards, resets and the policy's network."""

    name = "rollout"

    def __init__(self, setup: Setup) -> None:
        """Define the program, and start worlds."""
        self.num_steps = setup.num_steps
        self._setup = setup
        self._sample = jax.jit(_sample_program(setup), donate_argnums=0)
        key_train, key_worlds, self._key = jax.random.split(jax.random.key(0), 3)
        self._train = setup.algo.init(key_train)
        self._source = jax.jit(lambda train, key: setup.source.init(setup.algo.policy(train), key))(
            self._train, key_worlds
        )
        self._fresh = _copy(self._source.worlds.env.physics)

    def run(self, num_calls: int) -> float:
        """See `Subject.run`."""
        started = time.perf_counter()
        for _ in range(num_calls):
            self._source, batch, self._key, _ = self._sample(self._source, self._train, self._key)
        jax.block_until_ready(batch)
        return time.perf_counter() - started

    def start_of_others(self) -> Start:
        """Run on until the worlds are in the middle of episodes, and return them."""
        self.run(math.ceil(NUM_MIXING_STEPS / self._setup.source.unroll_length))
        self._key, key_action, key = jax.random.split(self._key, 3)
        return Start(self._train, _copy(self._source), self._fresh, self._draw_controls(key_action), key)

    def _draw_controls(self, key: Array) -> Array:
        """Controls (T, B, A) drawn from the policy, T times for the same observations."""
        policy, source = self._setup.algo.policy(self._train), self._source
        keys = jax.random.split(key, self._setup.source.unroll_length)
        action_TBA = jax.vmap(lambda key: policy.act(source.carry, source.worlds.observation, key)[1])(keys)
        return action_TBA * jnp.asarray(self._setup.env.physics.spec.model.actuator_ctrlrange[:, 1])


def physics_subjects(setup: Setup, start: Start) -> list[Subject]:
    """Physics without learning: through JAX, and where it leaves the program also by itself."""
    alone = [BatchSubject(setup, start)] if setup.env.has_host_callback else []
    return [*alone, PhysicsSubject(setup, start)]


class BatchSubject:
    """MuJoCo's own threads, without JAX; fallen worlds restart between the timed calls."""

    name = "physics alone"

    def __init__(self, setup: Setup, start: Start) -> None:
        """Put the worlds into a batch of the backend's model."""
        self.num_steps = setup.num_steps
        self._config = setup.env.config
        self._num_substeps = setup.env.physics.spec.num_substeps
        self._ctrl_TBA = np.asarray(start.ctrl_TBA)
        self._fresh = np.asarray(start.fresh.internal)
        self._batch = Batch(setup.env.physics.spec.model, nsim=len(self._fresh), nthread=0)
        self._batch.state[...] = np.asarray(start.source.worlds.env.physics.internal)

    def run(self, num_calls: int) -> float:
        """See `Subject.run`."""
        return sum(self._step(ctrl_BA) for _ in range(num_calls) for ctrl_BA in self._ctrl_TBA)

    def _step(self, ctrl_BA: np.ndarray) -> float:
        batch = self._batch
        started = time.perf_counter()
        batch.ctrl[...] = ctrl_BA
        batch.step(nstep=self._num_substeps)
        seconds = time.perf_counter() - started
        height = batch.qpos[:, 2]
        upright = (height >= self._config.min_height) & (height <= self._config.max_height)
        batch.state[~upright] = self._fresh[~upright]
        return seconds


class PhysicsSubject:
    """`Physics.step` compiled by JAX; fallen worlds restart inside the program, by a `where`."""

    name = "physics in JAX"

    def __init__(self, setup: Setup, start: Start) -> None:
        """Define the program."""
        self.num_steps = setup.num_steps
        physics, config = setup.env.physics, setup.env.config

        def unroll(state: PhysicsState, fresh: PhysicsState, ctrl_TBA: Array) -> PhysicsState:
            def step(state: PhysicsState, ctrl_BA: Array) -> tuple[PhysicsState, None]:
                state = jax.vmap(physics.step)(state, ctrl_BA)
                height = state["qpos"][:, 2]
                upright = (height >= config.min_height) & (height <= config.max_height)
                return jax.vmap(physics.where)(~upright, fresh, state), None

            return jax.lax.scan(step, state, ctrl_TBA)[0]

        self._unroll = jax.jit(unroll, donate_argnums=0)
        self._fresh, self._ctrl_TBA = start.fresh, start.ctrl_TBA
        self._state = _copy(start.source.worlds.env.physics)

    def run(self, num_calls: int) -> float:
        """See `Subject.run`."""
        started = time.perf_counter()
        for _ in range(num_calls):
            self._state = self._unroll(self._state, self._fresh, self._ctrl_TBA)
        jax.block_until_ready(self._state)
        return time.perf_counter() - started


class TrainingSubject:
    """Rollout and update, as the engine of a run makes them.

    Every repeat starts from the untrained policy, so that the humanoids move alike in all; the worlds run on.
    """

    name = "training"

    def __init__(self, setup: Setup, start: Start) -> None:
        """Define the programs."""
        self.num_steps = setup.num_steps
        self._engine = Engine(
            setup.algo, setup.source, num_iterations=2**30, has_host_callback=setup.env.has_host_callback
        )
        self._initial_train, self._hyper = start.train, setup.algo.init_hyper()
        self._source, self._key = _copy(start.source), start.key

    def run(self, num_calls: int) -> float:
        """See `Subject.run`."""
        train, hyper = _copy((self._initial_train, self._hyper))  # worlds stay: Warp records its graph anew for copies
        run = jax.block_until_ready(Run(train, self._source, hyper, self._key, jnp.zeros((), jnp.int32)))
        started = time.perf_counter()
        for _ in range(num_calls):
            run, _ = self._engine.step(run)
        jax.block_until_ready(run)
        self._source, self._key = run.source, run.key
        return time.perf_counter() - started


def _sample_program(setup: Setup) -> Callable[..., tuple[RolloutState, Rollout, Array, Array]]:
    def sample(source: RolloutState, train: PPOTrainState, key: Array) -> tuple[RolloutState, Rollout, Array, Array]:
        key, key_sample, key_update = jax.random.split(key, 3)
        source, batch, _ = setup.source.sample(None, source, setup.algo.policy(train), key_sample)
        return source, batch, key, key_update

    return sample


def _copy(tree: Any) -> Any:
    """A copy whose buffers may be donated."""
    return jax.tree.map(jnp.copy, tree)
