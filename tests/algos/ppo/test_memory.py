"""PPO with memory: it remembers what an MLP cannot, and its sequences give the gradients of an unrolled network."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from algos.common.rollout import RolloutSource
from algos.ppo.config import PPOConfig
from algos.ppo.learner import PPO
from envs.types import Observation
from envs.worlds.vector import VecEnv
from tests.algos.compiled import act
from tests.algos.probes import TIME_LIMIT, Probe, learn, make_probe, observed

CONFIG = {
    "unroll_length": 10,
    "num_minibatches": 4,
    "learning_rate": 1e-3,
    "discount": 0.5,
    "reward_scale": 1.0,
    "entropy_weight": 0.0,
    "policy_layers": (32,),
    "value_layers": (32,),
    "activation": "tanh",
    "normalize_observations": False,
    "memory_size": 16,
}
CUES = jnp.linspace(-0.9, 0.9, 7)


def last_actions(ppo, train):
    """What the deterministic policy does in each episode's last step, four steps after the cue was shown."""
    policy = ppo.policy(train, deterministic=True)
    carry, action = policy.init_carry(len(CUES)), None
    for num_steps in range(TIME_LIMIT):
        obs = jax.vmap(observed, (0, None, None))(CUES, jnp.array(num_steps), jnp.array(True))
        nothing, is_first = jnp.zeros(len(CUES)), jnp.full(len(CUES), num_steps == 0)
        observation = Observation(obs, jnp.zeros((len(CUES), 0)), nothing, is_first)
        carry, action, _ = act(policy, carry, observation, jax.random.key(0))
    return np.asarray(action)[:, 0]


@pytest.fixture(scope="module")
def solved():
    """Last actions after learning a world that shows its target on the first step only, by kind of memory."""

    @functools.cache
    def learnt(memory):
        ppo = PPO(PPOConfig(**CONFIG, memory=memory), Probe.spec)
        train = jax.jit(functools.partial(learn, ppo, num_envs=64, num_iterations=200))
        return last_actions(ppo, train(make_probe(target_weight=1.0, hides_cue=True), jax.random.key(0)))

    return learnt


@pytest.mark.parametrize("memory", ["gru", "lstm"])
def test_a_cell_remembers_a_target_that_was_shown_once(solved, memory):
    np.testing.assert_allclose(solved(memory), CUES / 2, atol=0.12)


def test_without_memory_that_is_impossible(solved):
    assert np.ptp(solved("none")) < 1e-6  # one answer for all targets


@pytest.fixture(params=["gru", "lstm"])
def sampled(request, float64):
    """PPO, a train state, a batch that goes on from memories that are not empty, and in which episodes end."""
    ppo = PPO(PPOConfig(**CONFIG | {"num_epochs": 1, "num_minibatches": 1}, memory=request.param), Probe.spec)
    source = RolloutSource(VecEnv(make_probe(target_weight=1.0), 6), 10)
    train = jax.jit(ppo.init)(jax.random.key(0))
    policy = ppo.policy(train)
    state = source.init(policy, jax.random.key(1))
    state, _, _ = jax.jit(source.sample)(None, state, policy, jax.random.key(2))
    _, batch, _ = jax.jit(source.sample)(None, state, policy, jax.random.key(3))
    assert all(np.abs(x).max() > 0 for x in jax.tree.leaves(batch.carry))
    assert batch.observation.is_first.any()
    return ppo, train, batch


def test_replayed_sequences_give_the_outputs_that_sampling_had(sampled):
    ppo, train, batch = sampled
    samples, _, _ = jax.jit(ppo._samples)(train, batch, ppo.init_hyper())
    distribution = ppo.distribution.from_network(ppo._outputs("policy", train.params, samples))
    np.testing.assert_allclose(distribution.loc, samples.old.loc, atol=1e-12)


def test_gradients_equal_those_of_a_plain_loop_over_steps(sampled):
    ppo, train, batch = sampled
    samples, _, _ = jax.jit(ppo._samples)(train, batch, ppo.init_hyper())

    def unrolled(name, params):
        network, memory, outputs = ppo.networks[name], batch.carry[name], []
        for time in range(10):
            is_first = batch.observation.is_first[time]
            memory = jax.tree.map(lambda x, first=is_first: jnp.where(first[:, None], 0, x), memory)
            never = jnp.zeros_like(is_first)
            memory, output = network.step(params[name], memory, samples.inputs[name][:, time], never)
            outputs.append(output)
        return jnp.stack(outputs, axis=1)

    def loss(params):
        distribution = ppo.distribution.from_network(unrolled("policy", params))
        ratio = jnp.exp(distribution.log_density(samples.raw_action) - samples.old_log_density)
        advantage = (samples.advantage - samples.advantage.mean()) / (samples.advantage.std() + 1e-8)
        clipped = jnp.clip(ratio, 1 - ppo.config.clip_ratio, 1 + ppo.config.clip_ratio)
        policy_loss = -jnp.minimum(ratio * advantage, clipped * advantage).mean()
        error = unrolled("value", params)[..., 0] - samples.value_target
        return policy_loss + ppo.config.value_weight * 0.5 * jnp.square(error).mean()

    expected = jax.jit(jax.grad(loss))(train.params)
    actual, _ = jax.jit(jax.grad(ppo._loss, has_aux=True))(train.params, samples, ppo.init_hyper())
    for a, b in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)
    assert all(np.abs(x).max() > 0 for x in jax.tree.leaves(expected["policy"]["cell"]))


def test_minibatches_are_of_whole_worlds(sampled):
    ppo, train, batch = sampled
    samples, _, _ = jax.jit(ppo._samples)(train, batch, ppo.init_hyper())
    assert samples.advantage.shape == (6, 10)
    np.testing.assert_array_equal(samples.inputs["policy"][2, 3], batch.observation.obs[3, 2])


def test_what_follows_a_step_is_valued_with_the_memory_of_that_step(sampled):
    """Where no episode ends, the value of the next observation is the next step's value."""
    ppo, train, batch = sampled
    inputs = ppo._inputs(train, batch.observation)["value"]
    value, params = ppo.networks["value"], train.params["value"]
    memory, outputs = value.unroll(params, batch.carry["value"], inputs, batch.observation.is_first)
    following = value.step(params, memory, batch.next_observation.obs, jnp.zeros_like(batch.terminated))[1]
    goes_on = np.asarray(~(batch.terminated | batch.truncated))[:-1]
    np.testing.assert_allclose(following[:-1][goes_on], outputs[1:][goes_on], atol=1e-12)


def test_an_advantage_is_what_a_plain_loop_over_steps_makes_it(sampled):
    """With lambda 0 it is r + discount * V' - V: V' is of what followed the step, with the memory after that step."""
    ppo, train, batch = sampled
    odd = jnp.arange(6) % 2 == 1
    batch = batch.replace(terminated=batch.truncated & odd, truncated=batch.truncated & ~odd)
    assert batch.terminated.any() and batch.truncated.any()
    value, params, memory = ppo.networks["value"], train.params["value"], batch.carry["value"]
    expected = []
    for time in range(10):
        is_first = batch.observation.is_first[time]
        memory = jax.tree.map(lambda x, first=is_first: jnp.where(first[:, None], 0, x), memory)
        never = jnp.zeros_like(is_first)
        memory, now = value.step(params, memory, batch.observation.obs[time], never)
        _, then = value.step(params, memory, batch.next_observation.obs[time], never)
        future = np.where(batch.terminated[time], 0, then[:, 0])
        expected.append(batch.reward[time] + ppo.config.discount * future - now[:, 0])
    hyper = ppo.init_hyper() | {"gae_lambda": jnp.zeros(())}
    samples, _, _ = jax.jit(ppo._samples)(train, batch, hyper)
    np.testing.assert_allclose(samples.advantage, np.stack(expected, axis=1), atol=1e-12)
