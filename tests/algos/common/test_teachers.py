"""Teachers by goal, and what PPO makes of their actions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct

from algos.common.normalization import RunningStatistics
from algos.common.teachers import Teachers
from algos.ppo.config import PPOConfig
from envs.types import Observation


@struct.dataclass
class Constant:
    """Does the same everywhere, plus a tenth of the first number of its goal, if it sees one."""

    action: float

    def init_carry(self, num_envs):
        return {}

    def act(self, carry, observation, key):
        goal = observation.goal[..., :1].sum(axis=-1, keepdims=True)
        loc = jnp.full((len(observation.obs), 2), self.action) + 0.1 * goal
        return carry, jnp.tanh(loc), {"loc": loc, "scale": 2 * loc}


GOALS = jnp.array([[1.0, 0.0, 0.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
SEEN = Observation(jnp.zeros((3, 4)), GOALS, jnp.zeros(3), jnp.zeros(3, bool))


def test_the_goal_chooses_the_teacher_and_who_sees_no_goal_gets_none():
    teachers = Teachers(
        (Constant(0.1), Constant(0.2), Constant(0.3)), (4, 4, 4), (True, False, True), (None, 2, 1), (False,) * 3, 2.5
    )
    taught = jax.jit(teachers.teach)(SEEN)
    np.testing.assert_allclose(taught.loc, [[0.2, 0.2], [0.2, 0.2], [0.4, 0.4]], atol=1e-6)
    np.testing.assert_allclose(taught.scale, 2 * taught.loc)
    assert taught.is_taught.all()


def test_a_goal_that_no_teacher_takes_is_marked():
    taught = Teachers((Constant(0.2), Constant(0.3)), (4, 4), (False, True), (2, 1), (False,) * 2, 2.5).teach(SEEN)
    assert taught.is_taught.tolist() == [False, True, True]
    np.testing.assert_allclose(taught.loc[1:], [[0.2, 0.2], [0.4, 0.4]], atol=1e-6)


@struct.dataclass
class Sums(Constant):
    """Does the sum of what it observes."""

    def act(self, carry, observation, key):
        loc = jnp.repeat(observation.obs.sum(axis=-1, keepdims=True), 2, axis=-1)
        return carry, jnp.tanh(loc), {"loc": loc, "scale": loc}


def test_a_teacher_that_knows_less_sees_the_first_observations_only():
    seen = SEEN.replace(obs=jnp.array([[1.0, 2.0, 4.0, 8.0]] * 3))
    taught = Teachers((Sums(0.0), Sums(0.0)), (4, 2), (False, False), (None, 1), (False,) * 2, 2.5).teach(seen)
    np.testing.assert_array_equal(taught.loc[:, 0], [15.0, 15.0, 3.0])


@struct.dataclass
class Trained(Constant):
    """Was trained in states whose numbers have the mean 1 and the standard deviation 0.5."""

    @property
    def normalizer(self):
        return RunningStatistics(jnp.array(100.0), jnp.ones(4), jnp.full(4, 25.0))


def test_a_teacher_of_familiar_states_teaches_only_those_like_its_trainings():
    both, flags = (Constant(0.1), Trained(0.2)), ((4, 4), (False, False), (None, None))
    seen = SEEN.replace(
        obs=jnp.array([[1.0, 1, 1, 1], [1.75, 1.75, 1.75, 1.75], [1.8, 1.8, 1.8, 1.8]])
    )  # 0, 1.5, 1.6 deviations
    assert Teachers(both, *flags, (False, True), 2.5).teach(seen).loc[:, 0].tolist() == pytest.approx([0.2, 0.2, 0.1])
    assert Teachers(both, *flags, (False, True), 1.0).teach(seen).loc[:, 0].tolist() == pytest.approx([0.2, 0.1, 0.1])
    assert Teachers(both, *flags, (False, False), 2.5).teach(seen).loc[:, 0].tolist() == pytest.approx([0.2] * 3)


def test_only_the_first_teacher_may_be_of_every_skill():
    with pytest.raises(ValueError, match="^teachers: "):
        PPOConfig(teachers=("jump=run", "run"))
    assert "teacher_weight" in PPOConfig(teachers=("run",)).traced and "teacher_weight" not in PPOConfig().traced
