"""The progress of a training on terminals of several widths, and in a pipe."""

import os
import pty
import re
import struct
import subprocess
import sys
import termios
from fcntl import ioctl

import pytest

from flexrl.cli.arguments import parse
from flexrl.reporting.display import Numbers, evaluation_line, fitting
from flexrl.reporting.ending import final_line, summary, summary_of_several
from tests.flexrl.runs import TINY

EVALUATION = {"return_mean": 5.0, "return_std": 2.0, "return_interval": 1.0, "episode_length_mean": 40.0}
NUMBERS = ["1:56 left", "return 1,234", "17,911 steps/s", "0:12 elapsed", "episode length 998", "iteration 1/30"]
SHOW = """
import sys, time
from flexrl.cli.arguments import parse
from flexrl.reporting.display import make_display
config = parse(sys.argv[1:]).config
display = make_display(config, 0, True)
display.doing("compiling")
time.sleep(0.4)
row = {"step": 20, "control_steps": 2_500_000, "episode/return": 7812.3, "episode/length": 998.0}
display.iteration(row | {"timing": {"seconds": 0.002}})
display.evaluation({"control_steps": 2_500_000} | {f"evaluation/{k}": v for k, v in {
    "return_mean": 5.0, "return_std": 2.0, "episode_length_mean": 40.0}.items()})
time.sleep(0.4)
display.close()
"""


@pytest.fixture
def config(tmp_path):
    return parse([*TINY, "--workspace", str(tmp_path), "--name", "run"]).config


@pytest.fixture
def clock(monkeypatch):
    """Seconds that are set by hand."""
    now = [1000.0]
    monkeypatch.setattr("flexrl.reporting.display.time.monotonic", lambda: now[0])
    return now


def on_terminal(width: int, command: list[str]) -> list[str]:
    """Run a command in a terminal of this width. Return the lines that were ever drawn, without control characters."""
    parent, child = pty.openpty()
    ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    process = subprocess.Popen(command, stdout=child, stderr=child, env=environment | {"TERM": "xterm-256color"})
    os.close(child)
    written = b""
    while True:
        try:
            part = os.read(parent, 65536)
        except OSError:  # Linux: the other end is closed
            break
        if not part:
            break
        written += part
    os.close(parent)
    assert process.wait() == 0, written.decode()
    without_colours = re.sub(r"\x1b\[[0-9;]*m", "", written.decode())
    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "\r", without_colours))
    return [line for line in lines if line.strip()]


@pytest.fixture(scope="module")
def terminals(tmp_path_factory):
    """The lines of the same training on terminals of several widths."""
    command = [sys.executable, "-c", SHOW, *TINY, "--name", "run", "--workspace"]
    return {width: on_terminal(width, [*command, str(tmp_path_factory.mktemp("run"))]) for width in (60, 80, 120)}


@pytest.mark.parametrize(
    ("width", "numbers"),
    [
        (60, "0:00 left  return 7,812  16,000 steps/s"),
        (80, "0:00 left  return 7,812  16,000 steps/s  0:00 elapsed"),
        (
            120,
            "0:00 left  return 7,812  16,000 steps/s  0:00 elapsed  episode length 998  iteration 20/30  2.50M steps",
        ),
    ],
)
def test_the_bar_keeps_what_matters_most_at_each_width(terminals, width, numbers):
    bars = [line for line in terminals[width] if "return 7,812" in line]
    assert bars
    for line in bars:
        bar, gap, rest = line.partition("  ")
        assert set(bar) == {"━"} and len(bar) >= 8 and rest == numbers
        assert len(line) <= width
    compiling = [line for line in terminals[width] if "compiling" in line]
    assert compiling and all(line.endswith("━  compiling  0:00 elapsed") for line in compiling)


def test_an_evaluation_stands_above_the_bar(terminals):
    line = "evaluation after 2.50M steps: return 5 (standard deviation 2), episode length 40"
    for width in (80, 120):
        lines = terminals[width]
        assert line in lines and any("return 7,812" in later for later in lines[lines.index(line) :])


def test_a_pipe_gets_whole_lines_without_a_bar(tmp_path):
    command = [sys.executable, "-c", SHOW, *TINY, "--name", "run", "--workspace", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "compiling ...",
        "0:00 left  return 7,812  16,000 steps/s  0:00 elapsed  episode length 998  iteration 20/30  2.50M steps",
        "evaluation after 2.50M steps: return 5 (standard deviation 2), episode length 40",
    ]


@pytest.mark.parametrize(("width", "number"), [(10, 0), (60, 3), (62, 3), (63, 4), (80, 4), (83, 5), (99, 6)])
def test_secondary_numbers_are_dropped_first(width, number):
    """The bar takes 8, and the numbers 9 + 12 + 14 + 12 + 18 + 14 with gaps of 2."""
    assert fitting(NUMBERS, width) == NUMBERS[:number]


def test_progress_tells_a_smoothed_rate_and_the_time_that_is_left(config, clock):
    numbers = Numbers(config)
    clock[0] += 5
    row = {"step": 1, "control_steps": 2_500_000, "policy/loss": 0.5, "timing": {"seconds": 4.0}}
    assert numbers.of(row) == [
        *("1:56 left", "loss 0.5", "8 steps/s", "0:05 elapsed", "iteration 1/30", "2.50M steps"),
    ]
    clock[0] += 3600
    row |= {"step": 20, "episode/return": 1234.4, "episode/length": 99.6, "timing": {"seconds": 14.0}}
    assert numbers.of(row)[:5] == [  # 0.9 x 4 s + 0.1 x 14 s = 5 s
        *("0:50 left", "return 1,234", "6 steps/s", "1:00:05 elapsed", "episode length 100"),
    ]
    assert numbers.of(row | {"episode/return": 0.517})[1] == "return 0.517"
    assert numbers.of(row | {"episode/return": None})[1].endswith("steps/s")


def test_evaluations_are_told_with_what_they_found():
    row = {"control_steps": 2_500_000} | {f"evaluation/{name}": value for name, value in EVALUATION.items()}
    assert evaluation_line(row) == "evaluation after 2.50M steps: return 5 (standard deviation 2), episode length 40"
    final = {"return_mean": 890.04, "return_interval": 11.26, "num_episodes": 64}
    chosen = {"policy": "best", "step": 12, "return_when_chosen": 903.0}
    assert final_line("run", final, chosen) == (
        "run: final evaluation of iteration 12 (best): return 890.0 ± 11.3 in 64 fresh episodes; "
        "903.0 in those that it was chosen by"
    )


def test_the_summary_says_what_was_reached_where_it_is_and_what_to_type(tmp_path):
    (tmp_path / "result.json").write_text("{}")
    final = {"return_mean": 890.04, "return_interval": 11.26, "num_episodes": 64, "evaluation": {"step": 12}}
    lines = summary(tmp_path, final | {"timing": {"seconds": 386.2, "steps_per_second": 12953.0}}).splitlines()
    assert lines[0] == f"done: {tmp_path.name}"
    assert lines[1].startswith("  return  890.0 ± 11.3 in 64 fresh episodes, by the policy of iteration 12")
    assert lines[2] == "  time    6:26 of training, 12,953 steps/s"
    assert lines[3] == f"  folder  {tmp_path} (result.json)"
    assert lines[4].endswith(f"-m flexrl.html_report {tmp_path}") and lines[5].endswith(f"-m flexrl.render {tmp_path}")
    several = summary_of_several([tmp_path / "a", tmp_path / "b"])
    assert several.endswith(f"-m flexrl.runs compare {tmp_path / 'a'} {tmp_path / 'b'}")
