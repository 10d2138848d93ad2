"""What is not finite never reaches the parameters, is counted, and ends a run that does not recover."""

import dataclasses
import json
from contextlib import closing

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from algos.common.rollout import RolloutSource
from algos.ppo.config import PPOConfig
from algos.ppo.learner import PPO
from algos.registry import ALGORITHMS
from envs.worlds.vector import VecEnv
from flexrl.cli.arguments import parse
from flexrl.engine.engine import Engine
from flexrl.engine.factory import make_algorithm, make_env, policy_template
from flexrl.storage.checkpoint import Checkpoints
from flexrl.storage.run_folder import read_config
from flexrl.train import main
from flexrl.training.hosts import Hosts
from flexrl.training.preemption import StopRequest
from flexrl.training.trainer import Trainer
from tests.algos.probes import Probe, make_probe
from tests.flexrl.runs import TINY

CONFIG = PPOConfig(unroll_length=10, num_minibatches=4, num_epochs=2, policy_layers=(8,), value_layers=(8,))
NUM_ITERATIONS = 12
POISON_PROBABILITY = 0.2  # of an observation and reward in a step, or of a gradient


class PoisonedProbe:
    """A probe in which now and then a number is not finite."""

    def __init__(self, where: str) -> None:
        self._probe: Probe = make_probe([0.1, 0.2], target_weight=1.0)
        self._where = where
        self.spec, self.has_host_callback = self._probe.spec, False

    def reset(self, key: Array):
        key_probe, key_poison = jax.random.split(key)
        state = self._probe.reset(key_probe)
        poisoned = jax.random.bernoulli(key_poison, POISON_PROBABILITY)  # in its second step
        return state.replace(info=state.info | {"poisoned": poisoned})

    def step(self, state, action: Array):
        poisoned = state.info["poisoned"] & (state.info["num_steps"] == 1)
        after = self._probe.step(state, action)
        after = after.replace(info=after.info | {"poisoned": state.info["poisoned"]})
        value = getattr(after, self._where)
        return after.replace(**{self._where: jnp.where(poisoned, jnp.nan, value)})

    def where(self, condition, chosen, other):
        return self._probe.where(condition, chosen, other)


def iterations(env, ppo):
    """The train state and metrics after each iteration."""
    engine = Engine(
        ppo,
        RolloutSource(VecEnv(env, 16), CONFIG.unroll_length),
        num_iterations=NUM_ITERATIONS,
        has_host_callback=False,
    )
    run = engine.init(seed=0)
    for _ in range(NUM_ITERATIONS):
        run, metrics = engine.step(run)
        yield jax.device_get(run.train), jax.device_get(metrics)


def all_finite(tree) -> bool:
    return all(np.isfinite(x).all() for x in jax.tree.leaves(tree))


@pytest.mark.parametrize("where", ["obs", "reward"])
def test_a_bad_world_is_counted_and_learning_goes_on(where):
    env = PoisonedProbe(where)
    first, counted = None, 0
    for train, metrics in iterations(env, PPO(CONFIG, env.spec)):
        first = first or train
        assert all_finite(train)
        assert metrics["update/skipped"] == 0
        counted += metrics["episode/diverged"]
    # a fifth of 16 worlds restarts from a poisoned state, which lasts two of ten steps, in 12 iterations: about 170
    assert 80 < counted < 260
    kernels = [x.params["policy"]["trunk"]["layers"][0]["kernel"] for x in (first, train)]
    assert np.any(kernels[0] != kernels[1])


class PoisonedPPO(PPO):
    """PPO in which now and then a gradient is not finite, or always late in a run."""

    poisons_the_rest = False

    def _is_poisoned(self, hyper, samples):
        if self.poisons_the_rest:
            return hyper["progress"] >= 0.5
        chance = jax.lax.bitcast_convert_type(samples.raw_action[0, 0], jnp.int32)
        return jax.random.bernoulli(jax.random.key(chance), POISON_PROBABILITY)

    def _loss(self, params, samples, hyper):
        loss, metrics = super()._loss(params, samples, hyper)
        poisoned = self._is_poisoned(hyper, samples)
        return loss * jnp.where(poisoned, jnp.nan, 1.0), metrics | {"poisoned": poisoned.astype(float)}


def test_a_bad_gradient_is_left_out_and_counted():
    env = make_probe([0.1, 0.2], target_weight=1.0)
    skipped = 0
    for train, metrics in iterations(env, PoisonedPPO(CONFIG, env.spec)):
        assert all_finite(train)
        assert metrics["update/skipped"] == pytest.approx(8 * metrics["poisoned"])  # of eight gradient steps
        skipped += metrics["update/skipped"]
    assert 0 < skipped < 8 * NUM_ITERATIONS


def test_another_host_ends_with_a_run_that_does_not_recover_without_being_told(tmp_path, monkeypatch):
    monkeypatch.setattr(PoisonedPPO, "poisons_the_rest", True)
    monkeypatch.setitem(ALGORITHMS, "ppo", dataclasses.replace(ALGORITHMS["ppo"], build=PoisonedPPO))
    monkeypatch.setattr(Hosts, "decided", lambda self, decision: False)
    config = parse([*TINY, "--workspace", str(tmp_path), "--name", "run", "--max-skipped-updates", "10"]).config
    iterations, step = [], Engine.step
    monkeypatch.setattr(Engine, "step", lambda self, run: iterations.append(1) or step(self, run))
    with closing(StopRequest()) as stop, Trainer([config], stop, [], Hosts(2, 1), resume=False) as trainer:
        trainer.run()
    assert len(iterations) == 18  # where the first host ends, as the next test says
    assert not (tmp_path / "run").exists()


def test_a_run_that_does_not_recover_ends_with_its_own_exit_code_and_a_good_checkpoint(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(PoisonedPPO, "poisons_the_rest", True)
    monkeypatch.setitem(ALGORITHMS, "ppo", dataclasses.replace(ALGORITHMS["ppo"], build=PoisonedPPO))
    arguments = [*TINY, "--workspace", str(tmp_path), "--name", "run", "--max-skipped-updates", "10"]
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 70
    assert "max_skipped_updates 10" in capsys.readouterr().err
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    # four gradient steps an iteration, all bad from the sixteenth of thirty iterations on
    assert [row["update/skipped"] for row in rows] == [0] * 15 + [4] * 3
    assert rows[-1]["update/skipped_in_a_row"] == 12
    config = read_config(tmp_path / "run")
    template = policy_template(make_algorithm(config, make_env(config)))
    _, restored = Checkpoints(tmp_path / "run").restore(template)
    assert all_finite(restored)
