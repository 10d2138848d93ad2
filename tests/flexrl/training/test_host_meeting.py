"""Hosts that meet over loopback, as pods do under a Service's name."""

import socket
import threading
import time

import pytest

from flexrl.common.errors import ConfigError, Preempted
from flexrl.training.host_meeting import GREETING, meet


def free_port():
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return free.getsockname()[1]


def start(port, num, index, seconds, ends):
    def run():
        try:
            meet(f"localhost:{port}", num, index, seconds)
            ends[index] = time.monotonic()
        except Preempted as end:
            ends[index] = str(end)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def test_all_leave_when_the_last_has_come_in_whatever_order():
    port, ends = free_port(), {}
    threads = [start(port, 3, 2, 30, ends)]
    time.sleep(0.1)
    threads.append(start(port, 3, 0, 30, ends))
    time.sleep(0.5)
    assert ends == {}
    last = time.monotonic()
    threads.append(start(port, 3, 1, 30, ends))
    for thread in threads:
        thread.join(30)
    assert all(ends[index] > last for index in range(3))


def test_who_waits_in_vain_is_stopped_and_not_crashed():
    # three seconds, because the second host tries again after one if the first does not listen yet
    port, ends = free_port(), {}
    for thread in [start(port, 3, 0, 3, ends), start(port, 3, 1, 3, ends)]:
        thread.join(30)
    assert ends[0] == "2 of 3 hosts came within 3 s; start again when all can run"
    assert ends[1].startswith(f"the first host at localhost:{port} did not say within 3 s that all are there")


def visit(port, index):
    for _ in range(100):
        try:
            connection = socket.create_connection(("localhost", port), timeout=5)
            connection.sendall(index.to_bytes(4))
            return connection
        except OSError:
            time.sleep(0.05)
    raise AssertionError("nobody listens")


def test_a_host_that_begins_anew_takes_its_own_place_and_one_that_left_counts_no_more():
    port, ends = free_port(), {}
    first = start(port, 3, 0, 30, ends)
    with visit(port, 1), visit(port, 1):
        time.sleep(0.2)
        assert ends == {}
    with visit(port, 2):  # while the other one has left
        time.sleep(0.2)
        assert ends == {}
        with visit(port, 1) as connection:
            assert connection.recv(len(GREETING)) == GREETING
            first.join(30)
            assert 0 in ends


def test_a_port_that_another_program_uses_is_named():
    with socket.create_server(("", 0), family=socket.AF_INET) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=f"coordinator: port {port} cannot be opened"):
            meet(f"localhost:{port}", 2, 0, 1.0)
