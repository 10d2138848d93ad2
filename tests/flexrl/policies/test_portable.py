"""Policies as functions for other programs do, in onnxruntime and as StableHLO, what they do in flex-rl."""

import json
import sys

import jax
import numpy as np
import onnxruntime
import pytest

from envs.types import Observation
from flexrl import export
from flexrl.common.files import new_folder
from flexrl.policies.onnx_graph import onnx_model, output_name
from flexrl.policies.playback import load_playback
from flexrl.policies.portable import portable, stablehlo
from tests.flexrl.policies.made import KINDS, STEP, make_policy_folder

NUM_STEPS, TOLERANCE = 9, 1e-5
READ = {  # beside the observation
    "mlp": [],
    "symmetric": ["goal"],
    "gru": ["episode_start", "memory.0"],
    "lstm": ["goal", "episode_start", "memory.0", "memory.1"],
    "bc": [],
    "dt": ["reward", "episode_start", "memory.0", "memory.1", "memory.3", "memory.4", "memory.5"],
}


@pytest.fixture(scope="module")
def playbacks(tmp_path_factory):
    """Loads a policy of each kind, once."""
    made, loaded = tmp_path_factory.mktemp("made"), {}

    def load(kind):
        if kind not in loaded:
            make_policy_folder(made / kind, kind)
            loaded[kind] = load_playback(str(made / kind), "workspace", "best")
        return loaded[kind]

    return load


def inputs_over_time(spec, num, seed=0):
    """Random observations, goals and rewards of `num` worlds, of which the last one begins a new episode at step 5."""
    rng = np.random.default_rng(seed)
    for t in range(NUM_STEPS):
        yield {
            "observation": rng.normal(size=(num, spec.obs_size)).astype(np.float32),
            "goal": rng.normal(size=(num, spec.goal_size)).astype(np.float32),
            "reward": (100 * rng.normal(size=num)).astype(np.float32),
            "episode_start": np.array([t == 0] * (num - 1) + [t in (0, 5)]),
        }


def largest_difference(playback, function, run, num):
    """The largest difference of actions between the policy and a program that keeps its own memory."""
    policy, spec = playback.policy, playback.env.spec
    carry = policy.init_carry(num)
    memory = {
        name: np.zeros((num, *value.shape[1:]), value.dtype)
        for name, value in function.inputs.items()
        if name.startswith("memory.")
    }
    worst = 0.0
    for seen in inputs_over_time(spec, num):
        outputs = run({name: (seen | memory)[name] for name in function.inputs})
        memory = {name: np.asarray(outputs[name]) for name in memory}
        observation = Observation(seen["observation"], seen["goal"], seen["reward"], seen["episode_start"])
        carry, action, _ = policy.act(carry, observation, jax.random.key(0))
        assert outputs["action"].shape == action.shape and abs(action).max() > 0.01
        worst = max(worst, float(abs(np.asarray(outputs["action"]) - np.asarray(action)).max()))
    return worst


def in_onnxruntime(function, content):
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    assert [each.name for each in session.get_inputs()] == list(function.inputs)
    names = [output_name(name) for name in function.outputs]
    return lambda inputs: dict(zip(function.outputs, session.run(names, inputs), strict=True))


def in_jax(function, content):
    call = jax.export.deserialize(bytearray(content)).call
    return lambda inputs: dict(zip(function.outputs, call(*inputs.values()), strict=True))


def require_same(playback):
    function = portable(playback.policy, playback.env.spec)
    for run in (in_onnxruntime(function, onnx_model(function)), in_jax(function, stablehlo(function))):
        for num in (1, 3):
            assert largest_difference(playback, function, run, num) < TOLERANCE
    return function


@pytest.mark.parametrize("kind", ["mlp", "bc"])
def test_a_feedforward_policy_is_the_same_function_everywhere(playbacks, kind):
    assert list(require_same(playbacks(kind)).inputs) == ["observation", *READ[kind]]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["symmetric", "gru", "lstm", "dt"])
def test_a_policy_with_goal_encoder_symmetry_or_memory_is_the_same_function_everywhere(playbacks, kind):
    assert list(require_same(playbacks(kind)).inputs) == ["observation", *READ[kind]]


@pytest.mark.slow
def test_the_pretrained_policy_is_the_same_function_everywhere():
    require_same(load_playback("pretrained/humanoid-skills", "workspace", "best"))


def test_every_kind_is_tested():
    assert READ.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", ["onnx", "stablehlo"])
def test_the_command_writes_the_function_and_its_description(playbacks, tmp_path, capsys, kind):
    playback = playbacks("mlp")
    export.main([str(playback.folder), "--format", kind, "--out", str(tmp_path / "out")])
    assert f"{tmp_path / 'out'}: iteration {STEP}, 0.0" in capsys.readouterr().out
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["policy.json", f"policy.{kind}"]
    told = json.loads((tmp_path / "out" / "policy.json").read_text())
    assert (told["env"], told["algo"], told["step"], told["file"]) == ("Hopper-v5", "ppo", STEP, f"policy.{kind}")
    assert [(each["name"], each["shape"], each["dtype"]) for each in told["inputs"] + told["outputs"]] == [
        ("observation", ["B", 11], "float32"),
        ("action", ["B", 3], "float32"),
    ]
    function = portable(playback.policy, playback.env.spec)
    content = (tmp_path / "out" / f"policy.{kind}").read_bytes()
    run = in_onnxruntime(function, content) if kind == "onnx" else in_jax(function, content)
    assert largest_difference(playback, function, run, 2) < TOLERANCE


def test_a_failed_export_leaves_nothing(playbacks, tmp_path, monkeypatch):
    folder = playbacks("mlp").folder
    monkeypatch.setattr("flexrl.common.files.os.replace", lambda *_: (_ for _ in ()).throw(RuntimeError("crash")))
    with pytest.raises(RuntimeError, match="crash"):
        export.main([str(folder), "--format", "onnx", "--out", str(tmp_path / "out")])
    assert not list(tmp_path.iterdir())


def test_a_new_folder_appears_only_when_it_is_complete(tmp_path):
    (tmp_path / "x.unfinished").mkdir()
    (tmp_path / "x.unfinished" / "left").write_text("by a kill")
    with new_folder(tmp_path / "x") as folder:
        assert not list(folder.iterdir()) and not (tmp_path / "x").exists()
        (folder / "file").write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["x"] and (tmp_path / "x" / "file").read_text() == "whole"


def refused(folder, out, capsys):
    with pytest.raises(SystemExit) as end:
        export.main([str(folder), "--format", "onnx", "--out", str(out)])
    assert end.value.code == 65 and not out.exists()
    return capsys.readouterr().err.splitlines()[-1]


def test_an_operation_that_is_not_known_is_named(playbacks, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("flexrl.policies.onnx_graph.EMITTERS", {})
    line = refused(playbacks("mlp").folder, tmp_path / "out", capsys)
    assert line.startswith("error: format: 'onnx' does not know JAX's add, ") and line.endswith("use stablehlo")


def test_a_missing_package_is_named(playbacks, monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "onnx", None)
    line = refused(playbacks("mlp").folder, tmp_path / "out", capsys)
    assert line == "error: format: 'onnx' needs the package onnx; install it: pip install onnx"
