"""The runs of a pod whose workspace is a bucket: local folders, and their copies in the bucket.

The pod trains in its own folders. A thread uploads what has changed. When the attempt has ended, `finish` uploads the
rest; only then may the pod report a result.
"""

import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from flexrl.common.errors import ConfigError, Preempted
from flexrl.storage.bucket import Bucket, BucketDown, Superseded
from flexrl.storage.mirror import Writer, pull
from launch.plan.trials import Trial

FIRST_SECONDS = 1.0  # until the first push, which records that an attempt has begun
PUSH_SECONDS = 20.0  # between two pushes


class BucketCopies:
    """Keeps the copies of some trials' runs in a bucket up to date while the trials train in local folders.

    Holds the right to write each of these runs in the bucket, and a thread that uploads what has changed in them.
    """

    def __init__(self, bucket: Bucket, trials: Sequence[Trial]) -> None:
        """Take the right to write each run, and copy the runs that the bucket has to the trials' folders.

        Args:
          bucket: the sweep's workspace.
          trials: trials whose runs are at `<sweep>/<key>` in the bucket.

        Raises:
          BlockingIOError: if another pod writes one of them.
          BucketDown: if the bucket does not answer.
          ConfigError: if the bucket refuses, a run in it is damaged, or the run that a trial begins from is missing.
        """
        self._writers: dict[Path, Writer] = {}
        with ExitStack() as undo:
            for trial in trials:
                writer = Writer(bucket, f"{trial.folder.parent.name}/{trial.folder.name}")
                undo.callback(writer.release)
                writer.pull(trial.folder)
                _pull_parent(bucket, trial)
                self._writers[trial.folder] = writer
            undo.pop_all()
        self._leaving = threading.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bucket")
        self._pushing = self._thread.submit(self._keep)

    @property
    def problem(self) -> str | None:
        """Why the runs can no longer be pushed, in a line; None while they can.

        Raises:
          Exception: what the thread raised, if it was not about the bucket.
        """
        if not self._pushing.done():
            return None
        try:
            self._pushing.result()
        except (BucketDown, Superseded, ConfigError) as error:
            return str(error)
        return None

    def finish(self) -> None:
        """Push all runs a last time, and give up the right to write them.

        Raises:
          Preempted: if that fails, so that the trials must be tried again from what was pushed before.
        """
        self.close()
        try:
            self._pushing.result()
            for folder, writer in self._writers.items():
                writer.push(folder, release=True)
        except (BucketDown, Superseded, ConfigError) as error:  # the next pod finds out whether it is refused for good
            raise Preempted(f"{error}; what was done since the last upload is done again") from None

    def close(self) -> None:
        """End the thread that uploads the runs. Changes that it has not uploaded yet stay in the local folders.

        The right to write the runs in the bucket is not given up; `finish` does that.
        """
        self._leaving.set()
        self._thread.shutdown()

    def _keep(self) -> None:
        """Upload what has changed in the runs every `PUSH_SECONDS` until `close` is called; the thread runs this.

        If the bucket does not answer, print that and try again later: the training goes on meanwhile.
        """
        wait = FIRST_SECONDS
        while not self._leaving.wait(wait):
            wait = PUSH_SECONDS
            for folder, writer in self._writers.items():
                try:
                    writer.push(folder)
                except BucketDown as error:
                    print(f"the training goes on, and is uploaded later: {error}", file=sys.stderr, flush=True)


def _pull_parent(bucket: Bucket, trial: Trial) -> None:
    """Download a trial's `parent`, the run that it begins from, to the folder that the trial's config names.

    Does nothing if the trial has no parent or was begun before, or if the folder exists.

    Raises:
      ConfigError: if the bucket does not have the parent.
    """
    if trial.config.parent is None or (trial.folder / "config.yaml").exists():
        return
    workspace, folder = trial.folder.parent.parent, Path(trial.config.parent.rpartition(":")[0])
    if folder.exists():
        return
    run = folder.relative_to(workspace).as_posix()  # `launch.kubernetes.manifests` sends no other parents
    if not pull(bucket, run, folder):
        raise ConfigError(
            f"trial {trial.number}: parent: {trial.config.parent!r} is not in {bucket.address}; copy it there by "
            f"python -m flexrl.runs push {bucket.address} RUN"
        )
