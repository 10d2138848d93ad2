"""A run that begins from another's networks."""

import dataclasses
import json
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest

from flexrl.cli.arguments import parse
from flexrl.common.errors import CheckpointError, ConfigError
from flexrl.engine.factory import make_algorithm, make_env, policy_template
from flexrl.storage.checkpoint import Checkpoints, leaves_of
from flexrl.storage.policy_file import digest
from flexrl.storage.run_folder import read_config
from flexrl.training.warm_start import INHERITED, _fitting, _require_same_scale, inherit, pin
from tests.flexrl import runs

EXPORTED = Path(__file__).parents[3] / "pretrained" / "humanoid-skills"
SKILLS = ("--env", "humanoid-skills", "--algorithm.symmetric", "--algorithm.policy-layers", "128", "128", "128")
EXPORTED_STEP = json.loads((EXPORTED / "export.json").read_text())["step"]


def child_config(workspace, *flags, parent="parent"):
    return parse([*runs.TINY, "--workspace", str(workspace), "--name", "new", "--parent", parent, *flags]).config


def train_of(workspace, step=None):
    config = read_config(workspace / "parent")
    template = policy_template(make_algorithm(config, make_env(config)))
    return leaves_of(Checkpoints(workspace / "parent").restore(template, step)[1]["train"])


def best_step(workspace):
    return json.loads((workspace / "parent" / "best.json").read_text())["step"]


def begun(config):
    """Names and arrays of a child's fresh train state, before and after it has taken what it can."""
    algorithm = make_algorithm(config, make_env(config))
    fresh = algorithm.init(jax.random.key(config.seed))
    return leaves_of(fresh), leaves_of(inherit(config).into(fresh))


def test_networks_and_statistics_are_the_parents_and_all_else_is_fresh(trained):
    parent = train_of(trained, step=28)
    fresh, child = begun(child_config(trained, parent="parent:28"))
    assert child.keys() == parent.keys()
    for name, leaf in child.items():
        np.testing.assert_array_equal(leaf, parent[name] if name.startswith(INHERITED) else fresh[name])
    assert parent["normalizer.count"] > 0 and child["optimizer.1.count"] == 0 < parent["optimizer.1.count"]


def test_arrays_of_another_shape_stay_fresh_and_are_named(trained):
    config = child_config(trained, "--algorithm.value-layers", "16", "--algorithm.policy-layers", "8", "4")
    fresh, child = begun(config)
    parent, inheritance = train_of(trained, best_step(trained)), inherit(config)
    assert set(inheritance.fresh) == {
        *(f"params.value.{name}" for name in ("trunk.layers.0.bias", "trunk.layers.0.kernel", "trunk.layers.1.kernel")),
        *(f"params.policy.trunk.layers.{name}" for name in ("1.bias", "1.kernel", "2.bias", "2.kernel")),
    }
    for name in inheritance.fresh:
        np.testing.assert_array_equal(child[name], fresh[name])
    np.testing.assert_array_equal(
        child["params.policy.trunk.layers.0.kernel"], parent["params.policy.trunk.layers.0.kernel"]
    )
    summary = inheritance.summary()
    assert "params.value.trunk.layers.0.kernel, shape (45, 16) float32, the parent's is (45, 8) float32" in summary
    assert "params.policy.trunk.layers.2.bias, shape (34,) float32, the parent has nothing of that name" in summary


def test_defaults_are_the_childs_own(trained):
    without = parse(["--workspace", str(trained), "--name", "new"]).config
    with_parent = parse(["--workspace", str(trained), "--name", "new", "--parent", "parent"]).config
    assert dataclasses.replace(with_parent, parent=None) == without


def test_the_step_is_decided_at_the_start_and_the_place_finds_the_run_again(trained, tmp_path):
    best = best_step(trained)
    assert pin("parent", str(trained)) == pin(f"{trained}/parent:best", str(trained)) == f"parent:{best}"
    assert pin("parent:latest", str(trained)) == "parent:30"
    assert pin(f"{trained}/parent:29", str(tmp_path)) == f"{trained.resolve()}/parent:29"
    assert pin(str(EXPORTED), str(trained)) == f"{EXPORTED}:{EXPORTED_STEP}"


@pytest.mark.parametrize(
    ("parent", "named"),
    [
        ("nobody", "parent: nobody: run: 'nobody' is neither a run's folder"),
        ("parent:last", "parent: parent:last: step: 'last' must be best, latest or an iteration"),
        ("parent:3", "step: 3 has no checkpoint; there are .*28, 29, 30"),
        (f"{EXPORTED}:3", f"step: '3' is not in .*, which holds iteration {EXPORTED_STEP} only"),
    ],
)
def test_a_parent_that_is_not_there_is_refused_by_name(trained, parent, named):
    with pytest.raises(ConfigError, match=named):
        pin(parent, str(trained))


def test_a_damaged_checkpoint_is_refused(trained, tmp_path):
    shutil.copytree(trained / "parent", tmp_path / "parent")
    (tmp_path / "parent" / "checkpoints" / "30" / "manifest.json").write_text("{}")
    assert pin("parent:latest", str(tmp_path)) == "parent:29"
    with pytest.raises(CheckpointError, match="no intact checkpoint"):
        pin("parent:30", str(tmp_path))


def test_another_observation_is_refused_with_both_sizes(trained):
    with pytest.raises(ConfigError, match=r"reads 45 observations and 0 .* but this run reads 292 observations"):
        inherit(child_config(trained, "--task.observation", "full"))
    with pytest.raises(ConfigError, match=r"shape \(45, 8\), but .* shape \(45, 16\)"):
        inherit(child_config(trained, "--algorithm.policy-layers", "16"))


def test_an_exported_policy_gives_all_but_the_value_network(trained):
    with np.load(EXPORTED / "policy.npz") as file:
        policy = dict(file)
    config = child_config(trained, *SKILLS, parent=str(EXPORTED))
    fresh, child = begun(config)
    assert "starts fresh: the value network" in inherit(config).summary()
    for name, leaf in policy.items():
        if name != "sha256":
            np.testing.assert_array_equal(child[name.replace("params.", "params.policy.")], leaf)
    for name in fresh:
        if name.startswith("params.value."):
            np.testing.assert_array_equal(child[name], fresh[name])


def test_a_goal_encoder_as_wide_as_the_parents_goal_fits_in_front_of_its_layers(trained):
    flags = (*SKILLS, "--algorithm.goal-layers")
    inheritance = inherit(child_config(trained, *flags, "5", "17", parent=str(EXPORTED)))
    assert "params.policy.trunk.layers.0.kernel" in inheritance.leaves
    assert "params.policy.goal_encoder.layers.1.kernel" in inheritance.fresh
    with pytest.raises(ConfigError, match=r"\(80, 128\), but .* \(68, 128\); .*--algorithm.goal-layers"):
        inherit(child_config(trained, *flags, "5", parent=str(EXPORTED)))


def test_a_memory_that_the_parent_lacks_is_refused(trained):
    with pytest.raises(ConfigError, match="policy.cell.*of shape None"):
        inherit(child_config(trained, "--algorithm.memory", "gru"))


def test_half_of_a_symmetric_parent_is_refused(trained):
    with pytest.raises(ConfigError, match="^parent: .* has symmetric networks; add --algorithm.symmetric"):
        inherit(child_config(trained, *SKILLS, "--algorithm.no-symmetric", parent=str(EXPORTED)))


def test_a_parent_that_reads_another_scale_is_refused(trained):
    flag = "--algorithm.no-normalize-observations"
    with pytest.raises(
        ConfigError, match="normalize_observations True, and this run False; add --algorithm.normalize-"
    ):
        inherit(child_config(trained, flag))
    config = dataclasses.replace(child_config(trained), algorithm=child_config(trained, flag).algorithm)
    raw = dataclasses.replace(inherit(child_config(trained)).parent, config=config)
    with pytest.raises(ConfigError, match="False, and this run True; add --algorithm.no-normalize-observations"):
        _require_same_scale(raw, child_config(trained))


def test_statistics_are_taken_whole_or_not_at_all():
    sizes = {"returns.count": (), "returns.mean": (1,), "privileged.count": (), "privileged.mean": (2,)}
    offered = {name: np.ones(size, np.float32) for name, size in sizes.items()}
    wanted = {name: (size, "float32") for name, size in sizes.items()} | {"privileged.mean": ((3,), "float32")}
    assert set(_fitting(offered, wanted)) == {"returns.count", "returns.mean"}


def test_a_run_records_its_parent(trained):
    record = json.loads((trained / "child" / "metadata.json").read_text())["parent"]
    best = best_step(trained)
    parent_hash = json.loads((trained / "parent" / "metadata.json").read_text())["config_hash"]
    taken = {name: leaf for name, leaf in train_of(trained, best).items() if name.startswith(INHERITED)}
    assert record == {"name": "parent", "step": best, "config_hash": parent_hash, "sha256": digest(taken)}
    assert read_config(trained / "child").parent == f"parent:{best}"


def test_a_refused_run_ends_with_65_and_leaves_no_folder(trained):
    process = runs.start(trained, "misfit", "--parent", "parent", "--task.observation", "full")
    _, err = process.communicate()
    assert process.returncode == 65 and err.startswith("error: parent: ") and err.count("\n") == 1
    assert not (trained / "misfit").exists()


def test_a_child_goes_on_without_its_parent_once_a_checkpoint_is_there(trained, tmp_path):
    shutil.copytree(trained / "child", tmp_path / "child")
    shutil.rmtree(tmp_path / "child" / "checkpoints" / "6")
    result = tmp_path / "child" / "result.json"
    before = json.loads(result.read_text())["return_mean"]
    result.unlink()
    runs.finish(runs.start(tmp_path, "child", "--resume"))
    assert json.loads(result.read_text())["return_mean"] == before
    result.unlink()
    shutil.rmtree(tmp_path / "child" / "checkpoints")
    _, err = (process := runs.start(tmp_path, "child", "--resume")).communicate()
    assert process.returncode == 65 and err.startswith("error: parent: parent:") and err.count("\n") == 1
