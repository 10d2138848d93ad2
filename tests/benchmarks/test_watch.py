"""Processes that write rows: when the rows came, and how the process ended."""

import re
import subprocess
import sys

import pytest

from benchmarks.learning import PEERS_PYTHON, LearningConfig
from benchmarks.peers.process import PeerError
from benchmarks.watch import Tail, watch
from flexrl.storage.provenance import REPOSITORY


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_rows_are_stamped_as_they_come_until_time_is_over(tmp_path):
    code = "import time\nfor i in range(99): print('{\"row\": %d}' % i, flush=True); time.sleep(0.5)"
    watched = watch("x", python(code), [tmp_path / "stdout", tmp_path / "never"], 3.0, tmp_path)
    rows, never = watched.rows
    assert [row["row"] for _, row in rows] == list(range(len(rows)))
    assert 2 <= len(rows) <= 1 + watched.seconds / 0.5 and rows[0][0] < rows[-1][0]
    assert never == [] and not watched.finished and 3 <= watched.seconds < 6


def test_a_process_may_end_before_its_time(tmp_path):
    watched = watch("x", python("print('{}')"), [tmp_path / "stdout"], 60, tmp_path)
    assert len(watched.rows[0]) == 1 and watched.finished and watched.seconds < 30


def test_enough_rows_end_a_process_before_its_time(tmp_path):
    code = "import time\nfor i in range(999): print('{}', flush=True); time.sleep(0.1)"
    watched = watch("x", python(code), [tmp_path / "stdout"], 600, tmp_path, enough_rows=3)
    assert len(watched.rows[0]) >= 3 and not watched.finished


def test_a_failure_tells_its_last_words(tmp_path):
    with pytest.raises(PeerError, match="x ended with exit status 3; its last words:\nalas"):
        watch(
            "x", python("import sys; print('alas', file=sys.stderr); sys.exit(3)"), [tmp_path / "stdout"], 60, tmp_path
        )


def test_silence_is_refused(tmp_path):
    with pytest.raises(PeerError, match="x wrote nothing within 0 s; give it more --minutes"):
        watch("x", python("import time; time.sleep(60)"), [tmp_path / "stdout"], 0.1, tmp_path)


def test_half_a_line_waits_for_its_end(tmp_path):
    path = tmp_path / "rows"
    tail = Tail(path)
    tail.read(0.0)
    for now, text in enumerate(('{"a": 1}\n{"a"', ": 2", "}\n")):
        with path.open("a") as file:
            file.write(text)
        tail.read(float(now))
    assert tail.rows == [(0.0, {"a": 1}), (2.0, {"a": 2})]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("minutes", 0.0), ("minutes", float("inf")), ("seeds", (-1,)), ("seeds", ()), ("seeds", (1, 1))],
        *[("at_once", 0), ("at_once", 10_000)],
    ],
)
def test_a_setting_out_of_range_is_refused(field, value):
    with pytest.raises(ValueError, match=f"--{field.replace('_', '-')}: {re.escape(str(value))} must be"):
        LearningConfig(peers=(), **{field: value})


@pytest.mark.slow
def test_our_worlds_serve_stable_baselines3():
    if not PEERS_PYTHON.exists():
        pytest.skip("make peers installs Stable-Baselines3 in an environment of its own")
    code = (
        "import numpy as np\n"
        "from stable_baselines3.common.vec_env import VecMonitor\n"
        "from benchmarks.peers.sb3_ppo import Worlds\n"
        "worlds, rng, episodes = VecMonitor(Worlds(3)), np.random.default_rng(0), 0\n"
        "worlds.seed(0)\n"
        "assert worlds.reset().shape == (3, 45)\n"
        "for _ in range(150):\n"
        "    obs, reward, done, infos = worlds.step(rng.uniform(-1, 1, (3, 17)).astype(np.float32))\n"
        "    for i in np.flatnonzero(done):\n"
        "        assert infos[i]['terminal_observation'][0] < 1 < obs[i][0]\n"
        "        assert not infos[i]['TimeLimit.truncated'] and infos[i]['episode']['r'] > infos[i]['episode']['l']\n"
        "        episodes += 1\n"
        "print(episodes)"
    )
    done = subprocess.run([PEERS_PYTHON, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 5
