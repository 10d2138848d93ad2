"""The squashed and the clipped normal, against SciPy and numerical integration in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from algos.common.distributions import ClippedNormal, TanhNormal

LOC, SCALE = 0.4, 0.7
RAW = np.linspace(LOC - 10 * SCALE, LOC + 10 * SCALE, 4001)  # covers all but 1e-20 of the probability
ACTION_PER_RAW = 1 / np.cosh(RAW) ** 2  # slope of tanh


@pytest.fixture
def one_action():
    return TanhNormal(jnp.array([LOC]), jnp.array([SCALE]))


def density(distribution: TanhNormal) -> np.ndarray:
    """Of the squashed action, at `tanh(RAW)`."""
    return np.exp(np.asarray(distribution.log_prob(jnp.asarray(RAW[:, None])), np.float64))


def test_density_integrates_to_one_over_actions(one_action):
    assert np.trapezoid(density(one_action) * ACTION_PER_RAW, RAW) == pytest.approx(1, abs=1e-4)


def test_log_prob_is_the_change_of_variables_summed_over_actions():
    rng = np.random.default_rng(0)
    loc, raw = rng.normal(size=(2, 5, 3))
    scale = np.exp(rng.normal(size=(5, 3)))
    expected = (stats.norm.logpdf(raw, loc, scale) - np.log(1 - np.tanh(raw) ** 2)).sum(axis=1)
    with jax.enable_x64(True):
        exact = TanhNormal(jnp.array(loc), jnp.array(scale)).log_prob(jnp.array(raw))
        np.testing.assert_allclose(exact, expected, rtol=1e-10)
    single = TanhNormal(jnp.array(loc), jnp.array(scale)).log_prob(jnp.array(raw))
    np.testing.assert_allclose(single, expected, rtol=1e-4)


def test_log_prob_stays_exact_where_tanh_has_saturated():
    raw, scale = 30.0, 10.0  # 1 - tanh(30)^2 is 0 in floating point; its logarithm is log(4) - 2 * 30
    expected = stats.norm.logpdf(raw, 0, scale) - (np.log(4) - 2 * raw)
    for sign in (-1, 1):
        actual = TanhNormal(jnp.zeros(1), jnp.array([scale])).log_prob(jnp.array([sign * raw]))
        assert actual == pytest.approx(expected, rel=1e-6)


def test_densities_before_squashing_differ_as_log_probs_do(one_action):
    other, raw = TanhNormal(jnp.array([-0.3]), jnp.array([1.1])), jnp.asarray(RAW[:, None])
    difference = one_action.log_prob(raw) - other.log_prob(raw)
    np.testing.assert_allclose(one_action.log_density(raw) - other.log_density(raw), difference, atol=1e-3)


def test_noise_is_what_a_sample_was_made_of(one_action):
    noise = jax.random.normal(jax.random.key(0), (5_000, 1))
    np.testing.assert_allclose(one_action.noise(one_action.loc + one_action.scale * noise), noise, atol=1e-5)


def test_entropy_estimate_has_the_mean_of_the_integral(one_action):
    p = density(one_action)
    expected = -np.trapezoid(p * np.log(p) * ACTION_PER_RAW, RAW)
    estimates = jax.vmap(one_action.entropy)(jax.random.normal(jax.random.key(0), (20_000, 1)))
    standard_error = float(np.std(estimates)) / estimates.size**0.5
    assert np.mean(estimates) == pytest.approx(expected, abs=4 * standard_error)
    assert 4 * standard_error < 0.03


def test_entropy_sums_over_actions(one_action):
    twice = TanhNormal(jnp.full(2, LOC), jnp.full(2, SCALE))
    mean = [
        float(jax.vmap(distribution.entropy)(jax.random.normal(jax.random.key(size), (20_000, size))).mean())
        for size, distribution in enumerate((one_action, twice), start=1)
    ]
    assert mean[1] == pytest.approx(2 * mean[0], rel=0.1)


def test_kl_equals_the_integral_over_squashed_actions(one_action):
    other = TanhNormal(jnp.array([-0.3]), jnp.array([1.1]))
    p, q = density(one_action), density(other)
    expected = np.trapezoid(p * np.log(p / q) * ACTION_PER_RAW, RAW)
    assert one_action.kl(other) == pytest.approx(expected, rel=1e-3)
    assert one_action.kl(one_action) == 0


def test_kl_sums_over_actions_and_keeps_leading_axes():
    rng = np.random.default_rng(0)
    loc_p, loc_q = rng.normal(size=(2, 4, 3))
    scale_p, scale_q = np.exp(rng.normal(size=(2, 4, 3)))
    cross_entropy = np.log(scale_q) + (scale_p**2 + (loc_p - loc_q) ** 2) / (2 * scale_q**2)
    expected = (cross_entropy - np.log(scale_p) - 0.5).sum(axis=1)
    actual = TanhNormal(jnp.array(loc_p), jnp.array(scale_p)).kl(TanhNormal(jnp.array(loc_q), jnp.array(scale_q)))
    np.testing.assert_allclose(actual, expected, rtol=1e-4)


def test_samples_follow_the_distribution(one_action):
    raw = jax.vmap(one_action.sample)(jax.random.split(jax.random.key(0), 5_000))[:, 0]
    assert stats.kstest(np.asarray(raw, np.float64), stats.norm(LOC, SCALE).cdf).pvalue > 1e-3


def test_network_output_is_location_then_positive_scale():
    distribution = TanhNormal.from_network(jnp.array([1.0, 2.0, 3.0, 0.0, -50.0, 50.0]))
    np.testing.assert_array_equal(distribution.loc, [1, 2, 3])
    np.testing.assert_allclose(distribution.scale, [np.log(2) + 0.001, 0.001, 10.0], rtol=1e-6)


class TestClippedNormal:
    def test_is_the_plain_normal_distribution_to_learning(self):
        loc, scale, raw = np.array([0.4, -2.0]), np.array([0.7, 1.5]), np.array([1.3, -4.0])
        distribution = ClippedNormal(jnp.array(loc), jnp.array(scale))
        assert distribution.log_prob(jnp.array(raw)) == pytest.approx(stats.norm.logpdf(raw, loc, scale).sum())
        assert distribution.entropy(jnp.zeros(2)) == pytest.approx(stats.norm.entropy(loc, scale).sum())

    def test_clips_actions_only(self):
        np.testing.assert_array_equal(ClippedNormal.squash(jnp.array([-3.0, 0.25, 1.5])), [-1, 0.25, 1])

    def test_network_output_is_location_then_bounded_logarithm_of_scale(self):
        distribution = ClippedNormal.from_network(jnp.array([1.0, 2.0, 3.0, -0.5, -50.0, 50.0]))
        np.testing.assert_array_equal(distribution.loc, [1, 2, 3])
        np.testing.assert_allclose(distribution.scale, [np.exp(-0.5), 0.001, 10.0], rtol=1e-6)
