"""A lease on a trial's folder, for volumes that several machines share.

The lock of a file is not enough there: on NFSv3 it stays when its machine vanishes, and on GCS FUSE no other machine
sees it. A lease is a file whose holder writes it anew every few seconds. Whoever wants it watches the file by a clock
of its own, so that no two clocks need to agree, and takes it over once it has not changed for `STALE_SECONDS`. A holder
that could not write for a while, or finds another's name, has lost it and must stop its training.
"""

import contextlib
import json
import math
import threading
import time
import uuid
from pathlib import Path
from typing import Self

BEAT_SECONDS = 10.0
STALE_SECONDS = 120.0  # without a beat, after which a lease may be taken over
LOST_SECONDS = 60.0  # without a beat, after which its holder gives it up; well before another one takes it
SETTLE_SECONDS = 5.0  # between taking over and believing it: another one may have done so at the same moment
POLL_SECONDS = 1.0


class Lease:
    """The right to train in a folder, kept by a thread until it is released."""

    def __init__(self, path: Path) -> None:
        """Take the lease, at once where it is free, else when it is stale.

        Args:
          path: of the lease's file.

        Raises:
          BlockingIOError: if another process keeps it.
        """
        self._path = path
        self._name = uuid.uuid4().hex
        self._beats = 0
        if not self._create():
            self._take_over()
        self._last_beat = time.monotonic()
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lease {path.parent.name}", daemon=True)
        self._thread.start()

    @property
    def is_lost(self) -> bool:
        """Whether another one may have it by now."""
        return time.monotonic() - self._last_beat > LOST_SECONDS

    def __enter__(self) -> Self:
        """The lease itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of it."""
        self._released.set()
        self._thread.join(BEAT_SECONDS)
        with contextlib.suppress(FileNotFoundError):
            if self._holder() == self._name:
                self._path.unlink()

    def _create(self) -> bool:
        """Make the file if there is none: of several processes one succeeds, also on NFS."""
        try:
            with self._path.open("x", encoding="utf-8") as file:
                file.write(self._text())
        except FileExistsError:
            return False
        return True

    def _take_over(self) -> None:
        seen, since = self._content(), time.monotonic()
        while time.monotonic() - since < STALE_SECONDS:
            time.sleep(POLL_SECONDS)
            now = self._content()
            if now is None and self._create():
                return
            if now != seen:
                raise BlockingIOError(f"{self._path}: another process keeps it")
        self._write()
        time.sleep(SETTLE_SECONDS)
        if self._holder() != self._name:
            raise BlockingIOError(f"{self._path}: another process took it over")

    def _keep(self) -> None:
        while not self._released.wait(BEAT_SECONDS):
            try:
                if self.is_lost or self._holder() != self._name:
                    self._last_beat = -math.inf  # lost at once, and for good
                    return
                self._write()
            except OSError:  # the volume may answer again before the lease is lost
                continue
            self._last_beat = time.monotonic()

    def _write(self) -> None:
        temporary = self._path.with_name(f"{self._path.name}.{self._name}")
        temporary.write_text(self._text(), encoding="utf-8")
        temporary.replace(self._path)

    def _text(self) -> str:
        self._beats += 1
        return json.dumps({"holder": self._name, "beat": self._beats})

    def _content(self) -> str | None:
        try:
            return self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def _holder(self) -> str:
        try:
            return json.loads(self._content() or "{}").get("holder", "")
        except ValueError:  # half written by a machine that vanished
            return ""
