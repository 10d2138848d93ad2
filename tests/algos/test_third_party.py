"""An algorithm of another package: the example `examples/reinforce`, installed as pip would."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from algos.registry import algorithm_names, find_algorithm
from envs.errors import ConfigError

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "reinforce"


def install(site, module, value):
    """Name an entry in a folder of packages, as an installer would."""
    record = site / f"{module}-0.1.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 0.1.0\n")
    (record / "entry_points.txt").write_text(f"[flexrl.algorithms]\nreinforce = {value}\n")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The example, where this process finds packages."""
    install(tmp_path, "flexrl_reinforce", "flexrl_reinforce:ENTRY")
    for path in (EXAMPLE, tmp_path):
        monkeypatch.syspath_prepend(str(path))
    return tmp_path


def test_it_is_found_by_name_and_listed(installed):
    assert "reinforce" in algorithm_names()
    entry = find_algorithm("reinforce")
    assert entry.config.__name__ == "ReinforceConfig" and not entry.is_offline
    with pytest.raises(ConfigError, match=r"algo: 'reinforc' is unknown; did you mean 'reinforce'\?"):
        find_algorithm("reinforc")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("flexrl_nowhere:ENTRY", "cannot be loaded: ModuleNotFoundError"),
        ("json:dumps", "names json:dumps, which is no algos.registry.AlgorithmEntry"),
    ],
)
def test_one_that_cannot_be_used_is_refused_in_a_line(tmp_path, monkeypatch, value, message):
    install(tmp_path, "broken", value)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match=f"algo: 'reinforce' .*{message}"):
        find_algorithm("reinforce")


def test_returns_to_go_end_with_their_episode(installed):
    from flexrl_reinforce import returns_to_go

    reward = jnp.array([[1.0], [2.0], [4.0], [8.0]])
    ended = jnp.array([[False], [True], [False], [False]])
    found = returns_to_go(reward, ended, jnp.array(0.5))
    np.testing.assert_allclose(found[:, 0], [1 + 0.5 * 2, 2, 4 + 0.5 * 8, 8])


def test_it_trains_with_the_unchanged_command(installed):
    arguments = (
        "--algo reinforce --env Hopper-v5 --num-envs 32 --total-steps 120000 --num-evaluations 2 --no-video "
        f"--evaluation-episodes 8 --workspace {installed} --name hopper"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (installed, EXAMPLE, ROOT)))}
    command = [sys.executable, "-m", "flexrl.train", *arguments.split()]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    result = json.loads((installed / "hopper" / "result.json").read_text())
    assert result["return_mean"] > 150  # an untrained policy earns about 20
