"""The programs that `benchmarks.throughput` measures, from physics alone to training. All start in the same worlds.

The worlds are in the middle of episodes, and a world whose humanoid falls restarts at once, as in training: a humanoid
on the floor costs more physics than one on its feet. Axes: T time, B worlds, A action.
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

from algos.common.rollout import RolloutSource, RolloutState
from algos.common.types import Rollout
from algos.ppo.learner import PPO, PPOTrainState
from benchmarks.measure import Subject
from envs.physics import PhysicsState
from envs.tasks.humanoid_walk import HumanoidWalk
from envs.worlds.vector import Transition, VecEnv, VecState
from flexrl.cli.arguments import parse
from flexrl.config.run_config import RunConfig
from flexrl.engine.engine import Engine, RunState
from flexrl.engine.factory import make_algorithm, make_engine, make_env

NUM_MIXING_STEPS = 100  # several episodes of an untrained policy; after them worlds fall at different times


@dataclass(frozen=True)
class Setup:
    """What the measured programs are made of.

    Attributes:
      physics: physics backend.
      env: the environment.
      source: samples rollouts from the worlds.
      algo: the learner, PPO.
    """

    physics: str
    env: HumanoidWalk
    source: RolloutSource
    algo: PPO

    @property
    def num_steps(self) -> int:
        """Control steps of one iteration, summed over all worlds."""
        return self.source.vec_env.num_envs * self.source.unroll_length

    @property
    def state_bytes(self) -> int:
        """Bytes that one world carries from step to step, with the policy's memory."""
        train = jax.eval_shape(self.algo.init, jax.random.key(0))
        state = jax.eval_shape(
            lambda train, key: self.source.init(self.algo.policy(train), key), train, jax.random.key(1)
        )
        return sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(state)) // self.source.vec_env.num_envs


def default_config(physics: str, num_envs: int, *flags: str) -> RunConfig:
    """Return the config of `flexrl.train` with this physics, these worlds and these flags: PPO on humanoid-walk."""
    return parse(["--physics", physics, "--num-envs", str(num_envs), *flags]).config


def default_setup(physics: str, num_envs: int) -> Setup:
    """Build environment, worlds and learner for PPO on humanoid-walk, with the defaults of `flexrl.train`.

    Args:
      physics: physics backend.
      num_envs: number of worlds.
    """
    config = default_config(physics, num_envs)
    env = make_env(config)
    algo = make_algorithm(config, env)
    assert isinstance(env, HumanoidWalk)
    assert isinstance(algo, PPO)
    return Setup(config.physics, env, RolloutSource(VecEnv(env, num_envs), config.algorithm.unroll_length), algo)


@dataclass(frozen=True)
class Start:
    """The state in which all measured programs start, so that they simulate the same worlds, and actions for them.

    T control steps, B worlds, A actuators. Each program copies the buffers that it donates to JAX.

    Attributes:
      train: PPO's train state, with untrained networks.
      source: state of the worlds, whose humanoids fall at different times.
      fresh: first states (B, ...) in which worlds restart after a fall.
      action_TBA: actions of the policy.
      ctrl_TBA: the same actions as controls of the actuators.
      key: random key.
    """

    train: PPOTrainState  # untrained networks
    source: RolloutState  # worlds that fall at different times
    fresh: PhysicsState  # (B, ...) first states for worlds that fall
    action_TBA: Array  # actions of the policy
    ctrl_TBA: Array  # the same actions as controls of the actuators
    key: Array


class RolloutSubject:
    """Rollouts of an untrained policy, to be timed: physics, observations, rewards, resets and the policy's network."""

    name = "rollout"

    def __init__(self, setup: Setup) -> None:
        """Define the program that samples, initialise the networks, and start the worlds."""
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
        """Sample `num_calls` rollouts; return the seconds that they took."""
        started = time.perf_counter()
        for _ in range(num_calls):
            self._source, batch, self._key, _ = self._sample(self._source, self._train, self._key)
        jax.block_until_ready(batch)
        return time.perf_counter() - started

    def start_of_others(self) -> Start:
        """Roll out until the worlds are in the middle of episodes; return that state for other programs to start in."""
        self.run(math.ceil(NUM_MIXING_STEPS / self._setup.source.unroll_length))
        self._key, key_action, key = jax.random.split(self._key, 3)
        action_TBA = self._draw_actions(key_action)
        ctrl_TBA = action_TBA * jnp.asarray(self._setup.env.physics.spec.model.actuator_ctrlrange[:, 1])
        return Start(self._train, _copy(self._source), self._fresh, action_TBA, ctrl_TBA, key)

    def _draw_actions(self, key: Array) -> Array:
        """Draw actions (T, B, A) from the policy: T times for the worlds' present observations, without a step."""
        policy, source = self._setup.algo.policy(self._train), self._source
        keys = jax.random.split(key, self._setup.source.unroll_length)
        return jax.vmap(lambda key: policy.act(source.carry, source.worlds.observation, key)[1])(keys)


def physics_subjects(setup: Setup, start: Start) -> list[Subject]:
    """Return the programs to be timed that do less than a rollout, from the least to the most.

    They are physics without JAX (where the backend has it), physics in JAX, and worlds: physics with observations,
    rewards and resets.
    """
    alone: list[Subject] = []
    if setup.physics == "native":
        alone = [BatchSubject(setup, start)]
    if setup.physics == "mjx-warp":
        from benchmarks.warp_alone import WarpSubject  # importing Warp takes seconds

        spec, config = setup.env.physics.spec, setup.env.config
        worlds, fresh = start.source.worlds.env.physics, start.fresh
        limits = (config.min_height, config.max_height)
        alone = [WarpSubject(spec, limits, worlds.fields, fresh.fields, np.asarray(start.ctrl_TBA))]
    return [*alone, PhysicsSubject(setup, start), WorldsSubject(setup, start)]


class BatchSubject:
    """Physics without JAX, to be timed: MuJoCo's own threads step all worlds.

    Worlds whose humanoid falls restart between the timed steps.
    """

    name = "physics alone"

    def __init__(self, setup: Setup, start: Start) -> None:
        """Make a MuJoCo `Batch` of the model, and put the worlds of `start` into it."""
        self.num_steps = setup.num_steps
        self._config = setup.env.config
        self._num_substeps = setup.env.physics.spec.num_substeps
        self._ctrl_TBA = np.asarray(start.ctrl_TBA)
        self._fresh = np.asarray(start.fresh.internal)
        self._batch = Batch(setup.env.physics.spec.model, nsim=len(self._fresh), nthread=0)
        self._batch.state[...] = np.asarray(start.source.worlds.env.physics.internal)

    def run(self, num_calls: int) -> float:
        """Step the worlds with all stored actions, `num_calls` times over; return the seconds that the physics took."""
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
    """Physics in JAX, to be timed: `Physics.step` of all worlds in a compiled program.

    Worlds whose humanoid falls restart inside the program, by a `where`.
    """

    name = "physics in JAX"

    def __init__(self, setup: Setup, start: Start) -> None:
        """Define the program that steps the physics, and copy the worlds of `start`, in which it begins."""
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
        """Step the worlds with all stored actions, `num_calls` times over; return the seconds that it took."""
        started = time.perf_counter()
        for _ in range(num_calls):
            self._state = self._unroll(self._state, self._fresh, self._ctrl_TBA)
        jax.block_until_ready(self._state)
        return time.perf_counter() - started


class WorldsSubject:
    """Worlds without a policy, to be timed: `VecEnv` does physics, observations, rewards and resets."""

    name = "worlds"

    def __init__(self, setup: Setup, start: Start) -> None:
        """Define the program that steps the worlds, and copy the worlds of `start`, in which it begins."""
        self.num_steps = setup.num_steps
        vec_env = setup.source.vec_env

        def unroll(worlds: VecState, key: Array, action_TBA: Array) -> tuple[VecState, Array, Transition]:
            key, key_fresh = jax.random.split(key)
            fresh = vec_env.fresh(key_fresh)
            step = jax.lax.scan(lambda worlds, action_BA: vec_env.step(worlds, action_BA, fresh), worlds, action_TBA)
            return step[0], key, step[1]

        self._unroll = jax.jit(unroll, donate_argnums=0)
        self._action_TBA, self._key = start.action_TBA, jax.random.key(0)
        self._worlds = _copy(start.source.worlds)

    def run(self, num_calls: int) -> float:
        """Step the worlds with all stored actions, `num_calls` times over; return the seconds that it took."""
        started = time.perf_counter()
        for _ in range(num_calls):
            self._worlds, self._key, transitions = self._unroll(self._worlds, self._key, self._action_TBA)
        jax.block_until_ready(transitions)
        return time.perf_counter() - started


class TrainingSubject:
    """Training, to be timed: a call is one iteration of rollout and update, by the same `Engine` as in real runs.

    An engine holds the compiled programs of an iteration. Every repeat begins with the untrained policy, so that the
    humanoids move alike in all repeats, and with the worlds as the repeat before left them.
    """

    name = "training"

    def __init__(self, setup: Setup, start: Start) -> None:
        """Make the engine that trains, and copy the worlds of `start`, in which it begins."""
        self.num_steps = setup.num_steps
        self._engine = Engine(
            setup.algo, setup.source, num_iterations=2**30, has_host_callback=setup.env.has_host_callback
        )
        self._initial_train, self._hyper = start.train, setup.algo.init_hyper()
        self._source, self._key = _copy(start.source), start.key

    def run(self, num_calls: int) -> float:
        """Train for `num_calls` iterations; return the seconds that they took."""
        train, hyper = _copy((self._initial_train, self._hyper))  # not the worlds: Warp would record its graph again
        run = jax.block_until_ready(RunState(train, self._source, hyper, self._key, jnp.zeros((), jnp.int32)))
        started = time.perf_counter()
        for _ in range(num_calls):
            run, _ = self._engine.step(run)
        jax.block_until_ready(run)
        self._source, self._key = run.source, run.key
        return time.perf_counter() - started


class RunSubject:
    """A run of `flexrl.train` from its start on, with one seed or several seeds in one program."""

    def __init__(self, name: str, config: RunConfig) -> None:
        """Compile the run, and initialise all seeds."""
        self.name = name
        self.num_steps = config.steps_per_iteration * config.num_seeds
        started = time.perf_counter()
        self._engine = make_engine(config, make_env(config, config.num_seeds), config.num_seeds)
        seeds = range(config.seed, config.seed + config.num_seeds)
        self._run = self._engine.join([self._engine.init(seed) for seed in seeds])
        self._engine.compile()
        self.compile_seconds = time.perf_counter() - started
        self._metrics: dict[str, Array] = {}

    def run(self, num_calls: int) -> float:
        """Train for `num_calls` more iterations; return the seconds that they took."""
        started = time.perf_counter()
        for _ in range(num_calls):
            self._run, self._metrics = self._engine.step(self._run)
        jax.block_until_ready(self._run)
        return time.perf_counter() - started

    def metric(self, name: str) -> float:
        """Return a metric of the last iteration, as the mean over seeds."""
        return float(np.mean(self._metrics[name]))


def _sample_program(setup: Setup) -> Callable[..., tuple[RolloutState, Rollout, Array, Array]]:
    def sample(source: RolloutState, train: PPOTrainState, key: Array) -> tuple[RolloutState, Rollout, Array, Array]:
        key, key_sample, key_update = jax.random.split(key, 3)
        source, batch, _ = setup.source.sample(None, source, setup.algo.policy(train), key_sample)
        return source, batch, key, key_update

    return sample


def _copy(tree: Any) -> Any:
    """Return a copy whose buffers may be donated to JAX."""
    return jax.tree.map(jnp.copy, tree)
