"""Contacts that MJX-Warp leaves out, because its buffers are too small, are never passed over in silence."""

import dataclasses
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from algos.ppo.config import PPOConfig
from algos.ppo.learner import PPO
from envs import registry
from envs.physics import PhysicsState, WarpOptions
from envs.worlds.vector import VecEnv
from flexrl.cli.arguments import parse
from flexrl.common.errors import ConfigError
from flexrl.common.flags import parse_tool
from flexrl.common.warp_buffers import WarpBuffers
from flexrl.config.run_config import encode
from flexrl.engine.evaluator import Evaluator, summarize
from flexrl.evaluate import EvaluateArguments
from flexrl.policies.episode_collector import CHUNK, Collector, UniformPolicy
from flexrl.policies.playback import Playback, load_playback, record
from flexrl.policies.skill_evaluation import _transitions, examine
from flexrl.train import main
from flexrl.training import trainer
from tests.algos.probes import TIME_LIMIT, Probe
from tests.flexrl.runs import TINY, rows

PRETRAINED = str(Path(__file__).parents[3] / "pretrained" / "humanoid-skills")
BOTH_FLAGS = "raise --warp.contacts-per-world or --warp.constraints-per-world"
ON_WARP = ["--physics", "mjx-warp", "--total-steps", "96", "--num-evaluations", "1", "--evaluation-episodes", "2"]


class Crowded:
    """A probe whose physics says that it left contacts out, in each episode's second step; some end after their third.

    Those that end early have begun again, and come to their second step, before the others end.
    """

    spec, has_host_callback = Probe.spec, False

    def __init__(self, left_out_at: int = 2) -> None:
        none = jnp.zeros(())
        self._probe = Probe(jnp.zeros(TIME_LIMIT), none, jnp.array(100), jnp.array(False))
        self._left_out_at = left_out_at

    def _crowded(self, state):
        overflowed = state.info["num_steps"] == self._left_out_at
        fields = {"qpos": state.obs, "qvel": state.obs}
        return state.replace(physics=PhysicsState((), fields, jnp.zeros((), jnp.int32), overflowed))

    def reset(self, key):
        return self._crowded(self._probe.reset(key))

    def step(self, state, action):
        after = self._probe.step(state, action)
        ends_early = (after.info["num_steps"] == 3) & (after.info["cue"] > 0)
        return self._crowded(after.replace(terminated=ends_early))

    def where(self, condition, chosen, other):
        return self._probe.where(condition, chosen, other)


def policy():
    ppo = PPO(PPOConfig(policy_layers=(4,), value_layers=(4,)), Probe.spec)
    return ppo.policy(ppo.init(jax.random.key(0)), deterministic=True)


def test_an_evaluation_is_refused_with_the_count_and_the_flags():
    with pytest.raises(ConfigError, match=rf"left out in 8 of 34 control steps.*{BOTH_FLAGS}"):
        Evaluator(Crowded(), 8)(policy(), jax.random.key(0))


def test_in_a_training_an_evaluation_counts_them():
    episodes = Evaluator(Crowded(), 8, allows_overflow=True).episodes(policy(), jax.random.key(0))
    assert set(episodes.length) == {3, TIME_LIMIT} and episodes.length.sum() == 34
    assert list(episodes.overflowed) == [1] * 8
    assert summarize(episodes)["overflowed"] == 8
    never = Evaluator(Crowded(TIME_LIMIT + 1), 8)(policy(), jax.random.key(0))
    assert never["overflowed"] == 0
    assert "overflowed" not in Evaluator(Crowded()._probe, 3)(policy(), jax.random.key(0))  # where nobody knows


def test_a_dataset_and_a_video_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=rf"of {2 * CHUNK} control steps.*{BOTH_FLAGS}"):
        Collector(VecEnv(Crowded(), 4))(UniformPolicy(1), 2, jax.random.key(0), {})
    playback = Playback(tmp_path, None, 1, Crowded(), policy())  # pyright: ignore[reportArgumentType]
    with pytest.raises(ConfigError, match=rf"left out in 1 of 3 control steps.*{BOTH_FLAGS}"):
        record(playback, 3, seed=0)
    assert len(record(playback, 1, seed=0)) == 1


def test_the_flags_replace_sizes_of_the_run(tmp_path):
    _, options = parse_tool(EvaluateArguments, ["run", "--warp.contacts-per-world", "64"], "flexrl.evaluate")
    own = WarpOptions(contacts_per_world=8, constraints_per_world=20, graph_mode="none")
    assert options.warp.over(own) == dataclasses.replace(own, contacts_per_world=64)
    assert WarpBuffers().over(own) == own
    playback = load_playback(PRETRAINED, "workspace", "best", "native", warp=options.warp)
    assert playback.config.warp.contacts_per_world == 64
    with pytest.raises(ConfigError, match="contacts_per_world: 0 must be at least 1"):
        parse_tool(EvaluateArguments, ["run", "--warp.contacts-per-world", "0"], "flexrl.evaluate")


def two_skills(playback):
    task = dataclasses.replace(playback.config.task, skills=("walk-forward", "stand-still"))
    return dataclasses.replace(playback, config=dataclasses.replace(playback.config, task=task))


@pytest.fixture
def buffers_and_worlds(monkeypatch):
    """The worlds that each environment is made for, and those that it is made to step."""
    buffers, worlds = [], []

    def make_env(name, config, options):
        buffers.append(options.max_worlds)
        return real_make_env(name, config, options)

    def fresh(vec_env, key):
        if not worlds or worlds[-1] != vec_env:  # a program may be traced more than once
            worlds.append(vec_env)
        return real_fresh(vec_env, key)

    real_make_env, real_fresh = registry.make_env, VecEnv.fresh
    monkeypatch.setattr(registry, "make_env", make_env)
    monkeypatch.setattr(VecEnv, "fresh", fresh)
    return lambda: (buffers, [vec_env.num_envs for vec_env in worlds])


@pytest.mark.slow
def test_an_examination_of_skills_has_room_for_all_pairs_of_them(buffers_and_worlds):
    playback = two_skills(load_playback(PRETRAINED, "workspace", "best", "native", num_episodes=3))
    examine(playback, num_episodes=3, num_transition_episodes=4, seed=0)
    buffers, worlds = buffers_and_worlds()
    alone, pairs = [3, 3, 3, 3], 2 * 4  # each skill, and both ways of switching
    assert buffers[1:] == [*alone, pairs, pairs, pairs]
    assert worlds == [*alone, pairs, pairs]  # first states of those that begin lying, and of those that stand


@pytest.mark.slow
def test_an_examination_of_skills_on_warp_without_room_is_refused():
    warp = WarpBuffers(contacts_per_world=1)
    playback = two_skills(load_playback(PRETRAINED, "workspace", "best", "mjx-warp", warp=warp))
    with pytest.raises(ConfigError, match=BOTH_FLAGS):
        _transitions(playback, 1, seed=0)


def train_seeds(tmp_path, flags):
    """Train four seeds of one config together, and return their folders."""
    main([*flags, "--workspace", str(tmp_path), "--name", "group", "--num-seeds", "4"])
    return [tmp_path / "group" / f"seed-{seed}" for seed in range(4)]


def train_pack(tmp_path, flags):
    """Train four runs that have config files of their own together, and return their folders."""
    folders = [tmp_path / f"run-{seed}" for seed in range(4)]
    files = [tmp_path / f"{folder.name}.json" for folder in folders]
    for seed, (folder, file) in enumerate(zip(folders, files, strict=True)):
        run = [*flags, "--workspace", str(tmp_path), "--name", folder.name, "--seed", str(seed)]
        file.write_text(json.dumps(encode(parse(run).config)))
    main(["--members", *map(str, files)])
    return folders


@pytest.mark.slow
@pytest.mark.parametrize("train_together", [train_seeds, train_pack])
def test_runs_in_one_batch_have_room_for_the_worlds_of_all(train_together, tmp_path, monkeypatch, capsys):
    """As on an accelerator: with room for two contacts of each world, one run's worlds need more than half of it."""
    monkeypatch.setattr(trainer, "batch_size", lambda num_members: num_members)
    with jax.debug_key_reuse(False):  # it takes the keys that vmap moves along for used ones
        folders = train_together(tmp_path, [*TINY, *ON_WARP, "--warp.contacts-per-world", "2"])
    for folder in folders:
        assert [row["episode/overflowed"] for row in rows(folder / "metrics.jsonl")] == [0, 0, 0]
    assert "left out" not in capsys.readouterr().err


@pytest.mark.slow
def test_a_training_says_once_that_its_rollouts_and_its_evaluations_leave_contacts_out(tmp_path, capsys):
    main([*TINY, *ON_WARP, "--workspace", str(tmp_path), "--name", "run", "--warp.contacts-per-world", "1"])
    err = capsys.readouterr().err
    assert err.count(f"{BOTH_FLAGS} (episode/overflowed)") == err.count(f"{BOTH_FLAGS} (evaluation/overflowed)") == 1
    (evaluation,) = rows(tmp_path / "run" / "evaluations.jsonl")
    assert evaluation["evaluation/overflowed"] > 0
    assert json.loads((tmp_path / "run" / "result.json").read_text())["overflowed"] > 0
