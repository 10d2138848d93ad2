"""PPO's loss and update on a few random samples. That it learns is shown in `test_probe_environments.py`."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from algos.common.types import Rollout
from algos.ppo.config import PPOConfig
from algos.ppo.gae import generalized_advantage
from algos.ppo.learner import PPO, shuffled_rows
from algos.ppo.losses import clipped_policy_loss
from algos.ppo.policy import network_inputs
from envs.types import EnvSpec, Observation
from tests.algos.compiled import act

NUM_STEPS, NUM_WORLDS, OBS_SIZE, ACTION_SIZE, GOAL_SIZE = 8, 4, 3, 2, 1
NUM_SAMPLES = NUM_STEPS * NUM_WORLDS
SPEC = EnvSpec(OBS_SIZE, ACTION_SIZE, GOAL_SIZE, control_period=1.0, episode_length=10)
CONFIG = PPOConfig(
    unroll_length=NUM_STEPS, num_epochs=2, num_minibatches=4, policy_layers=(8,), value_layers=(8,), clip_ratio=0.1
)


class Learner:
    """PPO with its compiled update."""

    def __init__(self, **changes) -> None:
        self.ppo = PPO(dataclasses.replace(CONFIG, **changes), SPEC)
        self.update = jax.jit(self.ppo.update)
        self.hyper = self.ppo.init_hyper()
        self.train = jax.jit(self.ppo.init)(jax.random.key(0))

    def updated(self, batch, train=None, **hyper):
        """The next train state and the metrics, with some of the hyper-parameters changed."""
        hyper = self.hyper | {name: jnp.full_like(self.hyper[name], value) for name, value in hyper.items()}
        return self.update(self.train if train is None else train, batch, hyper, jax.random.key(1))


@pytest.fixture(scope="module")
def learner():
    """Two epochs of four minibatches."""
    return Learner()


@pytest.fixture(scope="module")
def one_step():
    """One gradient step on the whole batch, and an adaptive learning rate."""
    return Learner(num_epochs=1, num_minibatches=1, target_kl=0.01)


def observations(key) -> Observation:
    keys = jax.random.split(key, 2)
    return Observation(
        jax.random.normal(keys[0], (NUM_STEPS, NUM_WORLDS, OBS_SIZE)),
        jax.random.normal(keys[1], (NUM_STEPS, NUM_WORLDS, GOAL_SIZE)),
        jnp.zeros((NUM_STEPS, NUM_WORLDS)),
        jnp.zeros((NUM_STEPS, NUM_WORLDS), bool),
    )


@pytest.fixture(scope="module")
def batch(learner):
    """Random observations and rewards, acted on by the first policy; one world terminates and one is truncated."""
    keys = jax.random.split(jax.random.key(2), 4)
    observation = observations(keys[0])
    policy = learner.ppo.policy(learner.train)
    _, _, info = act(policy, policy.init_carry(NUM_WORLDS), observation, keys[1])
    never = jnp.zeros((NUM_STEPS, NUM_WORLDS), bool)
    return Rollout(
        observation,
        observations(keys[2]),
        info,
        jax.random.normal(keys[3], (NUM_STEPS, NUM_WORLDS)),
        terminated=never.at[3, 0].set(True),
        truncated=never.at[5, 1].set(True),
        carry=policy.init_carry(NUM_WORLDS),
    )


def assert_same(actual, expected):
    jax.tree.map(np.testing.assert_array_equal, actual, expected)


def differs(a, b) -> bool:
    return any(bool(jnp.any(x != y)) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


class TestClippedPolicyLoss:
    """Clip 0.2: ratios count up to 1.2 when the advantage is positive, down to 0.8 when it is negative."""

    RATIO = np.array([0.5, 0.9, 1.1, 1.5], np.float32)

    @pytest.mark.parametrize(
        ("advantage", "expected"),
        [
            # the smaller of ratio * advantage and clipped ratio * advantage, negated
            (2.0, [-1.0, -1.8, -2.2, -2.4]),
            (-2.0, [1.6, 1.8, 2.2, 3.0]),
        ],
    )
    def test_takes_the_pessimistic_of_the_two_ratios(self, advantage, expected):
        for ratio, value in zip(self.RATIO, expected, strict=True):
            loss = clipped_policy_loss(jnp.log(ratio)[None], jnp.array([advantage]), 0.2)
            assert float(loss) == pytest.approx(value, rel=1e-5)

    def test_is_the_mean_over_samples(self):
        loss = clipped_policy_loss(jnp.log(self.RATIO), jnp.full(4, 2.0), 0.2)
        assert float(loss) == pytest.approx(-(1.0 + 1.8 + 2.2 + 2.4) / 4, rel=1e-5)

    @pytest.mark.parametrize(
        ("advantage", "expected"),
        [
            # d(-ratio * advantage) / d(log ratio) = -ratio * advantage, and nothing where clipped
            (2.0, [-1.0, -1.8, -2.2, 0.0]),
            (-2.0, [0.0, 1.8, 2.2, 3.0]),
        ],
    )
    def test_gradient_is_zero_exactly_where_clipping_binds(self, advantage, expected):
        gradient = jax.grad(lambda x: 4 * clipped_policy_loss(x, jnp.full(4, advantage), 0.2))(jnp.log(self.RATIO))
        np.testing.assert_allclose(gradient, expected, rtol=1e-5)


class TestFirstGradientStep:
    """The networks are still those that acted, so much is known."""

    def test_policy_has_not_moved(self, one_step, batch):
        metrics = one_step.updated(batch)[1]
        assert float(metrics["policy/kl"]) == pytest.approx(0, abs=1e-6)
        assert metrics["policy/clip_fraction"] == 0
        assert float(metrics["policy/loss"]) == pytest.approx(0, abs=1e-5)  # mean of normalised advantages

    def test_value_loss_is_half_the_mean_squared_advantage(self, one_step, batch):
        train, config = one_step.train, one_step.ppo.config

        def value(observation):
            inputs = network_inputs(train.normalizer, observation.obs, observation.goal)
            network = one_step.ppo.networks["value"]
            return network.step(train.params["value"], (), inputs, observation.is_first)[1][..., 0]

        advantage_TB = generalized_advantage(
            batch.reward * config.reward_scale,
            value(batch.observation),
            value(batch.next_observation),
            batch.terminated,
            batch.truncated,
            discount=config.discount,
            gae_lambda=config.gae_lambda,
        )
        metrics = one_step.updated(batch)[1]
        assert float(metrics["value/loss"]) == pytest.approx(float(jnp.square(advantage_TB).mean() / 2), rel=1e-4)
        target_TB = advantage_TB + value(batch.observation)
        explained = 1 - float(jnp.var(advantage_TB) / jnp.var(target_TB))
        assert float(metrics["value/explained_variance"]) == pytest.approx(explained, rel=1e-3)

    def test_adding_a_constant_to_every_advantage_changes_nothing_for_the_policy(self, one_step, batch):
        # without a future, a bonus on every reward moves all advantages alike
        hyper = {"discount": 0.0, "value_weight": 0.0}
        richer = batch.replace(reward=batch.reward + 1)
        expected = one_step.updated(batch, **hyper)[0].params["policy"]
        actual = one_step.updated(richer, **hyper)[0].params["policy"]
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), actual, expected)

    def test_scaling_every_advantage_changes_nothing_for_the_policy(self, one_step, batch):
        # with a value network that says zero, advantages scale with rewards
        zero = jax.tree.map(jnp.zeros_like, one_step.train.params["value"])
        train = one_step.train.replace(params=one_step.train.params | {"value": zero})
        hyper = {"value_weight": 0.0, "entropy_weight": 0.0}
        norms = [one_step.updated(batch, train, reward_scale=x, **hyper)[1]["update/grad_norm"] for x in (0.1, 10.0)]
        assert norms[0] > 0
        assert float(norms[1]) == pytest.approx(float(norms[0]), rel=1e-3)

    def test_gradient_is_scaled_down_to_the_largest_norm(self, batch):
        learner = Learner(num_epochs=1, num_minibatches=1, max_grad_norm=1e-3)
        train, metrics = learner.updated(batch)
        first_moment = train.optimizer[1].mu  # one tenth of the gradient after one step of Adam
        norm = jnp.sqrt(sum(jnp.square(x).sum() for x in jax.tree.leaves(first_moment)))
        assert metrics["update/grad_norm"] > 1e-3
        assert float(norm) == pytest.approx(1e-4, rel=1e-3)


class TestUpdate:
    """The whole update, through its results."""

    def test_without_value_weight_the_value_network_stays(self, learner, batch):
        train, _ = learner.updated(batch, value_weight=0.0)
        assert_same(train.params["value"], learner.train.params["value"])
        assert differs(train.params["policy"], learner.train.params["policy"])

    def test_entropy_weight_widens_the_policy_where_nothing_else_moves_it(self, one_step, batch):
        # equal rewards without a future, and a value network that says zero: every advantage is the same
        zero = jax.tree.map(jnp.zeros_like, one_step.train.params["value"])
        train = one_step.train.replace(params=one_step.train.params | {"value": zero})
        equal = batch.replace(reward=jnp.ones_like(batch.reward))

        def scale_after(entropy_weight):
            after, _ = one_step.updated(
                equal, train, entropy_weight=entropy_weight, discount=0.0, reward_scale=1.0, value_weight=0.0
            )
            policy = one_step.ppo.policy(after.replace(normalizer=train.normalizer))
            return float(act(policy, {"policy": ()}, batch.observation, jax.random.key(0))[2]["scale"].mean()), after

        start = float(batch.info["scale"].mean())
        unmoved, after = scale_after(0.0)
        assert_same(after.params, train.params)
        assert unmoved == pytest.approx(start, rel=1e-6)
        assert scale_after(1.0)[0] > start

    def test_minibatches_of_an_epoch_hold_every_sample_once(self, learner):
        indices = learner.ppo._minibatch_indices(NUM_SAMPLES, jax.random.key(0))
        assert indices.shape == (8, NUM_SAMPLES // 4)
        epochs = np.asarray(indices).reshape(2, NUM_SAMPLES)
        for epoch in epochs:
            np.testing.assert_array_equal(np.sort(epoch), np.arange(NUM_SAMPLES))
        assert np.any(epochs[0] != epochs[1])

    def test_observation_statistics_take_in_what_was_acted_on(self, learner, batch):
        normalizer = learner.updated(batch)[0].normalizer
        assert normalizer.count == NUM_SAMPLES
        np.testing.assert_allclose(normalizer.mean, batch.observation.obs.mean(axis=(0, 1)), rtol=1e-4, atol=1e-6)

    def test_observation_statistics_stay_empty_when_not_asked_for(self, batch):
        learner = Learner(num_epochs=1, num_minibatches=1, normalize_observations=False)
        assert learner.updated(batch)[0].normalizer.count == 0

    def test_every_hyper_parameter_changes_the_update_and_none_recompiles(self, learner, batch):
        changed = {
            "discount": 0.5,
            "gae_lambda": 0.5,
            "clip_ratio": 1e-4,
            "entropy_weight": 0.5,
            "value_weight": 2.0,
            "reward_scale": 1.0,
        }
        assert changed.keys() == learner.hyper.keys()
        usual = learner.updated(batch)[0].params
        for name, value in changed.items():
            assert differs(learner.updated(batch, **{name: value})[0].params, usual), name
        assert learner.update._cache_size() == 1

    def test_the_second_iteration_does_not_recompile(self, learner, batch):
        train, _ = learner.updated(batch)
        learner.updated(batch, train)
        assert learner.update._cache_size() == 1

    def test_a_train_state_read_from_disk_has_the_types_that_were_compiled(self, learner):
        restored = jax.tree.map(lambda x: jnp.asarray(np.asarray(x)), learner.train)
        assert jax.tree.map(jax.typeof, restored) == jax.tree.map(jax.typeof, learner.train)

    def test_the_deterministic_policy_acts_by_its_location(self, learner, batch):
        policy = learner.ppo.policy(learner.train, deterministic=True)
        _, action, info = act(policy, {"policy": ()}, batch.observation, jax.random.key(0))
        np.testing.assert_array_equal(action, jnp.tanh(info["loc"]))


class TestNonFiniteSamples:
    """Such a minibatch is left out and counted."""

    @pytest.fixture(params=["reward", "observation", "action"])
    def bad_batch(self, request, batch):
        if request.param == "reward":
            return batch.replace(reward=batch.reward.at[4, 2].set(jnp.nan))
        if request.param == "observation":
            obs = batch.observation.obs.at[4, 2, 0].set(jnp.nan)
            return batch.replace(observation=batch.observation.replace(obs=obs))
        raw_action = batch.info["raw_action"].at[4, 2, 0].set(jnp.inf)
        return batch.replace(info=batch.info | {"raw_action": raw_action})

    def test_leave_the_learner_untouched(self, one_step, bad_batch):
        train, metrics = one_step.updated(bad_batch)
        assert_same(train.params, one_step.train.params)
        assert_same(train.optimizer, one_step.train.optimizer)
        assert train.learning_rate == one_step.train.learning_rate
        assert metrics["update/skipped"] == 1

    def test_leave_the_observation_statistics_finite(self, one_step, bad_batch):
        normalizer = one_step.updated(bad_batch)[0].normalizer
        assert all(np.isfinite(x).all() for x in jax.tree.leaves(normalizer))

    def test_are_counted_in_a_row_until_a_finite_update(self, one_step, batch):
        bad_batch = batch.replace(reward=batch.reward.at[0, 0].set(jnp.inf))
        train, metrics = one_step.updated(bad_batch)
        train, metrics = one_step.updated(bad_batch, train)
        assert train.skipped_in_a_row == metrics["update/skipped_in_a_row"] == 2
        train, metrics = one_step.updated(batch, train)
        assert train.skipped_in_a_row == metrics["update/skipped_in_a_row"] == metrics["update/skipped"] == 0

    def test_cost_only_their_own_minibatch(self, learner, batch):
        last = batch.replace(
            reward=batch.reward.at[0, 0].set(jnp.nan),  # nothing comes before it, so one advantage is lost
        )
        train, metrics = learner.updated(last)
        assert metrics["update/skipped"] == 2  # one of four minibatches in each of two epochs
        assert differs(train.params, learner.train.params)
        assert all(np.isfinite(x).all() for x in jax.tree.leaves(train.params))


class TestAdaptiveLearningRate:
    """The KL of the first gradient step is made: a shift by d scales in each action has a KL of d^2 / 2 for each."""

    @staticmethod
    def rate_after(one_step, batch, *, kl, rate):
        shift = (2 * kl / ACTION_SIZE) ** 0.5
        old = batch.info | {"loc": batch.info["loc"] + shift * batch.info["scale"]}
        train = one_step.train.replace(learning_rate=jnp.full_like(one_step.train.learning_rate, rate))
        after, metrics = one_step.updated(batch.replace(info=old), train)
        assert float(metrics["policy/kl"]) == pytest.approx(kl, abs=1e-5)
        assert float(metrics["update/learning_rate"]) == pytest.approx(rate)
        return float(after.learning_rate)

    @pytest.mark.parametrize(("kl_in_targets", "factor"), [(0.0, 1.5), (0.4, 1.5), (0.6, 1), (1.9, 1), (2.1, 1 / 1.5)])
    def test_rises_below_half_the_target_and_falls_above_twice(self, one_step, batch, kl_in_targets, factor):
        rate = self.rate_after(one_step, batch, kl=kl_in_targets * 0.01, rate=1e-4)
        assert rate == pytest.approx(factor * 1e-4, rel=1e-4)

    @pytest.mark.parametrize(("kl", "rate", "bound"), [(0.0, 9e-4, 1e-3), (0.1, 1.1e-5, 1e-5)])
    def test_stops_at_its_bounds(self, one_step, batch, kl, rate, bound):
        assert self.rate_after(one_step, batch, kl=kl, rate=rate) == pytest.approx(bound, rel=1e-4)

    @pytest.mark.parametrize(("target_kl", "factor"), [(1e-9, 1 / 1.5), (1e9, 1.5)])
    def test_moves_once_in_an_iteration_of_many_steps(self, batch, target_kl, factor):
        many = Learner(target_kl=target_kl, learning_rate=1e-4)
        after, metrics = many.updated(batch)
        assert float(metrics["update/learning_rate"]) == pytest.approx(1e-4)
        assert float(after.learning_rate) == pytest.approx(factor * 1e-4)

    def test_stays_without_a_target(self, learner, batch):
        train, _ = learner.updated(batch)
        assert train.learning_rate == learner.train.learning_rate
        assert float(train.learning_rate) == pytest.approx(CONFIG.learning_rate)

    def test_scales_the_step(self, one_step, batch):
        def step(rate):
            train = one_step.train.replace(learning_rate=jnp.full_like(one_step.train.learning_rate, rate))
            after, _ = one_step.updated(batch, train)
            return jax.tree.map(lambda a, b: a - b, after.params["policy"], train.params["policy"])

        jax.tree.map(lambda a, b: np.testing.assert_allclose(4 * a, b, rtol=0.01, atol=1e-6), step(1e-4), step(4e-4))


@pytest.fixture(scope="module")
def clipped():
    """Acts by a clipped normal distribution."""
    return Learner(action_distribution="clipped_normal", policy_layers=(8, 8))


class TestClippedNormalPolicy:
    def test_acts_within_bounds_with_one_scale_for_all_observations(self, clipped):
        policy = clipped.ppo.policy(clipped.train)
        _, action, info = act(policy, {"policy": ()}, observations(jax.random.key(3)), jax.random.key(4))
        assert abs(action).max() == 1.0 and (jnp.abs(info["raw_action"]).max() > 1.0)
        np.testing.assert_allclose(info["scale"], np.exp(-0.5), rtol=1e-6)

    def test_learns_its_scale(self, clipped, batch):
        policy = clipped.ppo.policy(clipped.train)
        _, _, info = act(policy, {"policy": ()}, batch.observation, jax.random.key(5))
        train, metrics = clipped.updated(batch.replace(info=info))
        assert metrics["update/skipped"] == 0
        scale = train.params["policy"]["trunk"]["log_scale"]
        assert (scale != clipped.train.params["policy"]["trunk"]["log_scale"]).all()


class TestDecayingLearningRate:
    @pytest.mark.parametrize(("progress", "rate"), [(0.0, 4e-4), (0.25, 3.25e-4), (1.0, 1e-4)])
    def test_is_linear_in_the_progress_of_the_run(self, batch, progress, rate):
        decaying = Learner(learning_rate=4e-4, final_learning_rate=1e-4)
        decaying.hyper["progress"] = jnp.array(progress)
        train, metrics = decaying.updated(batch)
        assert float(train.learning_rate) == pytest.approx(rate)
        assert train.learning_rate == metrics["update/learning_rate"]

    def test_excludes_adaptation(self):
        with pytest.raises(ValueError, match="^final_learning_rate: "):
            PPOConfig(final_learning_rate=1e-5, target_kl=0.01)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("unroll_length", 0),
        ("num_epochs", 0),
        ("num_minibatches", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("final_learning_rate", 0.0),
        ("target_kl", 0.0),
        ("discount", 1.01),
        ("discount", -0.1),
        ("gae_lambda", 1.01),
        ("gae_lambda", -0.1),
        ("clip_ratio", 0.0),
        ("entropy_weight", -1e-3),
        ("value_weight", -0.5),
        ("reward_scale", 0.0),
        ("max_grad_norm", 0.0),
        ("policy_layers", ()),
        ("value_layers", (8, 0)),
        ("action_distribution", "beta"),
        ("activation", "gelu"),
    ],
)
def test_config_refuses_a_bad_value_by_name(name, value):
    with pytest.raises(ValueError, match=rf"^{name}: "):
        PPOConfig(**{name: value})


def test_config_accepts_the_ends_of_ranges():
    ends = {"discount": 1.0, "gae_lambda": 0.0, "entropy_weight": 0.0, "value_weight": 0.0, "max_grad_norm": None}
    assert vars(PPOConfig(**ends)).items() >= ends.items()


@pytest.mark.parametrize("num_rows", [1, 2, 12, 1000])
def test_a_shuffle_holds_every_row_once(num_rows):
    assert sorted(np.array(shuffled_rows(jax.random.key(0), num_rows))) == list(range(num_rows))


def test_a_shuffle_puts_every_row_everywhere_alike_often():
    keys = jax.random.split(jax.random.key(0), 4000)
    orders = np.array(jax.vmap(lambda key: shuffled_rows(key, 6))(keys))
    shares = np.array([(orders == row).mean(0) for row in range(6)])
    assert np.abs(shares - 1 / 6).max() < 5 * np.sqrt(1 / 6 * 5 / 6 / 4000)
