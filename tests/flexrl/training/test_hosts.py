"""Several hosts train one run: here they are processes of this machine, each with one device."""

import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from types import SimpleNamespace

import pytest
from jax.experimental import multihost_utils

from flexrl.cli.arguments import parse
from flexrl.common.errors import ConfigError
from flexrl.training.hosts import Hosts, Poll, join_hosts
from flexrl.training.preemption import StopRequest
from flexrl.training.trainer import Trainer
from tests.flexrl.runs import TINY, forced_devices, num_rows, outcome

NUM_ITERATIONS = 100


def start(workspace, *flags, devices=1):
    """A process of a training in this workspace, on so many devices of its own."""
    command = [sys.executable, "-m", "flexrl.train", *flags, "--workspace", str(workspace)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=forced_devices(devices))


def start_hosts(workspace, *flags):
    """Two hosts that meet."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        meeting = ["--coordinator", f"localhost:{free.getsockname()[1]}", "--num-hosts", "2"]
    return [start(workspace, *flags, *meeting, "--host-index", str(i)) for i in range(2)]


def end(*processes):
    """Exit codes, and what was written to standard error."""
    errors = [process.communicate(timeout=300)[1] for process in processes]
    return [process.returncode for process in processes], errors


@pytest.mark.slow
def test_two_hosts_compute_what_two_devices_do_to_the_bit_also_across_a_stop_of_one(tmp_path):
    new = [*TINY, "--num-devices", "2", "--total-steps", str(NUM_ITERATIONS * 8 * 4), "--checkpoint-interval", "5"]
    codes, errors = end(start(tmp_path / "devices", *new, "--name", "run", devices=2))
    assert codes == [0], errors
    hosts = start_hosts(tmp_path / "hosts", *new, "--name", "run")
    while num_rows(tmp_path / "hosts" / "run") < 8:
        assert all(host.poll() is None for host in hosts)
        time.sleep(0.05)
    hosts[1].send_signal(signal.SIGTERM)
    codes, errors = end(*hosts)
    assert codes == [75, 75], errors
    assert num_rows(tmp_path / "hosts" / "run") < NUM_ITERATIONS
    codes, errors = end(*start_hosts(tmp_path / "hosts", "--resume", "run"))
    assert codes == [0, 0], errors
    assert outcome(tmp_path / "hosts" / "run") == outcome(tmp_path / "devices" / "run")


@pytest.mark.slow
def test_hosts_that_would_leave_out_devices_are_refused(tmp_path):
    codes, errors = end(*start_hosts(tmp_path, *TINY, "--name", "run"))
    assert codes == [65, 65]
    assert all("num_devices: 1 must be 2, all devices of the 2 hosts together" in error for error in errors)
    assert not (tmp_path / "run").exists()


class TwoHosts(Hosts):
    """One of two hosts that are really one, and notes when it is asked."""

    told = 0  # by the first

    def shared(self, number):
        if self.is_first:
            TwoHosts.told = number
        return TwoHosts.told

    def any(self, flag):
        return True


@pytest.mark.parametrize(
    ("seconds", "expected"), [(1 / 16, [0, 1, 3, 7, 15, 31, 47, 63, 79, 95]), (4.0, list(range(100)))]
)
def test_hosts_ask_after_the_same_iterations_about_once_a_second_whatever_their_clocks_say(
    monkeypatch, seconds, expected
):
    now, asked = 0.0, [[], []]
    monkeypatch.setattr("flexrl.training.hosts.time", SimpleNamespace(monotonic=lambda: now))
    polls = [Poll(TwoHosts(2, i)) for i in range(2)]
    for iteration in range(100):
        for host, poll in enumerate(polls):
            now = iteration * (seconds if host == 0 else 100.0)
            if poll.any(False):
                asked[host].append(iteration)
    assert asked == [expected, expected]


def test_hosts_wait_for_one_another_only_where_something_can_be_decided(tmp_path, monkeypatch):
    calls, now = Counter(), 0.0
    for name in ("broadcast_one_to_all", "process_allgather"):
        real = getattr(multihost_utils, name)
        monkeypatch.setattr(multihost_utils, name, lambda x, name=name, real=real: calls.update([name]) or real(x))
    monkeypatch.setattr("flexrl.training.hosts.time", SimpleNamespace(monotonic=lambda: now))
    config = parse([*TINY, "--workspace", str(tmp_path), "--name", "run"]).config
    with closing(StopRequest()) as stop, Trainer([config], stop, [], Hosts(2, 0), resume=False) as trainer:
        trainer.run()
    assert num_rows(tmp_path / "run") == 30
    assert calls["process_allgather"] == 5  # before iterations 0, 1, 3, 7 and 15
    # two to begin, two after each of three evaluations but one after the last, the periods of asking, and the end
    assert calls["broadcast_one_to_all"] == 2 + 5 + 5 + 1


def test_without_flags_and_variables_a_host_is_alone():
    assert join_hosts(["--algo", "ppo"]) == (Hosts(), ["--algo", "ppo"])


def test_variables_say_what_flags_do(monkeypatch):
    for name, value in (("COORDINATOR", "host:1"), ("NUM_HOSTS", "1"), ("HOST_INDEX", "0")):
        monkeypatch.setenv(f"FLEXRL_{name}", value)
    assert join_hosts(["--seed", "1"]) == (Hosts(1, 0), ["--seed", "1"])
    with pytest.raises(ConfigError, match="^host_index: 3 must be below num_hosts 1"):
        join_hosts(["--host-index", "3"])


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--num-hosts", "2"], "host_index: None must be a whole number from 0; several hosts need --coordinator"),
        (["--num-hosts", "0", "--host-index", "0"], "num_hosts: 0 must be a whole number from 1"),
        (["--num-hosts", "two", "--host-index", "0"], "num_hosts: two must be"),
        (["--num-hosts", "2", "--host-index", "2"], "host_index: 2 must be below num_hosts 2"),
        (["--num-hosts", "2", "--host-index", "1"], "coordinator: None must be HOST:PORT"),
        (["--num-hosts", "2", "--host-index", "1", "--coordinator", "here"], "coordinator: 'here' must be HOST:PORT"),
        (["--num-hosts", "2", "--host-index", "1", "--coordinator", "here:abc"], "coordinator: 'here:abc' must be"),
        (["--num-hosts", "2", "--host-index", "1", "--coordinator", ":80"], "coordinator: ':80' must be HOST:PORT"),
    ],
)
def test_what_cannot_be_is_refused(flags, message):
    with pytest.raises(ConfigError, match=f"^{message}"):
        join_hosts(flags)
