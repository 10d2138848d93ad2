"""Being asked to stop: SIGTERM and Ctrl-C save the run, whatever the main thread is doing."""

import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from flexrl.common.errors import EXIT_PREEMPTED, Preempted

GRACE_SECONDS = 3.0  # for the main thread to reach the end of its step


class StopRequest:
    """Notices SIGTERM and SIGINT at once, even while the main thread compiles.

    Python runs signal handlers on the main thread only, and not inside XLA. The wake-up file descriptor is written
    to by the C-level handler, so a watcher thread learns of the signal in any case. The main loop asks `requested`
    between steps and answers by itself; where it does not come to that in time, because it compiles or evaluates,
    the watcher saves and leaves the process in its stead.
    """

    def __init__(self) -> None:
        """Start watching; call this in the main thread, before anything slow."""
        self._event = threading.Event()
        self._state_in_use = threading.RLock()  # kept by the main thread once it has answered
        self._save: Callable[[], None] = _nothing
        self._only_between_steps = False
        reader, writer = socket.socketpair()
        writer.setblocking(False)
        self._wakeup_before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        self._writer = writer
        self._handlers_before = {
            number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)
        }
        threading.Thread(target=self._watch, args=(reader,), name="stop-watcher", daemon=True).start()

    def close(self) -> None:
        """Leave signals to whoever had them before."""
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._handlers_before.items():
            signal.signal(number, handler)
        self._writer.close()  # which ends the watcher

    @property
    def requested(self) -> bool:
        """Whether the run was asked to stop."""
        return self._event.is_set()

    def on_request(self, save: Callable[[], None], *, only_between_steps: bool) -> None:
        """What saves the run, whenever its state is not in use.

        Args:
          save: may be called by another thread than the main one,
          only_between_steps: unless this leaves it to the main thread, because several hosts must save together.
        """
        self._save = save
        self._only_between_steps = only_between_steps

    def forget(self) -> None:
        """Save nothing from here on, because the training is over: its files are about to be closed."""
        with self._state_in_use:
            self._save, self._only_between_steps = _nothing, False

    @contextmanager
    def state_in_use(self) -> Iterator[None]:
        """Code during which the run's state cannot be saved: a step that consumes it."""
        with self._state_in_use:
            yield

    def answer(self) -> NoReturn:
        """Save and end the run, because it was asked to stop, from the main thread.

        Raises:
          Preempted: always.
        """
        self._state_in_use.acquire()  # and never released: the watcher stays out
        self._save()
        raise Preempted("asked to; start again with --resume")

    def _watch(self, reader: socket.socket) -> None:
        while (number := reader.recv(1)) not in (bytes([signal.SIGTERM]), bytes([signal.SIGINT])):
            if not number:
                return reader.close()
        self._event.set()
        time.sleep(GRACE_SECONDS)
        if self._only_between_steps:
            return
        with self._state_in_use:
            try:
                self._save()
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            print("stopped: asked to; start again with --resume", file=sys.stderr, flush=True)
            sys.stdout.flush()
            os._exit(EXIT_PREEMPTED)


def _nothing() -> None:
    """Save nothing."""
