"""Train on 1, 2 and 8 devices that are really one CPU, and print how far apart the results are, as JSON.

A process of its own, because the number of devices is fixed when JAX starts: `XLA_FLAGS` must force 8.
"""

import json
import sys

import jax
import numpy as np

from algos.common.rollout import RolloutSource
from algos.dt.config import DTConfig, Exploration
from algos.dt.learner import DT
from algos.dt.online import OnlineSource
from algos.dt.windows import WindowSource
from algos.ppo.config import PPOConfig
from algos.ppo.learner import PPO
from envs.physics import PhysicsOptions
from envs.tasks.humanoid_walk import HumanoidWalk, HumanoidWalkConfig
from envs.types import EnvSpec
from envs.worlds.shards import Shards
from envs.worlds.vector import VecEnv
from flexrl.engine.engine import Engine
from tests.algos.offline_data import dataset_of, random_dataset
from tests.algos.probes import TIME_LIMIT, make_probe

NUM_ENVS = 16
# Minibatches are shuffled on each device, so only a minibatch of everything is the same on any number of them.
CONFIG = {"num_minibatches": 1, "entropy_weight": 0.0, "policy_layers": (8,), "value_layers": (8,)}


def trained(env, num_devices: int, num_iterations: int, **config):
    """The run after some iterations, and the last one's metrics."""
    shards = Shards(num_devices)
    ppo = PPO(PPOConfig(**CONFIG | config), env.spec, shards)
    source = RolloutSource(VecEnv(env, NUM_ENVS // num_devices, shards), ppo.config.unroll_length)
    engine = Engine(ppo, source, num_iterations=num_iterations, has_host_callback=env.has_host_callback, shards=shards)
    run, metrics = engine.init(seed=0), {}
    engine.compile()
    for _ in range(num_iterations):
        run, metrics = engine.step(run)
    assert int(run.step) == num_iterations
    return jax.device_get(run), jax.device_get(metrics)


def distance(a, b) -> float:
    """The largest difference of two trees, NaN being equal to NaN."""
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return max(float(np.max(np.abs(np.nan_to_num(x) - np.nan_to_num(y)), initial=0.0)) for x, y in pairs)


def probe() -> dict[str, float]:
    """Differences to one device in parameters and metrics after five iterations in double precision."""
    jax.config.update("jax_enable_x64", True)
    env = make_probe([0.1, 0.2, 0.3], target_weight=1.0)
    options = {"unroll_length": 8, "learning_rate": 1e-3, "normalize_returns": True, "target_kl": 0.01}
    options["action_distribution"] = "clipped_normal"  # whose entropy is exact; the other's is estimated by each device
    (alone, metrics), *others = [trained(env, n, 5, **options) for n in (1, 2, 8)]
    start = trained(env, 1, 0, **options)[0]
    return {
        "params": max(distance(run.train.params, alone.train.params) for run, _ in others),
        "metrics": max(distance(seen, metrics) for _, seen in others),
        "moved": distance(start.train.params, alone.train.params),
    }


def humanoid() -> dict[str, float]:
    """Differences to one device in the first update's gradients, as a part of the largest gradient."""
    env = HumanoidWalk(HumanoidWalkConfig(), PhysicsOptions("native", NUM_ENVS))
    options = {"unroll_length": 8, "num_epochs": 1, "max_grad_norm": None}
    moments = [trained(env, n, 1, **options)[0].train.optimizer[1].mu for n in (1, 2, 8)]  # a tenth of the gradient
    gradients = [jax.tree.map(lambda x: 10 * x, moment) for moment in moments]
    largest = max(float(np.abs(x).max()) for x in jax.tree.leaves(gradients[0]))
    return {"gradients": max(distance(g, gradients[0]) for g in gradients[1:]), "largest": largest}


def transformer() -> dict[str, float]:
    """Differences to one device in parameters and metrics of a Decision Transformer, as `probe` gives them.

    Without dropout, which each device draws for itself.
    """
    jax.config.update("jax_enable_x64", True)
    sizes = {"num_updates": 3, "batch_size": 16, "context_length": 4, "num_layers": 1, "embed_size": 8}
    config = DTConfig(**sizes, dropout=0.0, learning_rate=1e-2, warmup_updates=2)
    spec = EnvSpec(obs_size=3, action_size=2, goal_size=0, control_period=1.0, episode_length=20)
    data = random_dataset()

    def learnt(num_devices: int, num_iterations: int):
        shards = Shards(num_devices)
        source = WindowSource(config.num_updates, config.batch_size, config.context_length, shards)
        options = {"num_iterations": 2, "has_host_callback": False, "shards": shards, "data": data}
        engine = Engine(DT(config, spec, shards), source, **options)
        run, metrics = engine.init(seed=0), {}
        for _ in range(num_iterations):
            run, metrics = engine.step(run)
        return jax.device_get(run.train.params), jax.device_get(metrics)

    (alone, metrics), *others = [learnt(n, 2) for n in (1, 2, 8)]
    return {
        "params": max(distance(params, alone) for params, _ in others),
        "metrics": max(distance(seen, metrics) for _, seen in others),
        "moved": distance(learnt(1, 0)[0], alone),
    }


def online() -> dict[str, float]:
    """Differences of an Online Decision Transformer: to one device in what its worlds did first, and among its devices.

    Minibatches are each device's own, so parameters are not those of one device.
    """
    sizes = {"num_updates": 3, "batch_size": 16, "context_length": 4, "num_layers": 1, "embed_size": 8}
    config = DTConfig(**sizes, online=True, stochastic=True, exploration=Exploration(5, NUM_ENVS * 10))
    env = make_probe([0.1, 0.2, 0.3], target_weight=1.0)
    num = 3 * TIME_LIMIT
    columns = np.random.default_rng(0).uniform(-1, 1, (num, 8)).astype(np.float32)
    data = dataset_of(columns[:, :6], columns[:, 6:7], columns[:, 7], [TIME_LIMIT] * 3)

    def explored(num_devices: int):
        shards = Shards(num_devices)
        source = OnlineSource(config, VecEnv(env, NUM_ENVS // num_devices, shards))
        options = {"num_iterations": 2, "has_host_callback": False, "shards": shards, "data": data}
        engine = Engine(DT(config, env.spec, shards), source, **options)
        run, first = engine.step(engine.init(seed=0))
        first = {name: float(x) for name, x in first.items() if name.startswith(("replay/", "episode/"))}
        return engine.step(run)[0], first

    _, alone = explored(1)
    run, seen = explored(4)
    copies = [jax.tree.map(lambda x: np.asarray(x.addressable_data(i)), run.train) for i in range(4)]  # noqa: B023
    rows = np.asarray(run.source.replay.steps.reward)
    return {
        "seen": max(abs(seen[name] - alone[name]) for name in seen),
        "share": seen["replay/share"],
        "copies": max(distance(copy, copies[0]) for copy in copies),
        "worlds": len(np.unique(rows.sum(axis=1))),  # of which each device has its own
    }


if __name__ == "__main__":
    known = {"probe": probe, "humanoid": humanoid, "transformer": transformer, "online": online}
    print(json.dumps(known[sys.argv[1]]()))
