"""A Decision Transformer does what it is asked for, and acts as it was trained."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from algos.bc.config import BCConfig
from algos.bc.learner import BC
from algos.common.dataset import DatasetSource, reached_by_a_tenth
from algos.common.distributions import TanhNormal
from algos.dt.config import DTConfig
from algos.dt.learner import DT
from algos.dt.windows import WindowSource, windows_at
from envs.errors import ConfigError
from envs.types import EnvSpec, Observation
from envs.worlds.shards import Shards
from tests.algos.compiled import act
from tests.algos.offline_data import dataset_of, random_dataset

SPEC = EnvSpec(obs_size=3, action_size=2, goal_size=0, control_period=1.0, episode_length=20)
CONFIG = DTConfig(
    num_updates=5, batch_size=16, context_length=4, num_layers=1, embed_size=16, dropout=0.0, warmup_updates=1
)
DEEP = dataclasses.replace(CONFIG, num_layers=2)


def learn(dt, source, data, num_iterations, train=None, progress=0.0):
    """The train state after some iterations, and the metrics of each."""

    @jax.jit
    def iterate(train, data, key):
        key_sample, key_update = jax.random.split(key)
        _, batch, _ = source.sample(data, (), dt.policy(train), key_sample)
        return dt.update(train, batch, dt.init_hyper() | {"progress": jnp.array(progress)}, key_update)

    train = jax.jit(dt.init)(jax.random.key(1)) if train is None else train
    rows = []
    for i in range(num_iterations):
        train, metrics = iterate(train, data, jax.random.key(100 + i))
        rows.append(jax.device_get(metrics))
    return train, rows


def learn_dt(config, data, num_iterations=1, train=None, spec=SPEC, progress=0.0):
    dt = DT(config, spec)
    source = WindowSource(config.num_updates, config.batch_size, config.context_length)
    return dt, *learn(dt, source, data, num_iterations, train, progress)


# --- Whether it obeys. An action in [-1, 1] is paid as it is, and what the data did was drawn evenly. With n steps
# left, the actions that led to a return-to-go of R are alike in distribution, so each is R / n on average, whatever
# came before: that is the least squared error, and asking for R then gives exactly R. Without R the average is 0.
PROBE = EnvSpec(obs_size=1, action_size=1, goal_size=0, control_period=1.0, episode_length=4)


def probe_data(num_episodes=4000):
    rng = np.random.default_rng(0)
    action = rng.uniform(-1, 1, (4 * num_episodes, 1)).astype(np.float32)
    obs = rng.normal(size=action.shape).astype(np.float32)
    return dataset_of(obs, action, action[:, 0], [4] * num_episodes)


def played(policy, num_worlds=8):
    """Actions (T, B) of an episode of the probe."""
    act, carry, reward, actions = jax.jit(policy.act), policy.init_carry(num_worlds), jnp.zeros(num_worlds), []
    for t in range(4):
        obs = jax.random.normal(jax.random.key(t), (num_worlds, 1))
        observation = Observation(obs, jnp.zeros((num_worlds, 0)), reward, jnp.full(num_worlds, t == 0))
        carry, action, _ = act(carry, observation, jax.random.key(t))
        reward = action[:, 0]
        actions.append(np.asarray(reward))
    return np.array(actions)


def test_obeys_the_return_that_is_asked_for_where_cloning_cannot():
    data = probe_data()
    config = dataclasses.replace(
        DEEP, num_updates=50, batch_size=128, embed_size=32, learning_rate=3e-3, warmup_updates=20, return_scale=2.0
    )
    dt, train, rows = learn_dt(config, data, 12, spec=PROBE)
    for target in (-2.0, 0.0, 1.0, 2.0):
        policy = dt.policy(train.replace(target_return=jnp.array(target)), deterministic=True)
        actions = played(policy)
        np.testing.assert_allclose(actions.sum(axis=0), target, atol=0.25)
        left = target - np.cumsum(actions, axis=0) + actions
        np.testing.assert_allclose(actions, left / np.arange(4, 0, -1)[:, None], atol=0.2)
    bc_config = BCConfig(num_updates=50, batch_size=512, policy_layers=(32,), learning_rate=3e-3)
    bc = BC(bc_config, PROBE)
    cloned, _ = learn(bc, DatasetSource(50, 512), data, 4)
    assert np.abs(played(bc.policy(cloned, deterministic=True))).mean() < 0.15


# --- Whether it acts as it was trained.
@pytest.mark.parametrize("options", [{}, {"goal_input": "token"}, {"time_embedding": False}])
def test_the_memory_that_acts_is_the_window_that_trains(options):
    """Over more steps than a window holds, in worlds that begin anew at different times."""
    spec, num_steps, target = SPEC.replace(goal_size=1), 14, 700.0
    config = dataclasses.replace(DEEP, **options)
    data = random_dataset((20, 10), goal_size=1)
    dt, train, _ = learn_dt(config, data, spec=spec)
    policy = dt.policy(train.replace(target_return=jnp.array(target)), deterministic=True)
    begins_at = [(0, 9), (0, 3), (0,)]
    rng = np.random.default_rng(3)
    obs, goal, reward = (rng.normal(size=(num_steps, 3, *shape)).astype(np.float32) for shape in ((3,), (1,), ()))
    act, carry, action = jax.jit(type(policy).act), policy.init_carry(3), []
    for t in range(num_steps):
        is_first = jnp.array([t in begins for begins in begins_at])
        before = jnp.where(is_first, 0, reward[t - 1])
        carry, chosen, _ = act(policy, carry, Observation(obs[t], goal[t], before, is_first), jax.random.key(t))
        action.append(np.asarray(chosen))
    action = np.array(action)
    at, network = jax.jit(windows_at, static_argnums=2), jax.jit(dt.network)
    for world, begins in enumerate(begins_at):
        for begin, end in zip(begins, (*begins[1:], num_steps), strict=True):
            here = (slice(begin, end), world)
            episode = dataset_of(obs[here], action[here], reward[here], [end - begin], goal[here])
            earned = np.cumsum(reward[here]) - reward[here]
            episode = dataclasses.replace(episode, return_to_go=jnp.array(target - earned, jnp.float32))
            windows = at(episode, jnp.arange(end - begin), config.context_length)
            windows = windows.replace(obs=train.normalizer.normalize(windows.obs))
            expected = jnp.tanh(network(train.params["policy"], windows)[:, -1])
            np.testing.assert_allclose(action[here], expected, atol=1e-5)


def test_the_loss_is_the_squared_error_of_steps_that_are_no_padding():
    data = random_dataset()
    config = dataclasses.replace(CONFIG, num_updates=1)
    dt = DT(config, SPEC)
    train = jax.jit(dt.init)(jax.random.key(1))
    _, batch, _ = WindowSource(1, 16, 4).sample(data, (), None, jax.random.key(2))
    _, metrics = jax.jit(dt.update)(train, batch, dt.init_hyper(), jax.random.key(0))
    windows = jax.tree.map(lambda x: x[0], batch.windows)
    normalized = windows.replace(obs=data.statistics.normalize(windows.obs))
    error = np.square(np.tanh(jax.jit(dt.network)(train.params["policy"], normalized)) - windows.action).mean(axis=-1)
    real = np.asarray(windows.valid)
    assert 0 < real.sum() < real.size
    assert metrics["policy/loss"] == pytest.approx(float(error[real].mean()), rel=1e-5)


def test_the_loss_of_a_distribution_is_likelihood_and_entropy():
    data = random_dataset()
    config = dataclasses.replace(CONFIG, num_updates=1, stochastic=True)
    dt = DT(config, SPEC)
    train = jax.jit(dt.init)(jax.random.key(1))
    _, batch, _ = WindowSource(1, 16, 4).sample(data, (), None, jax.random.key(2))

    def loss(entropy_weight):
        hyper = dt.init_hyper() | {"entropy_weight": jnp.array(entropy_weight)}
        return float(jax.jit(dt.update)(train, batch, hyper, jax.random.key(0))[1]["policy/loss"])

    windows = jax.tree.map(lambda x: x[0], batch.windows)
    normalized = windows.replace(obs=data.statistics.normalize(windows.obs))
    distribution = TanhNormal.from_network(jax.jit(dt.network)(train.params["policy"], normalized))
    likelihood = np.asarray(distribution.log_prob(jnp.arctanh(windows.action)))[np.asarray(windows.valid)].mean()
    assert loss(0.0) == pytest.approx(-likelihood, rel=1e-4)
    noise = jax.random.normal(jax.random.key(5), (500, *windows.action.shape))
    entropies = jax.vmap(distribution.entropy)(noise).mean(axis=0)
    entropy = np.asarray(entropies)[np.asarray(windows.valid)].mean()
    assert loss(0.0) - loss(1.0) == pytest.approx(entropy, abs=0.3)


def test_entropy_has_a_bonus_below_its_target_only():
    data = random_dataset()

    def learnt(entropy_weight, target_entropy=None):
        bonus = {"entropy_weight": entropy_weight, "target_entropy": target_entropy}
        _, train, rows = learn_dt(dataclasses.replace(CONFIG, num_updates=1, stochastic=True, **bonus), data)
        return train.params, rows[0]["policy/loss"]

    without, with_bonus = learnt(0.0), learnt(1.0)
    entropy = float(without[1] - with_bonus[1])
    for margin, expected in ((0.1, with_bonus), (-0.1, without)):
        for a, b in zip(*map(jax.tree.leaves, (learnt(1.0, entropy + margin), expected)), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_distribution_is_sampled_from_and_its_middle_is_taken():
    config = dataclasses.replace(CONFIG, stochastic=True)
    dt, train, _ = learn_dt(config, random_dataset())
    observation = Observation(jnp.ones((2, 3)), jnp.zeros((2, 0)), jnp.zeros(2), jnp.ones(2, bool))

    def action(policy, seed):
        return act(policy, policy.init_carry(2), observation, jax.random.key(seed))[1]

    sampled = np.stack([action(dt.policy(train), seed) for seed in range(2)])
    assert (sampled[0] != sampled[1]).all() and (np.abs(sampled) <= 1).all()
    middle = [action(dt.policy(train, deterministic=True), seed) for seed in range(2)]
    np.testing.assert_array_equal(*middle)


# --- How it learns.
def test_the_learning_rate_rises_to_its_value_and_stays():
    config = dataclasses.replace(CONFIG, num_updates=1, warmup_updates=4, learning_rate=1e-3)
    _, _, rows = learn_dt(config, random_dataset(), 6)
    rates = [row["update/learning_rate"] for row in rows]
    np.testing.assert_allclose(rates, [0.25e-3, 0.5e-3, 0.75e-3, 1e-3, 1e-3, 1e-3], rtol=1e-5)


def test_the_rate_is_on_its_way_to_its_final_value():
    falling = dataclasses.replace(CONFIG, learning_rate=3e-3, final_learning_rate=1e-3)
    halfway = dataclasses.replace(CONFIG, learning_rate=2e-3)
    data = random_dataset()
    found, expected = learn_dt(falling, data, progress=0.5), learn_dt(halfway, data)
    np.testing.assert_allclose(found[2][0]["update/learning_rate"], 2e-3, rtol=1e-6)
    for a, b in zip(jax.tree.leaves(found[1].params), jax.tree.leaves(expected[1].params), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_it_acts_by_the_running_mean_of_its_parameters():
    config, data = dataclasses.replace(CONFIG, num_updates=1, average_decay=0.6), random_dataset()
    seen = [learn_dt(config, data, num)[1] for num in (1, 2, 3, 4)]
    one, two, three, four = (np.asarray(train.params["policy"]["embed_obs"]["kernel"]) for train in seen)
    until_two = (one + two) / 2  # a plain mean as long as there are fewer than 1 / (1 - 0.6) = 2.5 of them
    until_three = 0.6 * until_two + 0.4 * three
    for train, mean in zip(seen, (one, until_two, until_three, 0.6 * until_three + 0.4 * four), strict=True):
        acting = DT(config, SPEC).policy(train).params["embed_obs"]["kernel"]
        np.testing.assert_allclose(acting, mean, atol=1e-6)


def test_before_the_first_update_it_acts_by_the_parameters_that_it_begins_with():
    dt = DT(dataclasses.replace(CONFIG, average_decay=0.9), SPEC)
    train = jax.jit(dt.init)(jax.random.key(0))
    begun = jax.tree.map(lambda x: x + 1, train.params)
    acting = dt.policy(train.replace(params=begun)).params
    for a, b in zip(*map(jax.tree.leaves, (acting, begun["policy"])), strict=True):
        np.testing.assert_array_equal(a, b)


def test_asks_for_a_high_return_of_the_data_unless_told():
    data = random_dataset()
    best = max(np.add.reduceat(np.asarray(data.reward), np.asarray(data.start)[:-1]))
    _, train, _ = learn_dt(CONFIG, data)
    assert train.target_return == pytest.approx(best, abs=1e-5)
    assert train.normalizer.mean[0] == data.statistics.mean[0]
    _, told, _ = learn_dt(dataclasses.replace(CONFIG, target_return=-5.0, normalize_observations=False), data)
    assert told.target_return == -5 and told.normalizer.count == 0


@pytest.mark.parametrize(("num", "expected"), [(1, 0), (9, 8), (19, 18), (20, 18), (100, 90)])
def test_a_high_return_is_what_a_tenth_of_the_episodes_reach(num, expected):
    returns = jax.random.permutation(jax.random.key(0), jnp.arange(float(num)))
    assert reached_by_a_tenth(returns) == expected


def test_an_update_that_is_not_finite_is_left_out_and_counted():
    data = random_dataset()
    bad = dataclasses.replace(data, action=jnp.full_like(data.action, jnp.inf))
    dt, train, rows = learn_dt(CONFIG, bad)
    assert train.skipped_in_a_row == rows[0]["update/skipped"] == CONFIG.num_updates
    first = jax.jit(dt.init)(jax.random.key(1))
    for a, b in zip(jax.tree.leaves(train.params), jax.tree.leaves(first.params), strict=True):
        np.testing.assert_array_equal(a, b)


def test_dropout_is_on_while_learning():
    data = random_dataset()
    losses = [learn_dt(dataclasses.replace(CONFIG, dropout=rate), data)[2][0]["policy/loss"] for rate in (0.0, 0.5)]
    assert losses[0] != losses[1]


def test_without_normalising_the_network_reads_observations_as_they_are():
    """They are far beyond the limit at which normalised ones are clipped."""
    dt = DT(dataclasses.replace(CONFIG, normalize_observations=False, num_updates=1), SPEC)
    data = random_dataset()
    data = dataclasses.replace(data, obs=100 * data.obs)
    train = jax.jit(dt.init)(jax.random.key(1))
    _, batch, _ = WindowSource(1, 16, 4).sample(data, (), dt.policy(train), jax.random.key(2))
    hyper = dt.init_hyper() | {"progress": jnp.zeros(())}
    _, metrics = jax.jit(dt.update)(train, batch, hyper, jax.random.key(3))
    windows = jax.tree.map(lambda x: x[0], batch.windows)
    expected = dt._loss(train.params, windows, jax.random.key(4), hyper)  # without dropout the key changes nothing
    assert metrics["policy/loss"] == pytest.approx(float(expected), rel=1e-6)
    policy, num = dt.policy(train), len(data.obs)
    seen = Observation(data.obs, jnp.zeros((num, 0)), jnp.zeros(num), jnp.ones(num, bool))
    np.testing.assert_array_equal(act(policy, policy.init_carry(num), seen, jax.random.key(0))[0].obs[:, -1], data.obs)


def test_minibatches_that_devices_cannot_share_are_refused():
    with pytest.raises(ConfigError, match="batch_size: 16 is not a multiple of num_devices 3"):
        DT(CONFIG, SPEC, Shards(3))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("num_updates", 0),
        ("batch_size", 0),
        ("context_length", 0),
        ("num_layers", 0),
        ("num_heads", 0),
        ("num_heads", 3),
        ("embed_size", 0),
        ("activation", "gelu"),
        ("dropout", 1.0),
        ("dropout", -0.1),
        ("goal_input", "prefix"),
        ("entropy_weight", -1.0),
        ("target_entropy", -3.0),
        ("return_scale", 0.0),
        ("learning_rate", 0.0),
        ("warmup_updates", 0),
        ("weight_decay", -1.0),
        ("max_grad_norm", 0.0),
        ("average_decay", 1.0),
        ("average_decay", 0.0),
        ("dtype", "float16"),
    ],
)
def test_a_bad_value_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=f"^{field}: "):
        dataclasses.replace(CONFIG, **{field: value})
