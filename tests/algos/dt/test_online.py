"""Learning online: what is sampled from data and worlds together, and that it finds what the data does not hold."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from algos.dt.config import DTConfig, Exploration
from algos.dt.learner import DT
from algos.dt.online import OnlineSource, asked_return
from algos.dt.windows import WindowSource, best_first, num_windows
from envs.errors import ConfigError
from envs.worlds.vector import VecEnv
from flexrl.data.flat_dataset import returns_of
from flexrl.engine.evaluator import Evaluator
from tests.algos.compiled import windows_at
from tests.algos.offline_data import dataset_of, random_dataset
from tests.algos.probes import TIME_LIMIT, make_probe

NUM_ENVS = 4
CONFIG = DTConfig(
    online=True,
    stochastic=True,
    exploration=Exploration(unroll_length=5, replay_steps=40),
    num_updates=40,
    batch_size=32,
    context_length=2,
    num_layers=1,
    embed_size=8,
    dropout=0.0,
    warmup_updates=1,
)
FROM_DATA = 100.0  # in the observations of made-up data, so that they are known from the worlds'


def probe_data(returns):
    """Episodes as long as the probe's that pay so much, all of it at once at the end."""
    num = TIME_LIMIT * len(returns)
    reward = np.zeros(num, np.float32)
    reward[TIME_LIMIT - 1 :: TIME_LIMIT] = returns
    obs = FROM_DATA + np.arange(num)[:, None] + np.zeros((1, 1 + TIME_LIMIT))
    return dataset_of(obs.astype(np.float32), np.zeros((num, 1), np.float32), reward, [TIME_LIMIT] * len(returns))


@functools.cache
def compiled(config, num_envs):
    """A sample of a probe, whatever it pays."""

    @jax.jit
    def sample(probe, data, state, policy, key):
        return OnlineSource(config, VecEnv(probe, num_envs)).sample(data, state, policy, key)

    return sample


def sampled(probe, data, config=CONFIG, num_samples=1):
    """What each sample gave, on the host: state, batch, metrics."""
    dt, found = DT(config, probe.spec), []
    policy = dt.policy(jax.jit(dt.init)(jax.random.key(0)))
    state = OnlineSource(config, VecEnv(probe, NUM_ENVS)).init(policy, jax.random.key(1))
    for i in range(num_samples):
        state, batch, metrics = compiled(config, NUM_ENVS)(probe, data, state, policy, jax.random.key(2 + i))
        found.append(jax.device_get((state, batch, metrics)))
    return found


DATA = probe_data([3.0, 1.0, 2.0])


def steps_of(windows, of_data):
    """Column `rows` of all windows' steps that are no padding, of the data's or of the worlds'."""
    mask = windows.valid & ((windows.obs[..., 0] >= FROM_DATA) == of_data)
    return {name: getattr(windows, name)[mask] for name in ("obs", "return_to_go", "time", "action")}


def test_places_count_the_best_episodes_first():
    data = random_dataset((7, 1, 3, 12))
    returns = np.asarray(data.return_to_go)[np.asarray(data.start)[:-1]]
    by_rank = [episode for episode in np.argsort(-returns) for _ in range((7, 1, 3, 12)[episode] + 4)]
    places = best_first(data, jnp.arange(num_windows(data, 5)), 5)
    assert sorted(np.asarray(places)) == list(range(num_windows(data, 5)))
    last = windows_at(data, places, 5).obs[:, -1, 0]
    row_of = {float(x): row for row, x in enumerate(np.asarray(data.obs)[:, 0])}
    episodes = data.episode_of(jnp.array([row_of[float(x)] for x in np.asarray(last)]))
    np.testing.assert_array_equal(episodes, by_rank)


@pytest.mark.parametrize(
    ("returns", "replay_steps", "num_old", "seen"),
    [
        ([3.0, 1.0, 2.0], 40, 3 * 6, {0, 1, 2}),  # there is room for 20 steps more, and these are 15
        ([3.0, 1.0, 2.0, 5.0, 4.0], 40, 4 * 6, {0, 2, 3, 4}),  # for all but the worst of five episodes
        ([3.0, 1.0, 2.0, 5.0, 4.0], 42, 4 * 6 + 3, {0, 1, 2, 3, 4}),  # for two steps of the worst, in three windows
    ],
)
def test_new_episodes_take_the_places_of_the_worst_of_the_data(returns, replay_steps, num_old, seen):
    """Once four new episodes are whole: a step takes the place of a step, in however many windows each of them is."""
    config = dataclasses.replace(CONFIG, exploration=Exploration(unroll_length=5, replay_steps=replay_steps))
    [(_, batch, metrics)] = sampled(make_probe(), probe_data(returns), config)
    assert metrics["replay/num_steps"] == 4 * TIME_LIMIT
    share = 4 * 6 / (4 * 6 + num_old)
    assert metrics["replay/share"] == pytest.approx(share)
    episode, step = np.divmod(steps_of(batch.windows, of_data=True)["obs"][:, 0] - FROM_DATA, TIME_LIMIT)
    assert set(episode) == seen
    partly = 1 if num_old % 6 else None
    for each in seen:
        assert set(step[episode == each]) == set(range(TIME_LIMIT if each != partly else 3))
    num = batch.windows.valid[..., -1].size
    of_worlds = (batch.windows.obs[..., -1, 0] < FROM_DATA).mean()
    assert of_worlds == pytest.approx(share, abs=5 * (0.25 / num) ** 0.5)


def test_each_step_of_the_worlds_is_a_target_as_often_as_any_other():
    [(_, batch, _)] = sampled(make_probe(), DATA)
    times = steps_of(batch.windows, of_data=False)["time"]
    counts = np.bincount(times, minlength=TIME_LIMIT)
    np.testing.assert_allclose(counts, counts.mean(), atol=5 * counts.mean() ** 0.5)


@pytest.mark.parametrize("terminates_after", [3, 1000])
def test_what_worlds_did_is_told_the_return_that_followed(terminates_after):
    """Whatever was asked for; an episode that terminates earned nothing more, one at the time limit neither."""
    reward_at = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    probe = make_probe(reward_at, terminates_after=terminates_after)
    *_, (state, batch, metrics) = sampled(probe, DATA, num_samples=2)
    length = min(terminates_after, TIME_LIMIT)
    new = steps_of(batch.windows, of_data=False)
    to_come = [reward_at[t:length].sum() for t in range(length)]
    assert set(new["time"]) == set(range(length))
    np.testing.assert_allclose(new["return_to_go"], np.take(to_come, new["time"]))
    np.testing.assert_array_equal(new["obs"][:, 1:].argmax(axis=1), new["time"])
    best = to_come[0]
    assert metrics["replay/best_return"] == batch.target_return == best
    assert state.replay.steps.terminated.any() == (terminates_after < TIME_LIMIT)
    assert state.replay.steps.truncated.any() == (terminates_after > TIME_LIMIT)


def test_the_best_return_and_what_is_asked_for_follow_what_was_found():
    found = sampled(make_probe([2.0] * 5), DATA, num_samples=2)
    assert [batch.target_return for _, batch, _ in found] == [10, 10]
    assert [metrics["replay/asked_return"] for *_, metrics in found] == [6, 20]
    assert found[1][0].rollout.carry.return_to_go[:, 0].tolist() == [20 - 2 * 3] * NUM_ENVS
    early = dataclasses.replace(CONFIG, exploration=Exploration(unroll_length=4, replay_steps=40))
    [(_, batch, metrics)] = sampled(make_probe([2.0] * 5), DATA, early)
    assert (batch.target_return, metrics["replay/share"]) == (3, 0)  # no episode has ended


@pytest.mark.parametrize(
    ("options", "best", "asked"),
    [
        ({}, 4.0, 8.0),
        ({}, -4.0, 0.0),
        ({"target_return": 3.0}, 4.0, 6.0),
        ({"target_return": 3.0, "exploration": Exploration(5, 40, asked_return=7.0)}, 4.0, 7.0),
    ],
)
def test_exploring_asks_for_as_much_again_unless_told(options, best, asked):
    assert asked_return(dataclasses.replace(CONFIG, **options), jnp.array(best)) == asked


def test_it_finds_more_than_the_data_holds():
    """Actions should be half the cue; the data's are far from it, and all on one side."""
    rng, num_episodes = np.random.default_rng(0), 64
    probe = make_probe(target_weight=1.0)
    num = TIME_LIMIT * num_episodes
    cue = np.repeat(rng.uniform(-1, 1, num_episodes), TIME_LIMIT)
    obs = np.concatenate([cue[:, None], np.tile(np.eye(TIME_LIMIT), (num_episodes, 1))], axis=1)
    action = rng.uniform(0.3, 1, num)
    data = dataset_of(
        *(x.astype(np.float32) for x in (obs, action[:, None], -np.square(action - cue / 2))),
        [TIME_LIMIT] * num_episodes,
    )
    config = dataclasses.replace(CONFIG, num_updates=20, embed_size=16, learning_rate=3e-3, return_scale=2.0)
    config = dataclasses.replace(config, target_return=0.0, exploration=Exploration(5, 16 * 5 * 20))
    worlds, returns = VecEnv(probe, 16), {}
    dt, evaluator = DT(config, probe.spec), Evaluator(probe, 64)
    for name, source in (
        ("online", OnlineSource(config, worlds)),
        ("offline", WindowSource(config.num_updates, config.batch_size, config.context_length)),
    ):
        train = learnt(dt, source, data, num_iterations=100)
        episodes = evaluator.episodes(dt.policy(train, deterministic=True), jax.random.key(3))
        returns[name] = episodes.episode_return.mean()
    assert returns["online"] > float(returns_of(data).max()) > returns["offline"]


def learnt(dt, source, data, num_iterations):
    """The train state after some iterations."""

    def iterate(carry, key):
        train, state = carry
        key_sample, key_update = jax.random.split(key)
        state, batch, _ = source.sample(data, state, dt.policy(train), key_sample)
        return (dt.update(train, batch, dt.init_hyper(), key_update)[0], state), None

    @jax.jit
    def learn():
        train = jax.jit(dt.init)(jax.random.key(1))
        state = source.init(dt.policy(train), jax.random.key(2))
        return jax.lax.scan(iterate, (train, state), jax.random.split(jax.random.key(4), num_iterations))[0][0]

    return learn()


def test_a_replay_that_holds_no_whole_episode_is_refused():
    with pytest.raises(ConfigError, match="^exploration.replay_steps: 39 must be at least 40, for whole episodes of 4"):
        config = dataclasses.replace(CONFIG, exploration=Exploration(5, 39))
        OnlineSource(config, VecEnv(make_probe(), NUM_ENVS))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stochastic": False}, "^stochastic: False must be true to explore online"),
        ({"condition": "goal"}, "^condition: goal must be return to learn online"),
    ],
)
def test_what_cannot_explore_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(CONFIG, **changes)


@pytest.mark.parametrize("field", ["unroll_length", "replay_steps"])
def test_a_bad_size_is_refused_by_name(field):
    with pytest.raises(ValueError, match=f"^exploration.{field}: 0 must be at least 1"):
        Exploration(**{field: 0})
