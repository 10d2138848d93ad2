"""One trial in a pod: `python -m launch.trial FOLDER`, where FOLDER holds the trials and the Job gives the index."""

import dataclasses
import itertools
import json
import os
import signal
import sys
import time
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flexrl.errors import ConfigError, Preempted, exit_codes

if TYPE_CHECKING:
    from launch.attempt import Attempt
    from launch.trial_folder import TrialFolder
    from launch.trials import Trial

INDEX = "JOB_COMPLETION_INDEX"  # set by Kubernetes in each pod of an Indexed Job
POLL_SECONDS = 0.2
TELL_SECONDS = 30.0  # between lines that say how far it is
LOCK_SECONDS = 10.0  # for a pod that is replaced to leave its trial


def main(arguments: list[str]) -> None:
    """Run the trial to its end; the exit code is what the Job's podFailurePolicy reads."""
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda signum, _: asked.append(signum))
    with exit_codes():
        code = run(_parse(arguments), asked)
    raise SystemExit(code)


def _parse(arguments: list[str]) -> Namespace:
    from flexrl.arguments import Parser

    parser = Parser(prog="python -m launch.trial", description=__doc__)
    parser.add_argument("trials", type=Path, help="folder of *.jsonl files with a line for each trial")
    parser.add_argument("--retries", type=int, default=0, help="of a trial that crashed")
    parser.add_argument("--time-limit-minutes", type=float, help="of the trial, all its attempts together")
    parser.add_argument("--report", type=Path, help="file for the pod's termination message")
    return parser.parse_args(arguments)


def run(options: Namespace, asked: list[int]) -> int:
    """One attempt at the trial of this pod; its exit code.

    Args:
      options: of the command line.
      asked: signals that arrived so far.

    Raises:
      ConfigError: if there is no such trial.
      Preempted: if another pod runs it.
    """
    from launch import pod_report, states
    from launch.trial_folder import folder_of

    index = os.environ.get(INDEX, "")
    trial = read_trial(options.trials, index)
    folder = folder_of(trial)
    _clear(folder, _read_line(options.trials, index).get("cleared_attempts", 0))
    shown = folder.log.stat().st_size if folder.log.exists() else 0
    told = time.monotonic()
    with _begun(trial, options) as attempt:
        while not attempt.has_ended():
            if asked:
                attempt.stop()
            time.sleep(POLL_SECONDS)
            shown = _show(folder.log, shown)
            if time.monotonic() > told + TELL_SECONDS:
                told = time.monotonic()
                print(pod_report.line(trial.number, trial.key, *folder.steps_and_return()), flush=True)
    progress = attempt.progress
    print(f"trial {trial.number} {trial.key}: {progress.state} {progress.reason}", flush=True)
    if options.report:
        report = pod_report.PodReport(progress, *folder.steps_and_return(), folder.result())
        options.report.write_text(pod_report.encode(report), encoding="utf-8")
    return states.told(progress)


def _clear(folder: "TrialFolder", attempts: int) -> None:
    """Forget a failure that a user has asked to try again: one of the first so many attempts."""
    from launch import states

    if not folder.is_running():
        progress = folder.settled()
        if progress.state == "failed" and progress.attempts <= attempts:
            folder.write(states.cleared(progress))


def read_trial(folder: Path, index: str) -> "Trial":
    """The trial of an index, from 0.

    Raises:
      ConfigError: if the index is none, or has no line.
    """
    from flexrl.config import decode
    from launch.trials import trial_of

    content = _read_line(folder, index)
    config = decode(content["config"], f"{folder}: trial {content['number']}")
    trial = trial_of(content["number"], content["values"], config, config.folder.parent)
    return dataclasses.replace(trial, key=content["key"], folder=config.folder)  # as planned


def _read_line(folder: Path, index: str) -> dict[str, Any]:
    if not index.isdecimal():
        raise ConfigError(f"{INDEX}: {index!r} must be a trial's index; a pod of an Indexed Job has it")
    lines = (line for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines())
    line = next(itertools.islice(lines, int(index), None), None)
    if line is None:
        raise ConfigError(f"{INDEX}: {index} has no line in {folder}/*.jsonl; apply all ConfigMaps of the sweep")
    return json.loads(line)


def _begun(trial: "Trial", options: Namespace) -> "Attempt":
    from launch.attempt import Attempt

    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            return Attempt(trial, retries=options.retries, time_limit_minutes=options.time_limit_minutes)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Preempted(f"another pod runs trial {trial.number} {trial.key}") from None
            time.sleep(POLL_SECONDS)


def _show(log: Path, start: int) -> int:
    """Print what a log has from a byte on; where it ends now."""
    if not log.exists():
        return start
    with log.open("rb") as file:
        file.seek(start)
        sys.stdout.buffer.write(file.read())
        sys.stdout.flush()
        return file.tell()


if __name__ == "__main__":
    main(sys.argv[1:])
