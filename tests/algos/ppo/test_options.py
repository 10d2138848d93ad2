"""What PPO can do besides the textbook, each part through what it changes."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from algos.common.types import Rollout, Taught
from algos.ppo.config import PPOConfig
from algos.ppo.learner import PPO
from algos.ppo.losses import squared_value_loss
from algos.ppo.policy import network_inputs
from envs.errors import ConfigError
from envs.types import EnvSpec, Mirror, Observation, Reflection
from tests.algos.compiled import act

T, B, OBS, GOAL, ACTION, HIDDEN = 6, 8, 3, 2, 2, 4
MIRROR = Mirror(Reflection((0, 2, 1), (-1, 1, 1)), Reflection((1, 0), (1, 1)), Reflection((1, 0), (-1, -1)))
SPEC = EnvSpec(OBS, ACTION, GOAL, control_period=1.0, episode_length=10, privileged_size=HIDDEN, mirror=MIRROR)
CONFIG = PPOConfig(unroll_length=T, num_epochs=1, num_minibatches=1, policy_layers=(8,), value_layers=(8,))


def learner(**changes):
    return PPO(dataclasses.replace(CONFIG, **changes), SPEC)


def observations(key):
    shapes = {"obs": (T, B, OBS), "goal": (T, B, GOAL), "privileged": (T, B, HIDDEN)}
    drawn = {
        name: jax.random.normal(jax.random.fold_in(key, i), shape) for i, (name, shape) in enumerate(shapes.items())
    }
    return Observation(**drawn, reward=jnp.zeros((T, B)), is_first=jnp.zeros((T, B), bool))


def first_step(observation):
    return jax.tree.map(lambda x: x[0], observation)


def reflected(observation):
    """The same in a mirror."""
    return observation.replace(obs=MIRROR.obs(observation.obs), goal=MIRROR.goal(observation.goal))


def sampled(ppo, train):
    """A rollout of random numbers, acted on by this policy."""
    policy, observation = ppo.policy(train), observations(jax.random.key(1))
    carry = policy.init_carry(B)
    _, _, info = act(policy, carry, observation, jax.random.key(2))
    reward, never = jax.random.normal(jax.random.key(3), (T, B)), jnp.zeros((T, B), bool)
    return Rollout(observation, observations(jax.random.key(4)), info, reward, never, never, carry)


def updated(ppo, batch=None, train=None, **hyper):
    train = jax.jit(ppo.init)(jax.random.key(0)) if train is None else train
    batch = sampled(ppo, train) if batch is None else batch
    hyper = ppo.init_hyper() | {"progress": jnp.array(0.0)} | {k: jnp.array(v) for k, v in hyper.items()}
    return jax.jit(ppo.update)(train, batch, hyper, jax.random.key(5))


def assert_close(a, b, **tolerance):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, **tolerance), a, b)


def differs(a, b):
    return any(bool(jnp.any(x != y)) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


class TestValueClip:
    def test_counts_the_larger_of_both_errors(self):
        old, target = jnp.zeros(3), jnp.array([1.0, 1.0, -1.0])
        value = jnp.array([0.5, 0.1, 0.5])  # moved too far towards, within, and too far away
        # (0.2 - 1)^2 outweighs 0.5^2; 0.9^2 twice; 1.5^2 outweighs 1.2^2
        assert float(squared_value_loss(value, old, target, 0.2)) == pytest.approx((0.64 + 0.81 + 2.25) / 6)
        assert float(squared_value_loss(value, old, target, None)) == pytest.approx((0.25 + 0.81 + 2.25) / 6)

    def test_stops_the_gradient_of_a_value_that_moved_far_enough(self):
        slope = jax.grad(lambda v: squared_value_loss(v[None], jnp.zeros(1), jnp.ones(1), 0.2))
        assert slope(0.5) == 0 and slope(0.1) == pytest.approx(-0.9)

    def test_reaches_the_update(self):
        # two steps: on the first one no value has moved yet
        steps = {"num_epochs": 2, "learning_rate": 0.1}
        assert differs(updated(learner(**steps))[0].params, updated(learner(**steps, value_clip=1e-6))[0].params)


class TestEntropySchedule:
    @pytest.mark.parametrize(("progress", "weight"), [(0.0, 0.5), (0.5, 0.25), (1.0, 0.0)])
    def test_is_linear_in_the_progress_of_the_run(self, progress, weight):
        scheduled = updated(learner(entropy_weight=0.5, final_entropy_weight=0.0), progress=progress)[0]
        constant = updated(learner(entropy_weight=weight))[0]
        assert_close(scheduled.params, constant.params, atol=1e-6)


class TestAdvantageNormalization:
    def test_over_the_batch_is_that_over_a_minibatch_of_all(self):
        batch, minibatch = (updated(learner(advantage_normalization=x))[0].params for x in ("batch", "minibatch"))
        assert_close(batch, minibatch, atol=1e-6)

    def test_over_the_batch_differs_where_minibatches_are_smaller(self):
        kinds = ("batch", "minibatch")
        assert differs(*(updated(learner(advantage_normalization=x, num_minibatches=4))[0].params for x in kinds))


class TestNormalizedReturns:
    def test_make_the_scale_of_rewards_irrelevant_once_they_are_known(self):
        ppo = learner(normalize_returns=True, reward_scale=1.0)
        train = jax.jit(ppo.init)(jax.random.key(0))
        zero = jax.tree.map(jnp.zeros_like, train.params["value"])
        train = train.replace(params=train.params | {"value": zero})  # which says the same of any reward
        batch = sampled(ppo, train)

        def second_update(factor):
            richer = batch.replace(reward=factor * batch.reward)
            known = updated(ppo, richer, train)[0].returns
            return updated(ppo, richer, train.replace(returns=known))

        (one, metrics), (hundred, metrics_hundred) = second_update(1.0), second_update(100.0)
        assert_close(one.params, hundred.params, rtol=1e-3, atol=1e-5)
        ratio = float(metrics_hundred["value/return_std"] / metrics["value/return_std"])
        assert ratio == pytest.approx(100, rel=1e-2)


class TestGoalEncoder:
    def test_reads_the_goal_and_nothing_else_does(self):
        ppo = learner(goal_layers=(16, 5))
        params = jax.jit(ppo.init)(jax.random.key(0)).params
        for name in ("policy", "value"):
            assert params[name]["goal_encoder"]["layers"][0]["kernel"].shape == (GOAL, 16)
            assert params[name]["trunk"]["layers"][0]["kernel"].shape == (OBS + 5, 8)
        silent = params["policy"] | {"goal_encoder": jax.tree.map(jnp.zeros_like, params["policy"]["goal_encoder"])}
        rows = jax.random.normal(jax.random.key(1), (2, OBS + GOAL)).at[:, :OBS].set(0.5)
        heard, unheard = (
            ppo.networks["policy"].step(p, (), rows, jnp.zeros(2, bool))[1] for p in (params["policy"], silent)
        )
        assert (heard[0] != heard[1]).any()
        np.testing.assert_array_equal(unheard[0], unheard[1])

    def test_says_little_at_first(self):
        network = learner(goal_layers=(16, 5)).networks["policy"]
        rows = jax.random.normal(jax.random.key(2), (64, OBS + GOAL))
        code = network.module(network.init(jax.random.key(0))).encode(rows)[:, OBS:]
        assert code.shape == (64, 5) and 0.01 < float(code.std()) < 0.2

    def test_learns(self):
        ppo = learner(goal_layers=(16, 5))
        before, after = jax.jit(ppo.init)(jax.random.key(0)), updated(ppo)[0]
        assert differs(before.params["policy"]["goal_encoder"], after.params["policy"]["goal_encoder"])

    def test_is_left_out_where_there_is_no_goal(self):
        spec = SPEC.replace(goal_size=0)
        assert (
            "goal_encoder"
            not in PPO(dataclasses.replace(CONFIG, goal_layers=(4,)), spec).init(jax.random.key(0)).params
        )


class TestPrivilegedCritic:
    def test_knows_what_the_policy_does_not(self):
        ppo = learner(privileged_critic=True)
        train = jax.jit(ppo.init)(jax.random.key(0))
        batch = sampled(ppo, train)
        other = batch.replace(observation=batch.observation.replace(privileged=-batch.observation.privileged))
        values = [ppo._samples(train, x, ppo.init_hyper())[0].old_value for x in (batch, other)]
        assert differs(*values)
        actions = [act(ppo.policy(train), {"policy": ()}, x.observation, jax.random.key(0))[1] for x in (batch, other)]
        np.testing.assert_array_equal(*actions)

    def test_normalizes_what_it_knows(self):
        ppo = learner(privileged_critic=True)
        batch = sampled(ppo, jax.jit(ppo.init)(jax.random.key(0)))
        train, _ = updated(ppo, batch)
        np.testing.assert_allclose(train.privileged.mean, batch.observation.privileged.mean(axis=(0, 1)), atol=1e-6)

    @pytest.mark.parametrize("memory", ["none", "gru"])
    def test_reads_everything_as_it_is_where_nothing_is_normalized(self, memory):
        """Rows far beyond the limit at which normalised ones are clipped, also after statistics could be known."""
        ppo = learner(privileged_critic=True, normalize_observations=False, memory=memory)
        train = jax.jit(ppo.init)(jax.random.key(0))
        batch = sampled(ppo, train)
        large = batch.observation.replace(obs=100 * batch.observation.obs, privileged=70 * batch.observation.privileged)
        train, _ = updated(ppo, batch.replace(observation=large), train)
        inputs = ppo._inputs(train, large)
        np.testing.assert_array_equal(inputs["policy"], jnp.concatenate([large.obs, large.goal], axis=-1))
        everything = jnp.concatenate([large.obs, large.privileged, large.goal], axis=-1)
        np.testing.assert_array_equal(inputs["value"], everything)
        policy, first = ppo.policy(train, deterministic=memory == "none"), first_step(large)
        carry = policy.init_carry(B)
        after, _, info = policy.act(carry, first, jax.random.key(0))  # as the networks below, uncompiled
        networks = {"policy": inputs["policy"][0], "value": everything[0]}
        outputs = {
            n: ppo.networks[n].step(train.params[n], carry.get(n, ()), x, first.is_first) for n, x in networks.items()
        }
        np.testing.assert_array_equal(info["loc"], ppo.distribution.from_network(outputs["policy"][1]).loc)
        for name, state in after.items():
            assert_close(state, outputs[name][0])

    def test_needs_something_to_know(self):
        with pytest.raises(ConfigError, match="^privileged_critic: "):
            PPO(dataclasses.replace(CONFIG, privileged_critic=True), SPEC.replace(privileged_size=0))


class TestInitialScale:
    @pytest.mark.parametrize("distribution", ["tanh_normal", "clipped_normal"])
    @pytest.mark.parametrize("symmetric", [False, True])
    def test_is_that_of_every_action_component_at_the_start(self, distribution, symmetric):
        ppo = learner(initial_scale=0.2, action_distribution=distribution, symmetric=symmetric)
        scale = sampled(ppo, jax.jit(ppo.init)(jax.random.key(0))).info["scale"]
        np.testing.assert_allclose(scale, 0.2, atol=0.01)

    @pytest.mark.parametrize("scale", [0.0, 1e-3, -1.0, 11.0])
    def test_outside_of_the_bounds_of_a_scale_is_refused(self, scale):
        with pytest.raises(ValueError, match=f"initial_scale: {scale} must be above 0.001 and at most 10.0, or null"):
            dataclasses.replace(CONFIG, initial_scale=scale)


class TestNoiseWeight:
    def test_takes_noise_from_the_policy(self):
        def scale(noise_weight):
            ppo = learner(noise_weight=noise_weight, learning_rate=1e-2)
            train, metrics = updated(ppo)
            assert np.isfinite(float(metrics["policy/loss"]))
            return float(sampled(ppo, train).info["scale"].mean())

        assert scale(10.0) < scale(0.1) < scale(0.0)

    def test_adds_the_mean_sum_of_logarithms_to_the_loss(self):
        plain, weighted = learner(), learner(noise_weight=0.5)
        train = jax.jit(plain.init)(jax.random.key(0))
        batch = sampled(plain, train)
        samples, _, _ = plain._samples(train, batch, plain.init_hyper())
        hyper = plain.init_hyper()
        difference = weighted._loss(train.params, samples, hyper)[0] - plain._loss(train.params, samples, hyper)[0]
        expected = 0.5 * np.log(np.asarray(batch.info["scale"])).sum(axis=-1).mean()
        assert float(difference) == pytest.approx(expected, rel=1e-4)


class TestValueWarmup:
    def test_leaves_the_policy_as_it_is_until_it_is_over(self):
        ppo = learner(value_warmup=0.5)
        before = jax.jit(ppo.init)(jax.random.key(0)).params
        early, late = (updated(ppo, progress=progress)[0].params for progress in (0.49, 0.5))
        assert_close(early["policy"], before["policy"], atol=0)
        assert differs(early["value"], before["value"])
        assert differs(late["policy"], before["policy"])
        assert_close(early["value"], late["value"], atol=1e-7)

    def test_leaves_an_adapted_learning_rate_as_it_is_until_it_is_over(self):
        ppo = learner(value_warmup=0.5, target_kl=0.01)
        rate = ppo.config.learning_rate
        train = None
        for progress in (0.0, 0.25, 0.49):
            train, metrics = updated(ppo, train=train, progress=progress)
            assert metrics["policy/kl"] == pytest.approx(0, abs=1e-6)  # of a policy that is held
            assert train.learning_rate == pytest.approx(rate)
        # one gradient step: its divergence is of the policy before it, zero, so that the rate grows
        assert updated(ppo, train=train, progress=0.5)[0].learning_rate == pytest.approx(1.5 * rate)

    def test_must_end(self):
        with pytest.raises(ValueError, match="^value_warmup: "):
            learner(value_warmup=1.0)


class TestSymmetric:
    @pytest.mark.parametrize(
        "options", [{}, {"action_distribution": "clipped_normal"}, {"memory": "gru"}, {"goal_layers": (4,)}]
    )
    def test_does_in_the_mirror_the_mirror_image_of_what_it_does(self, options):
        ppo = learner(symmetric=True, **options)
        train = jax.jit(ppo.init)(jax.random.key(0))
        policy, seen = ppo.policy(train), first_step(observations(jax.random.key(1)))
        here, there = (
            act(policy, policy.init_carry(B), each, jax.random.key(0))[2] for each in (seen, reflected(seen))
        )
        np.testing.assert_allclose(there["loc"], MIRROR.action(here["loc"]), atol=1e-6)
        np.testing.assert_allclose(there["scale"], here["scale"][:, ::-1], atol=1e-6)
        assert np.abs(here["loc"] - MIRROR.action(here["loc"])).min() > 1e-6  # no state is its own image

    def test_is_worth_as_much_in_the_mirror(self):
        ppo = learner(symmetric=True)
        train, _ = updated(ppo)
        batch = sampled(ppo, train)
        image = batch.replace(observation=reflected(batch.observation))
        values = [ppo._samples(train, x, ppo.init_hyper())[0].old_value for x in (batch, image)]
        np.testing.assert_allclose(*values, atol=1e-6)

    def test_is_not_symmetric_unless_asked(self):
        ppo = learner()
        policy, seen = ppo.policy(updated(ppo)[0]), first_step(observations(jax.random.key(1)))
        here, there = (
            act(policy, policy.init_carry(B), each, jax.random.key(0))[2] for each in (seen, reflected(seen))
        )
        assert np.abs(there["loc"] - MIRROR.action(here["loc"])).max() > 1e-4

    def test_remembers_both_sides(self):
        ppo = learner(symmetric=True, memory="gru")
        train, network = jax.jit(ppo.init)(jax.random.key(0)), ppo.networks["policy"]
        observation = observations(jax.random.key(1))
        is_first = jax.random.bernoulli(jax.random.key(2), 0.3, (T, B))
        inputs = network_inputs(train.normalizer, observation.obs, observation.goal, network.symmetry)
        params, memory = train.params["policy"], network.init_memory(B)
        _, unrolled = network.unroll(params, memory, inputs, is_first)
        outputs = []
        for time in range(T):
            memory, output = network.step(params, memory, inputs[time], is_first[time])
            outputs.append(output)
        np.testing.assert_allclose(unrolled, outputs, atol=1e-6)
        forgetful = network.step(params, network.init_memory(B), inputs[-1], is_first[-1])[1]
        np.testing.assert_array_equal(np.isclose(forgetful, outputs[-1], atol=1e-9).all(axis=-1), is_first[-1])

    def test_needs_a_symmetric_environment(self):
        with pytest.raises(ConfigError, match="^symmetric: "):
            PPO(dataclasses.replace(CONFIG, symmetric=True), SPEC.replace(mirror=None))

    def test_excludes_a_privileged_critic(self):
        with pytest.raises(ValueError, match="^symmetric: "):
            learner(symmetric=True, privileged_critic=True)


class TestHalfPrecision:
    def test_computes_near_to_full_precision_with_full_parameters(self):
        full, half = learner(), learner(dtype="bfloat16")
        train = jax.jit(half.init)(jax.random.key(0))
        assert_close(train.params, jax.jit(full.init)(jax.random.key(0)).params)
        seen = observations(jax.random.key(1))
        rows = network_inputs(train.normalizer, seen.obs, seen.goal)
        outputs = [
            x.networks["value"].step(train.params["value"], (), rows, jnp.zeros((T, B), bool))[1] for x in (full, half)
        ]
        assert outputs[1].dtype == jnp.float32
        assert 0 < float(jnp.abs(outputs[0] - outputs[1]).max()) < 0.03
        after, metrics = updated(half)
        assert all(x.dtype == jnp.float32 for x in jax.tree.leaves(after.params))
        assert metrics["update/skipped"] == 0


def test_summary_counts_parameters():
    ppo = learner(goal_layers=(5,), memory="gru", memory_size=4)
    sizes = {k: sum(x.size for x in jax.tree.leaves(v)) for k, v in jax.jit(ppo.init)(jax.random.key(0)).params.items()}
    parts = [f"{name} goal 5 + gru 4 + 8 ({size} parameters)" for name, size in sizes.items()]
    assert ppo.summary() == ", ".join(parts)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("value_clip", 0.0),
        ("final_entropy_weight", -1.0),
        ("goal_layers", (4, 0)),
        ("memory", "rnn"),
        ("memory_size", 0),
        ("dtype", "float16"),
        ("advantage_normalization", "world"),
    ],
)
def test_config_refuses_a_bad_value_by_name(name, value):
    with pytest.raises(ValueError, match=rf"^{name}: "):
        PPOConfig(**{name: value})


class TestTeachers:
    def taught(self, ppo, train, share):
        """A rollout in which a teacher of the first worlds would always do the same."""
        loc = jnp.broadcast_to(jnp.array([0.5, -0.3]), (T, B, ACTION))
        is_taught = jnp.broadcast_to(jnp.arange(B) < share * B, (T, B))
        return sampled(ppo, train).replace(taught=Taught(loc, jnp.full_like(loc, 0.2), is_taught))

    def test_draw_the_policy_to_their_distribution(self):
        ppo = learner(teachers=("one",), num_epochs=200, learning_rate=1e-2, teacher_weight=100.0)
        train = jax.jit(ppo.init)(jax.random.key(0))
        batch = self.taught(ppo, train, share=1)
        policy = ppo.policy(updated(ppo, batch, train)[0], deterministic=True)
        info = act(policy, policy.init_carry(B), batch.observation, jax.random.key(0))[2]
        for name, first_error in (("loc", 0.3), ("scale", 0.4)):
            error = jnp.abs(info[name] - getattr(batch.taught, name)).mean()
            assert float(error) < 0.1 < first_error, name

    def test_draw_only_the_likeliest_action_with_the_loss_of_actions(self):
        ppo = learner(
            teachers=("one",), teacher_loss="actions", num_epochs=200, learning_rate=1e-2, teacher_weight=100.0
        )
        train = jax.jit(ppo.init)(jax.random.key(0))
        batch = self.taught(ppo, train, share=1)
        policy = ppo.policy(updated(ppo, batch, train)[0], deterministic=True)
        info = act(policy, policy.init_carry(B), batch.observation, jax.random.key(0))[2]
        error = jnp.abs(jnp.tanh(info["loc"]) - jnp.tanh(batch.taught.loc)).mean()
        assert float(error) < 0.1
        assert float(jnp.abs(info["scale"] - batch.taught.scale).mean()) > 0.2  # the noise stays PPO's own

    def test_the_loss_of_actions_stays_small_beyond_their_limits(self):
        kl, actions = learner(teachers=("one",)), learner(teachers=("one",), teacher_loss="actions")
        train = jax.jit(kl.init)(jax.random.key(0))
        batch = self.taught(kl, train, share=1)
        far = batch.replace(taught=batch.taught.replace(loc=batch.taught.loc + 20.0))
        assert float(updated(kl, far, train)[1]["policy/teacher_kl"]) > 100
        squared = jnp.square(jnp.tanh(far.taught.loc) - jnp.tanh(batch.info["loc"])).sum(axis=-1).mean()
        found = float(updated(actions, far, train)[1]["policy/teacher_actions"])
        assert found == pytest.approx(float(squared), rel=0.05) and found < 4 * batch.taught.loc.shape[-1]

    def test_count_only_where_one_takes_the_goal(self):
        ppo = learner(teachers=("one",))
        train = jax.jit(ppo.init)(jax.random.key(0))
        batch = self.taught(ppo, train, share=0.5)
        half, none = updated(ppo, batch, train), updated(ppo, self.taught(ppo, train, share=0.0), train)
        teacher = ppo.distribution(batch.taught.loc, batch.taught.scale)
        kl = teacher.kl(ppo.distribution(batch.info["loc"], batch.info["scale"]))
        assert float(half[1]["policy/teacher_kl"]) == pytest.approx(float(kl[:, : B // 2].mean()) / 2, rel=1e-5)
        assert float(none[1]["policy/teacher_kl"]) == 0.0
        assert differs(half[0].params["policy"], none[0].params["policy"])
        alone = updated(learner(), sampled(ppo, train), train)[0]
        assert_close(none[0].params, alone.params, rtol=1e-6)

    def test_fade_if_asked_to(self):
        ppo = learner(teachers=("one",), teacher_weight=2.0, final_teacher_weight=0.0)
        train = jax.jit(ppo.init)(jax.random.key(0))
        batch = self.taught(ppo, train, share=1)
        last = updated(ppo, batch, train, progress=1.0)[0]
        unheeded = updated(learner(teachers=("one",), teacher_weight=0.0), batch, train)[0]
        assert_close(last.params, unheeded.params, rtol=1e-6)
