"""The command of a pipeline's pods: `python -m launch.stage JSON` makes an attempt at one stage.

A stage is a training or a command. JSON is a `launch.pipelines.stages.Stage`. The stage's folder and those of its
inputs lie in the workspace that JSON names, on a volume that all stages share.
"""

import json
import signal
import sys
import time
from typing import TYPE_CHECKING

from flexrl.common.errors import ConfigError, Preempted, exit_codes

if TYPE_CHECKING:
    from launch.pipelines.stages import Stage
    from launch.plan.states import Progress

LOCK_SECONDS = 30.0  # how long to wait for the pod that this one replaces to let go of the stage
STOP_SECONDS = 10.0  # from SIGTERM to SIGKILL of the process: a spot machine gives its pods 15 s in all
POLL_SECONDS = 0.2


def main(arguments: list[str]) -> None:
    """Make one attempt at the stage that the command line holds as JSON; exit with the code that a scheduler reads."""
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda signum, _: asked.append(signum))
    with exit_codes():
        stage = read(arguments)
        progress = _attempt(stage, asked)
        from launch.plan import states

        line = f"stage {stage.name} {stage.key}: {progress.state} {progress.reason}".rstrip()
        print(line, flush=True, file=sys.stdout if progress.state == "done" else sys.stderr)
        raise SystemExit(states.told([progress]))


def read(arguments: list[str]) -> "Stage":
    """Return the stage in the command line.

    Raises:
      ConfigError: if the command line is not one stage as JSON.
    """
    from flexrl.common.decoding import decode_as
    from launch.pipelines.stages import Stage

    if len(arguments) != 1:
        raise ConfigError(f"stage: {len(arguments)} arguments where one is expected, a stage as JSON")
    try:
        content = json.loads(arguments[0])
    except ValueError as error:
        raise ConfigError(f"stage: {arguments[0][:40]!r} is no JSON ({error}); launch.pipeline writes it") from None
    if not isinstance(content, dict):
        raise ConfigError(f"stage: {arguments[0][:40]!r} must be a mapping; launch.pipeline writes it")
    return decode_as(Stage, content, "stage")


def _attempt(stage: "Stage", asked: list[int]) -> "Progress":
    """Run the stage's process until it ends, and return the stage's progress.

    Args:
      stage: the stage.
      asked: list to which the signal handler appends SIGTERM and SIGINT; then the process saves and stops.

    Raises:
      Preempted: if another pod runs the stage.
    """
    from launch.pipelines.stage_process import Watch, attempt

    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            return attempt(stage, Watch(asked, STOP_SECONDS, shows_log=True), retries=0)
        except BlockingIOError:
            if asked or time.monotonic() > deadline:
                raise Preempted(f"another pod runs stage {stage.name}") from None
            time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1:])
