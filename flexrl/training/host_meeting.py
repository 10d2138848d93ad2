"""A meeting of several hosts before JAX connects them: JAX ends the process where one of them does not come."""

import contextlib
import select
import socket
import time

from flexrl.common.errors import Preempted

RETRY_SECONDS = 1.0
GREETING = b"flexrl"


def meet(coordinator: str, num_hosts: int, host_index: int, seconds: float) -> None:
    """Wait until all hosts are here, or give up.

    The first host listens at the coordinator's port, which JAX uses afterwards; the others connect to it. All leave
    together, once the last one has come.

    Args:
      coordinator: HOST:PORT of the first host.
      num_hosts: all of them together.
      host_index: of this one, from 0.
      seconds: to wait for the others; a pool of machines that begins at none takes many minutes.

    Raises:
      Preempted: if they did not all come in time, so that a scheduler tries again without counting a crash.
    """
    host, _, port = coordinator.rpartition(":")
    deadline = time.monotonic() + seconds
    if host_index == 0:
        _receive(int(port), num_hosts - 1, deadline, seconds)
    else:
        _visit(host, int(port), host_index, deadline, seconds)


def _receive(port: int, others: int, deadline: float, seconds: float) -> None:
    """Take in a connection from each other host, then tell all of them to go on."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("", port), family=socket.AF_INET))
        here: dict[int, socket.socket] = {}
        while len(here) < others:
            listener.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                visitor = stack.enter_context(listener.accept()[0])
                visitor.settimeout(RETRY_SECONDS)
                here[int.from_bytes(_read(visitor, 4))] = visitor  # one that came again takes its own place
            except TimeoutError:
                if time.monotonic() >= deadline:
                    came = f"{len(here) + 1} of {others + 1} hosts came within {seconds:.0f} s"
                    raise Preempted(f"{came}; start again when all can run") from None
            except OSError:
                pass  # it left before it had said who it is
            here = {index: visitor for index, visitor in here.items() if not _has_left(visitor)}
        for visitor in here.values():
            with contextlib.suppress(OSError):  # it has gone; JAX's own time-out is next
                visitor.sendall(GREETING)


def _visit(host: str, port: int, host_index: int, deadline: float, seconds: float) -> None:
    """Connect to the first host, again and again, until it says that all are there."""
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((host, port), timeout=RETRY_SECONDS) as connection:
                connection.sendall(host_index.to_bytes(4))
                connection.settimeout(max(0.01, deadline - time.monotonic()))
                if _read(connection, len(GREETING)) == GREETING:
                    return
        except OSError:  # it is not there yet, or its name is not, or it has begun anew
            time.sleep(min(RETRY_SECONDS, max(0.0, deadline - time.monotonic())))
    raise Preempted(
        f"the first host at {host}:{port} did not say within {seconds:.0f} s that all are there; start again when all "
        "can run"
    )


def _has_left(connection: socket.socket) -> bool:
    """Whether the other side has closed a connection on which it says nothing more."""
    if not select.select([connection], [], [], 0)[0]:
        return False
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except OSError:
        return True


def _read(connection: socket.socket, size: int) -> bytes:
    """So many bytes.

    Raises:
      OSError: if the connection ends before.
    """
    content = b""
    while len(content) < size:
        part = connection.recv(size - len(content))
        if not part:
            raise ConnectionResetError("ended early")
        content += part
    return content
