"""Numbers of a rollout, from a table of transitions that is worked by hand. Rows are steps, columns are worlds."""

import jax.numpy as jnp
import pytest

from algos.common.rollout import episode_metrics
from envs.worlds.vector import Transition

NO, YES = False, True


def transitions(**columns):
    """Three steps of two worlds: the first world's episode falls at step 2, the second's meets the time limit at 3."""
    table = {
        "reward": [[1.0, 10.0], [2.0, 20.0], [4.0, 30.0]],
        "terminated": [[NO, NO], [YES, NO], [NO, NO]],
        "truncated": [[NO, NO], [NO, NO], [NO, YES]],
        "diverged": [[NO, NO], [YES, NO], [NO, NO]],
        "episode_return": [[6.0, 110.0], [8.0, 130.0], [4.0, 160.0]],
        "episode_length": [[5, 11], [6, 12], [1, 13]],
    }
    columns = {name: jnp.array(rows) for name, rows in (table | columns).items()}
    return Transition(next_observation=None, metrics={"speed": columns["reward"] / 10}, **columns)  # pyright: ignore[reportArgumentType]


def test_returns_and_lengths_are_means_over_the_episodes_that_ended():
    found = {name: float(value) for name, value in episode_metrics(transitions()).items()}
    assert found == pytest.approx(
        {
            "episode/return": (8 + 160) / 2,
            "episode/length": (6 + 13) / 2,
            "episode/count": 2,
            "episode/terminated": 1,
            "episode/diverged": 1,
            "reward/mean": 67 / 6,
            "task/speed": 6.7 / 6,
        }
    )


def test_where_no_episode_ended_their_means_are_not_numbers():
    never = [[NO, NO]] * 3
    found = episode_metrics(transitions(terminated=never, truncated=never))
    assert found["episode/count"] == 0
    assert jnp.isnan(found["episode/return"]) and jnp.isnan(found["episode/length"])
    assert found["reward/mean"] == pytest.approx(67 / 6)


def test_steps_that_left_contacts_out_are_counted_whether_their_episode_ended_or_not():
    found = episode_metrics(transitions(overflowed=[[YES, NO], [NO, YES], [NO, YES]]))
    assert found["episode/overflowed"] == 3
