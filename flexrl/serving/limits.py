"""Limits of what clients may send: length of a text, requests a second, and clients at once."""

import threading
import time
from dataclasses import dataclass

from flexrl.common.errors import ConfigError

MAX_TEXT = 500  # characters of an instruction
MAX_REMEMBERED = 1000  # clients whose rates are remembered


@dataclass(frozen=True)
class Limits:
    """How much is served.

    Attributes:
      rate: requests a second that change something, of one client in the mean.
      burst: requests that it may send at once.
      clients: open streams of states at once.

    Raises:
      ConfigError: if one of them is below 1.
    """

    rate: float = 10.0
    burst: int = 20
    clients: int = 8

    def __post_init__(self) -> None:
        """Refuse limits that would serve nobody."""
        for name in ("rate", "burst", "clients"):
            if not self.__dict__[name] >= 1:
                raise ConfigError(f"{name}: {self.__dict__[name]} must be at least 1")


def cleaned(text: str) -> str:
    """Return a text without control characters and with single spaces, which can be written as UTF-8."""
    whole = text.encode("utf-8", "replace").decode()
    return " ".join("".join(x if x.isprintable() else " " for x in whole).split())


def too_long(text: str) -> str | None:
    """Return why a text is too long, or None."""
    if len(text) <= MAX_TEXT:
        return None
    return f"text: {len(text)} characters are too many; say it in at most {MAX_TEXT}"


class Rates:
    """A bucket of tokens for each client: it fills at `rate` a second up to `burst`, and each request takes one."""

    def __init__(self, limits: Limits) -> None:
        """Begin with full buckets."""
        self._limits = limits
        self._buckets: dict[str, tuple[float, float]] = {}  # tokens, and when they were counted
        self._lock = threading.Lock()

    def take(self, client: str, now: float | None = None) -> float:
        """Take a token. Return 0, or the seconds until there is one."""
        now = time.monotonic() if now is None else now
        with self._lock:
            tokens, at = self._buckets.pop(client, (float(self._limits.burst), now))
            tokens = min(self._limits.burst, tokens + (now - at) * self._limits.rate)
            wait = 0.0 if tokens >= 1 else (1 - tokens) / self._limits.rate
            self._buckets[client] = (tokens if wait else tokens - 1, now)
            while len(self._buckets) > MAX_REMEMBERED:
                self._buckets.pop(next(iter(self._buckets)))  # the one that asked longest ago
            return wait
