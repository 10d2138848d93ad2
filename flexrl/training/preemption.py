"""Save the run and exit on SIGTERM or Ctrl-C, whatever the main thread is doing."""

import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from flexrl.common.errors import EXIT_PREEMPTED, Preempted
from flexrl.common.tables import command_line

GRACE_SECONDS = 3.0  # time for the main thread to finish its step and save by itself


class StopRequest:
    """Notices SIGTERM and SIGINT at once, even while the main thread compiles.

    Python runs signal handlers on the main thread only, and not while that thread is inside XLA. But the C-level
    handler writes to the wake-up file descriptor at once, so a watcher thread always learns of the signal. The main
    loop checks `requested` between steps, and then calls `answer`, which saves and ends the run. If it does not get
    there in time, because it compiles or evaluates, the watcher saves the run and exits the process instead.
    """

    def __init__(self, *, ends_process: bool = True) -> None:
        """Start watching for signals. Call this in the main thread, before anything slow.

        Args:
          ends_process: if the main thread does not answer in time, save and exit the process. Without it, as in a
            notebook, the main thread alone answers, however late.
        """
        self._event = threading.Event()
        self._state_in_use = threading.RLock()  # after `answer` the main thread never releases it
        self._save: Callable[[], None] = _nothing
        self._ends_process = ends_process
        self._only_between_steps = False
        self._way_on = "nothing was saved; start again by the same command"
        reader, writer = socket.socketpair()
        writer.setblocking(False)
        self._wakeup_before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        self._writer = writer
        self._handlers_before = {
            number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)
        }
        threading.Thread(target=self._watch, args=(reader,), name="stop-watcher", daemon=True).start()

    def close(self) -> None:
        """Stop watching, and restore the earlier signal handlers."""
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._handlers_before.items():
            signal.signal(number, handler)
        self._writer.close()  # this ends the watcher

    @property
    def requested(self) -> bool:
        """Whether the process was asked to stop."""
        return self._event.is_set()

    def go_on_by(self, command: str) -> None:
        """Set the command by which the user can resume the run. The message after a stop names it."""
        self._way_on = f"go on by {command}"

    def on_request(self, save: Callable[[], None], *, only_between_steps: bool) -> None:
        """Set the function that saves the run.

        Args:
          save: saves the run. The watcher thread may call it, too, but never inside `state_in_use`.
          only_between_steps: leave saving to the main thread, because several hosts must save together.
        """
        self._save = save
        self._only_between_steps = only_between_steps

    def forget(self) -> None:
        """Save nothing from here on: the training is over, and its files are about to be closed."""
        with self._state_in_use:
            self._save, self._only_between_steps = _nothing, False

    @contextmanager
    def state_in_use(self) -> Iterator[None]:
        """Keep the watcher from saving while this context is open: a step uses up the run's state."""
        with self._state_in_use:
            yield

    def answer(self) -> NoReturn:
        """Save and end the run from the main thread, after a request to stop.

        Raises:
          Preempted: always.
        """
        self._state_in_use.acquire()  # never released, so that the watcher does nothing more
        self._save()
        raise Preempted(self._message())

    def _message(self) -> str:
        return f"asked to; {self._way_on}"

    def _watch(self, reader: socket.socket) -> None:
        """Wait for a signal. If the main thread does not answer it in time, save the run and exit the process."""
        while (number := reader.recv(1)) not in (bytes([signal.SIGTERM]), bytes([signal.SIGINT])):
            if not number:
                return reader.close()
        self._event.set()
        time.sleep(GRACE_SECONDS)
        if self._only_between_steps or not self._ends_process:
            return
        with self._state_in_use:
            try:
                self._save()
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            print(f"stopped: {self._message()}", file=sys.stderr, flush=True)
            sys.stdout.flush()
            os._exit(EXIT_PREEMPTED)


def way_on(arguments: list[str], folder: Path, num_hosts: int) -> str:
    """Return the command that goes on with a training that was stopped, ready to be pasted.

    Args:
      arguments: the command line of the training.
      folder: folder of the run, or of the group of runs.
      num_hosts: number of hosts that train together.
    """
    if "--members" in arguments:  # a member that has begun is resumed
        return command_line("flexrl.train", *arguments)
    command = command_line("flexrl.train", "--resume", str(folder))
    return command if num_hosts == 1 else f"{command} on each host, with its own flags of hosts"


def _nothing() -> None:
    """Save nothing: stands in for the function that saves, while there is nothing to save."""
