"""A host whose exchange of arrays with another one breaks off does not wait for the other, which is gone."""

import subprocess
import sys

import pytest

RAISES = """
import atexit, sys
from flexrl.training.hosts import Hosts, leaving_at_once
atexit.register(print, "waited for the others")
with leaving_at_once(Hosts(int(sys.argv[1]), 0)):
    raise ValueError(sys.argv[2])
"""
GONE = "UNKNOWN: Gloo AllGather failed:\n Connection reset by peer"  # JAX 0.10 after the other host was killed


@pytest.mark.parametrize(
    ("num", "message", "code", "says", "waits"),
    [
        (2, GONE, 75, "stopped: another host is gone; start all hosts again (UNKNOWN: Gloo AllGather failed", False),
        (2, "workspace: igloo is no folder", 1, "Traceback", True),
        (1, GONE, 1, "Traceback", True),
    ],
    ids=["another host is gone", "another error", "alone"],
)
def test_a_host_that_has_lost_another_ends_at_once(num, message, code, says, waits):
    ran = subprocess.run([sys.executable, "-c", RAISES, str(num), message], capture_output=True, text=True)
    assert ran.returncode == code and ran.stderr.startswith(says), ran.stderr
    assert ("waited for the others" in ran.stdout) is waits
