"""Limits of what clients may send: the length of a text, and the number of requests in a second."""

import threading
import time

MAX_TEXT = 500  # characters of an instruction
MAX_STREAMS = 8  # open streams at once
RATE, BURST = 20.0, 40  # requests that change something, of one address: a second in the mean, and at once
MAX_REMEMBERED = 1000  # addresses whose rates are remembered


def cleaned(text: str) -> str:
    """Return a text without control characters and with single spaces, which can be written as UTF-8."""
    whole = text.encode("utf-8", "replace").decode()
    return " ".join("".join(x if x.isprintable() else " " for x in whole).split())


def why_too_long(text: str) -> str | None:
    """Return a message for the client if a text has more than `MAX_TEXT` characters, else None."""
    if len(text) <= MAX_TEXT:
        return None
    return f"text: {len(text)} characters are too many; say it in at most {MAX_TEXT}"


class Rates:
    """Limits requests of each client's address to `rate` a second, and `burst` at once, by a bucket of tokens."""

    def __init__(self, rate: float = RATE, burst: int = BURST) -> None:
        """Let each address send `burst` requests at once, and after that `rate` requests a second in the mean."""
        self._rate, self._burst = rate, burst
        self._buckets: dict[str, tuple[float, float]] = {}  # tokens, and when they were counted
        self._lock = threading.Lock()

    def take(self, address: str, now: float | None = None) -> float:
        """Allow a request of an address and return 0, or return the seconds until one is allowed."""
        now = time.monotonic() if now is None else now
        with self._lock:
            tokens, at = self._buckets.pop(address, (float(self._burst), now))
            tokens = min(self._burst, tokens + (now - at) * self._rate)
            wait = 0.0 if tokens >= 1 else (1 - tokens) / self._rate
            self._buckets[address] = (tokens if wait else tokens - 1, now)
            while len(self._buckets) > MAX_REMEMBERED:
                self._buckets.pop(next(iter(self._buckets)))  # the one that asked longest ago
            return wait
