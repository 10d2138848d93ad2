"""Build the parts of a run from its config: environment, algorithm, engine and policy."""

import jax

from algos.common.dataset import Dataset
from algos.common.teachers import Teachers
from algos.common.types import Algorithm, Policy
from algos.registry import find_algorithm
from envs import registry
from envs.physics import PhysicsOptions
from envs.types import Env
from envs.worlds.shards import ALONE, Shards
from envs.worlds.vector import VecEnv
from flexrl.common.types import PyTree
from flexrl.config.run_config import RunConfig
from flexrl.engine.engine import Engine


def make_env(config: RunConfig, num_members: int = 1) -> Env:
    """Make the environment to train in, with room for the worlds that one device steps.

    A device steps an equal share of each run's worlds; one program may train several runs (`num_members`) together.
    """
    worlds = config.num_envs // config.num_devices * num_members
    return registry.make_env(config.env, config.task, _physics_options(config, worlds))


def make_evaluation_env(config: RunConfig, num_worlds: int) -> Env:
    """Make the environment to evaluate in, for at most `num_worlds` worlds.

    It is the environment of the training without changes to the task that only help training, such as episodes that end
    early.
    """
    task = registry.env_type(config.env).evaluated(config.task)
    return registry.make_env(config.env, task, _physics_options(config, num_worlds))


def _physics_options(config: RunConfig, max_worlds: int) -> PhysicsOptions:
    return PhysicsOptions(config.physics, max_worlds, config.randomization, config.warp)


def make_algorithm(config: RunConfig, env: Env, shards: Shards = ALONE) -> Algorithm:
    """Make the config's algorithm, with networks sized for the environment's observations, goals and actions.

    `shards` tells how many devices share the worlds.
    """
    return find_algorithm(config.algo).build(config.algorithm, env.spec, shards)


def make_engine(config: RunConfig, env: Env, num_members: int = 1, data: Dataset | Teachers | None = None) -> Engine:
    """Make the engine: the compiled programs that run the training iterations of one run, or of several together.

    Args:
      config: config of the run; of several runs, the config of one of them.
      env: the environment to train in.
      num_members: number of runs that one program computes together.
      data: the dataset of an offline algorithm, or the policies (teachers) that the run imitates; None if the run
        learns from neither.
    """
    shards = Shards(config.num_devices)
    worlds = VecEnv(env, config.num_envs // config.num_devices, shards)
    entry = find_algorithm(config.algo)
    return Engine(
        make_algorithm(config, env, shards),
        entry.source(config.algorithm, worlds),
        num_iterations=config.num_iterations,
        has_host_callback=env.has_host_callback and entry.steps_worlds(config.algorithm),
        shards=shards,
        num_members=num_members,
        data=data,
        weights=reward_weights(config),
        fading=registry.env_type(config.env).fading,
    )


def reward_weights(config: RunConfig) -> dict[str, float]:
    """Return the reward weights of the task by field name; they are inputs of the compiled training program.

    Return an empty dictionary if the algorithm steps no worlds, because it learns from a dataset alone.
    """
    if not find_algorithm(config.algo).steps_worlds(config.algorithm):
        return {}
    return registry.env_type(config.env).reward_weights(config.task)


def evaluation_weights(config: RunConfig) -> dict[str, float]:
    """Return the reward weights of evaluations by field name: the task's, without changes that only help training.

    Return an empty dictionary if training steps no worlds, because the algorithm learns from a dataset alone.
    """
    if not find_algorithm(config.algo).steps_worlds(config.algorithm):
        return {}
    kind = registry.env_type(config.env)
    return kind.reward_weights(kind.evaluated(config.task))


def policy_template(algorithm: Algorithm) -> PyTree:
    """Return the shapes of the part of a checkpoint that a policy needs, as `{"train": ...}`.

    This part is the algorithm's train state.
    """
    return {"train": jax.eval_shape(algorithm.init, jax.random.key(0))}


def make_policy(algorithm: Algorithm, restored: PyTree) -> Policy:
    """Return the policy that acts by the mode of its distribution.

    Args:
      algorithm: algorithm that trained it.
      restored: the part of a checkpoint that `policy_template` describes, with the checkpoint's arrays.
    """
    return algorithm.policy(restored["train"], deterministic=True)
