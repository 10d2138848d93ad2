"""Programs end quietly once the reader of their output has left, as in `flexrl | head -1`."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from flexrl.common.errors import exit_codes

ROOT = Path(__file__).parents[3]


def unread(*command: str, buffered: bool = True) -> tuple[int, str]:
    """Run a command whose reader has left before it begins; return its exit code and its standard error."""
    reader, writer = os.pipe()
    os.close(reader)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "" if buffered else "1"}
    with os.fdopen(writer) as standard_output:
        done = subprocess.run(
            [sys.executable, *command], stdout=standard_output, stderr=subprocess.PIPE, text=True, env=environment
        )
    return done.returncode, done.stderr


@pytest.mark.parametrize("command", [("flexrl",), ("envs", "--help"), ("flexrl", "runs", "--help")], ids=" ".join)
def test_a_command_that_nobody_reads_ends_quietly(command):
    assert unread("-m", *command) == (141, "")


def test_a_line_that_cannot_be_written_ends_a_command_quietly():
    assert unread("-m", "flexrl", buffered=False) == (141, "")


def test_head_gets_its_line_and_nothing_else_is_printed():
    command = f"{sys.executable} -u -m flexrl | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "usage: flexrl COMMAND ...\n" and done.stderr == ""
    assert done.returncode in (0, 141)  # 0 if all was written before `head` left


PROGRAM = """
import sys
from flexrl.common.errors import ConfigError, exit_codes
with exit_codes():
    print("unread")
    {end}
"""


@pytest.mark.parametrize(
    ("end", "code", "printed"),
    [
        ("pass", 141, r""),
        ("print('more', flush=True)", 141, r""),
        ("sys.exit(3)", 3, r""),
        ("raise ConfigError('seed: -1')", 65, r"error: seed: -1\n"),
        ("raise KeyError('a bug')", 1, r"Traceback .*KeyError: 'a bug'.*"),
    ],
)
def test_an_error_keeps_its_code_and_its_message_when_the_output_is_unread(end, code, printed):
    found, text = unread("-c", PROGRAM.format(end=end))
    assert re.fullmatch(printed, text, re.DOTALL)
    assert found == code or (code == 1 and found == 120)  # Python's own for a crash whose output it cannot write


def test_a_broken_connection_keeps_its_traceback():
    here, there = socket.socketpair()
    there.close()
    with here, pytest.raises(BrokenPipeError), exit_codes():
        here.send(b"hello")


def test_every_command_passes_where_this_is_handled():
    programs = [
        file
        for package in ("flexrl", "launch", "envs", "benchmarks")
        for file in (ROOT / package).rglob("*.py")
        if "peers" not in file.parts and '__name__ == "__main__"' in file.read_text(encoding="utf-8")
    ]
    assert len(programs) > 30
    handled = re.compile(r"with .*\b(exit_codes|quiet_when_unread)\(\)")
    assert [str(file) for file in programs if not handled.search(file.read_text(encoding="utf-8"))] == []
