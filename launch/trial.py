"""The command of a sweep's pods: `python -m launch.trial FOLDER` trains one trial, or one pack of trials.

A trial is one run of the sweep. A pack is a group of trials that one program trains together. FOLDER holds
`trials.jsonl.gz`, with the trials of one pod on each line. Kubernetes tells the pod the index of its line.
"""

import contextlib
import dataclasses
import gzip
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from flexrl.common.errors import EXIT_PAUSED, EXIT_PREEMPTED, ConfigError, Preempted, exit_codes
from flexrl.common.types import JsonObject
from launch.attempt.pod_interface import HOST_INDEX, INDEX, START_SECONDS, TRIALS_FILE

if TYPE_CHECKING:
    from launch.attempt.bucket_copies import BucketCopies
    from launch.attempt.training_process import Attempt
    from launch.plan.states import Progress
    from launch.plan.trials import Trial

POLL_SECONDS = 0.2
TELL_SECONDS = 30.0  # between progress lines in the log
LOCK_SECONDS = 30.0  # how long to wait for the pod that this one replaces to let go of the trial
Begun = TypeVar("Begun")

STOP_SECONDS = 10.0  # from SIGTERM to SIGKILL of the training: a spot machine gives its pods 15 s in all


def main(arguments: list[str]) -> None:
    """Make one attempt at the pod's trials (runs of a sweep), and exit with the code that the Job's rules read."""
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda signum, _: asked.append(signum))
    with exit_codes():
        code = run(_parse(arguments), asked)
    raise SystemExit(code)


def _parse(arguments: list[str]) -> Namespace:
    from flexrl.common.parser import Parser

    parser = Parser(prog="python -m launch.trial", description=__doc__)
    parser.add_argument("trials", type=Path, help=f"folder with {TRIALS_FILE}, which has a line for each index")
    parser.add_argument("--retries", type=int, default=0, help="how often to retry a trial that crashed")
    parser.add_argument("--time-limit-minutes", type=float, help="time limit of the trial, all its attempts together")
    parser.add_argument("--pause-after", type=int, help="pause the trial after so many evaluations")
    parser.add_argument("--hosts", action="store_true", help="indexes are hosts that all train one trial together")
    parser.add_argument(
        "--bucket", help="gs://BUCKET/PATH that holds the workspace; the local folders are copies of it"
    )
    parser.add_argument("--report", type=Path, help="file to write the pod's termination message to")
    return parser.parse_args(arguments)


def run(options: Namespace, asked: list[int]) -> int:
    """Start or resume the training of this pod's trials (runs of a sweep), and return the pod's exit code.

    If one trial of a pack (trials that one program trains) fails, the training of the others is resumed without it.

    Args:
      options: parsed command line.
      asked: list to which the signal handler appends SIGTERM and SIGINT.

    Raises:
      ConfigError: if the pod's index has no trial.
      Preempted: if another pod runs one of the trials, or their runs cannot be uploaded to the bucket.
    """
    from launch.attempt import pod_report
    from launch.attempt.trial_folder import folder_of
    from launch.plan import states

    index = os.environ.get(INDEX, "")
    if options.hosts:
        os.environ[HOST_INDEX], host, index = index, index, "0"
        if host != "0":
            return _follow(read_trials(options.trials, index)[0], asked, options.pause_after)
    trials = read_trials(options.trials, index)
    cleared = {line["key"]: line.get("cleared_attempts", 0) for line in _read_line(options.trials, index)}
    with _bucket_copies(trials, options) as copies:
        progress = _attempt(trials, options, asked, cleared, copies)
        while not asked and states.goes_on_alone(progress.values()):
            progress = _attempt(trials, options, asked, cleared, copies)
        if copies is not None:
            copies.finish()
    reports = []
    for trial in trials:
        folder, end = folder_of(trial), progress[trial.key]
        print(f"trial {trial.number} {trial.key}: {end.state} {end.reason}", flush=True)
        reports.append(pod_report.PodReport(trial.key, end, *folder.steps_and_return(), folder.result()))
    for report in reports:
        if report.result:
            print(pod_report.result_line(report.key, report.result), flush=True)
    if options.report:
        options.report.write_text(pod_report.encode(reports), encoding="utf-8")
    return states.told(progress.values())


def _follow(trial: "Trial", asked: list[int], pause_after: int | None) -> int:
    """Train, on a host other than host 0, the trial that several hosts train together; return this pod's exit code.

    Only host 0 writes the trial's progress and result. A failure here counts as an interruption, and uses up no retry.

    Args:
      trial: the trial, which host 0 trains too.
      asked: list to which the signal handler appends SIGTERM and SIGINT.
      pause_after: number of evaluations after which the training pauses; None to train to the end.
    """
    from launch.attempt import training_process as attempt
    from launch.attempt.trial_folder import folder_of

    folder = folder_of(trial)
    deadline = time.monotonic() + float(os.environ.get(START_SECONDS, "300"))
    while not (trial.folder / "trial.json").exists():  # host 0 has not started yet
        if asked or time.monotonic() > deadline:
            return EXIT_PREEMPTED
        time.sleep(POLL_SECONDS)
    if folder.result() is not None:
        return 0
    pause = ["--pause-after", str(pause_after)] if pause_after else []
    with subprocess.Popen([*attempt.TRAINING, *folder.command(), *pause], start_new_session=True) as process:
        while process.poll() is None:
            if asked:
                process.send_signal(asked.pop())
            time.sleep(POLL_SECONDS)
    return 0 if process.returncode in (0, EXIT_PAUSED) else EXIT_PREEMPTED


@contextlib.contextmanager
def _bucket_copies(trials: list["Trial"], options: Namespace) -> Iterator["BucketCopies | None"]:
    """Download the trials' runs from the bucket, and upload what changes in them until the `with` block ends.

    Without `--bucket` copy nothing, and yield None.

    Raises:
      Preempted: if another pod runs one of the trials, or the bucket does not answer.
    """
    if options.bucket is None:
        yield None
        return
    from flexrl.storage.bucket import Bucket, BucketDown
    from launch.attempt.bucket_copies import BucketCopies

    bucket = Bucket(options.bucket)
    try:
        copies = _once_free(lambda: BucketCopies(bucket, trials), trials)
    except BucketDown as error:
        raise Preempted(str(error)) from None
    with contextlib.closing(copies):
        yield copies


def _attempt(
    trials: list["Trial"],
    options: Namespace,
    asked: list[int],
    cleared: dict[str, int],
    copies: "BucketCopies | None",
) -> dict[str, "Progress"]:
    """Train the trials in one process until it ends, print its log meanwhile, and return each trial's progress by key.

    Args:
      trials: trials that one program trains together.
      options: parsed command line.
      asked: list to which the signal handler appends SIGTERM and SIGINT; then the training saves and stops.
      cleared: by key, how many attempts a trial had made when the user cleared its failure with `retry`.
      copies: uploads the runs to the bucket; None without a bucket.

    Raises:
      Preempted: if another pod runs one of the trials or may have taken it over, or their runs cannot be uploaded.
    """
    from launch.attempt import pod_report
    from launch.attempt.trial_folder import folder_of

    told = time.monotonic()
    with _begun(trials, options, cleared) as attempt:
        if not attempt.trials:
            return attempt.progress
        log, shown = folder_of(attempt.trials[0]).log, attempt.log_start
        while not attempt.has_ended():
            if asked:
                attempt.stop()
            if attempt.has_lost_its_lease:
                attempt.abandon()
                raise Preempted(f"the volume did not answer, or another pod has taken over {_named(attempt.trials)}")
            if copies is not None and (problem := copies.problem):
                attempt.abandon()
                raise Preempted(problem)
            time.sleep(POLL_SECONDS)
            shown = _show(log, shown)
            if time.monotonic() > told + TELL_SECONDS:
                told = time.monotonic()
                for trial in attempt.trials:
                    figures = folder_of(trial).steps_and_return()
                    print(pod_report.line(trial.number, trial.key, *figures), flush=True)
        _show(log, shown)
    return attempt.progress


def read_trials(folder: Path, index: str) -> list["Trial"]:
    """Read the trials of an index of the Job, counted from 0, from the folder's `trials.jsonl.gz`.

    Raises:
      ConfigError: if the index is not a number, or the file has no line for it.
    """
    from flexrl.config.run_config import decode
    from launch.plan.trials import trial_of

    trials = []
    for content in _read_line(folder, index):
        config = decode(content["config"], f"{folder}: trial {content['number']}")
        trial = trial_of(content["number"], content["values"], config, config.folder.parent)
        trials.append(dataclasses.replace(trial, key=content["key"], folder=config.folder))  # the planned key
    return trials


def _read_line(folder: Path, index: str) -> list[JsonObject]:
    if not index.isdecimal():
        raise ConfigError(f"{INDEX}: {index!r} must be a trial's index; a pod of an Indexed Job has it")
    path = folder / TRIALS_FILE
    if not path.exists():
        raise ConfigError(f"trials: {path} is missing; apply the ConfigMap of the Job's trials")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        line = next(itertools.islice(lines, int(index), None), None)
    if line is None:
        raise ConfigError(f"{INDEX}: {index} has no line in {path}; apply the ConfigMap of the Job's trials")
    return json.loads(line)


def _begun(trials: list["Trial"], options: Namespace, cleared: dict[str, int]) -> "Attempt":
    from launch.attempt.training_process import Attempt

    def begin() -> "Attempt":
        return Attempt(
            trials,
            retries=options.retries,
            time_limit_minutes=options.time_limit_minutes,
            rung=options.pause_after,
            cleared=cleared,
            stop_seconds=STOP_SECONDS,
        )

    return _once_free(begin, trials)


def _once_free(begin: Callable[[], Begun], trials: list["Trial"]) -> Begun:
    """Call `begin` until it raises no BlockingIOError, as it does while another pod runs a trial; return its result.

    Raises:
      Preempted: if another pod still runs one of the trials after `LOCK_SECONDS`.
    """
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            return begin()
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Preempted(f"another pod runs {_named(trials)}") from None
            time.sleep(POLL_SECONDS)


def _named(trials: list["Trial"]) -> str:
    return "trial " + ", ".join(f"{trial.number} {trial.key}" for trial in trials)


def _show(log: Path, start: int) -> int:
    """Print a log from byte `start` on, and return the byte at which it ends now."""
    if not log.exists():
        return start
    with log.open("rb") as file:
        file.seek(start)
        sys.stdout.buffer.write(file.read())
        sys.stdout.flush()
        return file.tell()


if __name__ == "__main__":
    main(sys.argv[1:])
