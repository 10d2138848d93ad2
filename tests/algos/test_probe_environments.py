"""PPO solves worlds whose optimum is known in closed form; each fails when one part of learning is wrong.

All probes have the same sizes, and what tells them apart is traced, so they share one compiled program.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct
from jax import Array

from algos.ppo import PPO, PPOConfig
from algos.rollout import RolloutSource
from envs.types import EnvSpec, EnvState, Observation
from envs.vector import VecEnv

TIME_LIMIT = 5
NEVER = 1000
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


@struct.dataclass
class NoPhysics:
    """What `VecEnv` reads of a physics state, for a world without any."""

    fields: dict[str, Array]


@struct.dataclass
class Probe:
    """A world that pays by the clock and for hitting a target; an `Env` without a robot model.

    It observes a cue in [-1, 1], drawn at reset, and the steps since then, one-hot and starting again at the time
    limit: what follows a truncation is like a first step, and so has been acted on.
    """

    reward_at: Array  # (TIME_LIMIT,) paid at each step of an episode
    target_weight: Array  # () cost of the squared distance from the action to half the cue
    terminates_after: Array  # () steps; the time limit only truncates

    spec = EnvSpec(1 + TIME_LIMIT, action_size=1, goal_size=0, control_period=1.0, episode_length=TIME_LIMIT)
    has_host_callback = False

    def reset(self, key: Array) -> EnvState:
        cue = jax.random.uniform(key, minval=-1, maxval=1)
        num_steps = jnp.array(0)
        return EnvState(
            physics=NoPhysics({}),
            obs=observed(cue, num_steps),
            goal=jnp.zeros(0),
            reward=jnp.zeros(()),
            terminated=jnp.array(False),
            truncated=jnp.array(False),
            metrics={},
            info={"cue": cue, "num_steps": num_steps},
        )

    def step(self, state: EnvState, action: Array) -> EnvState:
        cue, num_steps = state.info["cue"], state.info["num_steps"]
        reward = self.reward_at[num_steps] - self.target_weight * jnp.square(action[0] - cue / 2)
        num_steps += 1
        return state.replace(
            obs=observed(cue, num_steps),
            reward=reward,
            terminated=num_steps >= self.terminates_after,
            info={"cue": cue, "num_steps": num_steps},
        )

    def where(self, condition: Array, chosen: EnvState, other: EnvState) -> EnvState:
        return jax.tree.map(lambda a, b: jnp.where(condition, a, b), chosen, other)


def observed(cue: Array, num_steps: Array) -> Array:
    return jnp.concatenate([cue[None], jax.nn.one_hot(num_steps % TIME_LIMIT, TIME_LIMIT)])


class Solved:
    """What PPO learnt of a probe."""

    def __init__(self, ppo: PPO, train) -> None:
        self.ppo, self.train = ppo, train

    def values(self, num_steps: int) -> np.ndarray:
        """Learnt value after `num_steps` steps, for several cues."""
        obs = jax.vmap(observed, (0, None))(jnp.linspace(-0.9, 0.9, 7), jnp.array(num_steps))
        return np.asarray(self.ppo.value_network.apply(self.train.params["value"], obs)[:, 0])

    def actions(self, cues: Array) -> np.ndarray:
        """What the deterministic policy does on the first step."""
        obs = jax.vmap(observed, (0, None))(cues, jnp.array(0))
        observation = Observation(obs, jnp.zeros((len(cues), 0)), jnp.zeros(len(cues)), jnp.ones(len(cues), bool))
        policy = self.ppo.policy(self.train, deterministic=True)
        return np.asarray(policy.act(policy.init_carry(len(cues)), observation, jax.random.key(0))[1][:, 0])


@pytest.fixture(scope="module")
def solve():
    """Train PPO on a probe, with the loop compiled once."""
    ppo = PPO(CONFIG, Probe.spec)

    @jax.jit
    def learn(probe: Probe, key: Array):
        source = RolloutSource(VecEnv(probe, NUM_ENVS), CONFIG.unroll_length)
        key_train, key_source, key_loop = jax.random.split(key, 3)
        train = ppo.init(key_train)

        def iterate(carry, key):
            train, worlds = carry
            key_sample, key_update = jax.random.split(key)
            worlds, batch, _ = source.sample(worlds, ppo.policy(train), key_sample)
            train, _ = ppo.update(train, batch, ppo.init_hyper(), key_update)
            return (train, worlds), None

        start = (train, source.init(ppo.policy(train), key_source))
        return jax.lax.scan(iterate, start, jax.random.split(key_loop, NUM_ITERATIONS))[0][0]

    def solve(reward_at, *, target_weight=0.0, terminates_after) -> Solved:
        reward_at = jnp.zeros(TIME_LIMIT).at[: len(reward_at)].set(jnp.array(reward_at, float))
        probe = Probe(reward_at, jnp.array(target_weight, float), jnp.array(terminates_after))
        return Solved(ppo, learn(probe, jax.random.key(0)))

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
