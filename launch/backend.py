"""The interface between the commands of `launch.sweep` and the place where trials run: this machine or a cluster."""

from argparse import Namespace
from collections.abc import Callable
from typing import Protocol

from launch.plan.states import Progress
from launch.plan.trials import Trial

Grow = Callable[[], bool]  # appends the next round of a search to the list of trials; returns whether it did


def never() -> bool:
    """Return False: a stand-in for the function that appends the next trials of a search to a list of trials.

    It is used for sweeps that are no search: all their trials are there from the start.
    """
    return False


class Backend(Protocol):
    """Runs, observes and stops the trials of one sweep in one place: this machine or a Kubernetes cluster.

    `look` finds out the state of the trials; `progress` answers from what the last `look` found.
    """

    def look(self, *, record: bool = False) -> None:
        """Find out the state of each trial.

        Args:
          record: for trials on a cluster, also write how they ended, and their results, to this machine.
        """
        ...

    def progress(self, trial: Trial) -> Progress:
        """Return the state and history of a trial, as the last call of `look` found them."""
        ...

    def figures(self, trial: Trial) -> tuple[int, float | None, str]:
        """Return the control steps that a trial has done, the mean return of its newest evaluation, and a note.

        The return is None if there is none yet. The note says why something could not be found out, such as that a log
        cannot be read; else it is empty.
        """
        ...

    def who(self) -> str:
        """Say in a few words which process or which Jobs run the trials."""
        ...

    def remarks(self) -> list[str]:
        """Return lines about trials whose results are not on this machine, to be printed with the results."""
        ...

    def objects(self, pack: int) -> str | None:
        """Return the Kubernetes objects that run the trials, as YAML; None if trials run as processes of this machine.

        Args:
          pack: most trials that one pod trains.
        """
        ...

    def submit(self, options: Namespace) -> None:
        """Run the trials that are neither done nor failed, or send them to the cluster.

        Raises:
          SystemExit: with an exit code, if trials failed or the user asked to stop.
        """
        ...

    def advance(self) -> bool:
        """Find out the state of the trials anew; return whether some still run or will run, so that `watch` goes on.

        On a cluster, also write to this machine how trials ended, and send the trials that could not be sent before.
        These had to wait for machines or, in a search, for the results of earlier trials.
        """
        ...

    def cancel(self, *, dry_run: bool) -> list[Trial]:
        """Ask the running trials to save and stop, wait for that, and return them; with `dry_run` only return them."""
        ...

    def log(self, trial: Trial, *, follow: bool) -> str:
        """Return all that a trial has printed so far.

        Raises:
          ConfigError: if it has printed nothing yet, unless `follow` is set: then the text is empty.
        """
        ...

    def runs_on(self, trial: Trial) -> bool:
        """Look again, and return whether a trial runs or will run, so that its log may still grow."""
        ...
