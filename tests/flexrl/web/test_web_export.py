"""What `flexrl.export --format web` refuses, and in which words."""

import json

import numpy as np
import pytest

from flexrl import export
from flexrl.common.errors import ConfigError
from flexrl.policies.playback import load_playback
from flexrl.policies.portable import portable
from flexrl.web.folder import SERVED, SHARED, require_task
from flexrl.web.mujoco_wasm import FILES, VERSION, find_mujoco
from flexrl.web.network import network_of
from tests.flexrl.policies.made import make_policy_folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a policy of another task."""
    return make_policy_folder(tmp_path_factory.mktemp("made") / "run", "mlp")


def package(folder, version):
    """A folder with the files of the npm package, and nothing in them but a version."""
    folder.mkdir()
    for name in FILES:
        (folder / name).write_text(json.dumps({"version": version}))
    return folder


def test_a_missing_package_is_named_with_the_two_ways_to_get_it(tmp_path, monkeypatch):
    with pytest.raises(ConfigError) as error:
        find_mujoco(tmp_path / "nothing")
    line = str(error.value)
    assert line.startswith(f"mujoco: {tmp_path / 'nothing'} has no mujoco.js; fetch MuJoCo's WebAssembly by `make web-")
    assert f"npm install @mujoco/mujoco@{VERSION}" in line and line.endswith("by --mujoco") and "\n" not in line
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="mujoco: node_modules/@mujoco/mujoco has no mujoco.js"):
        find_mujoco(None)


def test_a_package_is_found_where_npm_puts_it_and_where_the_user_says(tmp_path, monkeypatch):
    given = package(tmp_path / "given", VERSION)
    assert find_mujoco(given) == given
    (tmp_path / "node_modules" / "@mujoco").mkdir(parents=True)
    package(tmp_path / "node_modules" / "@mujoco" / "mujoco", VERSION)
    monkeypatch.chdir(tmp_path)
    assert (find_mujoco(None) / "mujoco.wasm").is_file()


def test_another_major_version_and_a_package_without_version_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"later is MuJoCo 99\.1\.0, but the model was made by 3\."):
        find_mujoco(package(tmp_path / "later", "99.1.0"))
    broken = package(tmp_path / "broken", VERSION)
    (broken / "package.json").write_text("{")
    with pytest.raises(ConfigError, match="package.json states no version; fetch the package anew"):
        find_mujoco(broken)


def test_a_task_whose_observation_is_unknown_is_refused_by_name():
    with pytest.raises(ConfigError, match="computes the observation of humanoid-skills only, not of Hopper-v5; use"):
        require_task("Hopper-v5")


def test_the_command_refuses_in_one_line_and_leaves_nothing(run, tmp_path, capsys):
    given = package(tmp_path / "given", VERSION)
    with pytest.raises(SystemExit) as end:
        export.main([str(run), "--format", "web", "--out", str(tmp_path / "out"), "--mujoco", str(given)])
    assert end.value.code == 65 and not list(tmp_path.glob("out*"))
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("error: format: 'web' computes the observation of humanoid-skills only, not of Hopper-v5")


@pytest.mark.slow
def test_a_policy_with_memory_is_refused_by_what_it_reads(tmp_path):
    playback = load_playback(str(make_policy_folder(tmp_path / "run", "gru")), "workspace", "best")
    with pytest.raises(ConfigError, match="this one also reads episode_start, memory.0; use onnx or stablehlo"):
        network_of(playback.policy, portable(playback.policy, playback.env.spec))


def test_the_last_layer_keeps_the_locations_of_actions_only(run):
    playback = load_playback(str(run), "workspace", "best")
    network, weights = network_of(playback.policy, portable(playback.policy, playback.env.spec))
    layers = network["layers"]
    assert [(x["inputs"], x["outputs"]) for x in layers] == [(11, 16), (16, 16), (16, 3)]
    assert weights.size == 2 * 11 + sum((x["inputs"] + 1) * x["outputs"] for x in layers)
    np.testing.assert_array_equal(weights[:11], playback.policy.normalizer.mean)


def test_the_files_that_both_pages_use_are_there():
    assert all((SERVED / name).exists() for name in SHARED)
