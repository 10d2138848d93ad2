"""Episodes that are collected are what the task gave, whole, and none is favoured for its length."""

import json
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from envs.physics import PhysicsState
from envs.types import EnvSpec, EnvState, Observation
from envs.worlds.vector import VecEnv
from flexrl.collect import collect
from flexrl.common.errors import ConfigError
from flexrl.common.flags import parse_tool
from flexrl.config.run_config import decode
from flexrl.data.dataset_folder import read_dataset, read_record, verify_dataset, write_dataset
from flexrl.policies.collect_arguments import CollectArguments
from flexrl.policies.dataset_recorder import _policies
from flexrl.policies.episode_collector import CHUNK, Collector, UniformPolicy
from flexrl.policies.playback import load_playback
from flexrl.storage.checkpoint import leaves_of
from flexrl.storage.policy_file import digest
from tests.flexrl.episodes import PRETRAINED, expert

TIME_LIMIT = 2 * CHUNK + 3
LONGEST = 3 * CHUNK


class Drawn:
    """A world whose episode ends after a number of steps drawn at reset; it observes that number and the steps done.

    Where the number is odd and it is `poisoned`, the last observation is not finite instead.
    """

    spec = EnvSpec(2, action_size=1, goal_size=0, control_period=1.0, episode_length=TIME_LIMIT)
    has_host_callback = False

    def __init__(self, poisoned: bool = False):
        self._poisoned = poisoned

    def reset(self, key: Array) -> EnvState:
        length = jax.random.randint(key, (), 1, LONGEST + 1).astype(float)
        obs = jnp.stack([length, 0.0])
        physics = PhysicsState((), {"qpos": obs, "qvel": -obs}, jnp.zeros((), jnp.int32))
        never = jnp.array(False)
        return EnvState(physics, obs, jnp.zeros(0), jnp.zeros(()), never, never, {}, {})

    def step(self, state: EnvState, action: Array) -> EnvState:
        obs = state.obs + jnp.array([0.0, 1.0])
        ends = obs[1] >= obs[0]
        odd = ends & self._poisoned & (obs[0] % 2 == 1)
        physics = PhysicsState((), {"qpos": obs, "qvel": -obs}, state.physics.variant)
        return state.replace(physics=physics, obs=jnp.where(odd, jnp.nan, obs), reward=action[0], terminated=ends)

    def where(self, condition, chosen, other):
        return jax.tree.map(lambda a, b: jnp.where(condition, a, b), chosen, other)


def collected(env, num_envs, num_episodes):
    collector = Collector(VecEnv(env, num_envs))
    return collector(UniformPolicy(env.spec.action_size), num_episodes, jax.random.key(0), {"tier": "random"})


@pytest.mark.parametrize(("num_envs", "num_episodes"), [(4, 4), (4, 30), (4, 2)])
def test_every_episode_that_begins_is_kept_whole(num_envs, num_episodes):
    found = collected(Drawn(), num_envs, num_episodes)
    assert len(found.episodes) == num_episodes
    assert (found.num_dropped_rows, found.num_dropped_episodes) == (0, 0)
    for episode in found.episodes:
        drawn = int(episode.obs[0, 0])
        assert episode.length == min(drawn, TIME_LIMIT)
        np.testing.assert_array_equal(episode.obs[:, 1], np.arange(episode.length + 1))
        np.testing.assert_array_equal(episode.infos["qvel"], -episode.obs)
        np.testing.assert_array_equal(episode.reward, episode.action[:, 0])
        assert episode.terminated[-1] == (drawn <= TIME_LIMIT) != episode.truncated[-1]
        assert not episode.terminated[:-1].any() and not episode.truncated[:-1].any()
        assert episode.goal.shape == (episode.length + 1, 0)


def test_long_episodes_are_as_frequent_as_they_begin():
    drawn = np.array([episode.obs[0, 0] for episode in collected(Drawn(), 16, 400).episodes])
    assert drawn.mean() == pytest.approx((1 + LONGEST) / 2, rel=0.1)
    assert len(np.unique(drawn)) > 80


def test_a_step_that_is_not_finite_is_dropped_and_cuts_the_episode():
    found = collected(Drawn(poisoned=True), 8, 100)
    odd = [episode for episode in found.episodes if episode.obs[0, 0] % 2 == 1 and episode.obs[0, 0] <= TIME_LIMIT]
    assert odd and found.num_dropped_rows == len(odd) + found.num_dropped_episodes
    assert len(found.episodes) == 100 - found.num_dropped_episodes
    for episode in odd:
        assert episode.length == episode.obs[0, 0] - 1
        assert episode.truncated[-1] and not episode.terminated[-1]
    assert all(np.isfinite(episode.obs).all() for episode in found.episodes)


def test_physics_played_back_from_qpos_and_qvel_is_what_was_seen():
    recording = expert()
    env = load_playback(str(PRETRAINED), "workspace", "best", "native").env
    for episode in recording.episodes:
        assert episode.infos["qpos"].shape == (episode.length + 1, env.model.nq)
        np.testing.assert_array_equal(episode.obs[:, 0], episode.infos["qpos"][:, 2])  # height
        np.testing.assert_array_less(np.abs(episode.action), 1 + 1e-6)


def test_provenance_says_what_acted():
    recording = expert()
    playback = load_playback(str(PRETRAINED), "workspace", "best", "native")
    provenance = json.loads(json.dumps(recording.provenance))
    assert provenance["policies"] == {str(playback.step): digest(leaves_of(playback.policy))}
    assert provenance["versions"]["minari"] and len(provenance["model_sha256"]) == 64
    assert decode(provenance["config"], "provenance").env == "humanoid-skills"
    assert recording.minari_metadata["dataset_id"] == "flexrl/humanoid-skills/expert-v0"


@pytest.mark.parametrize("deterministic", [False, True])
def test_policies_act_by_the_middle_of_their_distribution_only_if_asked_to(deterministic):
    playback = load_playback(str(PRETRAINED), "workspace", "best", "native")
    options = CollectArguments(Path("unused"), "expert", deterministic=deterministic)
    [policy] = _policies(playback.folder, playback.config, playback.env, options).values()
    obs, goal = (np.concatenate([getattr(e, name)[:50] for e in expert().episodes]) for name in ("obs", "goal"))
    seen = Observation(obs, goal, np.zeros(len(obs)), np.zeros(len(obs), bool))

    def actions(policy, seed):
        return np.asarray(policy.act(policy.init_carry(len(obs)), seen, jax.random.key(seed))[1])

    middle = actions(playback.policy, 0)
    for seed in (0, 1):
        away = np.abs(actions(policy, seed) - middle).mean()
        assert away == 0 if deterministic else away > 0.02


def test_sampled_actions_are_recorded_unless_asked_otherwise():
    """They scatter around the middle of the distribution that saw the same."""
    playback = load_playback(str(PRETRAINED), "workspace", "best", "native")
    assert expert().provenance["deterministic"] is False
    [first, *_] = expert().episodes
    seen = Observation(first.obs[:-1], first.goal[:-1], first.reward, np.zeros(first.length, bool))
    policy = playback.policy
    middle = np.asarray(policy.act(policy.init_carry(first.length), seen, jax.random.key(0))[1])
    assert 0.02 < np.abs(first.action - middle).mean() < 0.5 and abs((first.action - middle).mean()) < 0.02


RECOVER = """
import sys, numpy, minari
data = minari.MinariDataset(sys.argv[1])
env, episode = data.recover_environment(), next(iter(data))
assert env.observation_space == data.observation_space and env.action_space == data.action_space
seen = env.reset(seed=0)[0], *(env.step(action)[0] for action in episode.actions[:3])
assert all(each in data.observation_space for each in seen)
assert "flexrl" not in sys.modules and "flexrl/HumanoidSkills-v0" not in __import__("gymnasium").registry
print(env.spec.id, env.unwrapped.env.config)
"""


def test_minari_recovers_the_environment_that_a_dataset_was_recorded_in(tmp_path):
    """By itself, where nothing of ours was imported; with the task's own rules, by which episodes are collected."""
    recording = expert()
    write_dataset(tmp_path / "data", recording.episodes, recording.minari_metadata, recording.provenance)
    command = [sys.executable, "-W", "ignore", "-c", RECOVER, str(tmp_path / "data" / "data")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    env = load_playback(str(PRETRAINED), "workspace", "best", "native").env
    assert done.stdout.strip() == f"flexrl/HumanoidSkills-v0 {env.config}"


def test_every_tier_is_collected_from_a_run(trained, tmp_path):
    def collect_tier(tier, *flags, name=None):
        out = tmp_path / (name or tier)
        arguments = ["parent", "--tier", tier, "--out", str(out), "--episodes", "5", "--num-envs", "4"]
        collect(*parse_tool(CollectArguments, [*arguments, *flags, "--workspace", str(trained)], "flexrl.collect"))
        verify_dataset(out)
        return read_dataset(out)

    steps = sorted(int(p.name) for p in (trained / "parent" / "checkpoints").iterdir())
    medium = collect_tier("medium", "--step", str(steps[0]), "--reference-scores", "0", "500")
    assert {episode.options["step"] for episode in medium} == {steps[0]}
    metadata = json.loads((tmp_path / "medium" / "data" / "metadata.json").read_text())
    assert (metadata["ref_min_score"], metadata["ref_max_score"]) == (0.0, 500.0)
    replay = collect_tier("replay")
    assert len(replay) == 5 and {episode.options["step"] for episode in replay} <= set(steps)
    assert len({episode.options["step"] for episode in replay}) == len(steps)
    assert len({float(episode.obs[0, 0]) for episode in replay}) == 5  # begun by keys of their own
    by_seed = {seed: collect_tier("random", "--seed", seed, name=seed) for seed in ("0", "7")}
    uniform = np.concatenate([episode.action for episode in by_seed["0"]])
    assert abs(uniform.mean()) < 0.05 and uniform.std() == pytest.approx(1 / np.sqrt(3), abs=0.02)
    first = {seed: episodes[0].obs[0].tolist() for seed, episodes in by_seed.items()}
    assert first["0"] != first["7"] and read_record(tmp_path / "7", "provenance.json")["seed"] == 7


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--tier", "medium"], "step: tier medium takes 1 of them, and 0 were given"),
        (["--tier", "random", "--step", "3"], "step: tier random takes 0 of them"),
        (["--tier", "expert", "--step", "3"], "step: '3' is not in"),
        (["--tier", "replay"], "tier: replay needs at least 2 checkpoints"),
        (["--tier", "expert", "--episodes", "0"], "episodes: 0 must be at least 1"),
        (["--tier", "expert", "--num-envs", "0"], "num_envs: 0 must be at least 1"),
        (["--tier", "expert", "--seed", "-1"], "seed: -1"),
        (["--tier", "expert", "--reference-scores", "2", "1"], "reference_scores: .2.0, 1.0. must be"),
        (["--tier", "expert", "--out", str(PRETRAINED)], "out: .* is there already"),
        (["--tier", "best"], "tier"),
    ],
)
def test_what_cannot_be_collected_is_refused(tmp_path, flags, reason):
    with pytest.raises(ConfigError, match=reason):
        arguments = [str(PRETRAINED), "--out", str(Path(tmp_path) / "new"), *flags]
        collect(*parse_tool(CollectArguments, arguments, "flexrl.collect"))
    assert not (tmp_path / "new").exists()
