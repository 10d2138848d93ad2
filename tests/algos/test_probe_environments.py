"""PPO solves worlds whose optimum is known in closed form; each fails when one part of learning is wrong.

All probes have the same sizes, and what tells them apart is traced, so they share one compiled program.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from algos.ppo.config import PPOConfig
from algos.ppo.learner import PPO
from envs.types import Observation
from tests.algos.compiled import act
from tests.algos.probes import NEVER, TIME_LIMIT, Probe, learn, make_probe, observed

CONFIG = PPOConfig(
    unroll_length=20,
    num_minibatches=4,
    learning_rate=3e-3,
    discount=0.8,
    reward_scale=0.5,
    clip_ratio=0.2,
    entropy_weight=0.0,
    policy_layers=(32,),
    value_layers=(32,),
    activation="tanh",
    normalize_observations=False,
)
NUM_ENVS = 32
NUM_ITERATIONS = 150


class Solved:
    """What PPO learnt of a probe."""

    def __init__(self, ppo: PPO, train) -> None:
        self.ppo, self.train = ppo, train

    def values(self, num_steps: int) -> np.ndarray:
        """Learnt value after `num_steps` steps, for several cues."""
        obs = seen(jnp.linspace(-0.9, 0.9, 7), num_steps)
        return np.asarray(
            self.ppo.networks["value"].step(self.train.params["value"], (), obs, jnp.array(False))[1][:, 0]
        )

    def actions(self, cues: Array) -> np.ndarray:
        """What the deterministic policy does on the first step."""
        obs = seen(cues, 0)
        observation = Observation(obs, jnp.zeros((len(cues), 0)), jnp.zeros(len(cues)), jnp.ones(len(cues), bool))
        policy = self.ppo.policy(self.train, deterministic=True)
        return np.asarray(act(policy, policy.init_carry(len(cues)), observation, jax.random.key(0))[1][:, 0])


def seen(cues: Array, num_steps: int) -> Array:
    return jax.vmap(observed, (0, None, None))(cues, jnp.array(num_steps), jnp.array(False))


@pytest.fixture(scope="module")
def solve():
    """Train PPO on a probe, with the loop compiled once."""
    ppo = PPO(CONFIG, Probe.spec)

    compiled = jax.jit(functools.partial(learn, ppo, num_envs=NUM_ENVS, num_iterations=NUM_ITERATIONS))

    def solve(reward_at, **options) -> Solved:
        return Solved(ppo, compiled(make_probe(reward_at, **options), jax.random.key(0)))

    return solve


about = functools.partial(pytest.approx, rel=0.05)


def test_value_of_a_one_step_episode_is_its_scaled_reward(solve):
    solved = solve([2.0], terminates_after=1)
    assert solved.values(0) == about(0.5 * 2.0)


def test_policy_finds_the_action_that_an_observation_asks_for(solve):
    solved = solve([0.0], target_weight=1.0, terminates_after=1)
    cues = jnp.linspace(-0.9, 0.9, 7)
    np.testing.assert_allclose(solved.actions(cues), cues / 2, atol=0.1)


def test_value_of_a_delayed_reward_is_discounted(solve):
    solved = solve([0.0, 2.0], terminates_after=2)
    assert solved.values(1) == about(0.5 * 2.0)
    assert solved.values(0) == about(0.8 * 0.5 * 2.0)


def test_value_of_a_truncated_episode_is_that_of_going_on_forever(solve):
    solved = solve([1.0] * TIME_LIMIT, terminates_after=NEVER)
    for num_steps in range(TIME_LIMIT):
        assert solved.values(num_steps) == about(0.5 / (1 - 0.8))


def test_value_of_a_terminating_episode_is_the_sum_of_what_is_left(solve):
    solved = solve([1.0] * TIME_LIMIT, terminates_after=TIME_LIMIT)
    for num_steps in range(TIME_LIMIT):
        left = TIME_LIMIT - num_steps
        assert solved.values(num_steps) == about(0.5 * (1 - 0.8**left) / (1 - 0.8))
