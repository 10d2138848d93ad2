"""The command for a GPU keeps its time and leaves what it had; and when a return was reached."""

import json
import math
import sys
import time

import pytest
from rich.console import Console

from benchmarks import gpu
from benchmarks.exchange import agreement
from benchmarks.fresh import FreshEpisodes
from benchmarks.gpu import PARTS, GpuConfig, Part, run_parts
from benchmarks.time_to_return import TARGETS, TimeToReturnConfig, confirmed, crossings, reached
from benchmarks.watch import Watched
from flexrl.storage.rows import read_rows
from flexrl.train import main
from tests.flexrl.runs import TINY

WRITES = "import json, sys; open(sys.argv[1], 'w').write(json.dumps({'results': [1]}))"


class Script(Part):
    """A part that is a few lines of Python instead of a benchmark; `module` holds them."""

    def command(self, out):
        return [sys.executable, "-c", self.module, str(out)]


def ran(tmp_path, *parts, seconds=60.0):
    out = tmp_path / "gpu.json"
    run_parts(parts, GpuConfig(commit="abc", out=out), time.monotonic() + seconds, Console(quiet=True))
    return json.loads(out.read_text())


def test_each_part_leaves_what_it_had_and_how_it_ended(tmp_path):
    slow = f"{WRITES}; import time; print('on and on', flush=True); time.sleep(600)"
    started = time.monotonic()
    report = ran(
        tmp_path,
        Script("good", WRITES, (), 1, 30),
        Script("bad", "raise SystemExit('no GPU')", (), 1, 30),
        Script("slow", slow, (), 1, gpu.STOP_SECONDS + 3),
        Script("late", WRITES, (), 1000, 1000),
    )
    assert time.monotonic() - started < 45
    good, bad, slow, late = report["parts"]
    assert (good["ended"], good["report"], good["log"]) == ("finished", {"results": [1]}, None)
    assert (bad["ended"], bad["report"], bad["log"]) == ("failed with exit status 1", None, "no GPU\n")
    assert slow["ended"] == "stopped after 8 s" and slow["report"] == {"results": [1]} and "on and on" in slow["log"]
    assert late["ended"].startswith("left out: ")
    assert report["machine"] and report["versions"]["mujoco-mjx"] and report["git"]["commit"]


def test_no_part_is_worth_beginning_without_time(tmp_path):
    report = ran(tmp_path, Script("good", WRITES, (), 1, 30), seconds=gpu.END_SECONDS)
    assert [part["ended"] for part in report["parts"]] == ["left out: 0 s were left"]


def test_parts_are_chosen_by_their_names_or_first_words():
    speed = GpuConfig(parts=("speed",)).chosen()
    assert {part.name.split()[0] for part in speed} == {"speed"} and len(speed) > 5
    assert [part.name for part in GpuConfig(parts=("speed mjx-jax 1024", "parity")).chosen()] == [
        "parity",
        "speed mjx-jax 1024",
    ]
    assert "tune" not in [part.name for part in GpuConfig().chosen()]
    assert len({part.name for part in PARTS}) == len(PARTS)
    with pytest.raises(ValueError, match="--parts: 'sped' is unknown; known: parity, speed"):
        GpuConfig(parts=("sped",))


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_a_parts_command_line_is_one_that_its_benchmark_takes(part, tmp_path):
    import importlib

    import tyro

    module = importlib.import_module(f"benchmarks.{part.module}")
    (config,) = [
        value for name, value in vars(module).items() if name.endswith("Config") and value.__module__ == module.__name__
    ]
    parsed = tyro.cli(config, args=part.command(tmp_path / "out.json")[3:])
    assert parsed.out == tmp_path / "out.json"


def rows(*pairs):
    return [(seconds, {"control_steps": 10 * i, "evaluation/return_mean": value}) for i, (seconds, value) in pairs]


def test_a_return_is_reached_with_the_first_evaluation_that_shows_it():
    metrics = [(20.0, {"control_steps": 10, "timing": {"seconds": 5.0}}), (60.0, {"control_steps": 90})]
    fast = rows(*enumerate([(30.0, 100.0), (40.0, 600.0), (50.0, 550.0)]))
    middle = rows(*enumerate([(30.0, 450.0), (55.0, 500.0)]))
    never = rows((0, (30.0, 90.0)))
    found = reached(Watched([metrics] * 3 + [fast, middle, never], 60.0, True), (500, 600), 60.0)
    assert found["seeds_seconds"] == {"500": [40.0, 55.0, None], "600": [40.0, None, None]}
    assert found["median_seconds"]["500"] == {"total": 55.0, "training": 40.0}
    assert found["median_seconds"]["600"] == {"total": None, "training": None}
    assert (found["start_up_seconds"], found["control_steps_per_seed"]) == (20.0, 90)


def test_the_evaluation_that_crosses_a_line_is_told_beside_fresh_episodes_of_its_policy(tmp_path):
    main([*TINY, "--workspace", str(tmp_path), "--name", "run", "--seed", "1"])  # whose first evaluation is its best
    evaluations = [(float(i), row) for i, row in enumerate(read_rows(tmp_path / "run" / "evaluations.jsonl"))]
    first, _, last = (row["evaluation/return_mean"] for _, row in evaluations)
    crossed = crossings([evaluations, evaluations[2:]], (100, 1000))
    assert [row["step"] for row in crossed["100"]] == [10, 30] and crossed["1000"] == [None, None]
    found = confirmed(crossed, {1: tmp_path / "run", 2: tmp_path / "run"}, "native")
    assert found["1000"] == [None, None]
    expected = FreshEpisodes(tmp_path / "run", "native")(tmp_path / "run", "best", 1)
    assert found["100"][0] == {"seed": 1, "crossed_with": first, **expected}
    assert (found["100"][1]["seed"], found["100"][1]["step"], found["100"][1]["crossed_with"]) == (2, 30, last)
    assert expected["num_episodes"] == 64 and expected["return_mean"] != pytest.approx(first, rel=1e-4)


def test_only_environments_with_targets_are_taken():
    assert TimeToReturnConfig().envs == tuple(TARGETS)
    with pytest.raises(ValueError, match="--envs: cartpole have no returns to reach"):
        TimeToReturnConfig(envs=("cartpole",))


@pytest.mark.parametrize(("other", "agree"), [(100.0, True), (106.0, True), (108.0, False)])
def test_two_means_agree_within_the_interval_of_their_difference(other, agree):
    found = agreement({"return_mean": 100.0, "return_interval": 5.0}, {"return_mean": other, "return_interval": 5.0})
    assert found["agree"] == agree and found["interval"] == pytest.approx(math.sqrt(50))
