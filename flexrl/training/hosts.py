"""Several hosts that train one run together: each runs the same command and owns some of the devices.

Only the first writes; the others read the same folders. What it alone knows, such as how an evaluation went, it tells
the others, so that all take the same way through the program: else one would wait in a collective for ever.
"""

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from flexrl.common.errors import ConfigError
from flexrl.training.host_meeting import meet

VARIABLES = {"coordinator": "FLEXRL_COORDINATOR", "num_hosts": "FLEXRL_NUM_HOSTS", "host_index": "FLEXRL_HOST_INDEX"}
START_SECONDS = "FLEXRL_START_SECONDS"  # to wait for the other hosts
DEFAULT_START_SECONDS = 300
POLL_SECONDS = 1.0  # about, from one asking of all hosts to the next


@dataclass(frozen=True)
class Hosts:
    """One host among those of a run.

    Attributes:
      num: of hosts.
      index: of it; the first, 0, writes.
    """

    num: int = 1
    index: int = 0

    @property
    def is_first(self) -> bool:
        """Whether this host writes and decides."""
        return self.index == 0

    def decided(self, decision: bool) -> bool:
        """What the first host decided, at every host."""
        return bool(self.shared(decision))

    def shared(self, number: int) -> int:
        """The first host's number, at every host."""
        if self.num == 1:
            return number
        from jax.experimental import multihost_utils

        return int(multihost_utils.broadcast_one_to_all(number))

    def any(self, flag: bool) -> bool:
        """Whether one of the hosts says so."""
        if self.num == 1:
            return flag
        from jax.experimental import multihost_utils

        return bool(multihost_utils.process_allgather(flag).any())


class Poll:
    """Asks all hosts about once a second, since each asking waits for the device.

    They are asked after the same iterations on each of them: the first one measures how many take a second, and tells
    the others whenever they are asked.
    """

    def __init__(self, hosts: Hosts) -> None:
        """Ask before the first iteration."""
        self._hosts = hosts
        self._period, self._left = 0, 0  # iterations from one asking to the next, and of these the ones to come
        self._asked = time.monotonic()

    def any(self, flag: bool) -> bool:
        """Whether one of the hosts says so, False where they are not asked; call it before each iteration."""
        if self._hosts.num == 1:
            return flag
        if self._left:
            self._left -= 1
            return False
        now = time.monotonic()
        in_time = int(self._period * POLL_SECONDS / max(now - self._asked, 1e-9))
        self._asked = now
        self._period = self._hosts.shared(max(1, min(in_time, 2 * self._period)))  # slowly, in case the first were fast
        self._left = self._period - 1
        return self._hosts.any(flag)


def join_hosts(arguments: Sequence[str]) -> tuple[Hosts, list[str]]:
    """Meet the other hosts, if the flags or the environment say that there are any; and the other arguments.

    Call it before JAX is asked for its devices.

    Raises:
      ConfigError: naming the flag, the value and the limit.
      Preempted: if the others did not come in time.
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
    if ":" not in coordinator:
        raise ConfigError(
            f"coordinator: {given.coordinator!r} must be HOST:PORT, where the first host can be reached by the others; "
            f"give --coordinator or {VARIABLES['coordinator']}"
        )
    if hosts.num > 1:
        meet(coordinator, hosts.num, hosts.index, _start_seconds())
        import jax

        jax.config.update("jax_enable_preemption_service", False)  # SIGTERM is ours (`flexrl.training.preemption`)
        jax.distributed.initialize(coordinator, hosts.num, hosts.index)
    return hosts, rest


def _start_seconds() -> float:
    text = os.environ.get(START_SECONDS, str(DEFAULT_START_SECONDS))
    if not text.isdecimal() or not int(text):
        raise ConfigError(f"{START_SECONDS}: {text!r} must be a whole number of seconds above 0")
    return float(text)


def require_all_devices(hosts: Hosts, num_devices: int) -> None:
    """Refuse to leave out devices of some hosts.

    Raises:
      ConfigError: if a run of several hosts asks for fewer devices than they have.
    """
    import jax

    if hosts.num > 1 and num_devices != jax.device_count():
        raise ConfigError(
            f"num_devices: {num_devices} must be {jax.device_count()}, all devices of the {hosts.num} hosts together; "
            "hide from JAX what shall not be used"
        )


def _whole(given: argparse.Namespace, name: str, least: int, limit: int) -> int:
    text = getattr(given, name)
    if text is None or not text.isdecimal() or not least <= int(text) < limit:
        raise ConfigError(
            f"{name}: {text} must be a whole number from {least}; several hosts need --coordinator, --num-hosts and "
            f"--host-index, or {', '.join(VARIABLES.values())}"
        )
    return int(text)
