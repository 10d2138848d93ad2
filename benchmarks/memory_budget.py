"""Budgets the device memory of a training with MJX-Warp for several numbers of worlds, without a GPU.

    python -m benchmarks.memory_budget [--env humanoid-walk] [--num-envs 1024 ... 32768]

Sizes are those of the arrays' shapes (`jax.eval_shape`) with the defaults of profile `gpu`. Only the learner is the
same for any number of worlds; all else grows in proportion, so that one world is counted and multiplied. The budget
leaves out what XLA reuses or fuses away, the compiled programs, and what Warp allocates within a step.
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import tyro
from jax import Array
from mujoco import mjx
from rich import box
from rich.console import Console
from rich.table import Table

from algos.common.rollout import RolloutSource
from algos.registry import find_algorithm
from envs.registry import BRIDGES
from envs.task import MujocoTask
from envs.types import Env
from envs.worlds.vector import VecEnv
from flexrl.cli.arguments import default_config
from flexrl.common.errors import exit_codes
from flexrl.common.jax_setup import prepare_jax
from flexrl.config.run_config import RunConfig
from flexrl.engine.factory import make_algorithm, make_env

MEBIBYTE = 2**20


@dataclass(frozen=True)
class BudgetConfig:
    """The environment and the numbers of worlds to budget.

    Attributes:
      env: environment of flex-rl, in which PPO trains.
      num_envs: numbers of worlds.
    """

    env: str = "humanoid-walk"
    num_envs: tuple[int, ...] = (1024, 2048, 4096, 8192, 16384, 32768)

    def __post_init__(self) -> None:
        """Raise ValueError if a number of worlds is not positive, or the environment is not flex-rl's own."""
        if self.env.startswith(BRIDGES):
            raise ValueError(f"--env: {self.env!r} is of another library; only worlds of ours have a budget")
        if not self.num_envs or min(self.num_envs) < 1:
            raise ValueError(f"--num-envs: {' '.join(map(str, self.num_envs)) or 'none'} must be at least 1 each")


@dataclass(frozen=True)
class Budget:
    """Bytes of device memory that a training needs.

    Attributes:
      learner: bytes for parameters, Adam's moments, statistics of observations, and one gradient.
      per_world: bytes that each world needs for a purpose, such as the rollout, by the name of the purpose.
    """

    learner: int
    per_world: Mapping[str, float]

    def total(self, num_envs: int) -> float:
        """Return the bytes for a number of worlds."""
        return self.learner + num_envs * sum(self.per_world.values())


def main(config: BudgetConfig) -> None:
    """Print a table of the device memory that training needs with each number of worlds in the config."""
    run = dataclasses.replace(default_config("ppo", config.env, "gpu"), physics="native")
    Console(highlight=False).print(table(config, run, budget(run)))


def budget(config: RunConfig) -> Budget:
    """Return the budget of a run of PPO in one of flex-rl's environments.

    Args:
      config: the run, with physics `native`, whose worlds have the same state as those of MJX-Warp and are traced in
        seconds.
    """
    env = make_env(config)
    assert isinstance(env, MujocoTask)
    learner = learner_shapes(config, env)
    names = ("worlds", "first states", "rollout")
    of_worlds = {
        name: size(shapes) / config.num_envs for name, shapes in zip(names, world_shapes(config, env), strict=True)
    }
    of_worlds["update"] = update_bytes(config, learner, of_worlds["rollout"])
    spec = env.physics.spec
    contacts = config.warp.contacts_per_world or spec.contacts_per_world
    constraints = config.warp.constraints_per_world or spec.constraints_per_world
    return Budget(size(learner) + size(learner.params), of_worlds | warp_bytes(spec.model, contacts, constraints))


def learner_shapes(config: RunConfig, env: Env) -> Any:
    """Return the shapes of PPO's train state."""
    return jax.eval_shape(make_algorithm(config, env).init, jax.random.key(0))


def world_shapes(config: RunConfig, env: Env) -> tuple[Any, Any, Any]:
    """Return the shapes and dtypes of three trees of arrays, each for all worlds of a run.

    Returns:
      The state of the worlds between two iterations; the first states in which worlds restart when an episode ends; the
      rollout of one iteration.
    """
    algorithm = make_algorithm(config, env)
    source = find_algorithm(config.algo).source(config.algorithm, VecEnv(env, config.num_envs))
    assert isinstance(source, RolloutSource)

    def sample(key: Array) -> tuple[Any, Any, Any]:
        policy = algorithm.policy(algorithm.init(key))
        state = source.init(policy, key)
        return state, source.vec_env.fresh(key), source.sample(None, state, policy, key)[1]

    with jax.debug_key_reuse(False):  # only shapes are wanted
        return jax.eval_shape(sample, jax.random.key(0))


def update_bytes(config: RunConfig, learner: Any, rollout: float) -> float:
    """Return the bytes of each world that PPO's update needs beside the rollout.

    The samples need as many bytes as the rollout: they are the same arrays, with inputs of the networks in place of
    observations. To them the larger of two needs is added, which do not occur at the same time. One is the outputs of
    two layers of the value network for all samples. The other is a minibatch, with the outputs of each layer of both
    networks and their gradients.

    Args:
      config: the run.
      learner: shapes of PPO's train state.
      rollout: bytes of each world's rollout.
    """
    algorithm, each = config.algorithm, 4 * config.algorithm.unroll_length  # bytes of a number for every sample
    units = sum(x.size for x in jax.tree.leaves(learner.params) if len(x.shape) == 1)  # a bias each
    values = 2 * each * max(algorithm.value_layers)
    minibatch = (rollout + 2 * each * units) / algorithm.num_minibatches
    return rollout + max(values, minibatch)


def warp_bytes(model: Any, contacts: int, constraints: int) -> dict[str, float]:
    """Return the bytes that MJX-Warp needs for a world with so many contacts and constraints, by what they are for."""
    data = mjx.make_data(model, impl="warp", naconmax=contacts, njmax=constraints)
    found = {"Warp: contacts": 0.0, "Warp: constraints": 0.0, "Warp: bodies and joints": 0.0}
    for path, x in jax.tree_util.tree_leaves_with_path(data):
        name = jax.tree_util.keystr(path)
        kind = "contacts" if "contact__" in name else "constraints" if "efc" in name else "bodies and joints"
        found[f"Warp: {kind}"] += np.asarray(x).nbytes
    return found


def size(tree: Any) -> int:
    """Return the bytes of all arrays, or shapes of arrays, in a tree."""
    return sum(math.prod(x.shape) * x.dtype.itemsize for x in jax.tree.leaves(tree))


def table(config: BudgetConfig, run: RunConfig, found: Budget) -> Table:
    """Return the table of a budget, in MiB."""
    rows = Table(title=f"{config.env}, device memory in MiB by number of worlds", box=box.SIMPLE)
    rows.add_column("for")
    for num_envs in config.num_envs:
        rows.add_column(f"{num_envs:,}", justify="right", no_wrap=True)
    rows.add_row("learner", *[f"{found.learner / MEBIBYTE:,.1f}"] * len(config.num_envs))
    for name, each in found.per_world.items():
        rows.add_row(name, *[f"{num_envs * each / MEBIBYTE:,.0f}" for num_envs in config.num_envs])
    rows.add_section()
    rows.add_row("in all", *[f"{found.total(num_envs) / MEBIBYTE:,.0f}" for num_envs in config.num_envs])
    rows.caption = f"{sum(found.per_world.values()):,.0f} bytes a world, of {run.algorithm.unroll_length} control steps"
    return rows


if __name__ == "__main__":
    prepare_jax()
    with exit_codes():
        main(tyro.cli(BudgetConfig, description=__doc__))
