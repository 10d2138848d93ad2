"""What a Decision Transformer's network may look at, and what it may not."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from algos.dt.config import DTConfig
from algos.dt.transformer import TransformerNetwork, hashed, make_dropout
from envs.types import EnvSpec
from tests.algos.compiled import windows_at
from tests.algos.offline_data import random_dataset

SPEC = EnvSpec(obs_size=3, action_size=2, goal_size=1, control_period=1.0, episode_length=20)
TINY = DTConfig(context_length=6, num_layers=2, num_heads=2, embed_size=16, dropout=0.0)
VARIANTS = {
    "paper": TINY,
    "goal token": dataclasses.replace(TINY, goal_input="token"),
    "stochastic": dataclasses.replace(TINY, stochastic=True),
    "no time": dataclasses.replace(TINY, time_embedding=False),
}
variants = pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)


def network_and_windows(config):
    """A compiled network, its parameters and windows of all sorts."""
    network = TransformerNetwork(config, SPEC)
    data = random_dataset(goal_size=1)
    windows = jax.device_get(windows_at(data, jnp.arange(30), config.context_length))
    assert not windows.valid.all() and windows.valid.all(axis=1).any()
    compiled = jax.jit(network.__call__)
    return lambda *args: np.asarray(compiled(*args)), jax.jit(network.init)(jax.random.key(0)), windows


def changed(x, index, value):
    """The array with a value added to some of its entries."""
    x = x.copy()
    x[index] += value
    return x


@variants
def test_no_prediction_looks_ahead(config):
    """Step k's action is predicted without itself, and without anything of later steps."""
    network, params, windows = network_and_windows(config)
    first = network(params, windows)
    for k in range(config.context_length):
        other = dataclasses.replace(
            windows,
            return_to_go=changed(windows.return_to_go, np.s_[:, k + 1 :], 900.0),
            obs=changed(windows.obs, np.s_[:, k + 1 :], 9.0),
            goal=changed(windows.goal, np.s_[:, k + 1 :], 9.0),
            action=changed(windows.action, np.s_[:, k:], 9.0),
        )
        real = windows.valid[:, : k + 1]
        np.testing.assert_array_equal(network(params, other)[:, : k + 1][real], first[:, : k + 1][real])


@variants
def test_every_prediction_sees_all_that_came_before(config):
    network, params, windows = network_and_windows(config)
    full = jax.tree.map(lambda x: x[windows.valid.all(axis=1)], windows)

    def last(name, value):
        return network(params, dataclasses.replace(full, **{name: value}))[:, -1]

    first = network(params, full)[:, -1]
    for k in range(config.context_length):
        for name, step in (("return_to_go", 900.0), ("obs", 1.0), ("goal", 1.0)):
            assert (last(name, changed(getattr(full, name), np.s_[:, k], step)) != first).any(axis=1).all(), (name, k)
        differs = (last("action", changed(full.action, np.s_[:, k], 1.0)) != first).any(axis=1)
        assert differs.all() == (k < config.context_length - 1)


@variants
def test_padding_changes_nothing_whatever_it_holds(config):
    network, params, windows = network_and_windows(config)

    def fill(x, value):
        return jnp.where(windows.valid.reshape(windows.valid.shape + (1,) * (x.ndim - 2)), x, value)

    first = network(params, windows)[windows.valid]
    for value in (0.0, 7.0, np.nan):
        content = {name: fill(getattr(windows, name), value) for name in ("return_to_go", "obs", "goal", "action")}
        other = dataclasses.replace(windows, **content, time=fill(windows.time, 19))
        np.testing.assert_array_equal(network(params, other)[windows.valid], first)


def test_padding_is_the_same_as_a_shorter_window():
    network, params, windows = network_and_windows(TINY)
    for i in (0, 3, 9, 13, 29):
        one = jax.tree.map(lambda x, i=i: x[i : i + 1], windows)
        short = jax.tree.map(lambda x, v=one.valid[0]: x[:, v], one)
        np.testing.assert_allclose(network(params, short)[0], network(params, one)[one.valid], atol=1e-6)


def test_dropout_leaves_the_mean_and_is_drawn_for_each_number():
    dropped = np.asarray(make_dropout(0.25, jax.random.key(0))(jnp.ones((100, 200))))
    assert set(np.unique(dropped)) == {0, np.float32(1 / 0.75)}
    assert dropped.mean() == pytest.approx(1, abs=0.02)
    assert (dropped == 0).mean(axis=0).max() < 0.5 and (dropped == 0).mean(axis=1).max() < 0.5


def test_what_is_dropped_is_even_and_independent():
    """By place, of neighbours at any distance that layers have, and between keys; within five standard deviations."""
    rate, num, keys = 0.1, 2**18, jax.random.split(jax.random.key(3), 8)
    dropped = np.stack([np.asarray(make_dropout(rate, key)(jnp.ones(num))) == 0 for key in keys]).astype(float)
    one = np.sqrt(rate * (1 - rate) / num)
    assert np.abs(dropped.mean(axis=1) - rate).max() < 5 * one
    assert np.abs(dropped.reshape(8, -1, 512).mean(axis=(0, 1)) - rate).max() < 5 * one * np.sqrt(512 / 8)
    centred = (dropped - rate) / np.sqrt(rate * (1 - rate))
    for distance in (1, 2, 3, 4, 60, 64, 128, 512, 3600, 65536):
        together = (centred[:, distance:] * centred[:, :-distance]).mean(axis=1)
        assert np.abs(together).max() < 5 / np.sqrt(num - distance), distance
    between = centred @ centred.T / num
    assert np.abs(between - np.diag(np.diag(between))).max() < 5 / np.sqrt(num)


def test_keys_that_differ_in_one_bit_hash_unlike():
    place = jnp.arange(2**16, dtype=jnp.uint32)
    words = np.array([123456789, 987654321], np.uint32)
    first = np.asarray(hashed(place, jnp.array(words)))
    assert len(np.unique(first)) == len(first)
    for word in range(2):
        for bit in range(32):
            other = words.copy()
            other[word] ^= np.uint32(1) << np.uint32(bit)
            low = (first < 2**32 // 10) & (np.asarray(hashed(place, jnp.array(other))) < 2**32 // 10)
            assert low.mean() == pytest.approx(0.01, abs=5 * np.sqrt(0.01 / 2**16)), (word, bit)


def test_dropout_is_drawn_anew_while_learning_only():
    network, params, windows = network_and_windows(dataclasses.replace(TINY, dropout=0.5))
    a, b = (network(params, windows, jax.random.key(seed))[windows.valid] for seed in range(2))
    assert (a != b).all()
    without = network_and_windows(TINY)[0](params, windows)
    np.testing.assert_array_equal(network(params, windows)[windows.valid], without[windows.valid])


def test_the_first_weights_are_those_of_the_papers_code():
    params = jax.jit(TransformerNetwork(DTConfig(), SPEC).init)(jax.random.key(0))
    assert np.abs(params["embed_obs"]["kernel"]).max() == pytest.approx(4**-0.5, rel=0.02)
    assert np.abs(params["head"]["bias"]).max() <= 128**-0.5
    assert params["embed_time"]["embedding"].std() == pytest.approx(1.0, rel=0.1)
    block = params["blocks"][0]
    for name in ("query_key_value", "attended", "widen", "narrow"):
        assert block[name]["kernel"].std() == pytest.approx(0.02, rel=0.05)
        assert not block[name]["bias"].any()


def test_layers_compute_in_bfloat16_where_asked_to():
    exact, params, windows = network_and_windows(TINY)
    rough = TransformerNetwork(dataclasses.replace(TINY, dtype="bfloat16"), SPEC)
    assert {x.dtype for x in jax.tree.leaves(jax.eval_shape(rough.init, jax.random.key(0)))} == {jnp.dtype("float32")}
    a, b = exact(params, windows)[windows.valid], rough(params, windows)[windows.valid]
    assert b.dtype == a.dtype and 1e-5 < np.abs(a - b).max() < 0.05
