"""Send rows to a tracker in a background thread: training neither waits for the network nor fails with the server."""

import os
import re
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

from flexrl.tracking.run_facts import TrackedRow

SEND_SECONDS = 5.0  # pause between deliveries
RETRY_SECONDS = 30.0  # pause after a failed delivery
CLOSING_RETRY_SECONDS = 1.0  # pause after a failed delivery once training has ended
BATCH_ROWS = 500  # rows in one call of `send`, at most
# Time for the rows that are left when the run has ended. A process that is asked to stop has little.
CLOSE_SECONDS = {"finished": 60.0, "stopped": 5.0, "failed": 5.0}
# Environment variables whose values must not be printed.
SECRET = re.compile(r"(MLFLOW|WANDB)_.*(KEY|TOKEN|PASSWORD|USERNAME|SECRET)")

Ended = Literal["finished", "stopped", "failed"]


class Tracker(Protocol):
    """A service, such as MLflow, to which a run's rows of metrics are sent.

    If a method raises, `begin` is called again, and what was not delivered is sent again.
    """

    name: str

    def begin(self) -> None:
        """Find or create the run in the tracker, and ask which of its rows are there."""
        ...

    def send(self, rows: Sequence[TrackedRow]) -> None:
        """Send those of the rows that the tracker does not have."""
        ...

    def end(self, ended: Ended) -> None:
        """Tell the tracker how the run ended. If the run finished, send its result, too."""
        ...


class Delivery:
    """Sends all rows of a run to one tracker, in order, each once."""

    def __init__(self, tracker: Tracker, rows: Iterable[TrackedRow]) -> None:
        """Start the thread, which sends these rows and those that are added later."""
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
        """Add a row, which the thread sends soon."""
        self._rows.append(row)

    def end(self, ended: Ended) -> None:
        """Let the thread send the rows that are left and how the run ended. Return at once."""
        self._ended = ended
        self._deadline = time.monotonic() + CLOSE_SECONDS[ended]
        self._closing.set()

    def close(self) -> bool:
        """Wait until everything is sent, at most CLOSE_SECONDS after `end`; return whether everything is sent."""
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
        """Return whether to stop sending although something is left to send; never before `end` was called.

        That is so if CLOSE_SECONDS have passed since `end`. It is also so if the last attempt failed and the run ended
        before it was finished: when the run is resumed, the rest is sent.
        """
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
    """Return a text in one line, without passwords and users in addresses or values of variables like WANDB_API_KEY."""
    for name, value in os.environ.items():
        if SECRET.fullmatch(name) and value:
            text = text.replace(value, "***")
    return " ".join(re.sub(r"://[^/@\s]+@", "://***@", text).split())[:300]


def _say(line: str) -> None:
    print(f"tracking: {line}", file=sys.stderr, flush=True)
