"""The program that a GPU runs, as far as a CPU can tell."""

import json

import jax
import pytest

from benchmarks.host_traffic import host_traffic, warp_calls
from flexrl.cli.arguments import parse
from flexrl.engine.factory import make_engine, make_env
from tests.flexrl import runs

SMALL = [
    *("--profile", "cpu", "--num-envs", "8", "--algorithm.unroll-length", "2", "--algorithm.num-minibatches", "2"),
    *("--algorithm.num-epochs", "1", "--algorithm.policy-layers", "8", "--algorithm.value-layers", "8"),
]

OTHERS = [
    pytest.param(env, marks=pytest.mark.slow) for env in ("humanoid-skills", "humanoid-goal", "dmc-humanoid-walk")
]


def engine(physics, *flags):
    config = parse([*SMALL, "--physics", physics, *flags]).config
    return make_engine(config, make_env(config))


@pytest.mark.parametrize("env", ["humanoid-walk", *OTHERS])
def test_a_whole_warp_iteration_lowers_for_cuda(env):
    warp = engine("mjx-warp", "--env", env)
    text = warp.program.trace(warp.template()).lower(lowering_platforms=("cuda",)).as_text()
    assert warp_calls(text) >= 2 and not host_traffic(text)


def test_a_whole_mjx_iteration_exports_for_cuda():
    mjx = engine("mjx-jax")
    exported = jax.export.export(mjx.program, platforms=("cuda",))(mjx.template())
    assert exported.platforms == ("cuda",)


@pytest.mark.slow
@pytest.mark.parametrize("physics", ["mjx-jax", "mjx-warp"])
def test_mjx_trains_on_a_cpu(tmp_path, physics):
    flags = ["--physics", physics, "--total-steps", "96", "--num-evaluations", "1", "--evaluation-episodes", "2"]
    runs.finish(runs.start(tmp_path, physics, *flags))
    result = json.loads((tmp_path / physics / "result.json").read_text())
    assert result["physics"] == physics
    assert result["iterations"] == 3
    assert result["episode_length_mean"] > 5
