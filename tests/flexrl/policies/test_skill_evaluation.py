"""What an examination of skills counts, worked by hand: single skills, falls, and what follows a change of the goal."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct
from jax import Array
from scipy import stats

from envs.tasks.humanoid_skills.goals import SKILL_NAMES, STAND_UP, Goals, GoalSampler
from envs.types import EnvSpec, EnvState, Observation
from flexrl.engine.evaluator import Episodes
from flexrl.policies.skill_evaluation import TRANSITION_SECONDS, _one_skill, _SecondHalves, _success_by_pair, _switching
from tests.algos.probes import NoPhysics

HALF = round(TRANSITION_SECONDS)  # steps of one second


def episodes(terminated, lengths, velocity_errors, turn_errors, air_seconds):
    num = len(lengths)
    settled = {"velocity_error": np.array(velocity_errors), "turn_error": np.array(turn_errors)}
    wrong = dict.fromkeys(settled, np.full(num, 1e6))  # means over whole episodes are not asked for
    final = {"air_seconds": np.array(air_seconds)}
    return Episodes(np.full(num, 1e6), np.array(lengths), np.array(terminated), wrong, settled, final)


FOUR = episodes(
    terminated=[False, False, True, False],
    lengths=[750, 750, 250, 750],
    velocity_errors=[0.1, 0.5, 0.1, 0.1],  # the second is too slow
    turn_errors=[0.0, 0.0, 0.2, 0.2],
    air_seconds=[0.0, 0.1, 0.3, 0.2],
)


def test_of_one_skill_success_falls_and_errors_are_told():
    lower = stats.binomtest(2, 4).proportion_ci(method="wilson").low
    assert _one_skill("walk-forward", FOUR) == pytest.approx(
        {
            **{"success": 0.5, "success_lower_bound": lower, "falls": 0.25},
            **{"velocity_error": 0.2, "turn_error": 0.1, "air_seconds": 0.15},
        },
        abs=1e-5,
    )
    assert _one_skill("jump", FOUR)["success"] == 0.25  # the third flew longest, and fell


def test_falls_are_counted_by_episode_and_by_step():
    assert _switching(FOUR) == pytest.approx(
        {"falls_per_episode": 0.25, "falls_per_1000_steps": 1000 / 2500, "velocity_error": 0.2, "turn_error": 0.1}
    )


def test_a_change_succeeds_by_the_measure_of_the_skill_that_it_leads_to():
    skills, pairs = ("walk-forward", "jump"), [(0, 1), (1, 0)]
    fallen = np.array([[False, False, False, True], [False, False, False, False]])
    settled = {
        "velocity_error": np.array([[9.0, 9.0, 9.0, 0.0], [0.1, 0.2, 0.3, 0.4]]),
        "turn_error": np.array([[9.0, 9.0, 9.0, 0.0], [0.4, 0.2, 0.1, 0.1]]),
    }
    final = {"air_seconds": np.array([[0.2, 0.1, 0.1, 0.2], [0.0] * 4]), "standing_seconds": np.zeros((2, 4))}
    found = _success_by_pair(skills, pairs, fallen, settled, final)
    assert found == {"walk-forward": {"jump": 0.25}, "jump": {"walk-forward": 0.5}}


@struct.dataclass
class Tracked:
    """What a task of skills tracks, as far as an examination reads it."""

    flight_seconds: Array
    standing_seconds: Array


GOALS = GoalSampler(("walk-forward", "jump", "run"), "balanced", 0.0, (HALF, HALF), episode_length=10 * HALF)


@struct.dataclass
class ScriptedSkills:
    """A world with goals whose step is what the action says: fall, errors, flight and standing; see `Reader`."""

    goals: GoalSampler = struct.field(pytree_node=False, default=GOALS)
    lies: float = 0.0  # 1 if its episodes begin lying
    spec = EnvSpec(1, 5, goal_size=3 + len(SKILL_NAMES), control_period=1.0, episode_length=10 * HALF)
    has_host_callback = False

    def reset(self, key: Array) -> EnvState:
        zero, no, goals = jnp.zeros(()), jnp.array(False), self.goals.draw(key)
        info = {"goals": goals, "tracking": Tracked(zero, zero)}
        metrics = {"velocity_error": zero, "turn_error": zero}
        return EnvState(NoPhysics({}), jnp.full(1, self.lies), goals.vector(), zero, no, no, metrics, info)

    def step(self, state: EnvState, action: Array) -> EnvState:
        fall, velocity_error, turn_error, flight, standing = action
        goals = state.info["goals"].later()
        return state.replace(
            goal=goals.vector(),
            terminated=(fall > 0) | ((state.obs[0] > 0) & (goals.skill != STAND_UP)),
            metrics={"velocity_error": velocity_error, "turn_error": turn_error},
            info={"goals": goals, "tracking": Tracked(flight, standing)},
        )

    def where(self, condition: Array, chosen: EnvState, other: EnvState) -> EnvState:
        return jax.tree.map(lambda a, b: jnp.where(condition, a, b), chosen, other)


@struct.dataclass
class Reader:
    """A policy that reads a script (B, T, A), and keeps the goals that it was asked for."""

    script_BTA: Array

    def init_carry(self, num_envs: int) -> Array:
        return jnp.zeros((), int)

    def act(self, carry: Array, observation: Observation, key: Array) -> tuple[Array, Array, None]:
        skill = jnp.argmax(observation.goal[:, 3:], axis=1)
        turn_error = skill / 100  # so that what was asked for shows in the outcome
        return carry + 1, self.script_BTA[:, carry].at[:, 2].set(turn_error), None


def script(num_worlds):
    """Errors and flights that are huge before the change, and small after it."""
    rows = np.zeros((num_worlds, 2 * HALF, 5), np.float32)
    rows[:, :HALF] = (0, 1e6, 0, 1e6, 1e6)
    rows[:, HALF] = (0, 1e6, 0, 0.1, 0)  # the first second after it is to settle
    rows[:, HALF + 1 :] = [(0, error, 0, 0.05, second) for second, error in enumerate((1.0, 2.0, 3.0, 6.0), start=1)]
    return rows


@pytest.fixture(scope="module")
def outcome():
    """Of a world that stays up, one that falls before the change, and one that falls after it, last."""
    rows = script(3)
    rows[1, 2, 0] = rows[2, 2 * HALF - 1, 0] = 1
    worlds = (ScriptedSkills(), ScriptedSkills(), ScriptedSkills(lies=1.0))
    halves = _SecondHalves(*worlds, np.array([(0, 1), (1, 2), (2, 0)]))
    return jax.device_get(jax.jit(halves)(Reader(jnp.array(rows)), jax.random.key(0)))


def test_only_who_is_first_to_stand_up_begins_lying():
    """In the scripted world whoever lies falls as soon as it is asked for anything but to stand up."""
    up = ScriptedSkills(dataclasses.replace(GOALS, skills=("walk-forward", "stand-up", "run")))
    halves = _SecondHalves(up, up, up.replace(lies=1.0), np.array([(0, 1), (1, 2), (2, 0)]))
    fallen, *_ = jax.jit(halves)(Reader(jnp.array(script(3))), jax.random.key(0))
    np.testing.assert_array_equal(fallen, [False, True, False])


def test_a_fall_before_or_after_a_change_counts(outcome):
    np.testing.assert_array_equal(outcome[0], [False, True, True])


def test_errors_are_means_from_the_settling_after_a_change_on(outcome):
    np.testing.assert_allclose(outcome[1]["velocity_error"][[0, 2]], 3.0)  # of 1, 2, 3 and 6


def test_after_a_change_the_second_skill_is_asked_for(outcome):
    asked = [SKILL_NAMES.index(name) / 100 for name in ("jump", "walk-forward")]
    np.testing.assert_allclose(outcome[1]["turn_error"][[0, 2]], asked, rtol=1e-5)


def test_the_longest_flight_after_a_change_and_the_standing_at_the_end_are_told(outcome):
    np.testing.assert_allclose(outcome[2]["air_seconds"][0], 0.1)
    np.testing.assert_allclose(outcome[2]["standing_seconds"][0], 4.0)


def test_goals_that_are_given_in_order_come_in_it():
    """On which the examination of changes builds."""
    goals = ScriptedSkills.goals.in_order(jax.random.key(0), jnp.array([2, 0] * 5))
    asked = []
    for _ in range(2 * HALF):
        asked.append(int(goals.skill))
        goals = goals.later()
    assert isinstance(goals, Goals)
    assert asked == [SKILL_NAMES.index("run")] * HALF + [SKILL_NAMES.index("walk-forward")] * HALF
