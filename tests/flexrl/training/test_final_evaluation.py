"""What a run's result holds: its best policy, by episodes that chose nothing."""

import json
from pathlib import Path

import jax
import pytest

from flexrl.engine.evaluator import Evaluator, final_key, selection_key
from flexrl.evaluate import EvaluateArguments, evaluate
from flexrl.policies.playback import load_playback
from flexrl.storage.run_view import read_run
from flexrl.train import main
from tests.flexrl.runs import ITERATIONS, TINY, rows

NUM_EPISODES = 4  # of TINY


@pytest.fixture(scope="module")
def best_first(tmp_path_factory):
    """A run whose first evaluation is its best."""
    workspace = tmp_path_factory.mktemp("best")
    main([*TINY, "--workspace", str(workspace), "--name", "run", "--seed", "1"])
    run = workspace / "run"
    returns = read_run(run).returns
    assert max(returns) == returns[0] > returns[-1]
    return run


def result_of(run):
    return json.loads((run / "result.json").read_text())


def test_a_result_is_of_the_policy_that_evaluating_takes_by_default(best_first, capsys):
    evaluate(str(best_first), EvaluateArguments(episodes=NUM_EPISODES, seed=1, json=True))
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    result = result_of(best_first)
    assert found.pop("step") == result["evaluation"]["step"] == ITERATIONS // 3
    for name in ("run", "physics"):
        found.pop(name)
    assert found == pytest.approx({name: result[name] for name in found}, rel=1e-5)


def test_a_result_says_how_its_numbers_were_drawn_and_what_the_policy_was_chosen_for(best_first):
    first, *_ = rows(best_first / "evaluations.jsonl")
    assert result_of(best_first)["evaluation"] == {
        **{"policy": "best", "step": 10, "control_steps": 320, "stream": "final", "seed": 1},
        "return_when_chosen": first["evaluation/return_mean"],
    }
    assert json.loads((best_first / "best.json").read_text())["score"] == first["evaluation/return_mean"]
    assert result_of(best_first)["iterations"] == ITERATIONS


def test_all_evaluations_while_training_draw_the_same_episodes_and_none_of_those_that_are_reported(best_first):
    first, _, last = rows(best_first / "evaluations.jsonl")
    evaluator = None
    for step, row in (("best", first), ("latest", last)):
        playback = load_playback(str(best_first), "workspace", step, "native", NUM_EPISODES)
        evaluator = evaluator or Evaluator(playback.env, NUM_EPISODES)
        found = evaluator(playback.policy, selection_key(1))["return_mean"]
        assert found == pytest.approx(row["evaluation/return_mean"], rel=1e-5)
    assert result_of(best_first)["return_mean"] != pytest.approx(first["evaluation/return_mean"], rel=1e-4)


def test_no_seed_gives_both_the_same_episodes():
    keys = {tuple(jax.random.key_data(key(seed)).tolist()) for key in (selection_key, final_key) for seed in range(50)}
    assert len(keys) == 100


def test_a_run_that_stops_early_prints_what_stopped_it_and_what_its_policy_is_worth(tmp_path, capsys):
    main([*TINY, "--workspace", str(tmp_path), "--name", "enough", "--early-stop.reward-threshold", "100"])
    result, out = result_of(tmp_path / "enough"), capsys.readouterr().out
    chosen = result["evaluation"]["return_when_chosen"]
    assert f"stopped early: return {chosen:,.1f} has reached reward_threshold 100.0" in out
    line = (
        f"return {result['return_mean']:,.1f} ± {result['return_interval']:,.1f} in 4 fresh episodes; {chosen:,.1f} in"
    )
    assert f"enough: final evaluation of iteration 10 (best): {line}" in out
    assert result["return_mean"] != chosen


def test_a_result_of_before_final_evaluations_is_read_without_one(best_first, tmp_path):
    for name in ("config.yaml", "metadata.json", "metrics.jsonl", "evaluations.jsonl"):
        (tmp_path / name).write_bytes((best_first / name).read_bytes())
    result = result_of(best_first)
    assert read_run(best_first).final_return == result["return_mean"]
    del result["evaluation"]
    Path(tmp_path / "result.json").write_text(json.dumps(result))
    record = read_run(tmp_path)
    assert (record.final_return, record.state, record.problems) == (None, "finished", ())


def test_the_evaluator_is_compiled_once_and_before_the_first_iteration(tmp_path):
    metrics, compiled = tmp_path / "run" / "metrics.jsonl", []

    def note(event, duration, fun_name="", **_):
        if event.endswith("backend_compile_duration") and "_episodes" in fun_name:
            compiled.append(len(metrics.read_text().splitlines()))

    jax.monitoring.register_event_duration_secs_listener(note)
    try:
        main([*TINY, "--workspace", str(tmp_path), "--name", "run"])
    finally:
        jax.monitoring.unregister_event_duration_listener(note)
    assert compiled == [0]  # rows that were there
