"""Load a trained policy with its environment, as evaluation, rendering, export and collecting do."""

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax import Array

from algos.common.types import Algorithm, Policy
from envs.physics import Randomization, resolve_backend
from envs.types import Env
from envs.worlds.vector import VecEnv
from flexrl.common.gpu_driver import say_why_no_gpu
from flexrl.common.warp_buffers import RUNS_OWN, WarpBuffers, require_room
from flexrl.config.run_config import RunConfig
from flexrl.engine.factory import make_algorithm, make_evaluation_env, make_policy, policy_template
from flexrl.storage.checkpoint import Checkpoints
from flexrl.storage.policy_file import exported_step, is_exported, load_policy
from flexrl.storage.run_folder import find_run, read_config


@dataclass(frozen=True)
class Playback:
    """A trained policy, deterministic and ready to act, with the environment to run it in.

    Attributes:
      folder: folder of the run or of the exported policy.
      config: config of the run, with the physics engine to use here.
      step: iteration of the checkpoint.
      env: environment of evaluations.
      policy: the policy.
    """

    folder: Path
    config: RunConfig
    step: int
    env: Env
    policy: Policy


def load_playback(
    run: str,
    workspace: str,
    step: str,
    physics: str = "auto",
    num_episodes: int = 1,
    task: Callable[[Any], Any] = lambda config: config,
    warp: WarpBuffers = RUNS_OWN,
    *,
    is_randomized: bool = True,
) -> Playback:
    """Load the policy and the environment of a run or of an exported policy.

    Args:
      run: a run's or an exported policy's folder, or a run's name in the workspace.
      workspace: folder that holds the runs.
      step: `best`, `latest` or an iteration.
      physics: physics engine to use; need not be the one of the training.
      num_episodes: number of worlds that will be stepped at once.
      task: function from the stored config of the task to the one to use.
      warp: sizes of MJX-Warp's buffers, to replace the run's own if they are too small.
      is_randomized: whether worlds differ and are pushed as in the training.

    Raises:
      ConfigError: if there is no such run or step.
      CheckpointError: if the checkpoint is damaged.
    """
    folder, config, env = judging_worlds(run, workspace, physics, num_episodes, task, warp, is_randomized=is_randomized)
    number, policy = load_policy_of(folder, make_algorithm(config, env), step)
    return Playback(folder, config, number, env, policy)


def judging_worlds(
    run: str,
    workspace: str,
    physics: str,
    num_episodes: int,
    task: Callable[[Any], Any] = lambda config: config,
    warp: WarpBuffers = RUNS_OWN,
    *,
    is_randomized: bool = True,
) -> tuple[Path, RunConfig, Env]:
    """Return a run's or an exported policy's folder, its config for this machine, and the environment to evaluate in.

    Args:
      run: a run's or an exported policy's folder, or a run's name in the workspace.
      workspace: folder that holds the runs.
      physics: physics engine to use, which need not be the one of the training; `auto` chooses by device.
      num_episodes: number of worlds that will be stepped at once.
      task: function from the stored config of the task to the one to use.
      warp: sizes of MJX-Warp's buffers, to replace the run's own if they are too small.
      is_randomized: whether worlds differ and are pushed as in the training.

    Raises:
      ConfigError: if there is no such run.
    """
    say_why_no_gpu()
    folder = find_run(run, workspace)
    stored = read_config(folder)
    config = dataclasses.replace(
        stored,
        physics=resolve_backend(physics),
        evaluation_episodes=num_episodes,
        task=task(stored.task),
        warp=warp.over(stored.warp),
        randomization=stored.randomization if is_randomized else Randomization(),
    )
    return folder, config, make_evaluation_env(config, num_episodes)


def load_policy_of(folder: Path, algorithm: Algorithm, step: str) -> tuple[int, Policy]:
    """Load the deterministic policy in a folder of a run or of an exported policy. Return its iteration and the policy.

    Args:
      folder: folder of the run or of the exported policy.
      algorithm: algorithm that trained the policy.
      step: `best`, `latest` or an iteration; an exported policy has only one iteration.

    Raises:
      ConfigError: if there is no such step.
      CheckpointError: if the checkpoint or the exported policy is damaged.
    """
    if is_exported(folder):
        return exported_step(folder, step), load_exported(folder, algorithm)
    checkpoints = Checkpoints(folder)
    number, restored = checkpoints.restore(policy_template(algorithm), checkpoints.find(step))
    return number, make_policy(algorithm, restored)


def load_exported(folder: Path, algorithm: Algorithm) -> Policy:
    """Load the policy in an exported folder.

    Raises:
      CheckpointError: if it is damaged.
    """
    template = jax.eval_shape(lambda key: algorithm.policy(algorithm.init(key), deterministic=True), jax.random.key(0))
    return load_policy(folder, template)


def record(playback: Playback, num_steps: int, seed: int) -> np.ndarray:
    """Roll out one episode in one world, and return the body's positions.

    Returns:
      qpos_TQ: generalised positions after each control step, shape (T, nq), with T at most `num_steps`.

    Raises:
      ConfigError: if MJX-Warp left contacts out.
    """
    vec_env = VecEnv(playback.env, 1)

    @functools.partial(jax.jit, static_argnums=1)
    def roll(policy: Policy, num_steps: int, key: Array) -> tuple[Array, Array, Array | None]:
        key_reset, key_act = jax.random.split(key)
        fresh = vec_env.fresh(key_reset)

        def step(state: tuple, key: Array) -> tuple[tuple, tuple[Array, Array, Array | None]]:
            worlds, carry = state
            carry, action, _ = policy.act(carry, worlds.observation, key)
            worlds, transition = vec_env.step(worlds, action, fresh)
            ended = (transition.terminated | transition.truncated)[0]
            return (worlds, carry), (worlds.env.physics["qpos"][0], ended, transition.overflowed)

        start = (vec_env.start(fresh), policy.init_carry(1))
        return jax.lax.scan(step, start, jax.random.split(key_act, num_steps))[1]

    qpos_TQ, ended_T, overflowed_TB = jax.device_get(roll(playback.policy, num_steps, jax.random.key(seed)))
    length = int(np.argmax(ended_T)) if ended_T.any() else num_steps
    if overflowed_TB is not None:
        require_room(int(overflowed_TB[:length].sum()), length)
    return qpos_TQ[: max(length, 1)]
