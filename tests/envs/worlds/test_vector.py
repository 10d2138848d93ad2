"""Time limits, restarts and episode numbers of many worlds; what happens to a world that becomes NaN."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct
from jax import Array

from envs.types import EnvSpec, EnvState
from envs.worlds.vector import VecEnv

TIME_LIMIT = 4
GO_ON, TERMINATE, TRUNCATE, BREAK = 0.0, 1.0, -1.0, jnp.nan


@struct.dataclass
class Steps:
    """Stands where a physics state stands."""

    fields: dict[str, Array]
    overflowed: None = None


class ScriptedEnv:
    """Counts steps, and does what the action says; the observation is a random origin plus the count."""

    spec = EnvSpec(obs_size=1, action_size=1, goal_size=0, control_period=1.0, episode_length=TIME_LIMIT)
    has_host_callback = False

    def reset(self, key: Array) -> EnvState:
        origin = jax.random.uniform(key, (1,))
        return EnvState(
            physics=Steps({"count": jnp.zeros(())}),
            obs=origin,
            goal=jnp.zeros(0),
            reward=jnp.zeros(()),
            terminated=jnp.array(False),
            truncated=jnp.array(False),
            metrics={"count": jnp.zeros(())},
            info={"origin": origin},
        )

    def step(self, state: EnvState, action: Array) -> EnvState:
        count = state.physics.fields["count"] + 1
        return state.replace(
            physics=Steps({"count": count}),
            obs=state.info["origin"] + count,
            reward=count + 0 * action[0],  # NaN when told to break
            terminated=action[0] > 0.5,
            truncated=action[0] < -0.5,
            metrics={"count": count},
        )

    def where(self, condition: Array, chosen: EnvState, other: EnvState) -> EnvState:
        return jax.tree.map(lambda a, b: jnp.where(condition, a, b), chosen, other)


class Script:
    """Runs worlds from clock zero through a table of actions, one row a step."""

    def __init__(self, actions_TB) -> None:
        actions_TB = jnp.array(actions_TB)
        vec_env = VecEnv(ScriptedEnv(), actions_TB.shape[1])
        state = vec_env.init(jax.random.key(0))
        state = state.replace(clock=jnp.zeros_like(state.clock))
        self.fresh = vec_env.fresh(jax.random.key(1))
        self.states, self.transitions = [state], []
        step = jax.jit(vec_env.step)
        for action_B in actions_TB:
            state, transition = step(state, action_B[:, None], self.fresh)
            self.states.append(state)
            self.transitions.append(transition)

    def table(self, name: str) -> np.ndarray:
        """A field of the transitions, (T, B)."""
        return np.stack([getattr(transition, name) for transition in self.transitions])


@pytest.fixture(scope="module")
def script():
    """Five steps; the worlds go on, terminate at the time limit, are truncated by their task, and break."""
    actions_BT = [
        [GO_ON] * 5,
        [GO_ON, GO_ON, GO_ON, TERMINATE, GO_ON],
        [GO_ON, TRUNCATE, GO_ON, GO_ON, GO_ON],
        [GO_ON, GO_ON, BREAK, GO_ON, GO_ON],
    ]
    return Script(np.transpose(actions_BT))


def test_time_limit_truncates_and_not_where_the_episode_terminated(script):
    np.testing.assert_array_equal(script.table("truncated").T.astype(int), [
        [0, 0, 0, 1, 0],
        [0, 0, 0, 0, 0],
        [0, 1, 0, 0, 0],
        [0, 0, 0, 0, 0],
    ])  # fmt: skip
    np.testing.assert_array_equal(script.table("terminated").T.astype(int), [
        [0, 0, 0, 0, 0],
        [0, 0, 0, 1, 0],
        [0, 0, 0, 0, 0],
        [0, 0, 1, 0, 0],
    ])  # fmt: skip


def test_clock_starts_again_with_each_episode():
    script = Script(np.full((2 * TIME_LIMIT, 1), GO_ON))
    np.testing.assert_array_equal(script.table("truncated")[:, 0], [0, 0, 0, 1] * 2)


def test_returns_and_lengths_of_episodes_count_their_last_step(script):
    # rewards are 1, 2, 3, ...; a broken step earns nothing, and is a step
    np.testing.assert_array_equal(script.table("episode_return").T, [
        [1, 3, 6, 10, 1],
        [1, 3, 6, 10, 1],
        [1, 3, 1, 3, 6],
        [1, 3, 3, 1, 3],
    ])  # fmt: skip
    np.testing.assert_array_equal(script.table("episode_length").T, [
        [1, 2, 3, 4, 1],
        [1, 2, 3, 4, 1],
        [1, 2, 1, 2, 3],
        [1, 2, 3, 1, 2],
    ])  # fmt: skip


def test_next_observation_is_what_ended_the_episode(script):
    origin, other = float(script.states[0].observation.obs[0, 0]), float(script.fresh.obs[0, 0])
    observed = [float(transition.next_observation.obs[0, 0]) for transition in script.transitions]
    assert observed == pytest.approx([origin + 1, origin + 2, origin + 3, origin + 4, other + 1])
    assert not any(transition.next_observation.is_first.any() for transition in script.transitions)
    np.testing.assert_array_equal(script.transitions[3].next_observation.reward, script.table("reward")[3])


def test_ended_worlds_restart_from_their_own_fresh_state_and_the_others_go_on(script):
    after = script.states[4]
    for world in (0, 1):
        np.testing.assert_array_equal(after.observation.obs[world], script.fresh.obs[world])
        assert after.env.physics.fields["count"][world] == 0
        assert after.env.info["origin"][world] == script.fresh.info["origin"][world]
        assert after.clock[world] == after.episode_return[world] == after.episode_length[world] == 0
    np.testing.assert_array_equal(after.observation.obs[2], script.fresh.obs[2] + 2)
    assert after.clock[2] == 2
    assert len(np.unique(script.fresh.obs)) == script.fresh.obs.size


def test_is_first_marks_what_no_action_led_to(script):
    is_first_BT = np.stack([state.observation.is_first for state in script.states]).T
    np.testing.assert_array_equal(is_first_BT.astype(int), [
        [1, 0, 0, 0, 1, 0],
        [1, 0, 0, 0, 1, 0],
        [1, 0, 1, 0, 0, 0],
        [1, 0, 0, 1, 0, 0],
    ])  # fmt: skip
    reward_BT = np.stack([state.observation.reward for state in script.states]).T
    np.testing.assert_array_equal(reward_BT[0], [0, 1, 2, 3, 0, 1])


class HidingEnv(ScriptedEnv):
    """Hides the number of steps from policies."""

    def reset(self, key: Array) -> EnvState:
        return super().reset(key).replace(privileged=jnp.zeros(1))

    def step(self, state: EnvState, action: Array) -> EnvState:
        state = super().step(state, action)
        return state.replace(privileged=state.reward[None])


@pytest.mark.parametrize("shown", [False, True])
def test_what_is_hidden_from_policies_is_shown_where_it_is_asked_for(shown):
    worlds = VecEnv(HidingEnv(), 2, shows_privileged=shown)
    fresh = worlds.fresh(jax.random.key(1))
    state, transition = worlds.step(worlds.start(fresh), jnp.array([[GO_ON], [TERMINATE]]), fresh)
    seen = [x.privileged for x in (fresh, state.env, state.observation, transition.next_observation)]
    if shown:
        np.testing.assert_array_equal(seen, [[[0], [0]], [[1], [0]], [[1], [0]], [[1], [1]]])
    else:
        assert seen == [None] * 4


def test_a_task_that_becomes_nan_is_counted_as_diverged_and_cleaned(script):
    np.testing.assert_array_equal(np.argwhere(script.table("diverged")), [[2, 3]])
    broken = script.transitions[2]
    for x in (broken.reward, broken.metrics["count"], broken.next_observation.obs, broken.next_observation.reward):
        np.testing.assert_array_equal(x[3], jnp.zeros_like(x[3]))
    assert all(np.isfinite(x).all() for x in jax.tree.leaves((script.states, script.transitions)))


def test_first_clocks_are_spread_over_an_episode():
    state = VecEnv(ScriptedEnv(), num_envs=256).init(jax.random.key(0))
    num_worlds_at = np.bincount(state.clock)
    assert num_worlds_at.shape == (TIME_LIMIT,)
    assert num_worlds_at.min() > 256 / TIME_LIMIT / 2
    np.testing.assert_array_equal(state.episode_length, 0)


@pytest.mark.usefixtures("mujoco_log_elsewhere")
def test_broken_physics_ends_one_world_and_leaves_the_others_bit_identical(humanoid_worlds):
    worlds = humanoid_worlds
    broken, num_steps = 1, 3
    others = np.array([0, 2, 3])
    fresh = worlds.fresh(jax.random.key(1))
    actions = jax.random.uniform(jax.random.key(2), (num_steps, 4, worlds.vec_env.env.spec.action_size))
    start = worlds.init(jax.random.key(0))
    start = start.replace(clock=jnp.zeros_like(start.clock))

    def run(state):
        transitions = []
        for action in actions:
            state, transition = worlds.step(state, action, fresh)
            transitions.append(transition)
        return state, transitions

    healthy_state, healthy = run(start)
    physics = start.env.physics
    nan_physics = physics.replace(internal=physics.internal.at[broken].set(jnp.nan))
    state, transitions = run(start.replace(env=start.env.replace(physics=nan_physics)))

    first = transitions[0]
    np.testing.assert_array_equal(first.diverged, np.arange(4) == broken)
    np.testing.assert_array_equal(first.terminated, first.diverged)
    assert not first.truncated.any()
    assert first.reward[broken] == 0 and not first.next_observation.obs[broken].any()
    assert all(np.isfinite(x).all() for x in jax.tree.leaves((state, transitions)))
    assert not any(transition.diverged.any() for transition in (*transitions[1:], *healthy))
    assert state.episode_length[broken] == num_steps - 1

    def assert_same_elsewhere(a, b):
        np.testing.assert_array_equal(a[others], b[others])

    jax.tree.map(assert_same_elsewhere, (state, transitions), (healthy_state, healthy))

    # the broken world went on from its fresh state: stepping that by itself gives the same
    alone = start.replace(env=fresh)
    for action in actions[1:]:
        alone, _ = worlds.step(alone, action, fresh)
    np.testing.assert_array_equal(state.env.physics.internal[broken], alone.env.physics.internal[broken])
