"""The error for wrong user input, and a quiet exit of a program when its output pipe was closed, as `head` does."""

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager

EXIT_BAD_INPUT = 65  # wrong config, command line or checkpoint; starting again cannot help
EXIT_UNREAD = 141  # the reader of the output has left, as in `flexrl | head -1`; 128 + SIGPIPE, as others end


class ConfigError(ValueError):
    """The user's input cannot be used. The message names the field, its value, the limit and what to do instead."""


@contextmanager
def quiet_when_unread() -> Iterator[None]:
    """End the program without a traceback if the pipe that reads its output was closed, as in `flexrl | head -1`.

    Only the pipes of standard output and standard error count: a broken connection to a server keeps its traceback.

    Raises:
      SystemExit: if such a pipe was closed; with the code 141 (`EXIT_UNREAD`), or with the code other than 0 with
        which the program was ending anyway.
    """
    code = None
    try:
        try:
            yield
        except SystemExit as end:
            code = end.code
            print(end="", flush=True)  # before Python ends, which would print an error of its own
            raise
        print(end="", flush=True)
    except BrokenPipeError:
        unread = _unread()
        if not unread:
            raise
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for descriptor in unread:
            os.dup2(nowhere, descriptor)  # takes what is still to be written when Python ends
        raise SystemExit(code or EXIT_UNREAD) from None


def _unread() -> list[int]:
    """Return the file descriptors, of standard output and standard error, whose pipe was closed by its reader."""
    poll = select.poll()
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:
            poll.register(stream.fileno(), 0)
    return [descriptor for descriptor, event in poll.poll(0) if event & (select.POLLERR | select.POLLHUP)]
