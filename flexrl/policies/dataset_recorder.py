"""Record episodes of a run's policies, with the metadata and the provenance of the dataset that they become."""

import dataclasses
import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import mujoco
import numpy as np

from envs.bridges.registration import plain_name, recorded_spec
from envs.registry import env_type
from envs.types import Env
from envs.worlds.vector import VecEnv
from flexrl.common.errors import ConfigError
from flexrl.common.tables import say
from flexrl.common.types import JsonObject
from flexrl.config.run_config import RunConfig, encode, without_places
from flexrl.data.episode import Episode
from flexrl.engine.factory import make_algorithm
from flexrl.policies.collect_arguments import MIN_REPLAY_STEPS, CollectArguments
from flexrl.policies.episode_collector import Collector, UniformPolicy
from flexrl.policies.playback import judging_worlds, load_policy_of
from flexrl.storage.checkpoint import Checkpoints, leaves_of
from flexrl.storage.policy_file import digest, is_exported
from flexrl.storage.provenance import git_state, machine, versions


@dataclass(frozen=True)
class Recording:
    """Episodes, and what a dataset says about them.

    Attributes:
      episodes: the episodes of one policy after the other, in the order in which they began.
      minari_metadata: content of Minari's `metadata.json`.
      provenance: what the data came from: policies, seed, physics, config, machine and versions.
      summary: a line for the user.
    """

    episodes: list[Episode]
    minari_metadata: JsonObject
    provenance: JsonObject
    summary: str


def record_episodes(run: str, options: CollectArguments) -> Recording:
    """Run episodes with policies of a run, and return them with the metadata of the dataset that they make.

    Args:
      run: folder of a run or of an exported policy, or a run's name.
      options: number of episodes, and the checkpoints whose policies act or `random` for uniform actions.

    Raises:
      ConfigError: if there is no such run or step.
      CheckpointError: if a checkpoint is damaged.
    """
    num_envs = min(options.num_envs, options.episodes)
    folder, config, env = judging_worlds(run, options.workspace, options.physics, num_envs, warp=options.warp)
    policies = _policies(folder, config, env, options)
    collector = Collector(VecEnv(env, num_envs))
    episodes, digests, num_dropped_rows, num_dropped_episodes = [], {}, 0, 0
    started = time.monotonic()
    say(f"recording {options.episodes} episodes of {folder} in {num_envs} worlds")
    for i, (step, policy) in enumerate(policies.items()):
        share = options.episodes * (i + 1) // len(policies) - options.episodes * i // len(policies)
        noted = {"tier": options.tier} | ({} if step is None else {"step": step})
        collected = collector(policy, share, jax.random.fold_in(jax.random.key(options.seed), i), noted)
        episodes += collected.episodes
        num_dropped_rows += collected.num_dropped_rows
        num_dropped_episodes += collected.num_dropped_episodes
        if step is not None:
            digests[step] = digest(leaves_of(policy))
    seconds = time.monotonic() - started
    num_steps = sum(episode.length for episode in episodes)
    provenance = {
        "tier": options.tier,
        "deterministic": options.deterministic,
        "seed": options.seed,
        "num_envs": num_envs,
        "policies": digests,
        "env": config.env,
        "physics": config.physics,
        "control_period": env.spec.control_period,
        "model_sha256": _model_digest(env.model),
        "config_hash": config.hash(),
        "config": encode(without_places(config)),
        "dropped": {"rows": num_dropped_rows, "episodes": num_dropped_episodes},
        "reference_scores": options.reference_scores,
        "git": git_state(),
        "machine": machine(),
        "versions": versions(),
    }
    summary = (
        f"{len(episodes)} episodes, {num_steps:,} steps at {num_steps / seconds:,.0f} steps/s, compiling included; "
        f"dropped as not finite: {num_dropped_rows} steps, {num_dropped_episodes} whole episodes"
    )
    return Recording(episodes, _minari_metadata(config, options, env.spec.episode_length), provenance, summary)


def _policies(folder: Path, config: RunConfig, env: Env, options: CollectArguments) -> dict[int | None, Any]:
    """Return the policies whose episodes are recorded, by the training iteration of the checkpoint of each.

    The tier `random` has one policy, which draws uniform actions; its iteration is None. All policies have the same
    pytree structure.

    Raises:
      ConfigError: if there is no such step, or the tier `replay` finds too few checkpoints.
      CheckpointError: if a checkpoint is damaged.
    """
    if options.tier == "random":
        return {None: UniformPolicy(env.spec.action_size)}
    algorithm = make_algorithm(config, env)
    steps = options.step or _default_steps(folder, options.tier)
    loaded = dict(load_policy_of(folder, algorithm, step) for step in steps)
    if options.tier == "replay" and len(loaded) < MIN_REPLAY_STEPS:
        raise ConfigError(
            f"tier: replay needs at least {MIN_REPLAY_STEPS} checkpoints, and {folder} offers {len(loaded)}; keep more "
            "by --keep-checkpoints when training, or collect the tier expert"
        )
    return {step: dataclasses.replace(policy, deterministic=options.deterministic) for step, policy in loaded.items()}  # pyright: ignore[reportArgumentType, reportCallIssue]


def _default_steps(folder: Path, tier: str) -> tuple[str, ...]:
    if tier == "expert" or is_exported(folder):
        return ("best",)
    return tuple(map(str, Checkpoints(folder).steps()))


def _minari_metadata(config: RunConfig, options: CollectArguments, episode_length: int) -> JsonObject:
    algo = "uniform actions" if options.tier == "random" else config.algo
    scores = options.reference_scores
    task = dataclasses.asdict(env_type(config.env).evaluated(config.task))
    return {
        "dataset_id": f"flexrl/{plain_name(config.env)}/{options.tier}-v0",
        "env_spec": recorded_spec(config.env, json.loads(json.dumps(task)), episode_length),
        "algorithm_name": algo,
        "description": f"{options.tier} episodes of {config.env}, collected by flex-rl; see provenance.json",
        **({"ref_min_score": scores[0], "ref_max_score": scores[1]} if scores else {}),
    }


def _model_digest(model: mujoco.MjModel) -> str:
    """Return the SHA-256 of the compiled MuJoCo model."""
    content = np.empty(mujoco.mj_sizeModel(model), np.uint8)
    mujoco.mj_saveModel(model, None, content)
    return hashlib.sha256(content.tobytes()).hexdigest()
