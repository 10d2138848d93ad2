"""Behavior cloning acts as its data did."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from algos.bc.config import BCConfig
from algos.bc.learner import BC
from algos.common.dataset import Dataset, DatasetSource
from algos.common.normalization import RunningStatistics
from envs.errors import ConfigError
from envs.types import EnvSpec, Mirror, Observation, Reflection
from envs.worlds.shards import Shards
from tests.algos.compiled import act

SPEC = EnvSpec(obs_size=3, action_size=2, goal_size=1, control_period=1.0, episode_length=10)
MIRROR = Mirror(Reflection((0, 1, 2), (-1, 1, 1)), Reflection((0,), (-1,)), Reflection((1, 0), (1, 1)))
SYMMETRIC = SPEC.replace(mirror=MIRROR)
CONFIG = BCConfig(num_updates=40, batch_size=64, policy_layers=(32, 32), learning_rate=3e-3)
NUM_STEPS = 200


def dataset(seed=0) -> Dataset:
    """Steps of a teacher that looks at observation and goal; observations are far from standard."""
    key_obs, key_goal = jax.random.split(jax.random.key(seed))
    obs = 50 + 7 * jax.random.normal(key_obs, (NUM_STEPS, 3))
    goal = jax.random.uniform(key_goal, (NUM_STEPS, 1), minval=-1)
    action = jnp.concatenate([jnp.tanh((obs[:, :1] - 50) / 7), 0.5 * goal], axis=1)
    ends = jnp.arange(NUM_STEPS) % 50 == 49
    start = jnp.arange(0, NUM_STEPS + 1, 50)
    statistics = RunningStatistics.init(3).update(obs)
    return Dataset(obs, goal, action, jnp.ones(NUM_STEPS), ~ends & False, ends, start, statistics)


def observation_of(data: Dataset) -> Observation:
    return Observation(data.obs, data.goal, data.reward, jnp.zeros(NUM_STEPS, bool))


def learn(config=CONFIG, num_iterations=25, data=None, train=None, spec=SPEC):
    """The algorithm, its train state and losses."""
    data = dataset() if data is None else data
    bc, source = BC(config, spec), DatasetSource(config.num_updates, config.batch_size)
    train = bc.init(jax.random.key(1)) if train is None else train
    update, sample = jax.jit(bc.update), jax.jit(source.sample)
    losses = []
    for i in range(num_iterations):
        _, batch, _ = sample(data, (), bc.policy(train), jax.random.key(100 + i))
        hyper = bc.init_hyper() | {"progress": jnp.array(i / num_iterations)}
        train, metrics = update(train, batch, hyper, jax.random.key(0))
        losses.append(float(metrics["policy/loss"]))
    return bc, train, losses


def actions(bc, train, data):
    policy = bc.policy(train, deterministic=True)
    return act(policy, policy.init_carry(NUM_STEPS), observation_of(data), jax.random.key(0))[1]


def test_fits_a_teacher_of_observation_and_goal():
    data = dataset()
    bc, train, losses = learn()
    assert losses[-1] < losses[0] / 100
    np.testing.assert_allclose(actions(bc, train, data), data.action, atol=0.05)
    moved = dataclasses.replace(data, goal=-data.goal)
    np.testing.assert_allclose(actions(bc, train, moved)[:, 1], -0.5 * data.goal[:, 0], atol=0.1)


def test_a_symmetric_network_learns_from_one_side_what_to_do_on_the_other():
    def taught(side):
        """Steps of a symmetric teacher, on one side."""
        obs, goal = (dataset().obs - 50) / 7, dataset().goal
        obs = obs.at[:, 0].set(side * (0.5 + jnp.abs(obs[:, 0])))
        turn = obs[:, 0] + goal[:, 0]
        action = 0.5 * jnp.sin(jnp.stack([turn, -turn], axis=1)) + 0.3 * jnp.tanh(obs[:, 1:2])
        statistics = RunningStatistics.init(3).update(obs)
        return dataclasses.replace(dataset(), obs=obs, action=action, statistics=statistics)

    def error(side, symmetric):
        config = dataclasses.replace(CONFIG, symmetric=symmetric)
        bc, train, _ = learn(config, data=taught(1.0), spec=SYMMETRIC)
        return np.abs(actions(bc, train, taught(side)) - taught(side).action).mean()

    assert error(1.0, True) < 0.05 and error(-1.0, True) < 0.05
    assert error(1.0, False) < 0.05 and error(-1.0, False) > 0.15


def test_a_return_that_is_asked_for_is_the_same_in_a_mirror():
    bc = BC(dataclasses.replace(CONFIG, symmetric=True, condition="return"), SYMMETRIC)
    data, mirror, train = dataset(), MIRROR, bc.init(jax.random.key(0))
    data = dataclasses.replace(data, obs=data.obs - 50)
    image = dataclasses.replace(data, obs=mirror.obs(data.obs), goal=mirror.goal(data.goal))
    acted = actions(bc, train.replace(target_return=jnp.array(30.0)), data)
    again = actions(bc, train.replace(target_return=jnp.array(30.0)), image)
    np.testing.assert_allclose(again, mirror.action(acted), atol=1e-6)
    assert np.abs(acted - actions(bc, train, data)).max() > 1e-4  # of what is asked for


def test_a_symmetric_network_needs_a_symmetric_environment():
    with pytest.raises(ConfigError, match="^symmetric: this environment declares no"):
        BC(dataclasses.replace(CONFIG, symmetric=True), SPEC)


def test_the_loss_is_the_mean_squared_action_error():
    data = dataset()
    config = dataclasses.replace(CONFIG, num_updates=1, weight_decay=0.0)
    bc = BC(config, SPEC)
    train = bc.init(jax.random.key(1))
    _, batch, _ = DatasetSource(1, 64).sample(data, (), bc.policy(train), jax.random.key(2))
    hyper = bc.init_hyper() | {"progress": jnp.zeros(())}
    _, metrics = bc.update(train, batch, hyper, jax.random.key(0))
    policy = bc.policy(train.replace(normalizer=data.statistics), deterministic=True)
    observation = Observation(batch.obs[0], batch.goal[0], jnp.zeros(64), jnp.zeros(64, bool))
    _, action, _ = act(policy, policy.init_carry(64), observation, jax.random.key(0))
    assert metrics["policy/loss"] == pytest.approx(float(np.square(action - batch.action[0]).mean()), rel=1e-5)


def test_sampling_is_of_all_steps_alike_and_keeps_rows_together():
    data = dataset()
    sample = DatasetSource(num_updates=50, batch_size=200).sample
    _, batch, _ = sample(data, (), BC(CONFIG, SPEC).policy(BC(CONFIG, SPEC).init(jax.random.key(0))), jax.random.key(3))
    assert batch.obs.shape == (50, 200, 3)
    row_of = {float(x): i for i, x in enumerate(np.asarray(data.obs[:, 0]))}
    rows = np.array([row_of[float(x)] for x in np.asarray(batch.obs[..., 0]).ravel()])
    np.testing.assert_array_equal(np.asarray(batch.action).reshape(-1, 2), np.asarray(data.action)[rows])
    counts = np.bincount(rows, minlength=NUM_STEPS)
    assert counts.min() > 20 and counts.max() < 90  # 50 expected, Poisson


def test_observations_are_normalised_by_the_data_or_as_a_parent_did():
    data = dataset()
    _, train, _ = learn(num_iterations=1)
    np.testing.assert_array_equal(train.normalizer.mean, data.statistics.mean)
    _, later, _ = learn(num_iterations=1, data=dataset(seed=5), train=train)
    np.testing.assert_array_equal(later.normalizer.mean, data.statistics.mean)
    _, plain, _ = learn(dataclasses.replace(CONFIG, normalize_observations=False), num_iterations=1)
    assert plain.normalizer.count == 0


def test_without_normalising_the_network_reads_observations_as_they_are():
    """They are far beyond the limit at which normalised ones are clipped."""
    data, bc = dataset(), BC(dataclasses.replace(CONFIG, normalize_observations=False, num_updates=1), SPEC)
    train = bc.init(jax.random.key(1))
    _, batch, _ = DatasetSource(1, 64).sample(data, (), bc.policy(train), jax.random.key(2))
    hyper = bc.init_hyper() | {"progress": jnp.zeros(())}
    trained, metrics = bc.update(train, batch, hyper, jax.random.key(0))
    raw = jnp.concatenate([batch.obs[0], batch.goal[0]], axis=-1)
    assert metrics["policy/loss"] == pytest.approx(float(bc._loss(train.params, raw, batch.action[0])), rel=1e-6)
    output = bc.network.step(
        trained.params["policy"], (), jnp.concatenate([data.obs, data.goal], axis=-1), data.truncated
    )
    np.testing.assert_allclose(actions(bc, trained, data), jnp.tanh(output[1][:, :2]), rtol=1e-5)


def test_weights_decay_apart_from_gradients():
    """With one step of the same gradient, decay takes learning rate times decay of each weight."""
    steps = [
        learn(dataclasses.replace(CONFIG, num_updates=1, weight_decay=w), num_iterations=1)[1].params
        for w in (0.0, 0.1)
    ]
    first = BC(CONFIG, SPEC).init(jax.random.key(1)).params
    for plain, decayed, start in zip(*map(jax.tree.leaves, (*steps, first)), strict=True):
        np.testing.assert_allclose(plain - decayed, 3e-3 * 0.1 * start, atol=1e-7)


def test_the_learning_rate_falls_to_its_final_value_and_stays_without_one():
    bc = BC(CONFIG, SPEC)
    train = bc.init(jax.random.key(0))
    _, batch, _ = DatasetSource(1, 64).sample(dataset(), (), bc.policy(train), jax.random.key(2))

    def rate(bc, progress):
        hyper = bc.init_hyper() | {"progress": jnp.array(progress)}
        return float(bc.update(train, batch, hyper, jax.random.key(0))[1]["update/learning_rate"])

    assert rate(bc, 0.0) == pytest.approx(3e-3, rel=1e-5) and rate(bc, 1.0) == pytest.approx(1e-5, rel=1e-4)
    constant = BC(dataclasses.replace(CONFIG, final_learning_rate=None), SPEC)
    assert rate(constant, 0.7) == pytest.approx(3e-3, rel=1e-5)


def test_an_update_that_is_not_finite_is_left_out_and_counted():
    data = dataset()
    bad = dataclasses.replace(data, action=jnp.full_like(data.action, jnp.inf))
    bc, train, _ = learn(num_iterations=1, data=bad)
    first = bc.init(jax.random.key(1))
    assert train.skipped_in_a_row == CONFIG.num_updates
    for a, b in zip(jax.tree.leaves(train.params), jax.tree.leaves(first.params), strict=True):
        np.testing.assert_array_equal(a, b)


def test_minibatches_that_devices_cannot_share_are_refused():
    with pytest.raises(ConfigError, match="batch_size: 64 is not a multiple of num_devices 3"):
        BC(CONFIG, SPEC, Shards(3))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("best_fraction", 0.0),
        ("best_fraction", 1.5),
        ("num_updates", 0),
        ("batch_size", 0),
        ("learning_rate", 0.0),
        ("final_learning_rate", 0.0),
        ("weight_decay", -1.0),
        ("max_grad_norm", 0.0),
        ("policy_layers", ()),
        ("goal_layers", (0,)),
        ("activation", "gelu"),
    ],
)
def test_a_bad_value_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=f"{field}: "):
        dataclasses.replace(CONFIG, **{field: value})
