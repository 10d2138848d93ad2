"""Generalised advantages. Axes: T time, B worlds."""

import numpy as np
import pytest

from algos.ppo.gae import generalized_advantage

DISCOUNT = 0.9


def test_matches_the_recursion_worked_by_hand():
    # discount = gae_lambda = 1/2, so an advantage takes in a quarter of the next one. All worlds see the same rewards
    # and values; at t=1 world 0 terminates, world 1 is truncated, world 2 goes on.
    #   error 0:  1 + 4/2  - 2 =  1    everywhere
    #   error 1:  2        - 4 = -2    terminated: the next value, 6, is worth nothing
    #             2 + 6/2  - 4 =  1    truncated: it is worth half, and nothing that follows counts
    #             2 + 6/2  - 4 =  1    going on
    #   error 2:  4 + 16/2 - 8 =  4    everywhere
    #   world 0:  A2 = 4, A1 = -2,             A0 = 1 - 2/4 = 0.5
    #   world 1:  A2 = 4, A1 =  1,             A0 = 1 + 1/4 = 1.25
    #   world 2:  A2 = 4, A1 =  1 + 4/4 = 2,   A0 = 1 + 2/4 = 1.5
    def same(column):
        return np.tile(np.array(column, np.float32)[:, None], (1, 3))

    advantage_TB = generalized_advantage(
        same([1, 2, 4]),
        same([2, 4, 8]),
        same([4, 6, 16]),
        np.array([[0, 0, 0], [1, 0, 0], [0, 0, 0]], bool),
        np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]], bool),
        discount=0.5,
        gae_lambda=0.5,
    )
    np.testing.assert_array_equal(advantage_TB, [[0.5, 1.25, 1.5], [-2, 1, 2], [4, 4, 4]])


@pytest.fixture
def rollout_TB():
    """Random numbers with one termination and one truncation, in different worlds."""
    rng = np.random.default_rng(0)
    reward_TB, value_TB, next_value_TB = rng.normal(size=(3, 6, 3)).astype(np.float32)
    terminated_TB, truncated_TB = np.zeros((2, 6, 3), bool)
    terminated_TB[3, 0] = truncated_TB[2, 1] = True
    return reward_TB, value_TB, next_value_TB, terminated_TB, truncated_TB


def test_lambda_zero_is_the_one_step_error(rollout_TB):
    reward_TB, value_TB, next_value_TB, terminated_TB, _ = rollout_TB
    expected_TB = reward_TB + DISCOUNT * next_value_TB * ~terminated_TB - value_TB
    advantage_TB = generalized_advantage(*rollout_TB, discount=DISCOUNT, gae_lambda=0.0)
    np.testing.assert_allclose(advantage_TB, expected_TB, rtol=1e-5, atol=1e-6)


def test_lambda_one_is_the_discounted_return_to_the_episodes_end_less_the_value(rollout_TB):
    reward_TB, value_TB, next_value_TB, terminated_TB, truncated_TB = rollout_TB
    # within an episode the value of what followed is the value acted on next, or the sum would not telescope
    next_value_TB[:-1] = np.where((terminated_TB | truncated_TB)[:-1], next_value_TB[:-1], value_TB[1:])
    advantage_TB = generalized_advantage(*rollout_TB, discount=DISCOUNT, gae_lambda=1.0)

    num_steps, num_worlds = reward_TB.shape
    for world in range(num_worlds):
        for start in range(num_steps):
            expected, weight = 0.0, 1.0
            for t in range(start, num_steps):
                expected += weight * reward_TB[t, world]
                weight *= DISCOUNT
                if terminated_TB[t, world]:
                    weight = 0.0
                if terminated_TB[t, world] or truncated_TB[t, world]:
                    break
            expected += weight * next_value_TB[t, world] - value_TB[start, world]
            np.testing.assert_allclose(advantage_TB[start, world], expected, rtol=1e-4, atol=1e-5)
