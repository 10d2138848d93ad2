"""Wait for all hosts before JAX connects them, because JAX ends the process if one of them does not come."""

import contextlib
import select
import socket
import time

from flexrl.common.errors import ConfigError, Preempted

RETRY_SECONDS = 1.0
GREETING = b"flexrl"


def meet(coordinator: str, num_hosts: int, host_index: int, seconds: float) -> None:
    """Wait until all hosts have come, or give up.

    The first host listens at the coordinator's port, which JAX uses afterwards. The others connect to it. All of them
    return once the last one has come.

    Args:
      coordinator: HOST:PORT of the first host.
      num_hosts: number of hosts, this one included.
      host_index: index of this host; the first is 0.
      seconds: how long to wait for the others; allow many minutes for a pool of machines that scales up from zero.

    Raises:
      ConfigError: if another program uses the port of the first host.
      Preempted: if not all came in time; its exit code makes a scheduler try again without counting a crash.
    """
    host, _, port = coordinator.rpartition(":")
    deadline = time.monotonic() + seconds
    if host_index == 0:
        _receive(int(port), num_hosts - 1, deadline, seconds)
    else:
        _visit(host, int(port), host_index, deadline, seconds)


def _receive(port: int, others: int, deadline: float, seconds: float) -> None:
    """At the first host: accept a connection from each of the `others` other hosts, then tell all of them to go on.

    Args:
      port: port to listen at.
      others: number of other hosts.
      deadline: time by `time.monotonic()` at which to give up.
      seconds: the whole time that hosts have to come, for the error.

    Raises:
      ConfigError: if the port cannot be opened.
      Preempted: if not all hosts came in time.
    """
    with contextlib.ExitStack() as stack:
        try:
            listener = stack.enter_context(socket.create_server(("", port), family=socket.AF_INET))
        except OSError as error:
            raise ConfigError(f"coordinator: port {port} cannot be opened ({error.strerror}); choose another") from None
        here: dict[int, socket.socket] = {}
        while len(here) < others:
            listener.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                visitor = stack.enter_context(listener.accept()[0])
                visitor.settimeout(RETRY_SECONDS)
                here[int.from_bytes(_read(visitor, 4))] = visitor  # replaces an earlier connection of that host
            except TimeoutError:
                if time.monotonic() >= deadline:
                    came = f"{len(here) + 1} of {others + 1} hosts came within {seconds:.0f} s"
                    raise Preempted(f"{came}; start again when all can run") from None
            except OSError:
                pass  # the visitor left before it had sent its index
            here = {index: visitor for index, visitor in here.items() if not _has_left(visitor)}
        for visitor in here.values():
            with contextlib.suppress(OSError):  # the visitor has left; JAX's own time-out notices that
                visitor.sendall(GREETING)


def _visit(host: str, port: int, host_index: int, deadline: float, seconds: float) -> None:
    """At any other host: connect to the first host, again and again, until it says that all hosts have come.

    Args:
      host: name or address of the first host.
      port: port at which the first host listens.
      host_index: index of this host, which it tells the first one.
      deadline: time by `time.monotonic()` at which to give up.
      seconds: the whole time that hosts have to come, for the error.

    Raises:
      Preempted: if the first host did not say so in time.
    """
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((host, port), timeout=RETRY_SECONDS) as connection:
                connection.sendall(host_index.to_bytes(4))
                connection.settimeout(max(0.01, deadline - time.monotonic()))
                if _read(connection, len(GREETING)) == GREETING:
                    return
        except OSError:  # the first host or its DNS name is not there yet, or it has restarted
            pass
        time.sleep(min(RETRY_SECONDS, max(0.0, deadline - time.monotonic())))
    raise Preempted(
        f"the first host at {host}:{port} did not say within {seconds:.0f} s that all are there; start again when all "
        "can run"
    )


def _has_left(connection: socket.socket) -> bool:
    """Return whether the other side has closed the connection."""
    if not select.select([connection], [], [], 0)[0]:
        return False
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except OSError:
        return True


def _read(connection: socket.socket, size: int) -> bytes:
    """Receive exactly `size` bytes.

    Raises:
      OSError: if the connection ends before that.
    """
    content = b""
    while len(content) < size:
        part = connection.recv(size - len(content))
        if not part:
            raise ConnectionResetError("ended early")
        content += part
    return content
