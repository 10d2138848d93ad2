"""Runs a peer, another library's training, in a process of its own whose calls take turns with ours.

The peer prints lines of JSON: first the `num_steps` of one call and its `settings`, then, for every line `go` that it
reads, the `seconds` that the call took.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from flexrl.storage.provenance import REPOSITORY


class PeerError(Exception):
    """The process of another library's training failed, or wrote nothing."""


def ended(name: str, process: subprocess.Popen[Any], log: IO[str]) -> PeerError:
    """Return the error of a process that ended unexpectedly, with the last lines of its log."""
    log.seek(0)
    end = "".join(log.readlines()[-20:])
    return PeerError(f"{name} ended with exit status {process.wait()}; its last words:\n{end}")


class PeerSubject:
    """Another library's training in a process of its own, to be timed in turn with other programs.

    The process says what `num_steps`, the control steps of one call, and its `settings` are.
    """

    def __init__(self, name: str, process: subprocess.Popen[str], log: IO[str]) -> None:
        """Wait for the first line of the process: the control steps of one call, and the settings."""
        self.name = name
        self._process, self._log = process, log
        ready = self._answer()
        self.num_steps: int = ready["num_steps"]
        self.settings: dict[str, Any] = ready["settings"]

    def run(self, num_calls: int) -> float:
        """Let the process make `num_calls` training calls in turn; return the seconds that they took by its clock."""
        seconds = 0.0
        for _ in range(num_calls):
            with contextlib.suppress(BrokenPipeError):  # `_answer` reports the end of the peer
                print("go", file=self._process.stdin, flush=True)
            seconds += self._answer()["seconds"]
        return seconds

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ended(self.name, self._process, self._log)
        return json.loads(line)


@contextlib.contextmanager
def start_peer(
    name: str, module: str, arguments: Sequence[object] = (), python: Path = Path(sys.executable)
) -> Iterator[PeerSubject]:
    """Start a module that trains with another library by the interpreter `python`; provide it to be timed; end it."""
    environment = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", **os.environ}  # a GPU is shared with our own process
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            [str(python), "-m", module, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=REPOSITORY,
            env=environment,
        ) as process,
    ):
        try:
            yield PeerSubject(name, process, log)
        finally:
            process.kill()  # it has nothing to save
