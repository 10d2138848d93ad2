"""Rows on their way to a tracker, in a thread of their own: training waits for no network, and ends with no server."""

import os
import re
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

from flexrl.tracking.run_facts import TrackedRow

SEND_SECONDS = 5.0  # between deliveries
RETRY_SECONDS = 30.0  # after one that failed
CLOSING_RETRY_SECONDS = 1.0  # likewise, when there is nothing else to do
BATCH_ROWS = 500
CLOSE_SECONDS = {"finished": 60.0, "stopped": 5.0, "failed": 5.0}  # for what is left; who is asked to stop has not more
SECRET = re.compile(r"(MLFLOW|WANDB)_.*(KEY|TOKEN|PASSWORD|USERNAME|SECRET)")

Ended = Literal["finished", "stopped", "failed"]


class Tracker(Protocol):
    """Where rows go. Any method may raise; what was not delivered is then asked for again, after `begin`."""

    name: str

    def begin(self) -> None:
        """Find or make the run, and see which of its rows are there."""
        ...

    def send(self, rows: Sequence[TrackedRow]) -> None:
        """Deliver those of the rows that are not there."""
        ...

    def end(self, ended: Ended) -> None:
        """Say how the run ended; with the result, if it finished."""
        ...


class Delivery:
    """Brings all rows of a run to one tracker, in order, each once."""

    def __init__(self, tracker: Tracker, rows: Iterable[TrackedRow]) -> None:
        """Begin to send the rows that there are."""
        self._tracker = tracker
        self._rows = list(rows)
        self._num_delivered = 0
        self._begun = self._failed = self._warned = self._told_end = False
        self._ended: Ended | None = None
        self._deadline = 0.0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"to-{tracker.name}", daemon=True)
        self._thread.start()

    def add(self, row: TrackedRow) -> None:
        """Send a row soon."""
        self._rows.append(row)

    def end(self, ended: Ended) -> None:
        """Send what is left and say how the run ended; waits for nothing."""
        self._ended = ended
        self._deadline = time.monotonic() + CLOSE_SECONDS[ended]
        self._closing.set()

    def close(self) -> bool:
        """Wait until all is sent, or the time for that is over; whether all is."""
        self._thread.join(max(0.0, self._deadline - time.monotonic()))
        left = len(self._rows) - self._num_delivered
        if not self._told_end:
            what = f"{left} of {len(self._rows)} rows" if left else f"that the run {self._ended}"
            _say(f"{self._tracker.name} was not told {what}; python -m flexrl.track RUN sends what it lacks")
        return self._told_end

    def _work(self) -> None:
        pause = 0.0
        while not self._told_end and not self._gives_up():
            self._closing.wait(pause)
            try:
                self._deliver(self._ended if self._closing.is_set() else None)
                self._failed, pause = False, SEND_SECONDS
            except Exception as error:  # whatever a tracker's client raises, training goes on
                self._begun, self._failed, pause = False, True, RETRY_SECONDS
                self._warn(error)
                if self._closing.is_set():
                    time.sleep(CLOSING_RETRY_SECONDS)

    def _gives_up(self) -> bool:
        if not self._closing.is_set():
            return False
        will_go_on = self._ended != "finished"
        return (self._failed and will_go_on) or time.monotonic() > self._deadline

    def _deliver(self, ended: Ended | None) -> None:
        if not self._begun:
            self._tracker.begin()
            self._begun = True
        while self._num_delivered < len(self._rows):
            batch = self._rows[self._num_delivered : self._num_delivered + BATCH_ROWS]
            self._tracker.send(batch)
            self._num_delivered += len(batch)
        if ended is not None:
            self._tracker.end(ended)
            self._told_end = True

    def _warn(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            told = redacted(f"{type(error).__name__}: {error}")
            _say(f"{self._tracker.name} takes no rows ({told}); training goes on, and they are sent when it does")


def redacted(text: str) -> str:
    """A text in one line, without the trackers' secrets in the environment, and without users of addresses."""
    for name, value in os.environ.items():
        if SECRET.fullmatch(name) and value:
            text = text.replace(value, "***")
    return " ".join(re.sub(r"://[^/@\s]+@", "://***@", text).split())[:300]


def _say(line: str) -> None:
    print(f"tracking: {line}", file=sys.stderr, flush=True)
