"""Runs a process that writes lines of JSON, and notes how many seconds after its start each line appeared."""

import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.peers.process import PeerError, ended
from flexrl.storage.provenance import REPOSITORY

POLL_SECONDS = 0.25
STOP_SECONDS = 15.0  # between SIGTERM and SIGKILL

Row = tuple[float, dict[str, Any]]  # seconds since the start of the process, content of the line


@dataclass(frozen=True)
class Watched:
    """What a process wrote.

    Attributes:
      rows: for each file its lines, as (seconds since the start of the process, decoded JSON).
      seconds: from the start of the process until it ended or was stopped.
      finished: whether it ended by itself.
    """

    rows: list[list[Row]]
    seconds: float
    finished: bool


def watch(
    name: str,
    command: Sequence[str],
    files: Sequence[Path],
    seconds: float,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    enough_rows: int | None = None,
) -> Watched:
    """Run a command for at most so many seconds, and read the lines that it writes to the files.

    Args:
      name: name of the program, for error messages.
      command: program and arguments; its standard output goes to `folder / "stdout"`.
      files: files of JSON lines to read.
      seconds: seconds after which the process is stopped.
      folder: folder for its output.
      environment: environment variables to add to ours; by default `empty_caches` of the folder, so that the process
        compiles everything.
      enough_rows: rows of the first file after which the process is stopped, too; by default it is not.

    Raises:
      PeerError: if the process fails, or has written nothing to the first file when it is stopped.
    """
    environment = {**os.environ, **(empty_caches(folder) if environment is None else environment)}
    tails = [Tail(path) for path in files]
    started = time.monotonic()
    with (
        (folder / "stdout").open("w") as output,
        (folder / "stderr").open("w+") as log,
        subprocess.Popen(command, stdout=output, stderr=log, cwd=REPOSITORY, env=environment) as process,
    ):
        try:
            while True:
                finished, now = process.poll() is not None, time.monotonic() - started
                for tail in tails:
                    tail.read(now)
                if finished or now >= seconds or (enough_rows and len(tails[0].rows) >= enough_rows):
                    break
                time.sleep(POLL_SECONDS)
        finally:
            stop(process)
        if finished and process.returncode:
            raise ended(name, process, log)
    if not tails[0].rows:
        raise PeerError(f"{name} wrote nothing within {now:.0f} s; give it more --minutes")
    return Watched([tail.rows for tail in tails], now, finished)


def empty_caches(folder: Path) -> dict[str, str]:
    """Return environment variables by which JAX and Warp compile everything anew, and cache it in `folder`."""
    return {"JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"), "WARP_CACHE_PATH": str(folder / "kernels")}


def stop(process: subprocess.Popen[Any]) -> None:
    """Ask a process to end, and kill it if it does not end in `STOP_SECONDS`."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


class Tail:
    """Reads a growing file of JSON lines. `rows` holds the lines read so far, each with the time of its reading."""

    def __init__(self, path: Path) -> None:
        """Keep the path. The file may be created later."""
        self.rows: list[Row] = []
        self._path, self._position = path, 0

    def read(self, now: float) -> None:
        """Read the complete lines that are new, and note `now` as their time."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._position)
            whole = [line for line in file if line.endswith(b"\n")]
        self._position += sum(map(len, whole))
        self.rows += [(now, json.loads(line)) for line in whole]
