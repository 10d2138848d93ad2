"""Runs pods with a fake training, forked from a process that has imported all modules: importing takes seconds."""

import contextlib
import multiprocessing
import os
import signal
import sys
from pathlib import Path

from flexrl.storage import bucket, mirror
from launch import trial
from launch.attempt import bucket_copies, lease
from launch.attempt import pod_report as _pod_report  # noqa: F401  # a trial imports these two late
from launch.attempt import training_process as attempt
from launch.attempt import trial_folder as _trial_folder  # noqa: F401
from tests.launch import fake_training
from tests.launch.kube.node import on_this_machine

with contextlib.suppress(ImportError):  # importing it takes seconds, and a pod with a bucket needs it
    import google.cloud.storage  # noqa: F401

TRAINING = "TEST_TRAINING"  # environment variable: the module that stands in for `flexrl.train`
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])


LEASES = {"BEAT_SECONDS": 0.3, "STALE_SECONDS": 6.0, "LOST_SECONDS": 4.0, "SETTLE_SECONDS": 0.3, "POLL_SECONDS": 0.1}


def quicken() -> None:
    """Shorten times, so that leases and runs in buckets are taken over in seconds instead of minutes."""
    for name, seconds in LEASES.items():
        setattr(lease, name, seconds)
    mirror.STALE_SECONDS, mirror.POLL_SECONDS, bucket_copies.PUSH_SECONDS = 6.0, 0.1, 1.0
    bucket.FIRST_WAIT, bucket.LONGEST_WAIT = 0.05, 0.5


class ForkedTrial:
    """A process with the methods of `subprocess.Popen` that a node needs."""

    def __init__(self, arguments: list[str], environment: dict[str, str], log: Path) -> None:
        self._process = _CONTEXT.Process(target=_run, args=(arguments, on_this_machine(environment), log), daemon=False)
        self._process.start()
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def terminate(self) -> None:
        self._process.terminate()

    def send_signal(self, number: int) -> None:
        if self._process.is_alive():
            os.kill(self.pid, number)

    def wait(self) -> None:
        self._process.join()


def _run(arguments: list[str], environment: dict[str, str], log: Path) -> None:
    os.environ.update(environment)
    with log.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    quicken()
    attempt.TRAINING = (sys.executable, "-m", environment.get(TRAINING, fake_training.__name__))
    trial.main(arguments)
