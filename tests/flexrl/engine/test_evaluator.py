"""What an evaluation counts: whole episodes of unequal length, and nothing after their ends. All numbers by hand.

The worlds do what the policy says, and the policy reads a script: one row for each world and step, of reward, whether
the task ends the episode, whether it cuts it, and a metric. Rows after an episode's end are huge, so that none passes
unnoticed; a world restarts there, and the script goes on.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct
from jax import Array

from envs.success import SETTLING_SECONDS
from envs.types import EnvSpec, EnvState, Observation
from flexrl.engine.evaluator import Evaluator, normalized_score, summarize
from tests.algos.probes import NoPhysics

TIME_LIMIT = 4
SETTLED_FROM = 2  # steps
HUGE = 1e6

END, CUT = 1.0, 1.0
AFTER = (HUGE, END, 0.0, HUGE)  # what follows an episode's end: a fall, as if it were one of the next episode
SCRIPT = np.array(
    [  # reward, terminated, truncated, metric
        [(1, 0, 0, 10), (2, 0, 0, 20), (4, 0, 0, 30), (8, 0, 0, 50), AFTER],  # to the time limit
        [(3, END, 0, 7), AFTER, AFTER, AFTER, AFTER],  # a fall at the first step
        [(5, 0, 0, 1), (6, 0, 0, 2), (7, END, 0, 3), AFTER, AFTER],  # a fall at the third
        [(-2, 0, 0, 8), (-4, 0, CUT, 4), AFTER, AFTER, AFTER],  # cut by the task after the second
    ],
    float,
)
RETURNS = [15.0, 3.0, 18.0, -6.0]
LENGTHS = [4, 1, 3, 2]
TERMINATED = [False, True, True, False]
MEANS = [27.5, 7.0, 2.0, 6.0]  # of the metric, over each episode's steps
SETTLED = [40.0, 0.0, 3.0, 0.0]  # likewise from the third step on
FINAL = [50.0, 7.0, 3.0, 4.0]


@struct.dataclass
class Scripted:
    """A world whose step is what the action says it is; an `Env` without a robot model."""

    scale: float | Array = 1.0  # of rewards

    spec = EnvSpec(1, 4, goal_size=0, control_period=SETTLING_SECONDS / SETTLED_FROM, episode_length=TIME_LIMIT)
    has_host_callback = False

    def reset(self, key: Array) -> EnvState:
        zero, no = jnp.zeros(()), jnp.array(False)
        return EnvState(NoPhysics({}), jnp.zeros(1), jnp.zeros(0), zero, no, no, {"metric": zero, "success": zero}, {})

    def reweighted(self, weights: Mapping[str, Array]) -> "Scripted":
        return self.replace(**weights)

    def step(self, state: EnvState, action: Array) -> EnvState:
        reward, ends, cuts, metric = action
        metrics = {"metric": metric, "success": (metric > 5).astype(float)}
        return state.replace(reward=self.scale * reward, terminated=ends > 0, truncated=cuts > 0, metrics=metrics)

    def where(self, condition: Array, chosen: EnvState, other: EnvState) -> EnvState:
        return jax.tree.map(lambda a, b: jnp.where(condition, a, b), chosen, other)


@struct.dataclass
class Reader:
    """A policy that reads the script; it remembers at which step it is, across restarts."""

    script_BTA: Array

    def init_carry(self, num_envs: int) -> Array:
        return jnp.zeros((), int)

    def act(self, carry: Array, observation: Observation, key: Array) -> tuple[Array, Array, None]:
        return carry + 1, self.script_BTA[:, carry], None


@pytest.fixture(scope="module")
def episodes():
    return Evaluator(Scripted(), len(SCRIPT)).episodes(Reader(jnp.array(SCRIPT)), jax.random.key(0))


def test_a_return_is_of_the_rewards_up_to_the_end(episodes):
    np.testing.assert_array_equal(episodes.episode_return, RETURNS)


def test_a_length_is_of_the_steps_up_to_the_end(episodes):
    np.testing.assert_array_equal(episodes.length, LENGTHS)


def test_only_what_the_task_ended_is_terminated(episodes):
    np.testing.assert_array_equal(episodes.terminated, TERMINATED)


def test_metrics_are_means_over_the_episode(episodes):
    np.testing.assert_allclose(episodes.metrics["metric"], MEANS, rtol=1e-6)


def test_settled_metrics_are_means_from_the_settling_on_and_0_where_an_episode_is_shorter(episodes):
    np.testing.assert_allclose(episodes.settled["metric"], SETTLED, rtol=1e-6)


def test_final_metrics_are_those_of_the_last_step(episodes):
    np.testing.assert_array_equal(episodes.final["metric"], FINAL)


def test_policies_side_by_side_are_each_judged_as_alone():
    scripts = (SCRIPT, SCRIPT[::-1], np.roll(SCRIPT, 1, axis=0))

    def subjects() -> list:
        return [(Reader(jnp.array(script)), jax.random.key(i), {"scale": 1.0 + i}) for i, script in enumerate(scripts)]

    alone, together = Evaluator(Scripted(), 4), Evaluator(Scripted(), 4, num_policies=3)
    with ThreadPoolExecutor(1) as pool:
        together.compile(pool, Reader(jnp.array(SCRIPT)), {"scale": 1.0}).result()
    found = together.episodes_of_each(subjects())
    jax.tree.map(np.testing.assert_array_equal, found, alone.episodes_of_each(subjects()))
    fewer = together.episodes_of_each(subjects()[:2])
    jax.tree.map(np.testing.assert_array_equal, fewer, found[:2])
    np.testing.assert_array_equal(found[1].episode_return, [2 * value for value in RETURNS[::-1]])


def test_a_program_that_is_built_ahead_is_the_one_that_runs():
    evaluator = Evaluator(Scripted(), 4)
    policy, compiled = Reader(jnp.array(SCRIPT)), []

    def note(event: str, duration: float, fun_name: str = "", **_: object) -> None:
        if "_episodes" in fun_name:
            compiled.append(event)

    jax.monitoring.register_event_duration_secs_listener(note)
    try:
        with ThreadPoolExecutor(1) as pool:
            evaluator.compile(pool, jax.eval_shape(lambda: policy), {"scale": 2.0}).result()
        num_events = len(compiled)
        found = evaluator.episodes(policy, jax.random.key(0), {"scale": 3.0})
    finally:
        jax.monitoring.unregister_event_duration_listener(note)
    assert 0 < len(compiled) == num_events
    np.testing.assert_array_equal(found.episode_return, [3 * value for value in RETURNS])


def test_a_summary_is_over_episodes_each_counting_alike(episodes):
    found = summarize(episodes)
    assert found["return_mean"] == 7.5  # of 15, 3, 18 and -6
    deviation = ((7.5**2 + 4.5**2 + 10.5**2 + 13.5**2) / 4) ** 0.5
    assert found["return_std"] == pytest.approx(deviation)
    assert found["return_interval"] == pytest.approx(1.96 * deviation / 2)  # the root of four episodes
    assert (found["return_min"], found["episode_length_mean"], found["terminated_fraction"]) == (-6.0, 2.5, 0.5)
    assert (found["num_episodes"], found["metric"]) == (4, pytest.approx((27.5 + 7 + 2 + 6) / 4))


def test_success_is_to_be_at_the_goal_at_the_end_without_a_fall(episodes):
    # Above 5 at the end are the first two, of which the second fell; the last one was so before its end only.
    assert summarize(episodes)["success_rate"] == 0.25
    without_goal = {name: x for name, x in episodes.final.items() if name != "success"}
    assert "success_rate" not in summarize(episodes.replace(final=without_goal))


@pytest.mark.parametrize(("episode_return", "score"), [(10.0, 0.0), (60.0, 100.0), (35.0, 50.0), (-15.0, -50.0)])
def test_a_normalized_score_is_the_part_of_the_way_between_the_references(episode_return, score):
    assert normalized_score(episode_return, (10.0, 60.0)) == score
