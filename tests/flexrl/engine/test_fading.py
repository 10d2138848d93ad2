"""What only helps learning at first fades while a run goes on, and evaluations have none of it."""

from typing import Any, cast

import jax
import jax.numpy as jnp
import pytest
from jax import Array

from algos.common.rollout import RolloutSource
from algos.common.schedules import FADED_AT, faded
from algos.ppo.config import PPOConfig
from algos.ppo.learner import PPO
from envs.worlds.vector import VecEnv
from flexrl.config.run_config import decode
from flexrl.engine.engine import Engine
from flexrl.engine.factory import evaluation_weights, reward_weights
from tests.algos.probes import TIME_LIMIT, Probe, make_probe

CONFIG = PPOConfig(unroll_length=5, num_minibatches=1, num_epochs=1, policy_layers=(4,), value_layers=(4,))


class Paying:
    """A probe that pays two weights at each step, as an environment's rewards do."""

    def __init__(self, probe: Probe) -> None:
        self._probe, self.spec, self.has_host_callback = probe, probe.spec, False
        self.reset, self.step, self.where = probe.reset, probe.step, probe.where

    def reweighted(self, weights: dict[str, Array]) -> "Paying":
        paid = weights["kept"] + weights["helping"]
        return Paying(self._probe.replace(reward_at=jnp.full(TIME_LIMIT, paid)))


def test_a_weight_fades_over_the_first_part_of_a_run_and_others_stay():
    env = Paying(make_probe())
    engine = Engine(
        PPO(CONFIG, env.spec),
        RolloutSource(VecEnv(cast(Any, env), 4), CONFIG.unroll_length),
        num_iterations=10,
        has_host_callback=False,
        weights={"kept": 1.0, "helping": 6.0},
        fading=("helping",),
    )
    run, paid = engine.init(seed=0), []
    for _ in range(10):
        run, metrics = engine.step(run)
        paid.append(float(metrics["reward/mean"]))
    assert pytest.approx([7, 6, 5, 4, 3, 2, 1, 1, 1, 1], abs=1e-4) == paid
    assert float(run.hyper["task.helping"]) == 6.0  # a checkpoint holds what the config says


def test_it_is_gone_at_its_end_and_after_it():
    fade = jax.jit(lambda progress: faded(jnp.array(2.0), progress))
    assert [float(fade(x)) for x in (0.0, FADED_AT / 2, FADED_AT, 1.0)] == pytest.approx([2.0, 1.0, 0.0, 0.0])


def test_evaluations_have_no_assistance():
    content = {"env": "humanoid-getup", "total_steps": 1, "num_envs": 64, "profile": "cpu", "algorithm": {}, "task": {}}
    config = decode(content, "test")
    assert reward_weights(config)["assistance"] == 1.0
    assert evaluation_weights(config)["assistance"] == 0.0
    others = {name: weight for name, weight in reward_weights(config).items() if name != "assistance"}
    assert others.items() <= evaluation_weights(config).items()
