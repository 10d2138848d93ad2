"""Several hosts that train one run together. Each runs the same command and owns some of the devices.

Only the first host writes; the others read the same folders. What the first host alone knows, such as the result of an
evaluation, it sends to the others, so that all hosts run the same programs in the same order. Otherwise one of them
would wait in a collective operation for ever.
"""

import argparse
import contextlib
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flexrl.common.errors import EXIT_PREEMPTED, ConfigError
from flexrl.training.host_meeting import meet

VARIABLES = {"coordinator": "FLEXRL_COORDINATOR", "num_hosts": "FLEXRL_NUM_HOSTS", "host_index": "FLEXRL_HOST_INDEX"}
START_SECONDS = "FLEXRL_START_SECONDS"  # environment variable: how long to wait for the other hosts
DEFAULT_START_SECONDS = 300
LOST_SECONDS = 40  # without a sign of life from a host, after which JAX ends all others
BROKE_OFF = re.compile(r"\b(Gloo|NCCL)\b")  # in errors of an exchange: the library by which hosts exchange arrays
POLL_SECONDS = 1.0  # approximate time between two polls of all hosts


@dataclass(frozen=True)
class Hosts:
    """One host among those that train a run: the one that this process runs on.

    Attributes:
      num: number of hosts.
      index: index of this host; only the first, 0, writes files.
    """

    num: int = 1
    index: int = 0

    @property
    def is_first(self) -> bool:
        """Whether this host is the first one, which alone writes files and decides for all."""
        return self.index == 0

    def decided(self, decision: bool) -> bool:
        """Return at every host the decision that the first host passes. What other hosts pass is ignored.

        All hosts must call this, because it waits for all of them.
        """
        return bool(self.shared(decision))

    def shared(self, number: int) -> int:
        """Return at every host the number that the first host passes. What other hosts pass is ignored.

        All hosts must call this, because it waits for all of them.
        """
        if self.num == 1:
            return number
        from jax.experimental import multihost_utils

        return int(multihost_utils.broadcast_one_to_all(number))

    def any(self, flag: bool) -> bool:
        """Return at every host whether the flag is set at any of them. All hosts must call this."""
        if self.num == 1:
            return flag
        from jax.experimental import multihost_utils

        return bool(multihost_utils.process_allgather(flag).any())


class Poll:
    """Asks about once a second whether a flag is set at any host. Each poll waits for devices, so more would be slow.

    All hosts must poll before the same iterations. So the first host measures how many iterations take a second, and
    tells the others at each poll.
    """

    def __init__(self, hosts: Hosts) -> None:
        """Prepare to ask the hosts. The first call of `any` asks them at once."""
        self._hosts = hosts
        self._period, self._left = 0, 0  # iterations from poll to poll, and how many are left
        self._asked = time.monotonic()

    def any(self, flag: bool) -> bool:
        """Return whether the flag is set at any host; False between polls. Call this before each iteration."""
        if self._hosts.num == 1:
            return flag
        if self._left:
            self._left -= 1
            return False
        now = time.monotonic()
        in_time = int(self._period * POLL_SECONDS / max(now - self._asked, 1e-9))
        self._asked = now
        # At most doubled from poll to poll, because the first iterations may be unusually fast.
        self._period = self._hosts.shared(max(1, min(in_time, 2 * self._period)))
        self._left = self._period - 1
        return self._hosts.any(flag)


def join_hosts(arguments: Sequence[str]) -> tuple[Hosts, list[str]]:
    """Connect to the other hosts, if flags or environment variables say that there are any.

    Call this before JAX looks for devices.

    Returns:
      This host, with the number of hosts, and the arguments without the flags of hosts.

    Raises:
      ConfigError: naming the flag, the value and the limit.
      Preempted: if not all hosts came in time.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name, variable in VARIABLES.items():
        parser.add_argument(f"--{name.replace('_', '-')}", dest=name, default=os.environ.get(variable))
    given, rest = parser.parse_known_args(list(arguments))
    if given.coordinator is None and given.num_hosts is None and given.host_index is None:
        return Hosts(), rest
    hosts = Hosts(_whole(given, "num_hosts", 1, 1 << 16), _whole(given, "host_index", 0, 1 << 16))
    if hosts.index >= hosts.num:
        raise ConfigError(f"host_index: {hosts.index} must be below num_hosts {hosts.num}; the first host is 0")
    coordinator = given.coordinator or ""
    host, _, port = coordinator.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise ConfigError(
            f"coordinator: {given.coordinator!r} must be HOST:PORT, where the first host can be reached by the others; "
            f"give --coordinator or {VARIABLES['coordinator']}"
        )
    if hosts.num > 1:
        meet(coordinator, hosts.num, hosts.index, _start_seconds())
        import jax

        jax.config.update("jax_enable_preemption_service", False)  # instead: `flexrl.training.preemption`
        jax.distributed.initialize(coordinator, hosts.num, hosts.index, heartbeat_timeout_seconds=LOST_SECONDS)
    return hosts, rest


@contextlib.contextmanager
def leaving_at_once(hosts: Hosts) -> Iterator[None]:
    """End the process at once with `EXIT_PREEMPTED` if an exchange with another host breaks off inside this context.

    The other host is gone, which is an interruption of the run and no crash: all hosts go on from the newest checkpoint
    when they are started again. Without this, JAX would wait for the other host until `LOST_SECONDS` are over, and then
    abort the process.
    """
    try:
        yield
    except Exception as error:  # JAX raises errors of several types
        told = " ".join(str(error).split())
        if hosts.num == 1 or not BROKE_OFF.search(told):
            raise
        print(f"stopped: another host is gone; start all hosts again ({told[:200]})", file=sys.stderr, flush=True)
        sys.stdout.flush()
        os._exit(EXIT_PREEMPTED)


def _start_seconds() -> float:
    text = os.environ.get(START_SECONDS, str(DEFAULT_START_SECONDS))
    if not text.isdecimal() or not int(text):
        raise ConfigError(f"{START_SECONDS}: {text!r} must be a whole number of seconds above 0")
    return float(text)


def require_all_devices(hosts: Hosts, num_devices: int) -> None:
    """Refuse to leave devices of the hosts unused.

    Raises:
      ConfigError: if a run of several hosts asks for fewer devices than they have.
    """
    import jax

    if hosts.num > 1 and num_devices != jax.device_count():
        raise ConfigError(
            f"num_devices: {num_devices} must be {jax.device_count()}, all devices of the {hosts.num} hosts together; "
            "hide devices from JAX that shall not be used"
        )


def _whole(given: argparse.Namespace, name: str, least: int, limit: int) -> int:
    text = getattr(given, name)
    if text is None or not text.isdecimal() or not least <= int(text) < limit:
        raise ConfigError(
            f"{name}: {text} must be a whole number from {least}; several hosts need --coordinator, --num-hosts and "
            f"--host-index, or {', '.join(VARIABLES.values())}"
        )
    return int(text)
