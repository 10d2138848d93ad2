"""The command for a GPU keeps its time and leaves what it had; and when a return was reached."""

import json
import math
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from rich.console import Console

from benchmarks import gpu
from benchmarks.exchange import agreement
from benchmarks.fresh import FreshEpisodes
from benchmarks.gpu import GpuConfig, run_parts
from benchmarks.gpu_parts import PARTS, Part
from benchmarks.report import RESULTS
from benchmarks.time_to_return import TARGETS, TimeToReturnConfig, confirmed, crossings, reached
from benchmarks.watch import Watched
from flexrl.common.errors import ConfigError, Preempted
from flexrl.storage.provenance import REPOSITORY
from flexrl.storage.rows import read_rows
from flexrl.train import main
from tests.flexrl.runs import TINY

WRITES = "import json, sys; open(sys.argv[1], 'w').write(json.dumps({'results': [1]}))"
MEASURES, FAILS_ONCE = (WRITES.replace("[1]}", each) for each in ("[{}]}", "[{}, {'error': 'no such flag'}]}"))


class Script(Part):
    """A part that is a few lines of Python instead of a benchmark; `module` holds them."""

    def command(self, out):
        return [sys.executable, "-c", self.module, str(out)]


def ran(tmp_path, *parts, seconds=60.0, rehearse=False):
    out = tmp_path / "gpu.json"
    config = GpuConfig(commit="abc", out=out, rehearse=rehearse)
    run_parts(parts, config, time.monotonic() + seconds, Console(quiet=True))
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


def test_a_signal_cuts_the_part_that_runs_and_keeps_what_it_and_earlier_parts_wrote(tmp_path):
    ready = tmp_path / "ready"
    slow = f"{WRITES}; import time; open({str(ready)!r}, 'w'); time.sleep(600)"

    def cut():
        while not ready.exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    handler = signal.getsignal(signal.SIGTERM)
    threading.Thread(target=cut, daemon=True).start()
    parts = [Script(name, code, (), 1, 500) for name, code in (("good", WRITES), ("slow", slow), ("late", WRITES))]
    with pytest.raises(Preempted, match="^slow was cut by SIGTERM after .* s; .*gpu.json holds what was measured"):
        ran(tmp_path, *parts, seconds=1000.0)
    good, slow = json.loads((tmp_path / "gpu.json").read_text())["parts"]
    assert good["ended"] == "finished" and slow["ended"].startswith("cut by SIGTERM")
    assert good["report"] == slow["report"] == {"results": [1]}
    assert signal.getsignal(signal.SIGTERM) == handler


def test_a_kill_loses_the_part_that_ran_and_no_other(tmp_path):
    out, ready = tmp_path / "gpu.json", tmp_path / "ready"
    slow = f"{WRITES}; import time; open({str(ready)!r}, 'w'); time.sleep(60)"
    code = (
        "import time\n"
        "from pathlib import Path\n"
        "from rich.console import Console\n"
        "from benchmarks.gpu import GpuConfig, run_parts\n"
        "from tests.benchmarks.test_gpu import WRITES, Script\n"
        f"parts = [Script('good', WRITES, (), 1, 500), Script('slow', {slow!r}, (), 1, 500)]\n"
        f"run_parts(parts, GpuConfig(commit='abc', out=Path({str(out)!r})), time.monotonic() + 1000, Console())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=REPOSITORY) as process:
        while not ready.exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
    assert [part["name"] for part in json.loads(out.read_text())["parts"]] == ["good"]


def test_a_rehearsal_runs_each_command_once_and_says_what_it_is(tmp_path):
    parts = [Script(name, MEASURES, (), 0, 60) for name in ("one", "same")]
    report = ran(tmp_path, *parts, rehearse=True)
    assert [part["ended"] for part in report["parts"]] == ["finished", "left out: its command is that of one"]
    assert report["rehearsal"] and report["machine"]["accelerator"] is None and report["machine"]["cpu"]


@pytest.mark.parametrize("code", ["raise SystemExit(1)", FAILS_ONCE])
def test_a_rehearsal_fails_with_a_part_or_a_result_that_failed(tmp_path, code):
    with pytest.raises(SystemExit, match="^rehearsal: failed: bad; .*gpu.json holds the ends of their logs"):
        ran(
            tmp_path,
            Script("good", MEASURES, (), 0, 60),
            Script("bad", code, (), 0, 60),
            rehearse=True,
        )


def test_a_rehearsal_is_never_among_the_results():
    config = GpuConfig(out=REPOSITORY / RESULTS / "gpu-h200.json", rehearse=True)
    with pytest.raises(ConfigError, match="^out: .*gpu-h200.json is among the results, and a rehearsal measures"):
        run_parts((), config, time.monotonic() + 60, Console(quiet=True))


def test_other_parts_have_another_file():
    names = [GpuConfig(parts=parts).name for parts in ((), ("tune",), ("return humanoid-walk", "seeds"))]
    assert names == ["gpu", "gpu-tune", "gpu-return-humanoid-walk-seeds"]


def test_a_rehearsal_knows_every_part_at_a_size_of_its_own():
    assert [part.name for part in GpuConfig(rehearse=True).chosen()] == [part.name for part in PARTS]
    assert all(part.toy for part in PARTS)
    assert GpuConfig().seconds == 60 * gpu.DEVICE_MINUTES


@pytest.mark.slow
def test_a_whole_rehearsal_ends_well(tmp_path):
    out = tmp_path / "rehearsal.json"
    command = [sys.executable, "-m", "benchmarks.gpu", "--rehearse", "--commit", "abc", "--out", str(out)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(out.read_text())
    assert report["rehearsal"] and report["machine"]["accelerator"] is None
    assert [part["name"] for part in report["parts"]] == [part.name for part in PARTS]
    ended = {part["name"]: part["ended"] for part in report["parts"]}
    assert {"finished", *(f"left out: its command is that of {name}" for name in ended)} >= set(ended.values())
    assert all(part["report"]["results"] for part in report["parts"] if part["ended"] == "finished")


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
    for each in (part, part.rehearsed()):
        parsed = tyro.cli(config, args=each.command(tmp_path / "out.json")[3:])
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
