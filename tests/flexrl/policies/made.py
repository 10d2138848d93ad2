"""Policies with random weights in exported folders, one of each kind, made without training."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from algos.common.normalization import RunningStatistics
from flexrl.cli.arguments import with_defaults
from flexrl.common.decoding import dump_yaml
from flexrl.common.files import write_json, write_text
from flexrl.config.run_config import encode
from flexrl.engine.factory import make_algorithm, make_evaluation_env
from flexrl.storage.policy_file import save_policy

STEP = 7
KINDS: dict[str, dict[str, Any]] = {
    "mlp": {"env": "Hopper-v5", "algorithm": {"policy_layers": [16, 16]}},
    "symmetric": {
        "env": "humanoid-skills",
        "algorithm": {"policy_layers": [16], "symmetric": True, "goal_layers": [8, 4]},
        "task": {"skills": ["walk-forward", "run"]},
    },
    "gru": {"env": "Hopper-v5", "algorithm": {"policy_layers": [16], "memory": "gru", "memory_size": 12}},
    "lstm": {
        "env": "humanoid-skills",
        "algorithm": {"policy_layers": [16], "memory": "lstm", "memory_size": 12, "symmetric": True},
    },
    "bc": {
        "env": "Hopper-v5",
        "algo": "bc",
        "algorithm": {"dataset": "data", "condition": "return", "policy_layers": [16]},
    },
    "dt": {
        "env": "Hopper-v5",
        "algo": "dt",
        "algorithm": {"dataset": "data", "context_length": 5, "embed_size": 16, "num_layers": 2, "num_heads": 2},
    },
}


def make_policy_folder(folder: Path, kind: str) -> Path:
    """Write a policy of this kind with random weights and statistics."""
    config = with_defaults({"algo": "ppo", "profile": "cpu", "name": kind, "physics": "native"} | KINDS[kind], kind)
    env = make_evaluation_env(config, 1)
    algorithm = make_algorithm(config, env)
    keys = iter(jax.random.split(jax.random.key(3), 100))
    policy: Any = algorithm.policy(algorithm.init(next(keys)), deterministic=True)
    size = env.spec.obs_size
    statistics = RunningStatistics(
        jnp.array(50.0), jax.random.normal(next(keys), (size,)), 20 + 200 * jax.random.uniform(next(keys), (size,))
    )
    params = jax.tree.map(lambda x: x + 0.2 * jax.random.normal(next(keys), x.shape), policy.params)
    policy = policy.replace(params=params, normalizer=statistics)
    if kind == "dt":
        policy = policy.replace(target_return=jnp.array(9.0))
    folder.mkdir(parents=True)
    save_policy(folder, policy)
    write_json(folder / "export.json", {"step": STEP})
    write_text(folder / "config.yaml", dump_yaml(encode(config)))
    return folder
