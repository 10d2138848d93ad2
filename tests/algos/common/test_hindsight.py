"""Goals and returns in hindsight are those that a plain loop finds."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from algos.bc.config import BCConfig
from algos.bc.learner import BC
from algos.common.dataset import DatasetSource
from algos.common.hindsight import AverageReturn, Hindsight, HindsightGoals
from algos.dt.config import DTConfig
from algos.dt.learner import DT
from algos.dt.windows import WindowSource
from envs.errors import ConfigError
from envs.types import EnvSpec, GoalMap, Observation
from tests.algos.compiled import act, windows_at
from tests.algos.offline_data import dataset_of, random_dataset

LENGTHS = (7, 1, 3, 12)
NUM = sum(LENGTHS)
FAR = GoalMap(achieved=lambda qpos: qpos[:1], shown=lambda here, goal: goal - here)  # how far a place is, on a line
SPEC = EnvSpec(obs_size=3, action_size=2, goal_size=1, control_period=1.0, episode_length=20, goal_map=FAR)


def places_data():
    """Random numbers; the states of episode e are at the places 100 e, 100 e + 1 and so on."""
    places = np.concatenate([100 * e + np.arange(length + 1) for e, length in enumerate(LENGTHS)])
    return dataclasses.replace(random_dataset(LENGTHS, goal_size=1), achieved=jnp.array(places, jnp.float32)[:, None])


def place_of(row):
    """Episode and step of a row of the data, by counting."""
    episode = 0
    while row >= LENGTHS[episode]:
        row -= LENGTHS[episode]
        episode += 1
    return episode, row


def goals(strategy, rows, drawn, discount=0.9):
    goals = HindsightGoals(Hindsight(strategy, discount), FAR)
    drawn = jnp.array(drawn, jnp.int32 if strategy == "random" else jnp.float32)
    return np.asarray(goals.outcome(places_data(), jnp.array(rows), drawn))[..., 0]


def test_goals_worked_by_hand():
    """Step 2 of the last episode, of 12 steps: what it achieves in the end is 10 places further."""
    row = [11 + 2] * 4
    assert (goals("current", row, [0, 0.3, 0.6, 0.99]) == 0).all()
    np.testing.assert_array_equal(goals("future-uniform", row, [0, 0.19, 0.21, 0.99]), [1, 2, 3, 10])
    # Geometric with 0.9: one further below 0.1, two below 1 - 0.81, three below 1 - 0.729; never beyond the end.
    np.testing.assert_array_equal(goals("future-geometric", row, [0.09, 0.11, 0.2, 0.999]), [1, 2, 3, 10])
    here = 302
    np.testing.assert_array_equal(goals("random", row, [0, 7, 8, 26]), [-here, 7 - here, 100 - here, 10])


def test_every_state_of_a_large_dataset_may_become_a_goal():
    """Of 2**25 states, of which a multiple of 2**-23 times so many reaches every fourth."""
    num, num_draws = 2**25, 100_000
    data = dataclasses.replace(places_data(), achieved=np.broadcast_to(np.zeros((1, 1), np.float32), (num, 1)))
    goals, first = HindsightGoals(Hindsight("random"), FAR), jnp.zeros(num_draws, jnp.int32)
    reached = np.asarray(goals.reached(data, first, goals.draw(data, (num_draws,), jax.random.key(0))))
    assert reached.min() >= 0 and reached.max() < num
    np.testing.assert_allclose(np.bincount(reached % 4) / num_draws, [0.25] * 4, atol=0.01)
    np.testing.assert_allclose(np.bincount(8 * reached // num) / num_draws, [0.125] * 8, atol=0.01)


@pytest.mark.parametrize("strategy", ["current", "future-geometric", "future-uniform", "random"])
def test_goals_are_those_of_a_plain_loop(strategy):
    rng = np.random.default_rng(0)
    rows, chances = rng.integers(0, NUM, 500), rng.uniform(size=500).astype(np.float32)
    if strategy == "random":
        chances = rng.integers(0, NUM + len(LENGTHS), 500)
    everywhere = [(e, t) for e, length in enumerate(LENGTHS) for t in range(length + 1)]
    for row, chance, found in zip(rows, chances, goals(strategy, rows, chances), strict=True):
        episode, step = place_of(row)
        length = LENGTHS[episode]
        if strategy == "current":
            there = (episode, step)
        elif strategy == "random":
            there = everywhere[chance]
        elif strategy == "future-uniform":
            there = (episode, list(range(step + 1, length + 1))[int(chance * (length - step))])
        else:
            further = 1
            while 1 - chance <= 0.9**further and further < length - step:
                further += 1
            there = (episode, step + further)
        assert found == 100 * (there[0] - episode) + there[1] - step


def test_later_steps_are_as_likely_as_the_strategy_says():
    chances = np.random.default_rng(0).uniform(size=20_000)
    first = [11] * len(chances)
    near = np.bincount(goals("future-geometric", first, chances).astype(int), minlength=13) / len(chances)
    expected = 0.1 * 0.9 ** np.arange(11)
    np.testing.assert_allclose(near[1:12], expected, atol=0.01)
    assert near[0] == 0 and near[12] == pytest.approx(0.9**11, abs=0.01)
    even = np.bincount(goals("future-uniform", first, chances).astype(int), minlength=13) / len(chances)
    np.testing.assert_allclose(even, [0] + [1 / 12] * 12, atol=0.01)


def test_a_window_has_the_goal_of_its_last_step_seen_from_each():
    data, hindsight = places_data(), HindsightGoals(Hindsight("future-uniform"), FAR)
    source = WindowSource(20, 30, context_length=4, hindsight=hindsight)
    _, batch, _ = source.sample(data, (), None, jax.random.key(0))
    windows = jax.device_get(batch.windows)
    row_of = {float(x): i for i, x in enumerate(np.asarray(data.obs[:, 0]))}
    further = set()
    for u, b in np.ndindex(20, 30):
        real = windows.valid[u, b]
        goal, time = windows.goal[u, b, real, 0], windows.time[u, b, real]
        assert len(set(goal + time)) == 1  # one place
        episode, step = place_of(row_of[float(windows.obs[u, b, -1, 0])])
        assert 1 <= goal[-1] <= LENGTHS[episode] - step
        further.add(goal[-1])
    assert len(further) > 8


def test_average_returns_are_those_of_a_plain_loop():
    data = random_dataset(LENGTHS, goal_size=1)
    outcome = np.asarray(AverageReturn(20).outcome(data, jnp.arange(NUM), jnp.zeros(NUM)))
    reward, start = np.asarray(data.reward), np.asarray(data.start)
    for row in range(NUM):
        episode, step = place_of(row)
        expected = reward[row : start[episode + 1]].sum() / (20 - step)
        np.testing.assert_allclose(outcome[row], [expected, data.goal[row, 0]], atol=1e-6)


def learn(bc, source, data, num_iterations):
    train = bc.init(jax.random.key(0))

    @jax.jit
    def iterate(train, data, key):
        _, batch, _ = source.sample(data, (), bc.policy(train), key)
        return bc.update(train, batch, bc.init_hyper() | {"progress": jnp.zeros(())}, key)[0]

    for i in range(num_iterations):
        train = iterate(train, data, jax.random.key(i))
    return train


def acts(bc, train, goal):
    policy = bc.policy(train, deterministic=True)
    num = len(goal)
    observation = Observation(jnp.zeros((num, 1)), jnp.array(goal), jnp.zeros(num), jnp.ones(num, bool))
    return np.asarray(act(policy, policy.init_carry(num), observation, jax.random.key(0))[1])[:, 0]


LEARNING = BCConfig(num_updates=50, batch_size=256, policy_layers=(32, 32), learning_rate=3e-3)


def test_cloning_obeys_an_average_return_that_is_asked_for():
    """Of one step each, paid as it is: the action is the return."""
    rng = np.random.default_rng(0)
    action = rng.uniform(-1, 1, (2000, 1)).astype(np.float32)
    data = dataset_of(rng.normal(size=(2000, 1)).astype(np.float32), action, action[:, 0], [1] * 2000)
    spec = EnvSpec(1, action_size=1, goal_size=0, control_period=1.0, episode_length=1)
    for target in (-0.5, 0.7):
        bc = BC(dataclasses.replace(LEARNING, condition="return", target_return=target), spec)
        train = learn(bc, DatasetSource(50, 256, outcomes=AverageReturn(1)), data, 6)
        np.testing.assert_allclose(acts(bc, train, np.zeros((4, 0))), target, atol=0.1)
    unasked = BC(dataclasses.replace(LEARNING, condition="return"), spec)
    train = learn(unasked, DatasetSource(50, 256, outcomes=AverageReturn(1)), data, 1)
    assert train.target_return == np.sort(action[:, 0])[-200]  # a tenth of the data reach it


def test_cloning_reaches_goals_that_the_data_never_had():
    """On a line, steps up and down at random: towards a place next to it, one goes to its side."""
    rng = np.random.default_rng(0)
    action = rng.choice([-0.5, 0.5], (2000, 1)).astype(np.float32)
    no_goals = np.full((2000, 1), 9, np.float32)
    data = dataset_of(np.zeros((2000, 1), np.float32), action, action[:, 0], [1] * 2000, no_goals)
    achieved = np.stack([np.zeros(2000), action[:, 0]], axis=1).reshape(-1, 1)
    data = dataclasses.replace(data, achieved=jnp.array(achieved, jnp.float32))
    spec = EnvSpec(1, 1, 1, control_period=1.0, episode_length=1, goal_map=FAR)
    config = dataclasses.replace(LEARNING, condition="goal")
    source = DatasetSource(50, 256, outcomes=HindsightGoals.of(config.hindsight, spec))
    bc = BC(config, spec)
    np.testing.assert_allclose(acts(bc, learn(bc, source, data, 4), [[-0.5], [0.5]]), [-0.5, 0.5], atol=0.1)


@pytest.mark.parametrize("goal_input", ["observation", "token"])
def test_a_transformer_that_is_asked_for_goals_knows_nothing_of_returns(goal_input):
    config = DTConfig(
        condition="goal", goal_input=goal_input, context_length=4, num_layers=1, embed_size=16, dropout=0.0
    )
    dt = DT(config, SPEC)
    params, data = dt.init(jax.random.key(0)).params["policy"], places_data()
    windows = windows_at(data, jnp.arange(20), 4)
    first = dt.network(params, windows)[windows.valid]
    paid = dataclasses.replace(windows, return_to_go=windows.return_to_go + 500)
    np.testing.assert_array_equal(dt.network(params, paid)[windows.valid], first)
    asked = dataclasses.replace(windows, goal=windows.goal + 1)
    assert (dt.network(params, asked)[windows.valid] != first).all()


def test_an_environment_that_says_not_what_states_achieve_is_refused():
    with pytest.raises(ConfigError, match="condition: goal needs an environment that declares"):
        HindsightGoals.of(Hindsight(), SPEC.replace(goal_map=None))


@pytest.mark.parametrize(("field", "value"), [("strategy", "past"), ("discount", 1.0), ("discount", -0.1)])
def test_a_bad_value_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=f"^hindsight.{field}: "):
        dataclasses.replace(Hindsight(), **{field: value})
    for config in (BCConfig, DTConfig):
        with pytest.raises(ValueError, match="^condition: "):
            config(condition="value")
