"""Write `visited_states.npz`: states that a trained humanoid-walk policy visits, falls included.

    python -m tests.envs.make_visited_states RUN

Worlds start from the run's policy; every half second half of them are pushed, and none restarts after a fall.
"""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from envs.types import Observation
from flexrl.policies.playback import load_playback

FILE = Path(__file__).with_name("visited_states.npz")
NUM_WORLDS, NUM_STEPS, NUM_STATES, PUSH_EVERY = 100, 200, 1000, 33
PUSH = 2.0  # m/s or rad/s, standard deviation of what is added to the root's velocity


def main(run: str) -> None:
    playback = load_playback(run, "workspace", "latest", physics="native")
    env, policy = playback.env, playback.policy
    zeros, first = jnp.zeros(NUM_WORLDS), jnp.zeros(NUM_WORLDS, bool)

    @jax.jit
    def step(state, key):
        _, action, _ = policy.act(policy.init_carry(len(zeros)), Observation(state.obs, state.goal, zeros, first), key)
        return jax.vmap(env.step)(state, action), action

    rng = np.random.default_rng(0)
    state = jax.jit(jax.vmap(env.reset))(jax.random.split(jax.random.key(0), NUM_WORLDS))
    rows = []
    for time in range(NUM_STEPS):
        before = state
        state, action = step(state, jax.random.key(time))
        rows.append((before.physics["qpos"], before.physics["qvel"], action))
        if time % PUSH_EVERY == PUSH_EVERY - 1:
            pushed = rng.random(NUM_WORLDS) < 0.5
            qvel = np.array(state.physics["qvel"])
            qvel[pushed, :6] += PUSH * rng.standard_normal((pushed.sum(), 6))
            physics = jax.jit(jax.vmap(env.physics.reset))(state.physics["qpos"], jnp.asarray(qvel))
            state = state.replace(physics=physics)
    qpos, qvel, action = (np.concatenate([np.asarray(row[i]) for row in rows]) for i in range(3))
    chosen = rng.choice(len(qpos), NUM_STATES, replace=False)
    np.savez_compressed(FILE, qpos=qpos[chosen], qvel=qvel[chosen], action=action[chosen])
    print(f"{FILE.name}: {NUM_STATES} states, {np.mean(qpos[chosen, 2] < 1.0):.0%} of them fallen")


if __name__ == "__main__":
    main(sys.argv[1])
