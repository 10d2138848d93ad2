"""From a config to the parts of a run."""

from typing import Any

import jax

from algos.common.dataset import Dataset
from algos.common.types import Algorithm, Policy
from algos.registry import find_algorithm
from envs import registry
from envs.physics import PhysicsOptions
from envs.types import Env
from envs.worlds.shards import ALONE, Shards
from envs.worlds.vector import VecEnv
from flexrl.config.run_config import RunConfig
from flexrl.engine.engine import Engine


def make_env(config: RunConfig, num_members: int = 1) -> Env:
    """The environment to train in, of so many runs in one batch, as in `make_engine`."""
    worlds = config.num_envs // config.num_devices * num_members
    return registry.make_env(config.env, config.task, _physics_options(config, worlds))


def make_evaluation_env(config: RunConfig, num_worlds: int) -> Env:
    """The environment to be judged in, by so many worlds: by the task's own rules, where training bends them."""
    task = registry.env_type(config.env).evaluated(config.task)
    return registry.make_env(config.env, task, _physics_options(config, num_worlds))


def _physics_options(config: RunConfig, max_worlds: int) -> PhysicsOptions:
    return PhysicsOptions(config.physics, max_worlds, config.randomization, config.warp)


def make_algorithm(config: RunConfig, env: Env, shards: Shards = ALONE) -> Algorithm:
    """The algorithm, sized for the environment."""
    return find_algorithm(config.algo).build(config.algorithm, env.spec, shards)


def make_engine(config: RunConfig, env: Env, num_members: int = 1, data: Dataset | None = None) -> Engine:
    """The compiled training loop, of one run or of several in one batch, from `data` if the algorithm is offline."""
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
    )


def reward_weights(config: RunConfig) -> dict[str, float]:
    """Weights of the environment's rewards that are traced, by their fields; none where no worlds are stepped."""
    if not find_algorithm(config.algo).steps_worlds(config.algorithm):
        return {}
    return registry.env_type(config.env).reward_weights(config.task)


def policy_template(algorithm: Algorithm) -> Any:
    """Shapes of the part of a checkpoint that a policy needs, named as in a `Run`."""
    return {"train": jax.eval_shape(algorithm.init, jax.random.key(0))}


def make_policy(algorithm: Algorithm, restored: Any) -> Policy:
    """The deterministic policy of what was restored into `policy_template`."""
    return algorithm.policy(restored["train"], deterministic=True)
