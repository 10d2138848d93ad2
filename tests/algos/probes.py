"""Worlds whose optimum is known in closed form, without physics."""

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from algos.common.rollout import RolloutSource
from algos.ppo.learner import PPO
from envs.types import EnvSpec, EnvState
from envs.worlds.vector import VecEnv

TIME_LIMIT = 5
NEVER = 1000


@struct.dataclass
class NoPhysics:
    """What `VecEnv` reads of a physics state, for a world without any."""

    fields: dict[str, Array]
    overflowed: None = None


@struct.dataclass
class Probe:
    """A world that pays by the clock and for hitting a target; an `Env` without a robot model.

    It observes a cue in [-1, 1], drawn at reset, and the steps since then, one-hot and starting again at the time
    limit: what follows a truncation is like a first step, and so has been acted on. The cue may show on the first step
    only: then it takes memory to hit the target.
    """

    reward_at: Array  # (TIME_LIMIT,) paid at each step of an episode
    target_weight: Array  # () cost of the squared distance from the action to half the cue
    terminates_after: Array  # () steps; the time limit only truncates
    hides_cue: Array  # () bool: after the first step

    spec = EnvSpec(1 + TIME_LIMIT, action_size=1, goal_size=0, control_period=1.0, episode_length=TIME_LIMIT)
    has_host_callback = False

    def reset(self, key: Array) -> EnvState:
        cue = jax.random.uniform(key, minval=-1, maxval=1)
        num_steps = jnp.array(0)
        return EnvState(
            physics=NoPhysics({}),
            obs=observed(cue, num_steps, self.hides_cue),
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
            obs=observed(cue, num_steps, self.hides_cue),
            reward=reward,
            terminated=num_steps >= self.terminates_after,
            info={"cue": cue, "num_steps": num_steps},
        )

    def where(self, condition: Array, chosen: EnvState, other: EnvState) -> EnvState:
        return jax.tree.map(lambda a, b: jnp.where(condition, a, b), chosen, other)


def observed(cue: Array, num_steps: Array, hides_cue: Array) -> Array:
    shown = jnp.where(hides_cue & (num_steps > 0), 0, cue)
    return jnp.concatenate([shown[None], jax.nn.one_hot(num_steps % TIME_LIMIT, TIME_LIMIT)])


def make_probe(reward_at=(), *, target_weight=0.0, terminates_after=NEVER, hides_cue=False) -> Probe:
    """A probe by plain numbers; no reward by the clock where none is given."""
    padded = jnp.zeros(TIME_LIMIT).at[: len(reward_at)].set(jnp.array(reward_at, float))
    return Probe(padded, jnp.array(target_weight, float), jnp.array(terminates_after), jnp.array(hides_cue))


def learn(ppo: PPO, probe: Probe, key: Array, *, num_envs: int, num_iterations: int):
    """The train state after some iterations; compile it with `jax.jit`."""
    source = RolloutSource(VecEnv(probe, num_envs), ppo.config.unroll_length)
    key_train, key_source, key_loop = jax.random.split(key, 3)
    train = ppo.init(key_train)

    def iterate(carry, key):
        train, worlds = carry
        key_sample, key_update = jax.random.split(key)
        worlds, batch, _ = source.sample(None, worlds, ppo.policy(train), key_sample)
        train, _ = ppo.update(train, batch, ppo.init_hyper(), key_update)
        return (train, worlds), None

    start = (train, source.init(ppo.policy(train), key_source))
    return jax.lax.scan(iterate, start, jax.random.split(key_loop, num_iterations))[0][0]
