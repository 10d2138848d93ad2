"""A lease on a trial's folder, for volumes that several machines share.

File locks are not enough on such volumes: on NFSv3 a lock stays when its machine vanishes, and on GCS FUSE no other
machine sees it. A lease is a file that its holder rewrites every few seconds. A process that wants the lease watches
the file by its own clock, so that no two clocks need to agree, and takes the lease over once the file has not changed
for `STALE_SECONDS`. A holder that could not write for `LOST_SECONDS`, or finds another holder's name in the file, has
lost the lease and must stop its training.
"""

import contextlib
import json
import math
import threading
import time
import uuid
from pathlib import Path
from typing import Self

BEAT_SECONDS = 10.0  # between two writes of the holder
STALE_SECONDS = 120.0  # without a write, after which another process may take the lease over
LOST_SECONDS = 60.0  # without a write, after which the holder gives the lease up: well before another takes it
SETTLE_SECONDS = 5.0  # from taking over to reading the file again: two processes may take over at the same moment
POLL_SECONDS = 1.0


class Lease:
    """The right to train in a folder: a file in it that names the holder, where several machines share the volume.

    A thread rewrites the file every `BEAT_SECONDS` until the `with` block ends, so that other processes see that the
    lease is in use. `is_lost` tells whether another process may hold it by now.
    """

    def __init__(self, path: Path) -> None:
        """Take the lease: at once if it is free, or after `STALE_SECONDS` if its holder no longer renews it.

        Args:
          path: the lease's file.

        Raises:
          BlockingIOError: if another process renews it.
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
        """Whether another process may hold the lease by now."""
        return time.monotonic() - self._last_beat > LOST_SECONDS

    def __enter__(self) -> Self:
        """Return the lease itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Release the lease, and remove its file unless another process has taken the lease over."""
        self._released.set()
        self._thread.join(BEAT_SECONDS)
        with contextlib.suppress(FileNotFoundError):
            if self._holder() == self._name:
                self._path.unlink()

    def _create(self) -> bool:
        """Create the lease's file if there is none, and return whether this process created it.

        If several processes try at once, only one succeeds, on NFS too.
        """
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
